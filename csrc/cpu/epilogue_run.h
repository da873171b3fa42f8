// One run of a styled convolution's epilogue, forward and backward, and what it needs of each channel and pixel.
#pragma once

#include "../formulas.h"
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
inline void leaky_run(const A* __restrict x, const A* __restrict factors, const A* __restrict shift, int64_t count,
                      Leak<A> leak, A* __restrict y) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) y[i] = leaky(x[i] * factors[i] + shift[i], leak.alpha, leak.gain, leak.bound);
}

// `dx` is the gradient of what the factors multiplied; sums hold three runs.
template <typename A>
inline void leaky_backward_run(const A* __restrict dy, const A* __restrict y, const A* __restrict factors,
                               const A* __restrict noise, int64_t count, Leak<A> leak, A* __restrict dx,
                               A* __restrict sum, A* __restrict sum_y, A* __restrict sum_noise) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    const A pre = dy[i] * leaky_slope(y[i], leak.alpha, leak.gain, leak.bound);
    dx[i] = pre * factors[i];
    sum[i] += pre;
    sum_y[i] += inside(y[i], leak.bound) ? dy[i] * y[i] : A(0);
    sum_noise[i] += pre * noise[i];
  }
}

// The runs that an epilogue reads beside x: the demodulation, and bias and noise in one or each on its own.
template <typename A>
class Sides {
 public:
  Sides(const Epilogue& args, const Runs& runs)
      : factors(runs, 1),
        args_(args),
        runs_(runs),
        bias_(runs, 1),
        strength_(args.strength ? *static_cast<const A*>(args.strength) : A(1)) {}

  void enter(const Part& part) {
    spread<A>(args_.factors, args_.factors ? part.n * args_.c + part.channel : 0, runs_, A(1), factors[0]);
    spread<A>(args_.bias, part.channel, runs_, A(0), bias_[0]);
    noise_ = static_cast<const A*>(args_.noise);
    if (noise_ && args_.noise_n > 1) noise_ += part.n * args_.h * args_.w;
  }

  // strength * noise + bias of the pixels from `pixel` on.
  const A* shift(int64_t pixel, int64_t pixels, A* run) {
    if (!noise_) return bias_[0];
    for (int64_t i = 0; i < pixels; ++i) {
      const A value = strength_ * noise_[pixel + i];
      for (int64_t lane = i * runs_.lanes; lane < (i + 1) * runs_.lanes; ++lane) run[lane] = bias_[0][lane] + value;
    }
    return run;
  }

  // The noise of these pixels, once for every channel of a run; zeros where there is none.
  const A* noise(int64_t pixel, int64_t pixels, A* run) const {
    if (!noise_) return run;  // as it was filled: with zeros
    for (int64_t i = 0; i < pixels; ++i) std::fill_n(run + i * runs_.lanes, runs_.lanes, noise_[pixel + i]);
    return run;
  }

  Buffers<A> factors;

 private:
  const Epilogue& args_;
  const Runs& runs_;
  Buffers<A> bias_;
  A strength_;
  const A* noise_ = nullptr;
};

// The three sums of a task's backward pass, from their runs into (3, parts, n, c) numbers of scratch memory.
template <typename A>
void fold_sums(Buffers<A>& runs_of_sums, const Runs& runs, A* partial, int64_t block) {
  for (int index = 0; index < 3; ++index) fold_run(runs_of_sums[index], runs, partial + index * block);
}

template <typename A>
void fold_parts(const Epilogue& args, int64_t parts) {
  const int64_t width = args.n * args.c;
  for (int index = 0; index < 3; ++index)
    fold_rows(static_cast<const A*>(args.scratch) + index * parts * width, parts, width,
              static_cast<A*>(args.sums) + index * width);
}

}  // namespace nada::cpu
