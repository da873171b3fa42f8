// Rows of planes, filtered along themselves: many padded rows behind one another are one long run for every loop.
#pragma once

#include <vector>

#include "ahead.h"
#include "packs.h"
#include "phases.h"
#include "window.h"

namespace nada::cpu {

// Rows that are summed: row k begins `steps[k]` numbers behind `from`.
template <typename A>
struct Sources {
  const A* from;
  const int64_t* steps;
  const A* weights;
  int count;
};

// sum_k weights[k] * rows[k][i], a pack at a time; a Count of 0 is known when it runs only.
template <typename A, int Count>
class WeightedSum {
 public:
  explicit WeightedSum(const Sources<A>& sources) {
    for (int k = 0; k < Count; ++k) rows_[k] = sources.from + sources.steps[k], weights_[k] = sources.weights[k];
  }
  Pack<A> operator()(int64_t i) const {
    Pack<A> sum = weights_[0] * load_pack(rows_[0] + i);
    for (int k = 1; k < Count; ++k) sum += weights_[k] * load_pack(rows_[k] + i);
    return sum;
  }

 private:
  const A* rows_[Count];
  A weights_[Count];
};
template <typename A>
class WeightedSum<A, 0> {
 public:
  explicit WeightedSum(const Sources<A>& sources) : sources_(sources) {}
  Pack<A> operator()(int64_t i) const {
    Pack<A> sum = {};
    for (int k = 0; k < sources_.count; ++k) sum += sources_.weights[k] * load_pack(sources_.from + sources_.steps[k] + i);
    return sum;
  }

 private:
  Sources<A> sources_;
};

// Calls f with the sum; the published filters have four taps, two of which meet samples after upsampling.
template <typename A, typename F>
inline void with_sum(const Sources<A>& sources, F f) {
  if (sources.count == 4) return f(WeightedSum<A, 4>(sources));
  if (sources.count == 2) return f(WeightedSum<A, 2>(sources));
  f(WeightedSum<A, 0>(sources));
}

struct LineShape {
  int64_t in_w, out_w, left;
  int up, down;
};

template <typename A>
class PlaneLines {
 public:
  PlaneLines(const LineShape& shape, const std::vector<A>& taps) : shape_(shape) {
    const Phases phases(static_cast<int>(taps.size()), shape.left, shape.up, shape.down);
    count_ = (shape.out_w + shape.up - 1) / shape.up;
    span_ = phases.highest - phases.lowest;
    const int64_t room = (count_ - 1) * shape.down + span_ + 1;
    first_ = std::max<int64_t>(0, -phases.lowest), skipped_ = std::max<int64_t>(0, phases.lowest);
    taken_ = std::max<int64_t>(0, std::min(shape.in_w - skipped_, room - first_));
    split_ = (room + shape.down - 1) / shape.down;
    whole_ = count_ < kPack<A>;
    if (!whole_) split_ = (split_ + kPack<A> - 1) / kPack<A> * kPack<A>;
    begin_ = (kPack<A> - first_ % kPack<A>) % kPack<A>;
    pitch_ = split_ * shape.down;
    slides_ = !whole_ && shape.down <= 2 && can_slide<A>(shape.up, static_cast<int>(taps.size()));
#if defined(NADA_MASKS)
    for (int64_t at = 0; slides_ && at < shape.down * (split_ + kPack<A>); at += kPack<A>)
      masks_.push_back(within_row(at + skipped_ - first_, shape.in_w));
#endif
    pitch = split_ * shape.up;
    for (const Phases::Phase& phase : phases.all) {
      Filter filter;
      for (int k : phase.taps) filter.weights.push_back(taps[k]);
      for (int64_t shift : phase.shifts) filter.shifts.push_back(shift - phases.lowest);
      filter.steps.resize(filter.shifts.size());
      filters_.push_back(filter);
    }
  }

  // Sets the room for as many lines at once.
  void reserve(int64_t lines) {
    lines_.resize(begin_ + lines * pitch_ + first_ + span_ + 2 * kPack<A>);
    part_ = (lines * split_ + span_) / kPack<A> * kPack<A> + 3 * kPack<A>;
    if (shape_.down > 1) parts_.resize(shape_.down * part_);
    if (shape_.up > 1) results_.resize(shape_.up * part_);
    for (Filter& filter : filters_)
      for (size_t k = 0; k < filter.shifts.size(); ++k)
        filter.steps[k] = filter.shifts[k] % shape_.down * part_ + filter.shifts[k] / shape_.down;
  }

  // Filters rows of a plane, which may be read up to `end`, into `out`: `pitch` numbers each, and up to a pack more. With
  // `ahead` they come from far.
  template <bool ahead, typename T>
  void make(const T* plane, int64_t row, int64_t rows, const T* end, A* out) {
    const T* from = plane + row * shape_.in_w;
#if defined(NADA_MASKS)
    if constexpr (std::is_same_v<A, float>) {
      if (slides_) return shape_.down == 1 ? slide<ahead, 1>(from, rows, out) : slide<ahead, 2>(from, rows, out);
    }
#endif
    load<ahead>(from, rows, end);
    if (shape_.down > 1) split(rows * split_);
    filter(rows, out);
  }

  int64_t pitch;  // from one filtered line to the next

 private:
  struct Filter {
    std::vector<A> weights;
    std::vector<int64_t> shifts, steps;  // in pixels of the input; in numbers of the lines
  };

  // Puts rows into the lines, in their order: what a row writes too much belongs to the next. A function of its own, or its
  // loops run out of registers.
  template <bool ahead, typename T>
  [[gnu::noinline]] void load(const T* from, int64_t rows, const T* end) {
    const int64_t taken = taken_, pitch = pitch_, in_w = shape_.in_w;
    from += skipped_;
    A* to = lines_.data() + begin_ + first_;
    for (const T* last = from + rows * in_w; from < last; from += in_w, to += pitch) {
      for (int64_t i = 0; i < taken; i += kPack<A>) {
        if constexpr (ahead) fetch_line_ahead(from + i);
        store_pack(load_before(from + i, end), to + i);
      }
      store_pack(Pack<A>{}, to + taken);  // often all: a loop from here would become a call
      if (taken + kPack<A> < pitch) std::fill(to + taken + kPack<A>, to + pitch, A(0));
    }
  }

#if defined(NADA_MASKS)
  // `load`, `split` and `filter` in one, for four taps: a pack is read once and shifted in registers.
  template <bool ahead, int down, typename T>
  [[gnu::noinline]] void slide(const T* from, int64_t rows, A* to) {
    const std::vector<A>& weights = filters_[0].weights;
    const A w[4] = {weights[0], weights[1], weights[2], weights[3]};
    const int64_t count = count_, pitch = split_, in_w = shape_.in_w, offset = skipped_ - first_;
    const uint16_t* masks = masks_.data();
    // Outputs before `inner` read packs that lie within the row; with much padding before it that is not worth a case.
    const int64_t behind = in_w - offset - 2 * down * kPack<A>;
    const int64_t inner = offset < -down * kPack<A> ? 0 : std::min(count, (behind + down) / down);
    for (const T* last = from + rows * in_w; from < last; from += in_w, to += pitch) {
      const auto edge = [=](int64_t i) { return load_masked(from + i, masks[(i - offset) / kPack<A>]); };
      const auto inside = [=](int64_t i) { return load_pack(from + i); };
      Window<down> window{};
      window.next(offset, edge);
      const auto step = [&](int64_t i, auto load) {
        for (int k = 0; ahead && k < down; ++k) fetch_line_ahead(from + down * i + k * kPack<A>);
        store_pack(window.sum(down * (i + kPack<A>) + offset, load, w), to + i);
      };
      int64_t i = 0;
      for (; i < inner; i += kPack<A>) step(i, inside);
      for (; i < count; i += kPack<A>) step(i, edge);
    }
  }
#endif

  // The lines, filtered.
  void filter(int64_t lines, A* out) {
    for (int p = 0; p < shape_.up; ++p) {
      const Filter& filter = filters_[p];
      A* to = shape_.up > 1 ? results_.data() + p * part_ : out;
      const A* from = shape_.down > 1 ? parts_.data() : lines_.data() + begin_;
      filter_runs({from, filter.steps.data(), filter.weights.data(), static_cast<int>(filter.weights.size())},
                  whole_ ? 1 : lines, whole_ ? lines * split_ : count_, to);
    }
    if (shape_.up > 1) interleave(lines * split_, out);
  }

  [[gnu::noinline]] void filter_runs(const Sources<A>& sources, int64_t runs, int64_t length, A* to) {
    const int64_t step = split_;
    with_sum(sources, [&](auto sum) {
      for (int64_t at = 0; at < runs * step; at += step)
        for (int64_t i = at; i < at + length; i += kPack<A>) store_pack(sum(i), to + i);
    });
  }

  // Every down-th number behind one another.
  [[gnu::noinline]] void split(int64_t length) {
    const A* __restrict from = lines_.data() + begin_;
    A* __restrict to = parts_.data();
    const int64_t part = part_, down = shape_.down;
    if (down == 2) {
      for (int64_t i = 0; i < length; ++i) to[i] = from[2 * i], to[part + i] = from[2 * i + 1];
      return;
    }
    for (int64_t i = 0; i < length; ++i)
      for (int64_t j = 0; j < down; ++j) to[j * part + i] = from[i * down + j];
  }

  // The phases of the outputs in turn.
  [[gnu::noinline]] void interleave(int64_t length, A* __restrict to) {
    const A* __restrict from = results_.data();
    const int64_t part = part_, up = shape_.up;
    if (up == 2) {
      for (int64_t i = 0; i < length; ++i) to[2 * i] = from[i], to[2 * i + 1] = from[part + i];
      return;
    }
    for (int64_t i = 0; i < length; ++i)
      for (int64_t p = 0; p < up; ++p) to[i * up + p] = from[p * part + i];
  }

  LineShape shape_;
  int64_t first_, skipped_, taken_;  // where the input begins in a line, what is cut from it, what is left
  int64_t begin_;                    // of the first line, so that inputs begin with a whole vector
  int64_t span_;                     // of the shifts
  int64_t count_;                    // outputs of a phase
  bool whole_;                       // lines so short that all of them are one run
  bool slides_;                      // whether packs may be filtered as they are read
  int64_t split_, pitch_, part_ = 0;  // numbers of a phase of a line; of a line; of a phase of all lines
  std::vector<Filter> filters_;
  std::vector<uint16_t> masks_;  // of a row's packs
  Line<A> lines_, parts_, results_;
};

}  // namespace nada::cpu
