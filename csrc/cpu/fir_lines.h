// A separable filter on its way through a picture: first across rows, in the type they are stored in, into a padded line
// of the type that is computed in; then along the line. Nothing but the line is kept, and it stays in the first cache.
#pragma once

#include <algorithm>
#include <type_traits>

#include "packs.h"

namespace nada::cpu {

template <typename T>
inline void prefetch_run(const T* from, int64_t count) {
  for (int64_t i = 0; i < count; i += 64 / sizeof(T)) __builtin_prefetch(from + i);
}

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

// The filter across rows of `width` numbers: the rows that its taps meet, zeros outside the picture.
template <typename T>
class Across {
 public:
  using A = Computed<T>;
  Across(std::vector<A> weights, int64_t width)
      : weights_(std::move(weights)), rows_(weights_.size()), zeros_(width) {}

  // `row` gives the place of a row; the first tap meets row `first` of `height`.
  template <typename F>
  void enter(int64_t first, int64_t height, F row) {
    for (int64_t k = 0; k < static_cast<int64_t>(rows_.size()); ++k)
      rows_[k] = first + k < 0 || first + k >= height ? zeros_.data() : row(first + k);
  }

  void combine(int64_t at, int64_t length, A* out) const {
    combine_rows(rows_.data(), weights_.data(), static_cast<int>(rows_.size()), at, length, out);
  }

 private:
  std::vector<A> weights_;
  std::vector<const T*> rows_;
  Line<T> zeros_;
};

// A padded line, and the filter along it: output pixel m reads, at tap k, input pixel m + k - left, which lies m + k
// pixels behind the line's begin. A pixel has `lanes` numbers.
template <typename A>
class Along {
 public:
  Along(std::vector<A> weights, int64_t in_w, int64_t out_w, int64_t left, int64_t lanes)
      : taps(static_cast<int>(weights.size())),
        shift(left * lanes),
        begin(std::max<int64_t>(0, shift)),
        end(std::max(begin, std::min((in_w + left) * lanes, (out_w + taps - 1) * lanes))),
        weights_(std::move(weights)),
        line_((out_w + taps - 1) * lanes),
        sources_(taps),
        lanes_(lanes) {}

  // Filters rows with `across` into the line: what outputs before number `until` read and is not there yet.
  template <typename T>
  void fill(const Across<T>& across, int64_t until, int64_t& made) {
    const int64_t upto = std::min(end, until + (taps - 1) * lanes_);
    if (upto <= made) return;
    across.combine(made - shift, upto - made, line_.data() + made);
    made = upto;
  }

  // The line as each tap sees it.
  const A* const* sources() {
    for (int k = 0; k < taps; ++k) sources_[k] = line_.data() + k * lanes_;
    return sources_.data();
  }
  const A* weights() const { return weights_.data(); }

  const int taps;
  const int64_t shift, begin, end;  // of the input in the line, before and after it is cut to the line

 private:
  std::vector<A> weights_;
  Line<A> line_;
  std::vector<const A*> sources_;
  int64_t lanes_;
};

}  // namespace nada::cpu
