// Rows of the picture that a step to the picture adds to.
#pragma once

#include <algorithm>
#include <vector>

#include "../formulas.h"

namespace nada::cpu {

// Rows of a picture at twice its size: zeros inserted, filtered, times four.
template <typename A>
class UpsampledRows {
 public:
  explicit UpsampledRows(const ToRgb& args)
      : args_(args), before_((args.count + 1) / 2), half_(args.w / 2), taps_(args.count), line_(half_ + 2 * args.count),
        even_(half_), odd_(half_) {
    const A* taps = static_cast<const A*>(args.taps);
    for (int k = 0; k < args.count; ++k) taps_[k] = taps[args.count - 1 - k];
  }

  // Adds row `row` of the plane that `small` points at to `to`.
  void add(const A* small, int64_t row, A* __restrict to) {
    A* line = line_.data() + args_.count;
    std::fill(line_.begin(), line_.end(), A(0));
    for (int k = 0; k < args_.count; ++k) {
      const int64_t source = source_index(row, k, 2, 1, before_, args_.h / 2);
      if (source >= 0) add_scaled(small + source * half_, 4 * taps_[k], line);
    }
    std::fill(even_.begin(), even_.end(), A(0));
    std::fill(odd_.begin(), odd_.end(), A(0));
    for (int k = 0; k < args_.count; ++k) {
      const int64_t shift = k - before_;  // of the pixel that tap k reads; odd pixels read where even ones read zeros
      if (shift % 2 == 0) add_scaled(line + shift / 2, taps_[k], even_.data());
      else add_scaled(line + (shift + 1) / 2, taps_[k], odd_.data());
    }
    for (int64_t i = 0; i < half_; ++i) {
      to[2 * i] += even_[i];
      to[2 * i + 1] += odd_[i];
    }
  }

 private:
  void add_scaled(const A* __restrict from, A factor, A* __restrict to) {
#pragma omp simd
    for (int64_t i = 0; i < half_; ++i) to[i] += factor * from[i];
  }

  const ToRgb& args_;
  int64_t before_, half_;
  std::vector<A> taps_, line_, even_, odd_;
};

}  // namespace nada::cpu
