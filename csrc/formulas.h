// Formulas of single elements, shared by both backends so that a test on a CPU runs the arithmetic of the GPU.
#pragma once

#include <cmath>

#include "bodies.h"
#include "vector_math.h"

#if defined(__CUDACC__)
#define NADA_HD __host__ __device__ __forceinline__
#else
#define NADA_HD inline
#endif

namespace nada {

// Klambauer et al. 2017, arXiv:1706.02515.
template <typename A>
struct Selu {
  static constexpr A alpha = A(1.6732632423543772848170429916717);
  static constexpr A scale = A(1.0507009873554804934193349852946);
};

// The library's functions, but for floats on a CPU.
template <typename A>
NADA_HD A exp_of(A x) {
  return std::exp(x);
}
template <typename A>
NADA_HD A expm1_of(A x) {
  return std::expm1(x);
}
template <typename A>
NADA_HD A tanh_of(A x) {
  return std::tanh(x);
}
template <typename A>
NADA_HD A softplus_of(A x) {
  return x > A(20) ? x : std::log1p(std::exp(x));
}
#if !defined(__CUDACC__)
template <>
inline float exp_of(float x) {
  return vector_math::exp(x);
}
template <>
inline float expm1_of(float x) {
  return vector_math::expm1(x);
}
template <>
inline float tanh_of(float x) {
  return vector_math::tanh(x);
}
template <>
inline float softplus_of(float x) {
  return vector_math::softplus(x);
}
#endif

template <typename A>
NADA_HD A sigmoid(A x) {
  return A(1) / (A(1) + exp_of(-x));
}

// act(x), without gain and clamp.
template <Activation act, typename A>
NADA_HD A activate(A x, A alpha) {
  if constexpr (act == Activation::relu) return x > A(0) ? x : A(0);
  if constexpr (act == Activation::lrelu) return x > A(0) ? x : x * alpha;
  if constexpr (act == Activation::tanh) return tanh_of(x);
  if constexpr (act == Activation::sigmoid) return sigmoid(x);
  if constexpr (act == Activation::elu) return x > A(0) ? x : expm1_of(x);
  if constexpr (act == Activation::selu) return Selu<A>::scale * (x > A(0) ? x : Selu<A>::alpha * expm1_of(x));
  if constexpr (act == Activation::softplus) return softplus_of(x);
  if constexpr (act == Activation::swish) return x * sigmoid(x);
  return x;
}

// The derivative of act, from its value t = act(x); for swish, whose value does not determine it, from x.
template <Activation act, typename A>
NADA_HD A slope(A t, A alpha) {
  if constexpr (act == Activation::relu) return t > A(0) ? A(1) : A(0);
  if constexpr (act == Activation::lrelu) return t > A(0) ? A(1) : alpha;
  if constexpr (act == Activation::tanh) return A(1) - t * t;
  if constexpr (act == Activation::sigmoid) return t * (A(1) - t);
  if constexpr (act == Activation::elu) return t > A(0) ? A(1) : t + A(1);
  if constexpr (act == Activation::selu)
    return t > A(0) ? Selu<A>::scale : t + Selu<A>::scale * Selu<A>::alpha;
  if constexpr (act == Activation::softplus) return -expm1_of(-t);
  if constexpr (act == Activation::swish) {
    const A s = sigmoid(t);
    return s * (A(1) + t * (A(1) - s));
  }
  return A(1);
}

template <typename A>
NADA_HD A clamped(A y, A clamp) {
  if (clamp < A(0)) return y;
  return y < -clamp ? -clamp : (y > clamp ? clamp : y);
}

// Whether a value that has been clamped still answers to its input. Without branches, for the vector units.
template <typename A>
NADA_HD bool inside(A y, A clamp) {
  return (clamp < A(0)) | ((y < clamp) & (y > -clamp));
}

// The leaky ReLU of an epilogue with its gain and clamp.
template <typename A>
NADA_HD A leaky(A x, A alpha, A gain, A clamp) {
  return clamped((x > A(0) ? x : x * alpha) * gain, clamp);
}

// What an epilogue's backward multiplies the gradient of y by.
template <typename A>
NADA_HD A leaky_slope(A y, A alpha, A gain, A clamp) {
  const A open = y > A(0) ? gain : gain * alpha;
  return inside(y, clamp) ? open : A(0);
}

// Upsampling, filtering and decimation along one axis: output i reads, at tap k, the input index or -1 for a zero.
NADA_HD int64_t source_index(int64_t i, int k, int up, int down, int64_t before, int64_t size) {
  const int64_t j = i * down + k - before;
  if (j < 0 || j % up != 0) return -1;
  const int64_t source = j / up;
  return source < size ? source : -1;
}

// The first tap, of 0 to up - 1, whose input is a sample and not an inserted zero.
NADA_HD int first_tap(int64_t i, int up, int down, int64_t before) {
  const int64_t j = (i * down - before) % up;
  return static_cast<int>(j == 0 ? 0 : (j > 0 ? up - j : -j));
}

}  // namespace nada
