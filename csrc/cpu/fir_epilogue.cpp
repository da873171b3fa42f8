// The epilogue inside the blur of an upsampling layer: rows are filtered while they are in the cache, and what comes
// out of the filter goes through the epilogue before it is stored.
#include "epilogue_run.h"
#include "filtered_rows.h"
#include "functions.h"
#include "parallel.h"

namespace nada::cpu {
namespace {

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

  // Channels of a part that lie behind one another, and their distance.
  int64_t segments(const Part& part) const { return runs_.channels_last ? 1 : part.channels; }
  int64_t stride(int64_t height, int64_t width) const { return height * width; }

  int64_t bands = 1;

 private:
  const Epilogue& args_;
  const Runs& runs_;
};

// Rows of a picture with channels last; rows of some channels, with gaps behind each, otherwise.
Runs cut(const Epilogue& args) {
  return Runs(args.n, args.c, args.w, args.channels_last, args.fir.count - 1);
}

template <typename A>
FilteredRows<A> filter_of(const Epilogue& args, const Runs& runs, bool reverse) {
  const A* taps = static_cast<const A*>(args.fir.taps);
  std::vector<A> along(taps, taps + args.fir.count);
  if (args.fir.flip != reverse) std::reverse(along.begin(), along.end());
  RowShape shape{args.in_w, args.w, args.fir.left, 1, 1, runs.channels_last ? args.c : 1,
                 runs.channels_last ? 1 : runs.channels};
  if (reverse) std::swap(shape.in_w, shape.out_w), shape.left = args.fir.count - 1 - args.fir.left;
  return FilteredRows<A>(shape, along, args.fir.count, args.fir.count);
}

// The filter across rows: `weights` and the rows they meet.
template <typename A>
class Across {
 public:
  Across(const Epilogue& args, bool reverse) : rows_(args.fir.count) {
    const A* taps = static_cast<const A*>(args.fir.taps);
    weights_.assign(taps, taps + args.fir.count);
    if (args.fir.flip != reverse) std::reverse(weights_.begin(), weights_.end());
    for (A& weight : weights_) weight *= static_cast<A>(args.fir.gain);
  }

  // Finds the rows that the taps meet, the first one row `first` of `height`; rows outside are zeros.
  void enter(const FilteredRows<A>& rows, int64_t first, int64_t height) {
    for (int64_t k = 0; k < static_cast<int64_t>(rows_.size()); ++k)
      rows_[k] = first + k < 0 || first + k >= height ? rows.zeros() : rows.kept(first + k);
  }

  void combine(int64_t length, A* out) const {
    combine_rows(rows_.data(), weights_.data(), static_cast<int>(rows_.size()), length, false, out);
  }

  const A* const* rows() const { return rows_.data(); }
  const A* weights() const { return weights_.data(); }
  bool fits() const { return rows_.size() == 4; }

 private:
  std::vector<A> weights_;
  std::vector<const A*> rows_;
};

template <typename T>
void forward(const Epilogue& args) {
  using A = Computed<T>;
  const Runs runs = cut(args);
  const Bands bands(args, runs);
  const Leak<A> leak(args);
  parallel(bands.tasks(), bands.elements(), [&](int64_t first, int64_t last) {
    Sides<A> sides(args, runs);
    Buffers<A> results(runs, 1);
    FilteredRows<A> rows = filter_of<A>(args, runs, false);
    Across<A> across(args, false);
    std::vector<A> line(std::max(rows.pitch * (runs.channels_last ? 1 : runs.channels), runs.length));
    for (int64_t task = first; task < last; ++task) {
      const Part part = bands.part(task);
      const int64_t segments = bands.segments(part), in_stride = args.in_h * args.in_w, out_stride = args.h * args.w;
      sides.enter(part);
      int64_t next = 0;
      for (int64_t row = bands.cut(task, args.h, 0); row < bands.cut(task, args.h, 1); ++row) {
        const int64_t from = row - args.fir.top;
        for (next = std::max(next, from); next < std::min<int64_t>(from + args.fir.count, args.in_h); ++next)
          rows.push(next, static_cast<const T*>(args.x) + bands.offset(part, next, args.in_h, args.in_w), segments, in_stride);
        across.enter(rows, from, args.in_h);
        const bool straight = across.fits() && segments == 1;
        if (!straight) across.combine(rows.length, line.data());
        T* to = static_cast<T*>(args.y) + bands.offset(part, row, args.h, args.w);
        for (int64_t column = 0; column < args.w; column += runs.run_pixels) {
          const int64_t pixels = std::min(runs.run_pixels, args.w - column);
          const int64_t at = runs.channels_last ? column * args.c : 0, wide = runs.channels_last ? pixels * args.c : pixels;
          const A* shift = sides.shift(row * args.w + column, pixels);
          if (straight) {
            Seen<T>* result = result_run(to + at, results[0]);
            leaky_sum_run(across.rows(), across.weights(), at, sides.factors(), shift, wide, leak, result);
            store_result(result, wide, to + at);
            continue;
          }
          leaky_run(static_cast<const A*>(line.data()) + at, sides.factors(), shift, runs.channels_last ? wide : runs.length, leak, results[0]);
          for (int64_t segment = 0; segment < segments; ++segment)
            store_run(results[0] + segment * runs.pitch, wide, to + segment * out_stride + at);
        }
      }
    }
  });
}

// The gradient of what the epilogue's factors multiplied, row by row, with the sums of the rows that a task owns.
template <typename T>
class GradientRows {
 public:
  using A = Computed<T>;
  GradientRows(const Epilogue& args, const Bands& bands, const Runs& runs)
      : line(runs.channels_last ? args.w * args.c : runs.length), sums(runs, 3), args_(args), bands_(bands), runs_(runs),
        leak_(args), sides_(args, runs), buffers_(runs, 2), unowned_(runs, 3) {}

  void enter(const Part& part) {
    sides_.enter(part);
    sums.clear();
  }

  void compute(const Part& part, int64_t row, bool owned) {
    const int64_t start = bands_.offset(part, row, args_.h, args_.w), segments = bands_.segments(part);
    Buffers<A>& into = owned ? sums : unowned_;
    for (int64_t column = 0; column < args_.w; column += runs_.run_pixels) {
      const int64_t pixels = std::min(runs_.run_pixels, args_.w - column);
      const int64_t at = runs_.channels_last ? column * args_.c : 0, wide = runs_.channels_last ? pixels * args_.c : pixels;
      const T *dy = static_cast<const T*>(args_.x) + start + at, *y = static_cast<const T*>(args_.reference) + start + at;
      const A* noise = sides_.noise(row * args_.w + column, pixels);
      if (segments == 1) {
        leaky_backward_run(view_run(dy, wide, buffers_[0]), view_run(y, wide, buffers_[1]), sides_.factors(), noise, wide,
                           leak_, line.data() + at, into[0], into[1], into[2]);
        continue;
      }
      for (int64_t segment = 0; segment < segments; ++segment) {  // gaps stay zero, so they add nothing to the sums
        load_run(dy + segment * args_.h * args_.w, wide, buffers_[0] + segment * runs_.pitch);
        load_run(y + segment * args_.h * args_.w, wide, buffers_[1] + segment * runs_.pitch);
      }
      leaky_backward_run<A, A, A>(buffers_[0], buffers_[1], sides_.factors(), noise, (segments - 1) * runs_.pitch + wide,
                                  leak_, line.data(), into[0], into[1], into[2]);
    }
  }

  std::vector<A> line;
  Buffers<A> sums;

 private:
  const Epilogue& args_;
  const Bands& bands_;
  const Runs& runs_;
  Leak<A> leak_;
  Sides<A> sides_;
  Buffers<A> buffers_, unowned_;
};

template <typename T>
void backward(const Epilogue& args) {
  using A = Computed<T>;
  const Runs runs = cut(args);
  const Bands bands(args, runs);
  const int64_t count = args.fir.count, block = bands.bands * args.n * args.c;
  parallel(bands.tasks(), bands.elements(), [&](int64_t first, int64_t last) {
    GradientRows<T> gradient(args, bands, runs);
    FilteredRows<A> rows = filter_of<A>(args, runs, true);
    Across<A> across(args, true);
    std::vector<A> line(rows.pitch * (runs.channels_last ? 1 : runs.channels));
    for (int64_t task = first; task < last; ++task) {
      const Part part = bands.part(task);
      const int64_t segments = bands.segments(part), stride = args.in_h * args.in_w;
      gradient.enter(part);
      const int64_t own = bands.cut(task, args.h, 0), end = bands.cut(task, args.h, 1);
      const int64_t begin = bands.cut(task, args.in_h, 0);
      const auto compute = [&](int64_t row) { gradient.compute(part, row, own <= row && row < end); };
      int64_t next = std::max<int64_t>(0, std::min(own, begin + args.fir.top - count + 1));
      for (int64_t row = begin; row < bands.cut(task, args.in_h, 1); ++row) {
        const int64_t from = row + args.fir.top - count + 1;
        for (; next < std::min(from + count, args.h); ++next) {
          compute(next);
          rows.push(next, gradient.line.data(), segments, runs.pitch);
        }
        across.enter(rows, from, args.h);
        across.combine(rows.length, line.data());
        T* to = static_cast<T*>(args.y) + bands.offset(part, row, args.in_h, args.in_w);
        const int64_t wide = runs.channels_last ? args.in_w * args.c : args.in_w;
        for (int64_t segment = 0; segment < segments; ++segment)
          store_run(line.data() + segment * rows.pitch, wide, to + segment * stride);
      }
      for (; next < end; ++next) compute(next);
      A* partial = static_cast<A*>(args.scratch) + (task % bands.bands * args.n + part.n) * args.c + part.channel;
      fold_sums(gradient.sums, part, runs, partial, block);
    }
  });
  fold_parts<A>(args, bands.bands);
}

}  // namespace

void fir_epilogue(const Epilogue& args) {
  with_type(args.type, [&](auto type) { forward<decltype(type)>(args); });
}

void fir_epilogue_backward(const Epilogue& args) {
  with_type(args.type, [&](auto type) { backward<decltype(type)>(args); });
}

int64_t fir_epilogue_scratch(const Epilogue& args) {
  const Runs runs = cut(args);
  return 3 * Bands(args, runs).bands * args.n * args.c;
}

}  // namespace nada::cpu
