// How a filtered epilogue is cut into tasks, and its taps.
#pragma once

#include <algorithm>
#include <vector>

#include "runs.h"

namespace nada::cpu {

// Bands of rows of a sample, or of some of its channels. Bands of the two ends of the filter are cut alike.
class Bands {
 public:
  Bands(const Epilogue& args, const Runs& runs) : args_(args), runs_(runs) {
    const int64_t rows = std::max<int64_t>(16, 4 * kTask / (args.w * runs.channels));
    bands = (args.h + rows - 1) / rows;
  }

  int64_t tasks() const { return runs_.tasks / runs_.parts * bands; }
  int64_t elements() const { return args_.h * args_.w * runs_.channels / bands; }
  Part part(int64_t task) const { return runs_.part(task / bands * runs_.parts); }
  int64_t cut(int64_t task, int64_t rows, int64_t end) const { return (task % bands + end) * rows / bands; }

  // Where a row of the part begins in pictures of `height` rows of `width` pixels.
  int64_t offset(const Part& part, int64_t row, int64_t height, int64_t width) const {
    if (runs_.channels_last) return (part.n * height + row) * width * args_.c;
    return ((part.n * args_.c + part.channel) * height + row) * width;
  }

  // Channels of a part that lie behind one another.
  int64_t segments(const Part& part) const { return runs_.channels_last ? 1 : part.channels; }

  int64_t bands = 1;

 private:
  const Epilogue& args_;
  const Runs& runs_;
};

// Rows of a picture with channels last; rows of some channels, with gaps behind each, otherwise.
inline Runs cut(const Epilogue& args) {
  return Runs(args.n, args.c, args.w, args.channels_last, args.fir.count - 1);
}

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
