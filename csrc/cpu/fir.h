// Rows on their way through a separable filter: each is filtered along itself once and kept while later rows need it.
//
// A row is `width * lanes` numbers: pixels of one channel (lanes = 1), or pixels with all their channels. Neighbours
// along the row lie `lanes` apart, so both memory layouts are the same long loop over adjacent numbers.
#pragma once

#include <algorithm>
#include <vector>

#include "rows.h"

namespace nada::cpu {

// out[i] = sum_k taps[k] * rows[k][i]; four taps are the published filter.
template <typename A>
inline void combine_rows(const A* const* rows, const A* taps, int count, int64_t length, A* __restrict out) {
  if (count == 4) {
    const A *__restrict r0 = rows[0], *__restrict r1 = rows[1], *__restrict r2 = rows[2], *__restrict r3 = rows[3];
    const A t0 = taps[0], t1 = taps[1], t2 = taps[2], t3 = taps[3];
#pragma omp simd
    for (int64_t i = 0; i < length; ++i) out[i] = t0 * r0[i] + t1 * r1[i] + t2 * r2[i] + t3 * r3[i];
    return;
  }
  std::fill_n(out, length, A(0));
  for (int k = 0; k < count; ++k) {
    const A* __restrict row = rows[k];
    const A tap = taps[k];
#pragma omp simd
    for (int64_t i = 0; i < length; ++i) out[i] += tap * row[i];
  }
}

template <typename A>
class FirRows {
 public:
  // `before` pixels of padding (or cropping, if negative) come before a row of `in_width`; `out_width` come out.
  FirRows(const Fir& fir, bool reverse, int64_t before, int64_t in_width, int64_t out_width, int64_t lanes)
      : count_(fir.count),
        length_(out_width * lanes),
        start_(std::max<int64_t>(0, before) * lanes),
        skip_(std::max<int64_t>(0, -before) * lanes),
        stride_(lanes),
        padded_((out_width + fir.count - 1) * lanes, A(0)),
        ring_(fir.count * length_),
        zeros_(length_, A(0)),
        along_(fir.count),
        across_(fir.count),
        sources_(fir.count) {
    taken_ = std::max<int64_t>(0, std::min<int64_t>(in_width * lanes - skip_, static_cast<int64_t>(padded_.size()) - start_));
    const A* taps = static_cast<const A*>(fir.taps);
    for (int k = 0; k < count_; ++k) {
      along_[k] = taps[fir.flip != reverse ? count_ - 1 - k : k];
      across_[k] = along_[k] * static_cast<A>(fir.gain);
    }
  }

  // Takes a row in its storage type.
  template <typename T>
  void push(int64_t row, const T* values) {
    load_run(values + skip_, taken_, padded_.data() + start_);
    for (int k = 0; k < count_; ++k) sources_[k] = padded_.data() + k * stride_;
    combine_rows(sources_.data(), along_.data(), count_, length_, ring_.data() + row % count_ * length_);
  }

  // The filtered row whose first tap reads row `first`; rows outside of [0, rows) are zeros.
  void combine(int64_t first, int64_t rows, A* out) {
    for (int k = 0; k < count_; ++k) {
      const int64_t row = first + k;
      sources_[k] = row < 0 || row >= rows ? zeros_.data() : ring_.data() + row % count_ * length_;
    }
    combine_rows(sources_.data(), across_.data(), count_, length_, out);
  }

 private:
  int count_;
  int64_t length_, start_, skip_, stride_, taken_ = 0;
  std::vector<A> padded_, ring_, zeros_, along_, across_;
  std::vector<const A*> sources_;
};

}  // namespace nada::cpu
