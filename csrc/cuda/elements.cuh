// Reading and writing of several neighbouring elements: stored types to the computed type and back.
#pragma once

#include <cstring>

#include "launch.cuh"

namespace nada::cuda {

template <typename T>
struct ComputeIn {
  using type = float;
};
template <>
struct ComputeIn<double> {
  using type = double;
};
template <typename T>
using Compute = typename ComputeIn<T>::type;

// Elements in 16 bytes, the widest access of a thread.
template <typename T>
constexpr int kVector = 16 / static_cast<int>(sizeof(T));

__device__ __forceinline__ float widen(float v) { return v; }
__device__ __forceinline__ double widen(double v) { return v; }
__device__ __forceinline__ float widen(__half v) { return __half2float(v); }
__device__ __forceinline__ float widen(__nv_bfloat16 v) { return __bfloat162float(v); }

__device__ __forceinline__ void narrow(float v, float& to) { to = v; }
__device__ __forceinline__ void narrow(double v, double& to) { to = v; }
__device__ __forceinline__ void narrow(float v, __half& to) { to = __float2half_rn(v); }
__device__ __forceinline__ void narrow(float v, __nv_bfloat16& to) { to = __float2bfloat16_rn(v); }

template <int bytes>
struct WordsOf;
template <>
struct WordsOf<2> {
  using type = unsigned short;
};
template <>
struct WordsOf<4> {
  using type = unsigned int;
};
template <>
struct WordsOf<8> {
  using type = uint2;
};
template <>
struct WordsOf<16> {
  using type = uint4;
};

// N elements as words of up to 16 bytes.
template <int N, typename T>
struct Packed {
  static constexpr int bytes = N * sizeof(T) < 16 ? N * static_cast<int>(sizeof(T)) : 16;
  static constexpr int each = bytes / static_cast<int>(sizeof(T)), words = N / each;
  using Words = typename WordsOf<bytes>::type;
};

// Through the read-only cache: `from` must not be written by the same kernel.
template <int N, typename T>
__device__ __forceinline__ void read_pack(const T* from, T (&to)[N]) {
  using P = Packed<N, T>;
#pragma unroll
  for (int i = 0; i < P::words; ++i) {
    const typename P::Words words = __ldg(reinterpret_cast<const typename P::Words*>(from) + i);
    memcpy(&to[i * P::each], &words, P::bytes);
  }
}

template <int N, typename T>
__device__ __forceinline__ void write_pack(T* to, const T (&from)[N]) {
  using P = Packed<N, T>;
#pragma unroll
  for (int i = 0; i < P::words; ++i) {
    typename P::Words words;
    memcpy(&words, &from[i * P::each], P::bytes);
    reinterpret_cast<typename P::Words*>(to)[i] = words;
  }
}

// `vector` says that all N elements exist and lie at a multiple of their size (or 16); else `count` are read, zeros after.
template <int N, typename T>
__device__ __forceinline__ void load_raw(const T* from, int count, bool vector, T (&to)[N]) {
  if (vector) return read_pack<N>(from, to);
#pragma unroll
  for (int j = 0; j < N; ++j) {
    narrow(Compute<T>(0), to[j]);
    if (j < count) to[j] = from[j];
  }
}

template <int N, typename T>
__device__ __forceinline__ void load(const T* from, int count, bool vector, Compute<T> (&to)[N]) {
  T raw[N];
  load_raw<N>(from, count, vector, raw);
#pragma unroll
  for (int j = 0; j < N; ++j) to[j] = widen(raw[j]);
}

template <int N, typename T>
__device__ __forceinline__ void store(T* to, int count, bool vector, const Compute<T> (&from)[N]) {
  T raw[N];
#pragma unroll
  for (int j = 0; j < N; ++j) narrow(from[j], raw[j]);
  if (vector) {
    write_pack<N>(to, raw);
  } else {
#pragma unroll
    for (int j = 0; j < N; ++j)
      if (j < count) to[j] = raw[j];
  }
}

// The same for a small tensor that may be missing.
template <int N, typename A>
__device__ __forceinline__ void load_or(const A* from, A otherwise, int64_t offset, int count, bool vector, A (&to)[N]) {
  if (from) return load<N>(from + offset, count, vector, to);
#pragma unroll
  for (int j = 0; j < N; ++j) to[j] = otherwise;
}

template <int N, typename A>
__device__ __forceinline__ void clear(A (&values)[N]) {
#pragma unroll
  for (int j = 0; j < N; ++j) values[j] = A(0);
}

}  // namespace nada::cuda
