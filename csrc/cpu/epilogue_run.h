// One run of a styled convolution's epilogue, forward and backward, and what it needs of each channel and pixel.
#pragma once

#include "../formulas.h"
#include "ahead.h"
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

template <typename X, typename A, typename Y>
inline void leaky_run(const X* __restrict x, const A* __restrict factors, const A* __restrict shift, int64_t count,
                      Leak<A> leak, Y* __restrict y) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i)
    put(leaky(get(x[i]) * factors[i] + shift[i], leak.alpha, leak.gain, leak.bound), y[i]);
}

template <typename A>
inline Pack<A> leaky_pack(Pack<A> x, Leak<A> leak) {
  const Pack<A> bound = leak.bound + Pack<A>{};
  x = (x > 0 ? x : x * leak.alpha) * leak.gain;
  x = x < -bound ? -bound : x;
  return x > bound ? bound : x;
}

// `dx` is the gradient of what the factors multiplied; sums hold three runs.
template <typename X, typename Y, typename A>
inline void leaky_backward_run(const X* __restrict dy, const X* __restrict y, const A* __restrict factors,
                               const A* __restrict noise, int64_t count, Leak<A> leak, Y* __restrict dx,
                               A* __restrict sum, A* __restrict sum_y, A* __restrict sum_noise) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    const A value = get(y[i]), open = inside(value, leak.bound) ? get(dy[i]) : A(0);
    const A pre = open * (value > A(0) ? leak.gain : leak.gain * leak.alpha);
    put(pre * factors[i], dx[i]);
    sum[i] += pre;
    sum_y[i] += open * value;
    sum_noise[i] += pre * noise[i];
  }
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

// The same as a run above for one channel, whose sums stay in registers.
template <typename T, typename A>
[[gnu::noinline]] void leaky_backward_packs(const T* dy, const T* y, const A* noise, int64_t count, A factor, Leak<A> leak,
                                            A* dx, PackSums<A>& sums) {
  PackSums<A> here;
  int64_t i = 0;
  for (; i + kPack<A> <= count; i += kPack<A>) {
    fetch_line_ahead(dy + i);
    fetch_line_ahead(y + i);
    store_pack(factor * leaky_backward_pack(load_pack(dy + i), load_pack(y + i), load_pack(noise + i), leak, here), dx + i);
  }
  if (i < count) {
    const Pack<A> noises = load_before(noise + i, noise + count);
    store_pack(factor * leaky_backward_pack(load_before(dy + i, dy + count), load_before(y + i, y + count), noises, leak, here), dx + i);
  }
  sums.pre += here.pre, sums.value += here.value, sums.noise += here.noise;
}

// The runs that an epilogue reads beside x: the demodulation, and bias and noise in one or each on its own.
template <typename A>
class Sides {
 public:
  Sides(const Epilogue& args, const Runs& runs)
      : args_(args), runs_(runs), runs_of_(runs, 4), strength_(args.strength ? *static_cast<const A*>(args.strength) : A(1)) {}

  void enter(const Part& part) {
    part_ = part;
    spread<A>(args_.factors, args_.factors ? part.n * args_.c : 0, part, runs_, A(1), runs_of_[0]);
    spread<A>(args_.bias, 0, part, runs_, A(0), runs_of_[1]);
    noise_ = static_cast<const A*>(args_.noise);
    if (noise_ && args_.noise_n > 1) noise_ += part.n * args_.h * args_.w;
  }

  const A* factors() { return runs_of_[0]; }
  const A* bias() { return runs_of_[1]; }
  // strength * noise + bias of the pixels from `pixel` on.
  [[gnu::noinline]] const A* shift(int64_t pixel, int64_t pixels) {
    const A* __restrict bias = runs_of_[1];
    if (!noise_) return bias;
    A* __restrict run = runs_of_[2];
    const A* __restrict noise = noise_ + pixel;
    if (runs_.channels_last) {
      for (int64_t i = 0; i < pixels; ++i) {
        const A value = strength_ * noise[i];
        for (int64_t lane = i * runs_.c; lane < (i + 1) * runs_.c; ++lane) run[lane] = bias[lane] + value;
      }
    } else {
      for (int64_t channel = 0; channel < part_.channels; ++channel) {
        const int64_t at = channel * runs_.pitch;
#pragma omp simd
        for (int64_t i = 0; i < pixels; ++i) run[at + i] = bias[at + i] + strength_ * noise[i];
      }
    }
    return run;
  }

  // The noise of these pixels, once for every channel of a run; zeros where there is none.
  const A* noise(int64_t pixel, int64_t pixels) {
    A* run = runs_of_[3];
    if (!noise_) return run;  // as it was made: zeros
    if (runs_.channels_last) {
      for (int64_t i = 0; i < pixels; ++i) std::fill_n(run + i * runs_.c, runs_.c, noise_[pixel + i]);
    } else {
      for (int64_t i = 0; i < part_.channels; ++i) std::copy_n(noise_ + pixel, pixels, run + i * runs_.pitch);
    }
    return run;
  }

 private:
  const Epilogue& args_;
  const Runs& runs_;
  Buffers<A> runs_of_;
  A strength_;
  Part part_{};
  const A* noise_ = nullptr;
};

// The three sums of a task's backward pass, from their runs into (3, parts, n, c) numbers of scratch memory.
template <typename A>
void fold_sums(Buffers<A>& sums, const Part& part, const Runs& runs, A* partial, int64_t block) {
  for (int index = 0; index < 3; ++index) fold_run(sums[index], part, runs, partial + index * block);
}

template <typename A>
void fold_parts(const Epilogue& args, int64_t parts) {
  const int64_t width = args.n * args.c;
  for (int index = 0; index < 3; ++index)
    fold_rows(static_cast<const A*>(args.scratch) + index * parts * width, parts, width,
              static_cast<A*>(args.sums) + index * width);
}

}  // namespace nada::cpu
