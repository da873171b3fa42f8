// A separable filter through planes, for maps whose channels lie behind one another: rows of the input are filtered along
// themselves, as many at once as stay in the first cache, and rows of the output are sums of those.
#pragma once

#include "plane_lines.h"
#include "runs.h"

namespace nada::cpu {

struct PlaneShape {
  int64_t in_h, in_w, out_h, out_w, top, left;
  int up, down;
};

// How planes are cut into tasks: some whole ones, or a band of rows of one.
struct PlaneTasks {
  struct Task {
    int64_t begin, end, band;  // planes
  };

  PlaneTasks(int64_t planes, int64_t height, int64_t width) : planes(planes) {
    const int64_t rows = std::max<int64_t>(16, 4 * kTask / width);
    bands = (height + rows - 1) / rows;
    const int64_t work = height * std::max<int64_t>(width, 16);  // a shorter row takes as long as a vector
    several_ = bands > 1 ? 1 : std::max<int64_t>(1, kTask / 4 / work);
    count = (planes + several_ - 1) / several_ * bands;
    elements = work * several_ / bands;
  }

  Task task(int64_t index) const {
    const int64_t begin = index / bands * several_;
    return {begin, std::min(begin + several_, planes), index % bands};
  }

  // Where a band begins. Pictures of other heights are cut alike.
  int64_t cut(int64_t band, int64_t height) const { return band * height / bands; }

  int64_t planes, bands, count, elements;

 private:
  int64_t several_;
};

template <typename A>
class PlaneFilter {
 public:
  // Taps in the order in which they meet the picture, along rows and along columns.
  PlaneFilter(const PlaneShape& shape, const std::vector<A>& row, const std::vector<A>& column)
      : lines({shape.in_w, shape.out_w, shape.left, shape.up, shape.down}, row), shape_(shape) {
    const Phases found(static_cast<int>(column.size()), shape.top, shape.up, shape.down);
    lowest_ = found.lowest, highest_ = found.highest;
    for (const Phases::Phase& phase : found.all) {
      phases_.emplace_back();
      for (int k : phase.taps) phases_.back().weights.push_back(column[k]);
      for (int64_t shift : phase.shifts) phases_.back().steps.push_back((shift - lowest_) * lines.pitch);
    }
    const int64_t least = highest_ - lowest_ + 1;
    capacity = std::min(std::max(2 * least, kNumbers / lines.pitch + least), shape.in_h + least);
    lines.reserve(capacity);
    rows_.resize(capacity * lines.pitch + 2 * kPack<A>);
  }

  // Rows `first` to `end` of the output, at `y`, of which everything up to `y_end` may be overwritten.
  // load(row, rows, to) makes filtered rows of the input; all from `begin` to `until` are loaded, needed or not. What is stored of a row
  // is finish(row)(sum, i, whole), in packs, of which the last one of a row may not be whole.
  template <typename Y, typename Load, typename Finish>
  void run(int64_t first, int64_t end, int64_t begin, int64_t until, Load load, Y* y, Y* y_end, Finish finish) {
    Place place{first, first % shape_.up, first / shape_.up * shape_.down + lowest_};
    origin_ = filled_ = std::min(begin, place.source);
    const int64_t last = std::max(until, (end - 1) / shape_.up * shape_.down + highest_ + 1);
    while (place.row < end) {
      keep(std::min(place.source, filled_));
      fill(std::min(last, origin_ + capacity), load);
      store_rows(place, end, y, y_end, finish);
    }
    while (filled_ < until) {
      keep(filled_);
      fill(std::min(until, origin_ + capacity), load);
    }
  }

  PlaneLines<A> lines;
  int64_t capacity;  // rows that are there at once

 private:
  static constexpr int64_t kNumbers = 2048;  // of rows that are made at once, about

  struct Phase {
    std::vector<A> weights;
    std::vector<int64_t> steps;
  };
  struct Place {
    int64_t row, phase, source;  // of the output; the lowest row of the input that it may read
  };

  // Moves the rows from `origin` on to the front.
  void keep(int64_t origin) {
    if (origin == origin_) return;
    std::memmove(rows_.data(), at(origin), (filled_ - origin) * lines.pitch * sizeof(A));
    origin_ = origin;
  }

  template <typename Load>
  void fill(int64_t until, Load load) {
    const auto zeros = [&](int64_t end) {
      if (filled_ < end) std::fill_n(at(filled_), (end - filled_) * lines.pitch, A(0)), filled_ = end;
    };
    zeros(std::min<int64_t>(0, until));
    const int64_t end = std::min(shape_.in_h, until);
    if (filled_ < end) {
      load(filled_, end - filled_, at(filled_));
      filled_ = end;
    }
    zeros(until);
  }

  A* at(int64_t row) { return rows_.data() + (row - origin_) * lines.pitch; }

  // All rows of the output whose input is there. A function of its own, or its loops run out of registers.
  template <typename Y, typename Finish>
  [[gnu::noinline]] void store_rows(Place& place, int64_t end, Y* y, Y* y_end, const Finish& finish) {
    const int64_t width = shape_.out_w, above = highest_ - lowest_;
    const bool plain = shape_.up == 1 && shape_.down == 1 && phases_[0].weights.size() == 4;
    for (; plain && place.row + 1 < end && place.source + above + 1 < filled_; place.row += 2, place.source += 2)
      store_pair(place, y, y_end, finish);
    for (; place.row < end && place.source + above < filled_; ++place.row) {
      const Phase& phase = phases_[place.phase];
      const auto of_row = finish(place.row);
      Y* to = y + place.row * width;
      with_sum(Sources<A>{at(place.source), phase.steps.data(), phase.weights.data(), static_cast<int>(phase.weights.size())},
               [&](auto sum) {
                 int64_t i = 0;
                 for (; i + kPack<A> <= width; i += kPack<A>) {
                   fetch_line_ahead_to_write(to + i);
                   store_pack(of_row(sum(i), i, std::true_type{}), to + i);
                 }
                 if (i < width) store_before(of_row(sum(i), i, std::false_type{}), width - i, to + i, y_end);
               });
      if (++place.phase == shape_.up) place.phase = 0, place.source += shape_.down;
    }
  }

  // Two rows of the output at once, which share three of the four rows that each is a sum of.
  template <typename Y, typename Finish>
  [[gnu::noinline]] void store_pair(const Place& place, Y* y, Y* y_end, const Finish& finish) {
    const std::vector<A>& weights = phases_[0].weights;
    const A w[4] = {weights[0], weights[1], weights[2], weights[3]};
    const A* row[5];
    for (int k = 0; k < 5; ++k) row[k] = at(place.source + k);
    const auto of_first = finish(place.row), of_second = finish(place.row + 1);
    const int64_t width = shape_.out_w;
    Y *first = y + place.row * width, *second = first + width;
    const auto step = [&](int64_t i, auto whole) {
      fetch_line_ahead_to_write(first + i);
      fetch_line_ahead_to_write(second + i);
      const Pack<A> r1 = load_pack(row[1] + i), r2 = load_pack(row[2] + i), r3 = load_pack(row[3] + i);
      const Pack<A> above = of_first(w[0] * load_pack(row[0] + i) + w[1] * r1 + w[2] * r2 + w[3] * r3, i, whole);
      const Pack<A> below = of_second(w[0] * r1 + w[1] * r2 + w[2] * r3 + w[3] * load_pack(row[4] + i), i, whole);
      if (whole) {
        store_pack(above, first + i);
        store_pack(below, second + i);
      } else {
        store_before(above, width - i, first + i, second);
        store_before(below, width - i, second + i, y_end);
      }
    };
    int64_t i = 0;
    for (; i + kPack<A> <= width; i += kPack<A>) step(i, std::true_type{});
    if (i < width) step(i, std::false_type{});
  }

  PlaneShape shape_;
  std::vector<Phase> phases_;
  int64_t lowest_, highest_;             // rows that the taps meet, for the first output
  int64_t origin_ = 0, filled_ = 0;      // the rows of the input that are there
  Line<A> rows_;
};

}  // namespace nada::cpu
