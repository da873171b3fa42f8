// CUDA's vectors and 16-bit numbers in software; conversions round to the nearest, ties to even, as the GPU's do.
#pragma once

#include <cstdint>
#include <cstring>

struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};

struct __half {
  uint16_t bits;
};
struct __nv_bfloat16 {
  uint16_t bits;
};

namespace emulator {

inline uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}

inline float from_bits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

// Drops the low `count` bits, rounding to the nearest even.
inline uint32_t drop_bits(uint32_t bits, int count) {
  const uint32_t odd = (bits >> count) & 1, half = (1u << (count - 1)) - 1;
  return (bits + half + odd) >> count;
}

}  // namespace emulator

inline float __bfloat162float(__nv_bfloat16 value) { return emulator::from_bits(uint32_t(value.bits) << 16); }

inline __nv_bfloat16 __float2bfloat16_rn(float value) {
  if (value != value) return {0x7FFF};
  return {static_cast<uint16_t>(emulator::drop_bits(emulator::bits_of(value), 16))};
}

inline float __half2float(__half value) {
  const uint32_t sign = uint32_t(value.bits & 0x8000) << 16, exponent = (value.bits >> 10) & 31, rest = value.bits & 1023;
  if (exponent == 31) return emulator::from_bits(sign | 0x7F800000 | rest << 13);
  // A subnormal is a multiple of 2^-24.
  if (exponent == 0) return (sign ? -1.0f : 1.0f) * static_cast<float>(rest) * 0x1p-24f;
  return emulator::from_bits(sign | (exponent + 112) << 23 | rest << 13);
}

inline __half __float2half_rn(float value) {
  const uint32_t bits = emulator::bits_of(value), sign = (bits >> 16) & 0x8000, size = bits & 0x7FFFFFFF;
  if (size > 0x7F800000) return {0x7FFF};
  if (size >= 0x477FF000) return {static_cast<uint16_t>(sign | 0x7C00)};  // rounds to infinity
  if (size >= 0x38800000) return {static_cast<uint16_t>(sign | (emulator::drop_bits(size, 13) - (112 << 10)))};
  // Adding 2^-1 leaves the multiple of 2^-24 in the low bits, rounded.
  const uint32_t rest = emulator::bits_of(emulator::from_bits(size) + 0.5f) - emulator::bits_of(0.5f);
  return {static_cast<uint16_t>(sign | rest)};
}
