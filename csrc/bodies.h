// What the bodies of the operators are given: pointers, sizes and numbers, nothing of torch.
//
// Both backends fill one table of the same functions. `A` below is the type that a body computes in: double for f64,
// float for the others. Large tensors (x, y, reference) have `type`; all small ones (biases, factors, noise, filters,
// sums, pictures) have type A. Every tensor is dense.
#pragma once

#include <cstdint>

namespace nada {

enum class Type : int { f32, f64, f16, bf16 };
enum class Activation : int { linear, relu, lrelu, tanh, sigmoid, elu, selu, softplus, swish };

constexpr int kMaxTaps = 32;     // of a filter that is fused with something else
constexpr int kMaxPictures = 4;  // channels that the step to the picture can have
constexpr double kNoClamp = -1.0;

// y = clamp(gain * act(x + bias)); x is seen as (outer, channels, inner), so channels_last has inner = 1.
struct BiasAct {
  const void* x;          // backward: the gradient of y
  const void* bias;       // A[channels], or null
  const void* reference;  // backward only: y, or x where the derivative cannot be had from y (swish)
  void* y;                // backward: the gradient of x
  void* sums;             // backward only: A[channels], the sum of x's gradient over outer and inner; null if unwanted
  void* scratch;          // backward only: as many A as the body's scratch function asks for
  int64_t outer, channels, inner;
  Activation act;
  double alpha, gain, clamp;  // clamp < 0: none
  Type type;
};

// A one-dimensional filter, applied along both axes: y[i] = gain * sum_k taps[k] x[i + k - before]; flip reverses taps.
// `gain` is for the two axes together.
struct Fir {
  const void* taps;  // A[count]; null for no filter
  int count;
  int64_t left, top;
  bool flip;
  double gain;
};

// y = clamp(gain * lrelu(factors[n,c] * fir(x) + strength * noise[n or 0,h,w] + bias[c], alpha)).
//
// Backward, with u = [|y| < clamp], m = gain * u * (y > 0 ? 1 : alpha) and pre = dy * m:
//   gradient of x = fir transposed(pre * factors)
//   sums[0] = sum_hw pre     sums[1] = sum_hw dy * y * u     sums[2] = sum_hw pre * noise (0 without noise)
// From them come the gradients of bias, factors and strength; y / m is what was activated, so x need not be kept.
struct Epilogue {
  const void* x;          // (n, c, in_h, in_w); backward: the gradient of y, (n, c, h, w)
  const void* reference;  // backward only: y
  const void* factors;    // A[n, c], or null for 1
  const void* noise;      // A[noise_n, h, w], noise_n 1 or n; or null
  const void* strength;   // A[1], or null for 1; unused by backward
  const void* bias;       // A[c], or null; unused by backward
  void* y;                // (n, c, h, w); backward: the gradient of x, (n, c, in_h, in_w)
  void* sums;             // backward only: A[3, n, c]
  void* scratch;          // backward only
  Fir fir;                // without it in_h = h and in_w = w
  int64_t n, c, h, w, in_h, in_w, noise_n;
  double alpha, gain, clamp;
  bool channels_last;
  Type type;
};

// image = clamp(sum_c weight[n,o,c] x[n,c] + bias[o]) + skip upsampled by two: zeros inserted (the first sample stays
// first), fir with before = (count + 1) / 2 on both axes, flipped (a convolution), gain 4.
struct ToRgb {
  const void* x;       // (n, c, h, w)
  const void* weight;  // A[n, o, c]
  const void* bias;    // A[o], or null
  const void* skip;    // A[n, o, h / 2, w / 2], or null
  const void* taps;    // A[count]
  int count;
  const void* gradient;  // backward only: of image, A[n, o, h, w]
  void* image;           // A[n, o, h, w], planes; unused by backward
  void* dx;              // backward only: as x
  void* dweight;         // backward only: A[n, o, c]
  void* dbias;           // backward only: A[n, o], for every sample on its own
  void* scratch;         // backward only
  int64_t n, c, o, h, w;
  double clamp;
  bool channels_last;  // of x; pictures are planes
  Type type;
};

// Zeros inserted (up), padding or cropping, filter, every down-th pixel kept, gain.
// y[i] = gain * sum_k f[k] x'[i * down + k - before], x'[j] = x[j / up] where up divides j and 0 <= j < size * up.
struct Upfirdn {
  const void* x;       // (n, c, h, w)
  const void* column;  // A[fh], along the height; null if the filter is not separable
  const void* row;     // A[fw], along the width; or A[fh, fw] if it is not separable
  void* y;             // (n, c, out_h, out_w)
  int64_t n, c, h, w, out_h, out_w, left, top;
  int fh, fw, up, down;
  bool flip;
  double gain;
  bool channels_last;
  Type type;
};

using Stream = void*;  // the accelerator's native stream; null on a CPU

struct Bodies {
  void (*bias_act)(const BiasAct&, Stream);
  void (*bias_act_backward)(const BiasAct&, Stream);
  int64_t (*bias_act_scratch)(const BiasAct&);
  void (*epilogue)(const Epilogue&, Stream);  // with and without a filter
  void (*epilogue_backward)(const Epilogue&, Stream);
  int64_t (*epilogue_scratch)(const Epilogue&);
  void (*torgb)(const ToRgb&, Stream);
  void (*torgb_backward)(const ToRgb&, Stream);
  int64_t (*torgb_scratch)(const ToRgb&);
  void (*upfirdn)(const Upfirdn&, Stream);
};

extern const Bodies cpu_bodies;   // cpu/bodies.cpp
extern const Bodies cuda_bodies;  // cuda/bodies.cu

}  // namespace nada
