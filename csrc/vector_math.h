// Elementary functions of one float without calls and branches, so that a compiler turns a loop over them into vector
// instructions; the C library's cannot be. Relative error below 4e-7 where the result is normal. Doubles and the GPU
// use the library's.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace nada::vector_math {

// exp(r) - 1 for |r| <= ln(2) / 2, by its Taylor series.
inline float expm1_small(float r) {
  float p = 1.f / 5040.f;
  p = p * r + 1.f / 720.f;
  p = p * r + 1.f / 120.f;
  p = p * r + 1.f / 24.f;
  p = p * r + 1.f / 6.f;
  p = p * r + 0.5f;
  return p * r * r + r;
}

// 2^k for -126 <= k <= 127, from the bits of a float.
inline float power_of_two(float k) {
  const int32_t bits = (static_cast<int32_t>(k) + 127) << 23;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

struct Reduced {
  float k, r;  // x = k ln(2) + r, |r| <= ln(2) / 2
};

inline Reduced reduce(float x) {
  const float magic = 12582912.f;  // 1.5 * 2^23: adding it rounds to a whole number
  const float k = (x * 1.44269504f + magic) - magic;
  const float high = 0.693359375f, low = -2.12194440e-4f;  // ln(2) in two parts, the first one exact in few bits
  return {k, (x - k * high) - k * low};
}

inline float exp(float x) {
  const float bounded = x < -87.f ? -87.f : (x > 88.f ? 88.f : x);
  const Reduced parts = reduce(bounded);
  const float value = (expm1_small(parts.r) + 1.f) * power_of_two(parts.k);
  const float low = x < -87.f ? 0.f : value;
  const float high = x > 88.f ? INFINITY : low;
  return x != x ? x : high;
}

inline float expm1(float x) {
  const float bounded = x < -30.f ? -30.f : (x > 88.f ? 88.f : x);
  const Reduced parts = reduce(bounded);
  const float scale = power_of_two(parts.k);
  const float value = expm1_small(parts.r) * scale + (scale - 1.f);
  const float high = x > 88.f ? INFINITY : value;
  return x != x ? x : high;
}

inline float tanh(float x) {
  const float magnitude = x < 0.f ? -x : x;
  const float e = expm1(magnitude > 10.f ? 20.f : 2.f * magnitude);
  const float t = e / (e + 2.f);
  const float value = x < 0.f ? -t : t;
  return x != x ? x : value;
}

// ln(1 + u) for 0 <= u <= 1, as 2 artanh(u / (2 + u)).
inline float log1p_unit(float u) {
  const float z = u / (2.f + u), q = z * z;
  float p = 1.f / 15.f;
  p = p * q + 1.f / 13.f;
  p = p * q + 1.f / 11.f;
  p = p * q + 1.f / 9.f;
  p = p * q + 1.f / 7.f;
  p = p * q + 1.f / 5.f;
  p = p * q + 1.f / 3.f;
  return 2.f * (p * q * z + z);
}

inline float softplus(float x) {
  const float positive = x > 0.f ? x : 0.f;
  return positive + log1p_unit(exp(x > 0.f ? -x : x));
}

}  // namespace nada::vector_math
