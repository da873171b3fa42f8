// How a filtered epilogue is cut into tasks, and its taps.
#pragma once

#include <algorithm>
#include <vector>

#include "runs.h"

namespace nada::cpu {

// A band of rows of a strip of a sample's channels. Bands of the two ends of the filter are cut alike.
class StripTasks {
 public:
  StripTasks(const Epilogue& args, int64_t channels) : args_(args), channels_(channels) {
    strips_ = (args.c + channels - 1) / channels;
    bands = (args.h + kRows - 1) / kRows;
    count = args.n * bands * strips_;
    elements = args.h * args.w * channels / bands;
  }

  int64_t sample(int64_t task) const { return task / strips_ / bands; }
  int64_t band(int64_t task) const { return task / strips_ % bands; }
  int64_t first(int64_t task) const { return task % strips_ * channels_; }  // channel
  int64_t channels(int64_t task) const { return std::min(channels_, args_.c - first(task)); }
  int64_t cut(int64_t task, int64_t rows, int64_t end) const { return (band(task) + end) * rows / bands; }

  int64_t bands, count, elements;

 private:
  static constexpr int64_t kRows = 64;  // of a band, at most
  const Epilogue& args_;
  int64_t channels_, strips_;
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
