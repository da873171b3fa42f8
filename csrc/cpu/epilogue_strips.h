// The epilogue of a styled convolution on strips of channels, for maps with channels last.
#pragma once

#include "epilogue_run.h"
#include "strips.h"

namespace nada::cpu {

// What the epilogue needs of a strip and of its pixels: their noise, zeros where there is none.
template <typename A>
struct StripSides {
  // `pixels`: how many are worked on at once.
  StripSides(const Epilogue& args, int64_t pixels)
      : strength(args.strength ? *static_cast<const A*>(args.strength) : A(1)),
        args_(args),
        none_(args.noise ? 0 : pixels) {}

  void enter(int64_t sample, int64_t first, int64_t channels) {
    const A *factors = static_cast<const A*>(args_.factors), *biases = static_cast<const A*>(args_.bias);
    alignas(64) A ones[Strip<A>::kChannels];
    std::fill_n(ones, Strip<A>::kChannels, A(1));
    factor = factors ? load_strip<false>(factors + sample * args_.c + first, channels) : load_strip<true>(ones, 0);
    bias = biases ? load_strip<false>(biases + first, channels) : Strip<A>{};
    noise_ = static_cast<const A*>(args_.noise);
    if (noise_ && args_.noise_n > 1) noise_ += sample * args_.h * args_.w;
  }

  const A* noise(int64_t pixel) const { return noise_ ? noise_ + pixel : none_.data(); }

  Strip<A> factor, bias;
  A strength;

 private:
  const Epilogue& args_;
  Line<A> none_;
  const A* noise_ = nullptr;
};

// A strip of the result from one of what the factors multiply, with strength * noise in `shift`.
template <typename A>
inline Strip<A> leaky_strip(const Strip<A>& x, const Strip<A>& factor, const Strip<A>& bias, A shift, Leak<A> leak) {
  Strip<A> result;
  for (int i = 0; i < x.kPacks; ++i) result.at[i] = leaky_pack(x.at[i] * factor.at[i] + (bias.at[i] + shift), leak);
  return result;
}

// Reads the gradient of what the epilogue's factors multiplied, and sums.
template <bool whole, typename T>
struct GradientLoad {
  using A = Computed<T>;
  const T *dy, *y;
  const A* noise;
  int64_t c, channels;
  Strip<A> factor;
  Leak<A> leak;
  PackSums<A> sums[Strip<A>::kPacks];

  Strip<A> operator()(int64_t pixel) {
    const int64_t at = pixel * c;
    fetch_strip<false>(dy + at, c);
    fetch_strip<false>(y + at, c);
    Strip<A> gradient = load_strip<whole>(dy + at, channels);
    const Strip<A> value = load_strip<whole>(y + at, channels);
    const Pack<A> noises = noise[pixel] + Pack<A>{};
    for (int i = 0; i < gradient.kPacks; ++i)
      gradient.at[i] = factor.at[i] * leaky_backward_pack(gradient.at[i], value.at[i], noises, leak, sums[i]);
    return gradient;
  }
};

}  // namespace nada::cpu
