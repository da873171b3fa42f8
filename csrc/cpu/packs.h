// Packs of adjacent numbers that stay in registers, for loops whose sums or factors would go through memory otherwise.
// The compilers' own vector types: they become the machine's instructions on every target.
#pragma once

#include <algorithm>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "rows.h"

namespace nada::cpu {

#if defined(__AVX512F__)
constexpr int kPackBytes = 64;
#else
constexpr int kPackBytes = 32;
#endif
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#define NADA_MASKS  // parts of packs are loaded and stored by one instruction
#endif

template <typename A>
constexpr int64_t kPack = kPackBytes / sizeof(A);

// Packs of numbers and of their bits; `Stored` ones may lie anywhere in memory.
template <typename A>
struct PackOf;
template <>
struct PackOf<float> {
  typedef float Values __attribute__((vector_size(kPackBytes)));
  typedef float Stored __attribute__((vector_size(kPackBytes), aligned(4), may_alias));
};
template <>
struct PackOf<double> {
  typedef double Values __attribute__((vector_size(kPackBytes)));
  typedef double Stored __attribute__((vector_size(kPackBytes), aligned(8), may_alias));
};
template <typename A>
using Pack = typename PackOf<A>::Values;

template <typename A>
inline Pack<A> load_pack(const A* from) {
  return *reinterpret_cast<const typename PackOf<A>::Stored*>(from);
}
#if defined(__AVX512F__)
inline Pack<float> widen_pack(__m256i bits, BFloat) {
  typedef uint32_t Bits __attribute__((vector_size(kPackBytes)));
  return reinterpret_cast<Pack<float>>(reinterpret_cast<Bits>(_mm512_maskz_cvtepu16_epi32(0xffff, bits)) << 16);
}
inline Pack<float> widen_pack(__m256i bits, Half) { return reinterpret_cast<Pack<float>>(_mm512_maskz_cvtph_ps(0xffff, bits)); }
#endif
inline Pack<float> load_pack(const BFloat* from) {
#if defined(__AVX512F__)
  return widen_pack(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)), BFloat{});
#elif defined(__AVX2__)
  const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return reinterpret_cast<Pack<float>>(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
#else
  alignas(kPackBytes) float values[kPack<float>];
  for (int64_t i = 0; i < kPack<float>; ++i) values[i] = widen(from[i]);
  return load_pack(static_cast<const float*>(values));
#endif
}
inline Pack<float> load_pack(const Half* from) {
#if defined(__AVX512F__)
  return widen_pack(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)), Half{});
#else
  alignas(kPackBytes) float values[kPack<float>];
  load_run(from, kPack<float>, values);
  return load_pack(static_cast<const float*>(values));
#endif
}

inline void store_pack(Pack<float> values, float* to) { *reinterpret_cast<PackOf<float>::Stored*>(to) = values; }
inline void store_pack(Pack<double> values, double* to) { *reinterpret_cast<PackOf<double>::Stored*>(to) = values; }
inline void store_pack(Pack<float> values, BFloat* to) {  // as narrow() does
#if defined(__AVX512BF16__)
  // One instruction for eight. It takes numbers below 1.2e-38 for zeros, which no feature map can tell.
  const __m256bh narrow = _mm512_cvtneps_pbh(reinterpret_cast<__m512>(values));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), reinterpret_cast<__m256i>(narrow));
#else
  typedef uint32_t Bits __attribute__((vector_size(kPackBytes)));
  typedef uint16_t Stored __attribute__((vector_size(kPackBytes / 2), aligned(2), may_alias));
  typedef uint16_t Narrow __attribute__((vector_size(kPackBytes / 2)));
  const Bits bits = reinterpret_cast<Bits>(values), rounded = bits + 0x7fffu + ((bits >> 16) & 1u);
  const Bits kept = values != values ? bits | 0x400000u : rounded;
  *reinterpret_cast<Stored*>(to) = __builtin_convertvector(kept >> 16, Narrow);
#endif
}

inline void store_pack(Pack<float> values, Half* to) {
#if defined(__AVX512F__)
  const __m256i narrow = _mm512_cvtps_ph(reinterpret_cast<__m512>(values), _MM_FROUND_TO_NEAREST_INT);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), narrow);
#else
  alignas(kPackBytes) float stored[kPack<float>];
  store_pack(values, stored);
  store_run(stored, kPack<float>, to);
#endif
}

#if defined(NADA_MASKS)
// Which numbers of the pack that begins at `index` belong to a row of `width` numbers; and such a pack, with zeros for the
// others, which are not read.
inline uint16_t within_row(int64_t index, int64_t width) {
  const int64_t low = std::clamp<int64_t>(-index, 0, 16), high = std::clamp<int64_t>(width - index, 0, 16);
  return static_cast<uint16_t>(((1u << high) - 1) & ~((1u << low) - 1));
}
template <typename T>
inline Pack<float> load_masked(const T* from, uint16_t numbers) {
  if constexpr (std::is_same_v<T, float>) return reinterpret_cast<Pack<float>>(_mm512_maskz_loadu_ps(numbers, from));
  else return widen_pack(_mm256_maskz_loadu_epi16(numbers, from), T{});
}

// `k` numbers behind the beginning of `a`, with those of `b` after its end.
template <int k>
inline Pack<float> shifted(Pack<float> a, Pack<float> b) {
  return reinterpret_cast<Pack<float>>(_mm512_alignr_epi32(reinterpret_cast<__m512i>(b), reinterpret_cast<__m512i>(a), k));
}

// Every second number of the two, from the first or from the second on.
template <int odd>
inline Pack<float> every_second(Pack<float> a, Pack<float> b) {
  const __m512i index = _mm512_set_epi32(30 + odd, 28 + odd, 26 + odd, 24 + odd, 22 + odd, 20 + odd, 18 + odd, 16 + odd,
                                         14 + odd, 12 + odd, 10 + odd, 8 + odd, 6 + odd, 4 + odd, 2 + odd, odd);
  return reinterpret_cast<Pack<float>>(_mm512_permutex2var_ps(reinterpret_cast<__m512>(a), index, reinterpret_cast<__m512>(b)));
}
#endif

// The first `count` numbers of a pack, less than all; zeros stand for the others, which are not read.
template <typename T>
inline Pack<Computed<T>> load_some(const T* from, int64_t count) {
#if defined(NADA_MASKS)
  if constexpr (!std::is_same_v<T, double>) return load_masked(from, within_row(0, count));
#endif
  alignas(kPackBytes) Computed<T> values[kPack<Computed<T>>] = {};
  load_run(from, count, values);
  return load_pack(static_cast<const Computed<T>*>(values));
}

// The first `count` numbers of a pack, less than all; nothing else is written.
template <typename A, typename T>
inline void store_some(A values, int64_t count, T* to) {
  constexpr int64_t wide = kPack<Computed<T>>;
  alignas(kPackBytes) T stored[wide];
  store_pack(values, stored);
#if defined(NADA_MASKS)
  const uint32_t some = (1u << count) - 1;
  if constexpr (std::is_same_v<T, float>) {
    return _mm512_mask_storeu_ps(to, static_cast<__mmask16>(some), reinterpret_cast<__m512>(values));
  } else if constexpr (sizeof(T) == 2) {
    const __m256i bits = _mm256_load_si256(reinterpret_cast<const __m256i*>(stored));
    return _mm256_mask_storeu_epi16(to, static_cast<__mmask16>(some), bits);
  }
#endif
  std::copy_n(stored, count, to);
}

// The pack that begins here, of which nothing behind `end` is read; zeros stand for that.
template <typename T>
inline Pack<Computed<T>> load_before(const T* from, const T* end) {
  if (end - from >= kPack<Computed<T>>) return load_pack(from);
  return end > from ? load_some(from, end - from) : Pack<Computed<T>>{};
}

// At least the first `count` numbers of a pack, and all of them if they end before `end`.
template <typename A, typename T>
inline void store_before(A values, int64_t count, T* to, T* end) {
  constexpr int64_t wide = kPack<Computed<T>>;
  if (end - to >= wide || count >= wide) return store_pack(values, to);
  store_some(values, count, to);
}

// The sums of pairs of neighbours, those of `a` before those of `b`.
template <typename A>
inline Pack<A> add_neighbours(Pack<A> a, Pack<A> b) {
#if defined(__clang__)  // makes shuffles of the loop; gcc does not, and clang has not gcc's function
  constexpr int64_t half = kPack<A> / 2;
  Pack<A> sums = {};
  for (int64_t i = 0; i < half; ++i) sums[i] = a[2 * i] + a[2 * i + 1], sums[half + i] = b[2 * i] + b[2 * i + 1];
  return sums;
#else
  typedef std::conditional_t<sizeof(A) == 8, int64_t, int32_t> Index __attribute__((vector_size(kPackBytes)));
  Index even;
  for (int i = 0; i < kPack<A>; ++i) even[i] = 2 * i;
  return __builtin_shuffle(a, b, even) + __builtin_shuffle(a, b, even + 1);
#endif
}

template <typename A>
inline A sum_of_pack(Pack<A> values) {
  for (int64_t parts = kPack<A>; parts > 1; parts /= 2) values = add_neighbours<A>(values, values);
  return values[0];
}

template <typename A>
inline A sum_of_run(const A* run, int64_t count) {
  Pack<A> sum = {};
  for (int64_t i = 0; i < count; i += kPack<A>) sum += load_before(run + i, run + count);
  return sum_of_pack<A>(sum);
}

// to[i] = the sum of the i-th of kFolded packs that lie behind one another.
constexpr int64_t kFolded = 16;
template <typename A>
inline void fold_packs(const A* packs, A* to) {
  constexpr int64_t wide = kPack<A>;
  for (int64_t first = 0; first < kFolded; first += wide) {
    Pack<A> rows[wide];
    for (int64_t i = 0; i < wide; ++i) rows[i] = load_pack(packs + (first + i) * wide);
    for (int64_t half = wide / 2; half > 0; half /= 2)
      for (int64_t i = 0; i < half; ++i) rows[i] = add_neighbours<A>(rows[2 * i], rows[2 * i + 1]);
    store_pack(rows[0], to + first);
  }
}

}  // namespace nada::cpu
