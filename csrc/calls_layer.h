// The epilogues of a styled convolution and the step to the picture: from tensors to structs.
#pragma once

#include "calls.h"

namespace nada::calls {

inline Epilogue epilogue_sizes(const Tensor& x, bool channels_last, int64_t h, int64_t w, double alpha, double gain,
                               double clamp) {
  Epilogue args{};
  args.n = x.size(0), args.c = x.size(1), args.in_h = x.size(2), args.in_w = x.size(3);
  args.h = h, args.w = w;
  args.alpha = alpha, args.gain = gain, args.clamp = stored(clamp, x);
  args.channels_last = channels_last, args.type = type_of(x);
  return args;
}

// The small tensors of an epilogue in the type that it computes in, alive as long as this is.
struct Sides {
  Sides(Epilogue& args, const Tensor& x, const Optional& factors, const Optional& noise, const Optional& strength,
        const Optional& bias)
      : factors(small(factors, x)), noise(small(noise, x)), strength(small(strength, x)), bias(small(bias, x)) {
    check_shape(this->factors, {args.n, args.c}, "the demodulation of an epilogue");
    check_size(this->strength, 1, "the noise strength of an epilogue");
    check_size(this->bias, args.c, "the bias of an epilogue");
    args.factors = pointer(this->factors), args.noise = pointer(this->noise);
    args.strength = pointer(this->strength), args.bias = pointer(this->bias);
    if (!noise.has_value()) return;
    args.noise_n = noise->dim() == 4 && noise->size(0) != 1 ? args.n : 1;
    if (noise->dim() == 2) check_shape(this->noise, {args.h, args.w}, "the noise of an epilogue");
    else check_shape(this->noise, {args.noise_n, 1, args.h, args.w}, "the noise of an epilogue");
  }
  Optional factors, noise, strength, bias;
};

inline Fir fir_arguments(const Tensor& taps, int64_t left, int64_t top, bool flip, double gain) {
  check_taps(taps);
  return Fir{taps.const_data_ptr(), static_cast<int>(taps.numel()), left, top, !flip, gain};
}

template <const Bodies& bodies>
Tensor epilogue(const Tensor& given, const Optional& factors, const Optional& noise, const Optional& strength,
                const Optional& bias, double alpha, double gain, double clamp) {
  check_image(given, "epilogue");
  const bool channels_last = has_channels_last(given);
  const Tensor x = dense(given, channels_last);
  Epilogue args = epilogue_sizes(x, channels_last, x.size(2), x.size(3), alpha, gain, clamp);
  const Sides sides(args, x, factors, noise, strength, bias);
  Tensor y = make_like(x, channels_last);
  args.x = x.const_data_ptr(), args.y = y.mutable_data_ptr();
  if (x.numel() > 0) bodies.epilogue(args, OnDevice<bodies>(x).stream);
  return y;
}

template <const Bodies& bodies>
Tensor fir_epilogue(const Tensor& given, const Tensor& taps_given, int64_t left, int64_t right, int64_t top,
                    int64_t bottom, bool flip, double fir_gain, const Optional& factors, const Optional& noise,
                    const Optional& strength, const Optional& bias, double alpha, double gain, double clamp) {
  check_image(given, "fir_epilogue");
  const bool channels_last = has_channels_last(given);
  const Tensor x = dense(given, channels_last), taps = small(taps_given, x);
  const int64_t h = x.size(2) + top + bottom - taps.numel() + 1, w = x.size(3) + left + right - taps.numel() + 1;
  STD_TORCH_CHECK(h > 0 && w > 0, "nada::fir_epilogue: the filter does not fit into the picture.");
  Epilogue args = epilogue_sizes(x, channels_last, h, w, alpha, gain, clamp);
  args.fir = fir_arguments(taps, left, top, flip, fir_gain);
  const Sides sides(args, x, factors, noise, strength, bias);
  Tensor y = make(x, {args.n, args.c, h, w}, x.scalar_type(), channels_last);
  args.x = x.const_data_ptr(), args.y = y.mutable_data_ptr();
  if (y.numel() > 0) bodies.epilogue(args, OnDevice<bodies>(x).stream);
  return y;
}

// `args` has sizes and filter; what is left are the pointers and the outputs.
template <const Bodies& bodies>
std::tuple<Tensor, Tensor> run_epilogue_backward(Epilogue args, const Tensor& dy, const Tensor& y, const Optional& factors,
                                                 const Optional& noise) {
  check_gradient(dy, y, "epilogue_backward");
  const ScalarType type = accumulated(y);
  const Sides sides(args, y, factors, noise, std::nullopt, std::nullopt);
  Tensor dx = make(y, {args.n, args.c, args.in_h, args.in_w}, y.scalar_type(), args.channels_last);
  Tensor sums = make(y, {3, args.n, args.c}, type);
  if (y.numel() == 0) return {torch::stable::zero_(dx), torch::stable::zero_(sums)};
  Tensor scratch = make(y, {bodies.epilogue_scratch(args)}, type);
  args.x = dy.const_data_ptr(), args.reference = y.const_data_ptr(), args.y = dx.mutable_data_ptr();
  args.sums = sums.mutable_data_ptr(), args.scratch = scratch.mutable_data_ptr();
  bodies.epilogue_backward(args, OnDevice<bodies>(y).stream);
  return {dx, sums};
}

template <const Bodies& bodies>
std::tuple<Tensor, Tensor> epilogue_backward(const Tensor& dy, const Tensor& y, const Optional& factors,
                                             const Optional& noise, double alpha, double gain, double clamp) {
  check_image(y, "epilogue_backward");
  const bool channels_last = has_channels_last(y);
  const Tensor kept = dense(y, channels_last);
  const Epilogue args = epilogue_sizes(kept, channels_last, y.size(2), y.size(3), alpha, gain, clamp);
  return run_epilogue_backward<bodies>(args, dense(dy, channels_last), kept, factors, noise);
}

template <const Bodies& bodies>
std::tuple<Tensor, Tensor> fir_epilogue_backward(const Tensor& dy, const Tensor& y, const Tensor& taps_given, int64_t in_h,
                                                 int64_t in_w, int64_t left, int64_t top, bool flip, double fir_gain,
                                                 const Optional& factors, const Optional& noise, double alpha,
                                                 double gain, double clamp) {
  check_image(y, "fir_epilogue_backward");
  const bool channels_last = has_channels_last(y);
  const Tensor kept = dense(y, channels_last), taps = small(taps_given, y);
  Epilogue args = epilogue_sizes(kept, channels_last, y.size(2), y.size(3), alpha, gain, clamp);
  args.in_h = in_h, args.in_w = in_w;
  args.fir = fir_arguments(taps, left, top, flip, fir_gain);
  return run_epilogue_backward<bodies>(args, dense(dy, channels_last), kept, factors, noise);
}

inline ToRgb torgb_arguments(const Tensor& x, const Tensor& weight, const Optional& bias, bool channels_last,
                             double clamp) {
  check_image(x, "torgb");
  STD_TORCH_CHECK(weight.dim() == 3 && weight.size(0) == x.size(0) && weight.size(2) == x.size(1),
                  "nada::torgb: the weight must be (N, O, C).");
  STD_TORCH_CHECK(x.size(1) >= 1, "nada::torgb: a map without channels makes no picture.");
  STD_TORCH_CHECK(weight.size(1) <= kMaxPictures, "nada::torgb: at most ", kMaxPictures, " picture channels.");
  ToRgb args{};
  args.n = x.size(0), args.c = x.size(1), args.o = weight.size(1), args.h = x.size(2), args.w = x.size(3);
  check_size(bias, args.o, "the bias of torgb");
  args.x = x.const_data_ptr(), args.weight = weight.const_data_ptr(), args.bias = pointer(bias);
  args.clamp = clamp, args.channels_last = channels_last, args.type = type_of(x);
  return args;
}

template <const Bodies& bodies>
Tensor torgb(const Tensor& given, const Tensor& weight_given, const Optional& bias_given, const Optional& skip_given,
             const Tensor& taps_given, double clamp) {
  const bool channels_last = has_channels_last(given);
  const Tensor x = dense(given, channels_last);
  const ScalarType type = accumulated(x);
  const Tensor weight = small(weight_given, x), taps = small(taps_given, x);
  const Optional bias = small(bias_given, x), skip = small(skip_given, x);
  check_taps(taps);
  ToRgb args = torgb_arguments(x, weight, bias, channels_last, clamp);
  STD_TORCH_CHECK(!skip.has_value() || (args.h % 2 == 0 && args.w % 2 == 0), "nada::torgb: odd sizes have no smaller picture.");
  check_shape(skip, {args.n, args.o, args.h / 2, args.w / 2}, "the smaller picture of torgb");
  args.skip = pointer(skip), args.taps = taps.const_data_ptr(), args.count = static_cast<int>(taps.numel());
  Tensor image = make(x, {args.n, args.o, args.h, args.w}, type);
  args.image = image.mutable_data_ptr();
  if (image.numel() > 0) bodies.torgb(args, OnDevice<bodies>(x).stream);
  return image;
}

template <const Bodies& bodies>
std::tuple<Tensor, Tensor, Tensor> torgb_backward(const Tensor& gradient_given, const Tensor& x_given,
                                                  const Tensor& weight_given, const Optional& bias_given, double clamp) {
  const bool channels_last = has_channels_last(x_given);
  const Tensor x = dense(x_given, channels_last);
  const ScalarType type = accumulated(x);
  const Tensor weight = small(weight_given, x), gradient = small(gradient_given, x);
  const Optional bias = small(bias_given, x);
  ToRgb args = torgb_arguments(x, weight, bias, channels_last, clamp);
  check_shape(gradient, {args.n, args.o, args.h, args.w}, "the gradient of torgb's picture");
  Tensor dx = make_like(x, channels_last), dweight = make_like(weight, false);
  Tensor dbias = make(x, {args.n, args.o}, type);
  if (x.numel() == 0) return {dx, torch::stable::zero_(dweight), torch::stable::zero_(dbias)};
  Tensor scratch = make(x, {bodies.torgb_scratch(args)}, type);
  args.gradient = gradient.const_data_ptr(), args.dx = dx.mutable_data_ptr();
  args.dweight = dweight.mutable_data_ptr(), args.dbias = dbias.mutable_data_ptr();
  args.scratch = scratch.mutable_data_ptr();
  bodies.torgb_backward(args, OnDevice<bodies>(x).stream);
  return {dx, dweight, dbias};
}

}  // namespace nada::calls
