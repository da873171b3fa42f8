// How a picture is cut into tasks and runs, alike for both memory layouts.
//
// A run is a piece of memory that is worked on at once: pixels of one channel, or all channels of some pixels. What a
// run reads of each channel (a bias, a factor) is laid out in the same length beforehand, so that the inner loops know
// nothing of layouts. Cuts depend on sizes only, never on the number of threads, so that sums have one order.
#pragma once

#include <algorithm>
#include <vector>

#include "rows.h"

namespace nada::cpu {

constexpr int64_t kTask = 1 << 15;  // elements of a task, about

struct Part {
  int64_t n, channel;     // channel is 0 where a run has all of them
  int64_t begin, end;     // pixels
};

class Runs {
 public:
  Runs(int64_t n, int64_t c, int64_t pixels, bool channels_last)
      : lanes(channels_last ? c : 1),
        run_pixels(std::min(pixels, channels_last ? std::max<int64_t>(1, kRun / std::max<int64_t>(c, 1)) : kRun)),
        c_(c),
        planes_(channels_last ? 1 : c),
        pixels_(pixels),
        part_pixels_(round_up(std::max<int64_t>(1, kTask / lanes), run_pixels)),
        parts_((pixels + part_pixels_ - 1) / part_pixels_),
        tasks(n * planes_ * parts_) {}

  Part part(int64_t task) const {
    const int64_t plane = task / parts_, begin = task % parts_ * part_pixels_;
    return {plane / planes_, plane % planes_, begin, std::min(begin + part_pixels_, pixels_)};
  }

  int64_t offset(const Part& part, int64_t pixel) const {
    return lanes == 1 ? (part.n * c_ + part.channel) * pixels_ + pixel : (part.n * pixels_ + pixel) * lanes;
  }

  // Elements of the run that begins at `pixel`; the last one of a part may be short.
  int64_t count(const Part& part, int64_t pixel) const { return std::min(run_pixels, part.end - pixel) * lanes; }

  int64_t elements() const { return std::min(part_pixels_, pixels_) * lanes; }
  int64_t parts() const { return parts_; }

  const int64_t lanes;       // channels in a run
  const int64_t run_pixels;  // pixels in a run

 private:
  static int64_t round_up(int64_t value, int64_t step) { return (value + step - 1) / step * step; }
  int64_t c_, planes_, pixels_, part_pixels_, parts_;

 public:
  const int64_t tasks;
};

// Buffers of one run each.
template <typename A>
class Buffers {
 public:
  Buffers(const Runs& runs, int count) : length_(runs.lanes * runs.run_pixels), values_(count * length_) {}
  A* operator[](int index) { return values_.data() + index * length_; }

 private:
  int64_t length_;
  std::vector<A> values_;
};

template <typename A>
void fill_run(const Runs& runs, A value, A* run) {
  std::fill_n(run, runs.lanes * runs.run_pixels, value);
}

// values[channel ...], or `otherwise` where there are none, once for every element of a run.
template <typename A>
void spread(const void* values, int64_t channel, const Runs& runs, A otherwise, A* run) {
  if (values == nullptr) return fill_run(runs, otherwise, run);
  const A* first = static_cast<const A*>(values) + channel;
  if (runs.lanes == 1) return fill_run(runs, *first, run);
  for (int64_t pixel = 0; pixel < runs.run_pixels; ++pixel) std::copy_n(first, runs.lanes, run + pixel * runs.lanes);
}

// Sums the lanes of an accumulated run that belong to the same channel: to[stride * channel].
template <typename A>
void fold_run(const A* run, const Runs& runs, A* to) {
  for (int64_t lane = 0; lane < runs.lanes; ++lane) {
    double sum = 0;
    for (int64_t pixel = 0; pixel < runs.run_pixels; ++pixel) sum += run[pixel * runs.lanes + lane];
    to[lane] = static_cast<A>(sum);
  }
}

// Where the sums of a task lie in scratch memory of (parts, n, c) numbers.
inline int64_t sum_offset(const Runs& runs, const Part& part, int64_t task, int64_t n, int64_t c) {
  return (task % runs.parts() * n + part.n) * c + part.channel;
}

// Adds `count` rows of `width` numbers in their order.
template <typename A>
void fold_rows(const A* rows, int64_t count, int64_t width, A* to) {
  for (int64_t i = 0; i < width; ++i) {
    double sum = 0;
    for (int64_t row = 0; row < count; ++row) sum += rows[row * width + i];
    to[i] = static_cast<A>(sum);
  }
}

}  // namespace nada::cpu
