// Runs of elements of any storage type, seen as runs of the type that is computed in.
#pragma once

#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>
#include <vector>

#if defined(__F16C__)
#include <immintrin.h>
#endif

#include "../bodies.h"

namespace nada::cpu {

struct Half {
  uint16_t bits;
};
struct BFloat {
  uint16_t bits;
};

template <typename T>
using Computed = std::conditional_t<std::is_same_v<T, double>, double, float>;

constexpr int64_t kRun = 512;  // elements that are converted, worked on and stored while they are in the first cache

// Memory that begins with a cache line, so that vectors of whole ones do not straddle two.
template <typename A>
struct Aligned {
  using value_type = A;
  Aligned() = default;
  template <typename B>
  Aligned(const Aligned<B>&) {}
  A* allocate(std::size_t count) { return static_cast<A*>(::operator new(count * sizeof(A), std::align_val_t(64))); }
  void deallocate(A* values, std::size_t) { ::operator delete(values, std::align_val_t(64)); }
  template <typename B>
  bool operator==(const Aligned<B>&) const { return true; }
};
template <typename A>
using Line = std::vector<A, Aligned<A>>;

template <typename To, typename From>
inline To from_bits(From value) {
  static_assert(sizeof(To) == sizeof(From));
  To result;
  std::memcpy(&result, &value, sizeof result);
  return result;
}

inline float widen(BFloat value) { return from_bits<float>(static_cast<uint32_t>(value.bits) << 16); }

// To the nearest, ties to even. A NaN stays one.
inline BFloat narrow(float value, BFloat) {
  const uint32_t bits = from_bits<uint32_t>(value);
  const uint32_t rounded = bits + 0x7fffu + ((bits >> 16) & 1u);
  return {static_cast<uint16_t>((value != value ? bits | 0x400000u : rounded) >> 16)};
}

// IEEE half precision by arithmetic: scaling by 2^112 moves a half's exponent to a float's, subnormals included.
inline float widen(Half value) {
  const uint32_t sign = static_cast<uint32_t>(value.bits & 0x8000u) << 16, rest = value.bits & 0x7fffu;
  const float scaled = from_bits<float>(rest << 13) * from_bits<float>(0x77800000u);
  const float special = from_bits<float>(0x7f800000u | (rest << 13));  // infinity and NaN
  return from_bits<float>(sign | from_bits<uint32_t>(rest >= 0x7c00u ? special : scaled));
}

inline Half narrow(float value, Half) {
  const uint32_t bits = from_bits<uint32_t>(value), sign = (bits >> 16) & 0x8000u, rest = bits & 0x7fffffffu;
  const float magnitude = from_bits<float>(rest);
  // A subnormal half is a whole number of 2^-24: adding 0.5 rounds to it in a float whose last bit is worth 2^-24.
  const uint32_t small = from_bits<uint32_t>(magnitude + 0.5f) - 0x3f000000u;
  const uint32_t normal = (rest - 0x38000000u + 0xfffu + ((rest >> 13) & 1u)) >> 13;
  const uint32_t finite = rest < 0x38800000u ? small : (normal > 0x7c00u ? 0x7c00u : normal);
  const uint32_t half = rest > 0x7f800000u ? 0x7e00u : (rest >= 0x47800000u ? 0x7c00u : finite);
  return {static_cast<uint16_t>(sign | half)};
}

template <typename T>
inline void load_run(const T* from, int64_t count, Computed<T>* to) {
  if constexpr (std::is_same_v<T, Computed<T>>) {
    std::memcpy(to, from, count * sizeof(T));
  } else {
    int64_t i = 0;
#if defined(__F16C__)
    if constexpr (std::is_same_v<T, Half>) {
      for (; i + 8 <= count; i += 8)
        _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i))));
    }
#endif
    for (; i < count; ++i) to[i] = widen(from[i]);
  }
}

template <typename T>
inline void store_run(const Computed<T>* from, int64_t count, T* to) {
  if constexpr (std::is_same_v<T, Computed<T>>) {
    std::memcpy(to, from, count * sizeof(T));
  } else {
    int64_t i = 0;
#if defined(__F16C__)
    if constexpr (std::is_same_v<T, Half>) {
      for (; i + 8 <= count; i += 8)
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT));
    }
#endif
    for (; i < count; ++i) to[i] = narrow(from[i], T{});
  }
}

// What the inner loops read and write: the storage type itself where a loop over its conversion becomes vector
// instructions, which it does but for halves; those are converted run by run.
template <typename T>
using Seen = std::conditional_t<std::is_same_v<T, Half>, float, T>;

inline float get(float value) { return value; }
inline double get(double value) { return value; }
inline float get(BFloat value) { return widen(value); }
inline void put(float value, float& to) { to = value; }
inline void put(double value, double& to) { to = value; }
inline void put(float value, BFloat& to) { to = narrow(value, BFloat{}); }

// The run as the loops see it; `buffer` is for those that must be converted.
template <typename T>
inline const Seen<T>* view_run(const T* from, int64_t count, Computed<T>* buffer) {
  if constexpr (std::is_same_v<T, Seen<T>>) {
    return from;
  } else {
    load_run(from, count, buffer);
    return buffer;
  }
}

// Where the loops put a run that ends up in `to`: there, or in `buffer`, which `store_result` then converts.
template <typename T>
inline Seen<T>* result_run(T* to, Computed<T>* buffer) {
  if constexpr (std::is_same_v<T, Seen<T>>) {
    return to;
  } else {
    return buffer;
  }
}

template <typename T>
inline void store_result(const Seen<T>* result, int64_t count, T* to) {
  if constexpr (!std::is_same_v<T, Seen<T>>) store_run(result, count, to);
}

// Calls f with a value of the storage type.
template <typename F>
void with_type(Type type, F f) {
  switch (type) {
    case Type::f32: return f(float{});
    case Type::f64: return f(double{});
    case Type::f16: return f(Half{});
    case Type::bf16: return f(BFloat{});
  }
}

}  // namespace nada::cpu
