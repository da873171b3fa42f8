// Rows on their way through upsampling, filtering and decimation: each is filtered along itself once and kept while
// later rows need it.
//
// Output pixel up * m + p reads, at tap k, input pixel m * down + s with s = (p * down + k - left) / up where that is
// whole. So the outputs of one phase p are sums of shifted inputs of single phases s mod down, and every loop runs over
// adjacent numbers: no zero is inserted, nothing is computed to be dropped. A row is pixels of one channel (several
// short channels behind one another, with gaps), or pixels with all their channels, `lanes` numbers each.
#pragma once

#include <algorithm>
#include <vector>

#include "rows.h"

namespace nada::cpu {

// out[i] (+)= sum_k weights[k] * rows[k][i]
template <typename A>
inline void combine_rows(const A* const* rows, const A* weights, int count, int64_t length, bool add, A* __restrict out) {
  if (!add && count == 0) std::fill_n(out, length, A(0));
  for (int k = 0; k < count; k += 4) {
    const int left = count - k;
    const bool fresh = k == 0 && !add;
    const A *__restrict r0 = rows[k], *__restrict r1 = rows[k + (left > 1)], *__restrict r2 = rows[k + 2 * (left > 2)],
            *__restrict r3 = rows[k + 3 * (left > 3)];
    const A w0 = weights[k], w1 = left > 1 ? weights[k + 1] : A(0), w2 = left > 2 ? weights[k + 2] : A(0),
            w3 = left > 3 ? weights[k + 3] : A(0);
    if (fresh && left <= 2) {
#pragma omp simd
      for (int64_t i = 0; i < length; ++i) out[i] = w0 * r0[i] + w1 * r1[i];
    } else if (fresh) {
#pragma omp simd
      for (int64_t i = 0; i < length; ++i) out[i] = (w0 * r0[i] + w1 * r1[i]) + (w2 * r2[i] + w3 * r3[i]);
    } else {
#pragma omp simd
      for (int64_t i = 0; i < length; ++i) out[i] += (w0 * r0[i] + w1 * r1[i]) + (w2 * r2[i] + w3 * r3[i]);
    }
  }
}

inline int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

struct RowShape {
  int64_t in_w, out_w, left;
  int up, down;
  int64_t lanes, segments;  // numbers of a pixel; channels behind one another, with lanes = 1
};

template <typename A>
class FilteredRows {
 public:
  // `along` are the taps along a row in the order in which they meet it; none: rows are kept as they are, and
  // `combine` filters with a matrix. `slots` rows are kept.
  FilteredRows(const RowShape& shape, std::vector<A> along, int taps, int64_t slots)
      : shape_(shape), along_(std::move(along)), slots_(slots), phases_(shape.up) {
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (int p = 0; p < shape.up; ++p) {
      for (int k = 0; k < taps; ++k) {
        const int64_t j = p * shape.down + k - shape.left;
        if (j % shape.up != 0) continue;
        const int64_t source = j / shape.up, shift = floor_div(source, shape.down);
        phases_[p].push_back({k, static_cast<int>(source - shift * shape.down), shift});
        first = std::min(first, shift), last = std::max(last, shift);
      }
    }
    start_ = -first;
    pitch = ((shape.out_w + shape.up - 1) / shape.up + last - first) * shape.lanes;
    length = pitch * shape.segments - (last - first) * shape.lanes;
    phase_length_ = pitch * shape.segments;
    const bool matrix = along_.empty();
    width_ = matrix ? phase_length_ * shape.down : length * shape.up;
    ring_.assign(slots * width_, A(0));
    if (!matrix) spread_.assign(phase_length_ * shape.down, A(0));
    zeros_.assign(width_, A(0));
    if (shape.down > 1) row_.resize(shape.in_w * shape.lanes);
  }

  // Takes row `row`; `stride` is from one channel to the next.
  template <typename T>
  void push(int64_t row, const T* values, int64_t segments, int64_t stride) {
    A* kept = ring_.data() + row % slots_ * width_;
    A* padded = along_.empty() ? kept : spread_.data();
    for (int64_t segment = 0; segment < segments; ++segment) place(values + segment * stride, padded + segment * pitch);
    if (along_.empty()) return;
    for (int p = 0; p < shape_.up; ++p) filter(padded, along_.data(), p, false, kept + p * length);
  }

  const A* kept(int64_t row) const { return ring_.data() + row % slots_ * width_; }
  const A* zeros() const { return zeros_.data(); }

  // out[p][...] (+)= a kept row filtered with the matrix row `weights`.
  void filter(const A* padded, const A* weights, int p, bool add, A* out) {
    sources_.clear(), weights_.clear();
    for (const Tap& tap : phases_[p]) {
      sources_.push_back(padded + tap.phase * phase_length_ + (tap.shift + start_) * shape_.lanes);
      weights_.push_back(weights[tap.index]);
    }
    combine_rows(sources_.data(), weights_.data(), static_cast<int>(sources_.size()), length, add, out);
  }

  int64_t pitch;   // from one channel's outputs to the next one's
  int64_t length;  // of the outputs of one phase

 private:
  struct Tap {
    int index, phase;
    int64_t shift;
  };

  // Puts a channel's row, or a row of pixels, into the phases of the padded row.
  template <typename T>
  void place(const T* values, A* padded) {
    const int64_t room = pitch / shape_.lanes, down = shape_.down;
    const int64_t at = std::max<int64_t>(0, start_), skip = std::max<int64_t>(0, -start_) * down;
    if (down == 1) {
      const int64_t count = std::max<int64_t>(0, std::min(shape_.in_w - skip, room - at));
      return load_run(values + skip * shape_.lanes, count * shape_.lanes, padded + at * shape_.lanes);
    }
    load_run(values, shape_.in_w * shape_.lanes, row_.data());
    const A* row = row_.data();
    for (int64_t q = 0; q < down; ++q) {
      const int64_t count = std::min((shape_.in_w - skip - q + down - 1) / down, room - at);
      const A* from = row + (skip + q) * shape_.lanes;
      A* to = padded + q * phase_length_ + at * shape_.lanes;
      if (shape_.lanes == 1) {
        for (int64_t i = 0; i < count; ++i) to[i] = from[i * down];
      } else {
        for (int64_t i = 0; i < count; ++i) std::copy_n(from + i * down * shape_.lanes, shape_.lanes, to + i * shape_.lanes);
      }
    }
  }

  RowShape shape_;
  std::vector<A> along_;
  int64_t slots_, start_, phase_length_, width_;
  std::vector<std::vector<Tap>> phases_;
  std::vector<A> ring_, spread_, zeros_, row_;
  std::vector<const A*> sources_;
  std::vector<A> weights_;
};

}  // namespace nada::cpu
