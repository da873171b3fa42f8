// How a picture is cut into tasks and runs, alike for both memory layouts.
//
// A run is a piece of memory that is worked on at once: pixels of one channel, some whole channels where they are
// small, or all channels of some pixels. What a run reads of each channel (a bias, a factor) is laid out in the same
// length beforehand, so that the inner loops know nothing of layouts. Cuts depend on sizes only, never on the number
// of threads, so that sums have one order.
#pragma once

#include <algorithm>

#include "packs.h"

namespace nada::cpu {

constexpr int64_t kTask = 1 << 15;  // elements of a task, about

struct Part {
  int64_t n, channel, channels;  // the sample, and the channels that a run has
  int64_t begin, end;            // pixels
};

class Runs {
 public:
  Runs(int64_t n, int64_t c, int64_t pixels, bool channels_last)
      : channels_last(channels_last), c(c), pixels(pixels) {
    if (channels_last) {
      channels = c;
      run_pixels = std::min(pixels, std::max<int64_t>(1, kRun / std::max<int64_t>(c, 1)));
      // Larger tasks: each has sums of all channels, which must be added up.
      part_pixels_ = std::max<int64_t>(1, 4 * kTask / (c * run_pixels)) * run_pixels;
    } else {
      run_pixels = std::min(pixels, kRun);
      channels = pixels > run_pixels ? 1 : std::clamp<int64_t>(kRun / pixels, 1, c);
      pitch = run_pixels;
      part_pixels_ = channels > 1 ? pixels : kTask;
    }
    length = channels_last ? run_pixels * c : channels * pitch;
    groups_ = (c + channels - 1) / channels;
    parts = (pixels + part_pixels_ - 1) / part_pixels_;
    tasks = n * groups_ * parts;
  }

  Part part(int64_t task) const {
    const int64_t group = task / parts, begin = task % parts * part_pixels_, channel = group % groups_ * channels;
    return {group / groups_, channel, std::min(channels, c - channel), begin, std::min(begin + part_pixels_, pixels)};
  }

  int64_t offset(const Part& part, int64_t pixel) const {
    return channels_last ? (part.n * pixels + pixel) * c : (part.n * c + part.channel) * pixels + pixel;
  }

  // Elements of the run that begins at `pixel`; the last one of a part may be short.
  int64_t count(const Part& part, int64_t pixel) const {
    return std::min(run_pixels, part.end - pixel) * part.channels;
  }

  // Pixels that a part has at most.
  int64_t part_pixels() const { return std::min(part_pixels_, pixels); }

  int64_t elements() const { return part_pixels() * channels; }

  bool channels_last;
  int64_t c, pixels;
  int64_t channels, run_pixels;  // of a run
  int64_t pitch = 0;             // from one channel of a run to the next, where channels are whole
  int64_t length;                // of a run, in elements
  int64_t parts, tasks;          // parts of a channel; tasks of the whole

 private:
  int64_t groups_, part_pixels_;
};

// Buffers of one run each.
template <typename A>
class Buffers {
 public:
  Buffers(const Runs& runs, int count) : length_((runs.length + 95) / 16 * 16), values_(count * length_) {}
  A* operator[](int index) { return values_.data() + index * length_; }
  void clear() { std::fill(values_.begin(), values_.end(), A(0)); }

 private:
  int64_t length_;
  Line<A> values_;
};

// values[first + channel], or `otherwise` where there are none, once for every element of a run.
template <typename A>
void spread(const void* values, int64_t first, const Part& part, const Runs& runs, A otherwise, A* run) {
  if (values == nullptr) {
    std::fill_n(run, runs.length, otherwise);
    return;
  }
  const A* from = static_cast<const A*>(values) + first + part.channel;
  if (runs.channels_last) {
    for (int64_t pixel = 0; pixel < runs.run_pixels; ++pixel) std::copy_n(from, runs.c, run + pixel * runs.c);
  } else {
    for (int64_t i = 0; i < part.channels; ++i) std::fill_n(run + i * runs.pitch, runs.pitch, from[i]);
  }
}

// Sums what belongs to one channel of an accumulated run.
template <typename A>
void fold_run(const A* run, const Part& part, const Runs& runs, A* to) {
  for (int64_t i = 0; i < part.channels; ++i) {
    if (!runs.channels_last) {
      to[i] = sum_of_run(run + i * runs.pitch, runs.pitch);
      continue;
    }
    double sum = 0;
    for (int64_t j = 0; j < runs.run_pixels; ++j) sum += run[i + j * runs.c];
    to[i] = static_cast<A>(sum);
  }
}

// Where the sums of a task lie in scratch memory of (parts, n, c) numbers.
inline int64_t sum_offset(const Runs& runs, const Part& part, int64_t task, int64_t n) {
  return (task % runs.parts * n + part.n) * runs.c + part.channel;
}

// Adds `count` rows of `width` numbers in their order.
template <typename A>
void fold_rows(const A* rows, int64_t count, int64_t width, A* to) {
  if (count == 1) {
    std::copy_n(rows, width, to);
    return;
  }
  constexpr int64_t some = 64;  // numbers of a row at once, whose sums stay in the first cache
  for (int64_t first = 0; first < width; first += some) {
    const int64_t numbers = std::min(some, width - first);
    double sums[some] = {};
    for (int64_t row = 0; row < count; ++row)
      for (int64_t i = 0; i < numbers; ++i) sums[i] += rows[row * width + first + i];
    for (int64_t i = 0; i < numbers; ++i) to[first + i] = static_cast<A>(sums[i]);
  }
}

}  // namespace nada::cpu
