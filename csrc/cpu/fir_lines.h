// Weighted sums of rows, of any number of them and of any types.
#pragma once

#include <algorithm>
#include <type_traits>

#include "packs.h"

namespace nada::cpu {

// out[i] (+)= sum_k weights[k] * rows[k][at + i] of one to four rows.
template <bool add, typename X, typename A, typename Y>
inline void combine_four(const X* const* rows, const A* weights, int count, int64_t at, int64_t length, Y* out) {
  const X *r0 = rows[0] + at, *r1 = rows[count > 1] + at, *r2 = rows[2 * (count > 2)] + at, *r3 = rows[3 * (count > 3)] + at;
  const A w[4] = {weights[0], count > 1 ? weights[1] : A(0), count > 2 ? weights[2] : A(0), count > 3 ? weights[3] : A(0)};
  int64_t i = 0;
  for (; i + kPack<A> <= length; i += kPack<A>) {
    Pack<A> sum = w[0] * load_pack(r0 + i) + w[1] * load_pack(r1 + i);
    if (count > 2) sum += w[2] * load_pack(r2 + i) + w[3] * load_pack(r3 + i);
    if constexpr (add) sum += load_pack(out + i);
    store_pack(sum, out + i);
  }
  for (; i < length; ++i) {
    A sum = w[0] * get(r0[i]) + w[1] * get(r1[i]);
    if (count > 2) sum += w[2] * get(r2[i]) + w[3] * get(r3[i]);
    if constexpr (add) sum += get(out[i]);
    put(sum, out[i]);
  }
}

// The same for any number of rows, in pieces of which a sum is kept where it cannot be kept in `out`.
template <typename T, typename A, typename Y>
inline void combine_rows(const T* const* rows, const A* weights, int count, int64_t at, int64_t length, Y* out) {
  if constexpr (std::is_same_v<T, Seen<T>> && std::is_same_v<Y, Seen<Y>>) {
    if (count >= 1 && count <= 4) return combine_four<false>(rows, weights, count, at, length, out);
  }
  alignas(64) A sum[kRun], converted[4][std::is_same_v<T, Seen<T>> ? 1 : kRun];
  for (int64_t first = 0; first < length; first += kRun) {
    const int64_t piece = std::min(kRun, length - first);
    if (count == 0) std::fill_n(sum, piece, A(0));
    for (int k = 0; k < count; k += 4) {
      const int some = std::min(4, count - k);
      const Seen<T>* seen[4];
      for (int i = 0; i < some; ++i) seen[i] = view_run(rows[k + i] + at + first, piece, converted[i]);
      if (k == 0) combine_four<false>(seen, weights, some, 0, piece, sum);
      else combine_four<true>(seen, weights + k, some, 0, piece, sum);
    }
    store_run(sum, piece, out + first);
  }
}

}  // namespace nada::cpu
