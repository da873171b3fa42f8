// A separable filter through a strip of channels of a map with channels last, pixel by pixel of a row.
//
// A pixel is read once: it enters a window of registers, whose weighted sum is a row filtered along itself; with the
// last rows of such sums, which stay in the first caches, that gives a pixel of the output at once.
#pragma once

#include <vector>

#include "../bodies.h"
#include "strips.h"

namespace nada::cpu {

// Rows must come in their order. `Count` is the number of taps; 0 if that is known when it runs only.
template <typename A, int Count>
class StripFilter {
 public:
  // Taps in the order in which they meet the picture; output pixel m reads, at tap k, input pixel m + k - left.
  StripFilter(const std::vector<A>& along, const std::vector<A>& across, int64_t in_w, int64_t out_w, int64_t left)
      : count_(static_cast<int>(along.size())), in_w_(in_w), out_w_(out_w), left_(left),
        rows_(std::max(1, count_ - 1) * out_w * Strip<A>::kChannels) {
    std::copy(along.begin(), along.end(), along_);
    std::copy(across.begin(), across.end(), across_);
  }

  // Row number `row` of the input, which is zeros if it is not `inside`; load(pixel) reads it. With it a row of the output
  // is `complete`, which is given to finish(pixel, value). Returns `load`, whose state stays in registers meanwhile.
  template <typename Load, typename Finish>
  [[gnu::noinline]] Load add(int64_t row, bool inside, bool complete, Load load, Finish finish) {
    const int count = Count ? Count : count_;
    const int64_t width = inside ? in_w_ : 0, left = left_, out_w = out_w_;
    A along[kRoom], across[kRoom], *older[kRoom];
    std::copy_n(along_, count, along);
    std::copy_n(across_, count, across);
    for (int k = 0; k < count; ++k) older[k] = line(row + k);  // `count - 1` rows stay: the oldest makes room for this one
    A* now = line(row);
    Strip<A> window[kRoom];
    const int64_t end = std::max(out_w + count - 1, left + in_w_);
    for (int64_t place = std::min<int64_t>(0, left); place < end; ++place) {
      for (int k = 0; k + 1 < count; ++k) window[k] = window[k + 1];
      window[count - 1] = within(place - left, width) ? load(place - left) : Strip<A>{};
      const int64_t pixel = place - count + 1, at = pixel * Strip<A>::kChannels;
      if (!within(pixel, out_w)) continue;
      Strip<A> result;
      for (int i = 0; i < Strip<A>::kPacks; ++i) {
        const int64_t lane = at + i * kPack<A>;
        Pack<A> sum = along[0] * window[0].at[i];
        for (int k = 1; k < count; ++k) sum += along[k] * window[k].at[i];
        result.at[i] = across[count - 1] * sum;
        for (int k = 0; k + 1 < count; ++k) result.at[i] += across[k] * load_pack(static_cast<const A*>(older[k] + lane));
        store_pack(sum, now + lane);
      }
      if (complete) finish(pixel, result);
    }
    return load;
  }

 private:
  static constexpr int kRoom = Count ? Count : kMaxTaps;

  static bool within(int64_t index, int64_t size) { return static_cast<uint64_t>(index) < static_cast<uint64_t>(size); }

  A* line(int64_t row) {
    const int64_t rows = std::max(1, count_ - 1);
    return rows_.data() + (row % rows + rows) % rows * out_w_ * Strip<A>::kChannels;
  }

  int count_;
  int64_t in_w_, out_w_, left_;
  A along_[kMaxTaps], across_[kMaxTaps];
  Line<A> rows_;
};

}  // namespace nada::cpu
