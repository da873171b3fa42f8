// The arithmetic of a styled convolution's epilogue, forward and backward, on packs of numbers.
#pragma once

#include <cmath>

#include "packs.h"
#include "runs.h"

namespace nada::cpu {

template <typename A>
struct Leak {
  explicit Leak(const Epilogue& args)
      : alpha(static_cast<A>(args.alpha)),
        gain(static_cast<A>(args.gain)),
        bound(args.clamp < 0 ? A(INFINITY) : static_cast<A>(args.clamp)) {}
  A alpha, gain, bound;
};

template <typename A>
inline Pack<A> leaky_pack(Pack<A> x, Leak<A> leak) {
  const Pack<A> bound = leak.bound + Pack<A>{};
  x = (x > 0 ? x : x * leak.alpha) * leak.gain;
  x = x < -bound ? -bound : x;
  return x > bound ? bound : x;
}

// The sums of a backward pass, a pack of each.
template <typename A>
struct PackSums {
  Pack<A> pre = {}, value = {}, noise = {};
};

// One pack of what a backward pass does.
template <typename A>
inline Pack<A> leaky_backward_pack(Pack<A> gradient, Pack<A> value, Pack<A> noise, Leak<A> leak, PackSums<A>& sums) {
  const Pack<A> zero = {}, bound = leak.bound + zero;
  const Pack<A> below = value < bound ? gradient : zero, open = value > -bound ? below : zero;
  const Pack<A> pre = open * (value > 0 ? leak.gain + zero : leak.gain * leak.alpha + zero);
  sums.pre += pre, sums.value += open * value, sums.noise += pre * noise;
  return pre;
}

// The sums of the parts that a picture was cut into, which lie in scratch memory of (3, parts, n, c) numbers.
template <typename A>
void fold_parts(const Epilogue& args, int64_t parts) {
  const int64_t width = args.n * args.c;
  for (int index = 0; index < 3; ++index)
    fold_rows(static_cast<const A*>(args.scratch) + index * parts * width, parts, width,
              static_cast<A*>(args.sums) + index * width);
}

}  // namespace nada::cpu
