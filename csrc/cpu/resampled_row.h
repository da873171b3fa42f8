// One row of a resampled picture: rows of the input are summed into a padded line, which is filtered along itself.
//
// For the outputs of one phase (phases.h), taps are shifts of the line. Where pixels are short, the line is split by its
// pixels' places modulo `down` and outputs are made phase by phase, so that every loop runs over adjacent numbers; a
// pixel of many channels is such a loop by itself.
#pragma once

#include <algorithm>
#include <vector>

#include "ahead.h"
#include "fir_lines.h"
#include "phases.h"

namespace nada::cpu {

struct RowShape {
  int64_t in_w, out_w, left, lanes;  // lanes: numbers of a pixel
  int up, down, taps;
  bool sums;  // rows are made of several filtered lines
};

template <typename T>
class ResampledRow {
 public:
  using A = Computed<T>;
  explicit ResampledRow(const RowShape& shape)
      : shape_(shape),
        by_pixel_(!shape.sums && shape.lanes >= kPack<A> && shape.up * shape.down > 1),
        count_((shape.out_w + shape.up - 1) / shape.up),
        phases_(shape.up) {
    const Phases found(shape.taps, shape.left, shape.up, shape.down);
    const int64_t lowest = found.lowest, highest = found.highest;
    for (int p = 0; p < shape.up; ++p) static_cast<Phases::Phase&>(phases_[p]) = found.all[p];
    const int64_t room = (count_ - 1) * shape.down + highest - lowest + 1;
    first_ = std::max<int64_t>(0, -lowest), skipped_ = std::max<int64_t>(0, lowest);
    taken_ = std::max<int64_t>(0, std::min(shape.in_w - skipped_, room - first_));
    split_ = (room + shape.down - 1) / shape.down;
    line_.resize(split_ * shape.down * shape.lanes);
    const bool splits = shape.down > 1 && !by_pixel_;
    if (splits) parts_.resize(line_.size());
    if (!by_pixel_) results_.resize(shape.up * count_ * shape.lanes);
    if (shape.sums) sum_.resize(results_.size());
    const A* from = splits ? parts_.data() : line_.data();
    for (Phase& phase : phases_) {
      for (int64_t shift : phase.shifts) {
        const int64_t pixel = shift - lowest;
        phase.sources.push_back(from + (splits ? pixel % shape.down * split_ + pixel / shape.down : pixel) * shape.lanes);
      }
      phase.weights.resize(phase.taps.size());
    }
  }

  // The taps along the row in the order in which they meet it, times `gain`.
  void use(const A* taps, A gain) {
    for (Phase& phase : phases_)
      for (size_t i = 0; i < phase.taps.size(); ++i) phase.weights[i] = gain * taps[phase.taps[i]];
  }

  // The line becomes the weighted sum of rows.
  void load(const T* const* rows, const A* weights, int count) {
    const int64_t lanes = shape_.lanes, down = shape_.down;
    combine_rows(rows, weights, count, skipped_ * lanes, taken_ * lanes, line_.data() + first_ * lanes);
    if (parts_.empty()) return;
    const A* __restrict line = line_.data();
    A* __restrict parts = parts_.data();
    if (down == 2 && lanes == 1) {
      for (int64_t i = 0; i < split_; ++i) parts[i] = line[2 * i], parts[split_ + i] = line[2 * i + 1];
      return;
    }
    for (int64_t i = 0; i < split_ * down; ++i)
      std::copy_n(line + i * lanes, lanes, parts + (i % down * split_ + i / down) * lanes);
  }

  // The line, filtered, becomes a row of the output.
  void store(T* to) {
    const int64_t lanes = shape_.lanes;
    if (by_pixel_) {
      for (int64_t i = 0; i < shape_.out_w; ++i) {
        fetch_ahead_to_write(to + i * lanes, lanes);
        filter(phases_[i % shape_.up], i / shape_.up * shape_.down * lanes, lanes, to + i * lanes);
      }
      return;
    }
    fetch_ahead_to_write(to, shape_.out_w * lanes);
    if (shape_.up == 1) {
      filter(phases_[0], 0, shape_.out_w * lanes, to);
    } else {
      for (int p = 0; p < shape_.up; ++p) filter(phases_[p], 0, count_ * lanes, results_.data() + p * count_ * lanes);
      interleave(results_.data(), to);
    }
  }

  // The line, filtered, is added to what will be a row of the output.
  void add(bool fresh) {
    if (fresh) std::fill(sum_.begin(), sum_.end(), A(0));
    const int64_t length = count_ * shape_.lanes;
    for (int p = 0; p < shape_.up; ++p) filter(phases_[p], 0, length, results_.data() + p * length);
    for (size_t i = 0; i < sum_.size(); ++i) sum_[i] += results_[i];
  }
  void store_sum(T* to) { interleave(sum_.data(), to); }

 private:
  struct Phase : Phases::Phase {
    std::vector<const A*> sources;
    std::vector<A> weights;
  };

  template <typename Y>
  void filter(const Phase& phase, int64_t at, int64_t length, Y* out) {
    combine_rows(phase.sources.data(), phase.weights.data(), static_cast<int>(phase.taps.size()), at, length, out);
  }

  // Brings the phases of the outputs together.
  void interleave(const A* __restrict from, T* __restrict to) {
    const int64_t lanes = shape_.lanes, up = shape_.up, whole = shape_.out_w / 2;
    int64_t i = 0;
    if constexpr (std::is_same_v<T, Seen<T>>) {
      if (up == 2 && lanes == 1) {
        const A* __restrict odd = from + count_;
        for (int64_t m = 0; m < whole; ++m) put(from[m], to[2 * m]), put(odd[m], to[2 * m + 1]);
        i = 2 * whole;
      }
    }
    if (up == 1) return store_run(from, shape_.out_w * lanes, to);
    for (; i < shape_.out_w; ++i) store_run(from + (i % up * count_ + i / up) * lanes, lanes, to + i * lanes);
  }

  RowShape shape_;
  bool by_pixel_;
  int64_t count_;                          // outputs of a phase
  int64_t first_, skipped_, taken_, split_;  // where the input begins in the line, what is cut from it, its pixels
  std::vector<Phase> phases_;
  Line<A> line_, parts_, results_, sum_;
};

}  // namespace nada::cpu
