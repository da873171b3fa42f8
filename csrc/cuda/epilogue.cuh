// What follows a styled convolution, for one element; with and without a filter before it.
#pragma once

#include "../formulas.h"
#include "walk.cuh"

namespace nada::cuda {

template <typename T>
struct EpilogueArgs {
  using A = Compute<T>;
  const T* x;
  const T* reference;
  const A *factors, *noise, *strength, *bias;
  T* y;
  int64_t c, pixels;   // pixels of the noise
  int64_t noise_step;  // from one sample's noise to the next, 0 where they share it
  A alpha, gain, clamp;
  bool vector;
};

// The small tensors of one line: W channels, or a plane.
template <typename A, int W>
struct Sides {
  A factor[W], bias[W];
  A strength, alpha, gain, clamp;
  const A* noise;

  template <class Args>
  __device__ __forceinline__ Sides(const Args& args, const Line& line, bool vector)
      : strength(args.strength ? args.strength[0] : A(1)), alpha(args.alpha), gain(args.gain), clamp(args.clamp),
        noise(args.noise ? args.noise + line.n * args.noise_step : nullptr) {
    load_or<W>(args.factors, A(1), line.n * args.c + line.channel, line.channels, vector, factor);
    load_or<W>(args.bias, A(0), line.channel, line.channels, vector, bias);
  }

  // The noise of a step: of its pixel (channels last), or of every element.
  template <int N>
  __device__ __forceinline__ void noise_at(int64_t pixel, int count, bool vector, A (&to)[N]) const {
    load_or<N>(noise, A(0), pixel, count, vector, to);
  }

  __device__ __forceinline__ A forward(A v, int channel, A noise_value) const {
    return leaky(factor[channel] * v + strength * noise_value + bias[channel], alpha, gain, clamp);
  }

  // The gradient of x from that of y; adds to the three sums what this element has.
  __device__ __forceinline__ A backward(A dy, A y, int channel, A noise_value, A& pre_sum, A& active_sum,
                                        A& noise_sum) const {
    const A pre = dy * leaky_slope(y, alpha, gain, clamp);
    pre_sum += pre;
    active_sum += inside(y, clamp) ? dy * y : A(0);
    noise_sum += pre * noise_value;
    return pre * factor[channel];
  }
};

template <typename T>
EpilogueArgs<T> typed(const Epilogue& args, bool whole) {
  using A = Compute<T>;
  const bool sides = args.channels_last ? aligned(args.factors, args.bias) : aligned(args.noise);
  return {static_cast<const T*>(args.x),
          static_cast<const T*>(args.reference),
          static_cast<const A*>(args.factors),
          static_cast<const A*>(args.noise),
          static_cast<const A*>(args.strength),
          static_cast<const A*>(args.bias),
          static_cast<T*>(args.y),
          args.c,
          args.h * args.w,
          args.noise_n == 1 ? 0 : args.h * args.w,
          static_cast<A>(args.alpha),
          static_cast<A>(args.gain),
          static_cast<A>(args.clamp),
          whole && sides && aligned(args.x, args.reference, args.y)};
}

}  // namespace nada::cuda
