// bias_act and upfirdn2d: from tensors to structs.
#pragma once

#include "calls.h"

namespace nada::calls {

// (outer, channels, inner) of x around dimension `dim`.
inline void split(BiasAct& args, const Tensor& x, int64_t dim, bool channels_last) {
  args.outer = args.inner = 1;
  args.channels = x.size(dim);
  for (int64_t i = 0; i < x.dim(); ++i) {
    if (i == dim) continue;
    (i < dim || channels_last ? args.outer : args.inner) *= x.size(i);
  }
}

inline BiasAct bias_act_arguments(const Tensor& x, int64_t dim, bool channels_last, int64_t act, double alpha,
                                  double gain, double clamp) {
  STD_TORCH_CHECK(act >= 0 && act <= static_cast<int64_t>(Activation::swish), "nada::bias_act: no activation ", act, ".");
  BiasAct args{};
  split(args, x, dim, channels_last);
  args.act = static_cast<Activation>(act);
  args.alpha = alpha, args.gain = gain, args.clamp = stored(clamp, x);
  args.type = type_of(x);
  return args;
}

inline void check_dim(const Tensor& x, int64_t dim) {
  STD_TORCH_CHECK(dim >= 0 && dim < x.dim(), "nada::bias_act: no dimension ", dim, " in a tensor of ", x.dim(), ".");
}

template <const Bodies& bodies>
Tensor bias_act(const Tensor& given, const Optional& bias, int64_t dim, int64_t act, double alpha, double gain,
                double clamp) {
  check_dim(given, dim);
  const bool channels_last = dim == 1 && has_channels_last(given);
  const Tensor x = dense(given, channels_last);
  const Optional b = small(bias, x);
  check_size(b, x.size(dim), "the bias of bias_act");
  Tensor y = make_like(x, channels_last);
  BiasAct args = bias_act_arguments(x, dim, channels_last, act, alpha, gain, clamp);
  args.x = x.const_data_ptr(), args.bias = pointer(b), args.y = y.mutable_data_ptr();
  if (x.numel() > 0) bodies.bias_act(args, OnDevice<bodies>(x).stream);
  return y;
}

template <const Bodies& bodies>
std::tuple<Tensor, Tensor> bias_act_backward(const Tensor& dy_given, const Tensor& reference_given, const Optional& bias,
                                             int64_t dim, int64_t act, double alpha, double gain, double clamp) {
  check_dim(reference_given, dim);
  const bool channels_last = dim == 1 && has_channels_last(reference_given);
  const Tensor reference = dense(reference_given, channels_last), dy = dense(dy_given, channels_last);
  check_gradient(dy, reference, "bias_act_backward");
  const ScalarType type = accumulated(reference);
  const Optional b = small(bias, reference);
  check_size(b, reference.size(dim), "the bias of bias_act");
  Tensor dx = make_like(reference, channels_last);
  Tensor dbias = make(reference, {reference.size(dim)}, type);
  if (reference.numel() == 0) return {dx, torch::stable::zero_(dbias)};
  BiasAct args = bias_act_arguments(reference, dim, channels_last, act, alpha, gain, clamp);
  Tensor scratch = make(reference, {bodies.bias_act_scratch(args)}, type);
  args.x = dy.const_data_ptr(), args.reference = reference.const_data_ptr(), args.bias = pointer(b);
  args.y = dx.mutable_data_ptr(), args.sums = dbias.mutable_data_ptr(), args.scratch = scratch.mutable_data_ptr();
  bodies.bias_act_backward(args, OnDevice<bodies>(dy).stream);
  return {dx, dbias};
}

inline int64_t filtered_size(int64_t size, int64_t up, int64_t down, int64_t before, int64_t after, int64_t taps) {
  const int64_t span = size * up + before + after - taps;
  STD_TORCH_CHECK(span >= 0, "nada::upfirdn2d: a filter of ", taps, " taps does not fit into ", span + taps, " pixels.");
  return span / down + 1;
}

template <const Bodies& bodies>
Tensor upfirdn2d(const Tensor& given, const Tensor& filter_given, int64_t up, int64_t down, int64_t left, int64_t right,
                 int64_t top, int64_t bottom, bool flip, double gain) {
  check_image(given, "upfirdn2d");
  STD_TORCH_CHECK(up >= 1 && down >= 1, "nada::upfirdn2d: up and down are at least 1.");
  STD_TORCH_CHECK(filter_given.dim() == 1 || filter_given.dim() == 2, "nada::upfirdn2d: a filter has 1 or 2 dimensions.");
  const bool channels_last = has_channels_last(given);
  const Tensor x = dense(given, channels_last), filter = small(filter_given, x);
  STD_TORCH_CHECK(filter.numel() >= 1, "nada::upfirdn2d: an empty filter.");
  const bool separable = filter.dim() == 1;
  Upfirdn args{};
  args.fh = static_cast<int>(filter.size(0)), args.fw = static_cast<int>(filter.size(separable ? 0 : 1));
  args.n = x.size(0), args.c = x.size(1), args.h = x.size(2), args.w = x.size(3);
  args.out_h = filtered_size(args.h, up, down, top, bottom, args.fh);
  args.out_w = filtered_size(args.w, up, down, left, right, args.fw);
  args.left = left, args.top = top;
  args.up = static_cast<int>(up), args.down = static_cast<int>(down);
  args.flip = !flip;  // a convolution reads the filter backwards
  args.gain = gain, args.channels_last = channels_last, args.type = type_of(x);
  Tensor y = make(x, {args.n, args.c, args.out_h, args.out_w}, x.scalar_type(), channels_last);
  args.row = filter.const_data_ptr(), args.column = separable ? filter.const_data_ptr() : nullptr;
  args.x = x.const_data_ptr(), args.y = y.mutable_data_ptr();
  if (y.numel() > 0) bodies.upfirdn(args, OnDevice<bodies>(x).stream);
  return y;
}

}  // namespace nada::calls
