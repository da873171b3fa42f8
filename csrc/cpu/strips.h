// Strips of channels of a map with channels last.
#pragma once

#include "packs.h"

namespace nada::cpu {

// Channels that are worked on at once: whole cache lines, but for half ones of 16-bit types without AVX-512.
template <typename A>
struct Strip {
  static constexpr int kPacks = 2;
  static constexpr int64_t kChannels = kPacks * kPack<A>;
  Pack<A> at[kPacks] = {};
};

// A strip of a pixel that has `channels` of them; those that are missing are zeros.
template <bool whole, typename T>
inline Strip<Computed<T>> load_strip(const T* from, int64_t channels) {
  Strip<Computed<T>> values;
  for (int i = 0; i < values.kPacks; ++i) {
    const int64_t first = i * kPack<Computed<T>>;
    if (whole) values.at[i] = load_pack(from + first);
    else if (first < channels) values.at[i] = load_before(from + first, from + channels);
  }
  return values;
}

template <bool whole, typename A, typename T>
inline void store_strip(const Strip<A>& values, T* to, int64_t channels) {
  for (int i = 0; i < values.kPacks; ++i) {
    const int64_t first = i * kPack<A>;
    if (whole) store_pack(values.at[i], to + first);
    else if (first < channels) store_before(values.at[i], channels - first, to + first, to + channels);
  }
}

// Brings nearer what lies some pixels behind, in this row or the next: a strip's pixels are far from one another.
template <bool write, typename T>
inline void fetch_strip(const T* pixel, int64_t pitch) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(pixel) + 16 * pitch * sizeof(T);
  for (int64_t i = 0; i < Strip<Computed<T>>::kChannels * static_cast<int64_t>(sizeof(T)); i += 64)
    __builtin_prefetch(reinterpret_cast<const void*>(at + i), write);
}

}  // namespace nada::cpu
