// How a filtered epilogue is cut into tasks, and its taps.
#pragma once

#include <algorithm>
#include <vector>

#include "runs.h"

namespace nada::cpu {

// Bands of rows of a sample with channels last. Bands of the two ends of the filter are cut alike.
class Bands {
 public:
  explicit Bands(const Epilogue& args) : args_(args) {
    const int64_t rows = std::max<int64_t>(16, 4 * kTask / (args.w * args.c));
    bands = (args.h + rows - 1) / rows;
  }

  int64_t tasks() const { return args_.n * bands; }
  int64_t elements() const { return args_.h * args_.w * args_.c / bands; }
  Part part(int64_t task) const { return {task / bands, 0, args_.c, 0, args_.w}; }
  int64_t cut(int64_t task, int64_t rows, int64_t end) const { return (task % bands + end) * rows / bands; }

  // Where a row of the part begins in pictures of `height` rows of `width` pixels.
  int64_t offset(const Part& part, int64_t row, int64_t height, int64_t width) const {
    return (part.n * height + row) * width * args_.c;
  }

  int64_t bands = 1;

 private:
  const Epilogue& args_;
};

// Taps in the order in which they meet the picture, or its gradient; with the gain of both axes or without.
template <typename A>
std::vector<A> taps_of(const Fir& fir, bool reverse, double gain) {
  const A* taps = static_cast<const A*>(fir.taps);
  std::vector<A> result(taps, taps + fir.count);
  if (fir.flip != reverse) std::reverse(result.begin(), result.end());
  for (A& tap : result) tap *= static_cast<A>(gain);
  return result;
}

}  // namespace nada::cpu
