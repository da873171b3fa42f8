// The epilogue inside the blur of an upsampling layer, with channels last: rows are filtered while they are in the cache,
// and what comes out of the filter goes through the epilogue before it is stored. Planes: fir_planes.cpp.
#include "ahead.h"
#include "epilogue_run.h"
#include "fir_bands.h"
#include "fir_lines.h"
#include "functions.h"
#include "parallel.h"

namespace nada::cpu {
namespace {

template <typename T>
class ForwardRows {
 public:
  using A = Computed<T>;
  ForwardRows(const Epilogue& args, const Bands& bands, const Runs& runs)
      : args_(args), bands_(bands), runs_(runs), leak_(args), sides_(args, runs), buffers_(runs, 2),
        across_(taps_of<A>(args.fir, false, args.fir.gain), args.in_w * args.c),
        along_(taps_of<A>(args.fir, false, 1), args.in_w, args.w, args.fir.left, args.c) {}

  void enter(const Part& part) { sides_.enter(part); }

  // The row of the input that the next row of outputs adds is on its way while this one is worked on.
  void compute(const Part& part, int64_t row) {
    const int64_t width = args_.in_w * args_.c, top = row - args_.fir.top;
    const T* x = static_cast<const T*>(args_.x) + bands_.offset(part, 0, args_.in_h, args_.in_w);
    const T* ahead = x + std::min(std::max<int64_t>(0, top + args_.fir.count), args_.in_h - 1) * width;
    T* to = static_cast<T*>(args_.y) + bands_.offset(part, row, args_.h, args_.w);
    across_.enter(top, args_.in_h, [&](int64_t source) { return x + source * width; });
    int64_t made = along_.begin;
    for (int64_t column = 0; column < args_.w; column += runs_.run_pixels) {
      const int64_t pixels = std::min(runs_.run_pixels, args_.w - column), at = column * args_.c, count = pixels * args_.c;
      prefetch_run(ahead + at, std::min(count, width - at));
      fetch_ahead_to_write(to + at, count);
      along_.fill(across_, at + count, made);
      Seen<T>* result = result_run(to + at, buffers_[0]);
      filter_run(row, column, pixels, result);
      store_result(result, count, to + at);
    }
  }

 private:
  template <typename X>
  void filter_run(int64_t row, int64_t column, int64_t pixels, X* result) {
    const int64_t at = column * args_.c, count = pixels * args_.c, pixel = row * args_.w + column;
    const A* const* sources = along_.sources();
    if (along_.taps == 4)
      return leaky_sum_pixels(sources, along_.weights(), at, sides_.factors(), sides_.bias(), sides_.noise_at(pixel),
                              sides_.strength(), pixels, args_.c, leak_, result);
    combine_rows(sources, along_.weights(), along_.taps, at, count, buffers_[1]);
    leaky_run(static_cast<const A*>(buffers_[1]), sides_.factors(), sides_.shift(pixel, pixels), count, leak_, result);
  }

  const Epilogue& args_;
  const Bands& bands_;
  const Runs& runs_;
  Leak<A> leak_;
  Sides<A> sides_;
  Buffers<A> buffers_;
  Across<T> across_;
  Along<A> along_;
};

template <typename T>
void forward(const Epilogue& args) {
  const Runs runs(args.n, args.c, args.w, true);
  const Bands bands(args);
  parallel(bands.tasks(), bands.elements(), [&](int64_t first, int64_t last) {
    ForwardRows<T> rows(args, bands, runs);
    for (int64_t task = first; task < last; ++task) {
      const Part part = bands.part(task);
      rows.enter(part);
      for (int64_t row = bands.cut(task, args.h, 0); row < bands.cut(task, args.h, 1); ++row) rows.compute(part, row);
    }
  });
}

// The gradient of what the epilogue's factors multiplied, row by row, with the sums of the rows that a task owns.
template <typename T>
class GradientRows {
 public:
  using A = Computed<T>;
  GradientRows(const Epilogue& args, const Bands& bands, const Runs& runs)
      : sums(runs, 3), args_(args), bands_(bands), leak_(args), sides_(args, runs),
        unowned_(runs, 3), width_(args.w * args.c + 80), ring_(width_ * args.fir.count) {}

  void enter(const Part& part) {
    sides_.enter(part);
    sums.clear();
  }

  A* line(int64_t row) { return ring_.data() + row % args_.fir.count * width_; }

  void compute(const Part& part, int64_t row, bool owned) {
    A* result = line(row);
    const int64_t start = bands_.offset(part, row, args_.h, args_.w), ahead = row + 1 < args_.h ? args_.w * args_.c : 0;
    Buffers<A>& into = owned ? sums : unowned_;
    A* const rows[] = {into[0], into[1], into[2]};
    const auto compute = [&](int64_t column, auto pixels) {
      const int64_t at = column * args_.c, wide = pixels * args_.c;
      const T *dy = static_cast<const T*>(args_.x) + start + at, *y = static_cast<const T*>(args_.reference) + start + at;
      prefetch_run(dy + ahead, wide);
      prefetch_run(y + ahead, wide);
      leaky_backward_pixels<pixels()>(dy, y, sides_.factors(), sides_.noise_at(row * args_.w + column), args_.c, leak_,
                                      result + at, rows);
    };
    int64_t column = 0;
    for (; column + kPixels <= args_.w; column += kPixels) compute(column, std::integral_constant<int, kPixels>{});
    for (; column < args_.w; ++column) compute(column, std::integral_constant<int, 1>{});
  }

  Buffers<A> sums;

 private:
  const Epilogue& args_;
  const Bands& bands_;
  Leak<A> leak_;
  Sides<A> sides_;
  static constexpr int kPixels = 2;  // that are worked on side by side
  Buffers<A> unowned_;
  int64_t width_;
  Line<A> ring_;  // the last rows, one for every tap
};

template <typename T>
class BackwardRows {
 public:
  using A = Computed<T>;
  BackwardRows(const Epilogue& args, const Bands& bands, const Runs& runs)
      : gradient(args, bands, runs), args_(args), bands_(bands), across_(taps_of<A>(args.fir, true, args.fir.gain), args.w * args.c),
        along_(taps_of<A>(args.fir, true, 1), args.w, args.in_w, args.fir.count - 1 - args.fir.left, args.c) {}

  // A row of the gradient of x, from rows of `gradient` that are there.
  void compute(const Part& part, int64_t row, int64_t first) {
    T* to = static_cast<T*>(args_.y) + bands_.offset(part, row, args_.in_h, args_.in_w);
    const int64_t width = args_.in_w * args_.c, piece = std::max<int64_t>(1, kRun / args_.c) * args_.c;
    across_.enter(first, args_.h, [&](int64_t source) { return gradient.line(source); });
    int64_t made = along_.begin;
    for (int64_t at = 0; at < width; at += piece) {
      const int64_t count = std::min(piece, width - at);
      along_.fill(across_, at + count, made);
      combine_rows(along_.sources(), along_.weights(), along_.taps, at, count, to + at);
    }
  }

  GradientRows<T> gradient;

 private:
  const Epilogue& args_;
  const Bands& bands_;
  Across<A> across_;
  Along<A> along_;
};

template <typename T>
void backward(const Epilogue& args) {
  using A = Computed<T>;
  const Runs runs(args.n, args.c, args.w, true);
  const Bands bands(args);
  const int64_t count = args.fir.count, block = bands.bands * args.n * args.c;
  parallel(bands.tasks(), bands.elements(), [&](int64_t first, int64_t last) {
    BackwardRows<T> rows(args, bands, runs);
    for (int64_t task = first; task < last; ++task) {
      const Part part = bands.part(task);
      rows.gradient.enter(part);
      const int64_t own = bands.cut(task, args.h, 0), end = bands.cut(task, args.h, 1);
      const int64_t begin = bands.cut(task, args.in_h, 0);
      const auto compute = [&](int64_t row) { rows.gradient.compute(part, row, own <= row && row < end); };
      int64_t next = std::max<int64_t>(0, std::min(own, begin + args.fir.top - count + 1));
      for (int64_t row = begin; row < bands.cut(task, args.in_h, 1); ++row) {
        const int64_t from = row + args.fir.top - count + 1;
        for (; next < std::min(from + count, args.h); ++next) compute(next);
        rows.compute(part, row, from);
      }
      for (; next < end; ++next) compute(next);
      A* partial = static_cast<A*>(args.scratch) + (task % bands.bands * args.n + part.n) * args.c + part.channel;
      fold_sums(rows.gradient.sums, part, runs, partial, block);
    }
  });
  fold_parts<A>(args, bands.bands);
}

}  // namespace

void fir_epilogue(const Epilogue& args) {
  if (!args.channels_last) return fir_planes(args);
  with_type(args.type, [&](auto type) { forward<decltype(type)>(args); });
}

void fir_epilogue_backward(const Epilogue& args) {
  if (!args.channels_last) return fir_planes_backward(args);
  with_type(args.type, [&](auto type) { backward<decltype(type)>(args); });
}

int64_t fir_epilogue_scratch(const Epilogue& args) {
  if (!args.channels_last) return fir_planes_scratch(args);
  return 3 * Bands(args).bands * args.n * args.c;
}

}  // namespace nada::cpu
