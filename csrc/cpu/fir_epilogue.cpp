// The epilogue inside the blur of an upsampling layer: rows are filtered while they are in the cache, and what comes
// out of the filter goes through the epilogue before it is stored.
#include "epilogue_run.h"
#include "fir.h"
#include "functions.h"
#include "parallel.h"

namespace nada::cpu {
namespace {

// A band of rows of one picture, or of one channel of it. Bands of the two ends of the filter are cut alike.
class Bands {
 public:
  explicit Bands(const Epilogue& args)
      : planes(args.channels_last ? 1 : args.c), lanes(args.channels_last ? args.c : 1), args_(args) {
    const int64_t rows = std::max<int64_t>(16, 4 * kTask / (args.w * lanes));
    bands = (args.h + rows - 1) / rows;
  }

  int64_t tasks() const { return args_.n * planes * bands; }
  int64_t elements() const { return args_.h * args_.w * lanes / bands; }
  Part part(int64_t task) const { return {task / bands / planes, task / bands % planes, 0, 0}; }
  int64_t cut(int64_t task, int64_t rows, int64_t end) const { return (task % bands + end) * rows / bands; }

  // Where a row of a picture of `height` rows of `width` pixels begins.
  int64_t offset(const Part& part, int64_t row, int64_t height, int64_t width) const {
    return ((part.n * planes + part.channel) * height + row) * width * lanes;
  }

  int64_t planes, lanes, bands = 1;

 private:
  const Epilogue& args_;
};

Runs cut(const Epilogue& args) { return Runs(args.n, args.c, args.w, args.channels_last); }

template <typename T>
void forward(const Epilogue& args) {
  using A = Computed<T>;
  const Bands bands(args);
  const Runs runs = cut(args);
  const Leak<A> leak(args);
  parallel(bands.tasks(), bands.elements(), [&](int64_t first, int64_t last) {
    Sides<A> sides(args, runs);
    Buffers<A> buffers(runs, 2);
    FirRows<A> rows(args.fir, false, args.fir.left, args.in_w, args.w, bands.lanes);
    std::vector<A> line(args.w * bands.lanes);
    for (int64_t task = first; task < last; ++task) {
      const Part part = bands.part(task);
      sides.enter(part);
      int64_t next = 0;
      for (int64_t row = bands.cut(task, args.h, 0); row < bands.cut(task, args.h, 1); ++row) {
        const int64_t from = row - args.fir.top;
        for (next = std::max<int64_t>(next, from); next < std::min<int64_t>(from + args.fir.count, args.in_h); ++next)
          rows.push(next, static_cast<const T*>(args.x) + bands.offset(part, next, args.in_h, args.in_w));
        rows.combine(from, args.in_h, line.data());
        T* to = static_cast<T*>(args.y) + bands.offset(part, row, args.h, args.w);
        for (int64_t column = 0; column < args.w; column += runs.run_pixels) {
          const int64_t pixels = std::min(runs.run_pixels, args.w - column), at = column * bands.lanes;
          A* result = result_run(to + at, buffers[1]);
          leaky_run<A>(line.data() + at, sides.factors[0], sides.shift(row * args.w + column, pixels, buffers[0]),
                       pixels * bands.lanes, leak, result);
          store_result(result, pixels * bands.lanes, to + at);
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
      : line(args.w * bands.lanes), sums(runs, 3), args_(args), bands_(bands), runs_(runs), leak_(args), sides_(args, runs),
        buffers_(runs, 3), unowned_(runs, 3) {}

  void enter(const Part& part) {
    sides_.enter(part);
    for (int index = 0; index < 3; ++index) fill_run(runs_, A(0), sums[index]);
  }

  void compute(const Part& part, int64_t row, bool owned) {
    const int64_t start = bands_.offset(part, row, args_.h, args_.w);
    Buffers<A>& into = owned ? sums : unowned_;
    for (int64_t column = 0; column < args_.w; column += runs_.run_pixels) {
      const int64_t pixels = std::min(runs_.run_pixels, args_.w - column), at = column * bands_.lanes;
      const int64_t count = pixels * bands_.lanes;
      leaky_backward_run<A>(view_run(static_cast<const T*>(args_.x) + start + at, count, buffers_[0]),
                            view_run(static_cast<const T*>(args_.reference) + start + at, count, buffers_[1]),
                            sides_.factors[0], sides_.noise(row * args_.w + column, pixels, buffers_[2]), count, leak_,
                            line.data() + at, into[0], into[1], into[2]);
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
  const Bands bands(args);
  const Runs runs = cut(args);
  const int64_t count = args.fir.count, block = bands.bands * args.n * args.c;
  parallel(bands.tasks(), bands.elements(), [&](int64_t first, int64_t last) {
    GradientRows<T> gradient(args, bands, runs);
    FirRows<A> rows(args.fir, true, count - 1 - args.fir.left, args.w, args.in_w, bands.lanes);
    std::vector<A> line(args.in_w * bands.lanes);
    for (int64_t task = first; task < last; ++task) {
      const Part part = bands.part(task);
      gradient.enter(part);
      const int64_t own = bands.cut(task, args.h, 0), end = bands.cut(task, args.h, 1);
      const int64_t begin = bands.cut(task, args.in_h, 0);
      const auto compute = [&](int64_t row) { gradient.compute(part, row, own <= row && row < end); };
      int64_t next = std::max<int64_t>(0, std::min(own, begin + args.fir.top - count + 1));
      for (int64_t row = begin; row < bands.cut(task, args.in_h, 1); ++row) {
        const int64_t from = row + args.fir.top - count + 1;
        for (; next < std::min(from + count, args.h); ++next) {
          compute(next);
          rows.push(next, gradient.line.data());
        }
        rows.combine(from, args.h, line.data());
        store_run(line.data(), args.in_w * bands.lanes,
                  static_cast<T*>(args.y) + bands.offset(part, row, args.in_h, args.in_w));
      }
      for (; next < end; ++next) compute(next);
      A* partial = static_cast<A*>(args.scratch) + (task % bands.bands * args.n + part.n) * args.c + part.channel;
      fold_sums(gradient.sums, runs, partial, block);
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

int64_t fir_epilogue_scratch(const Epilogue& args) { return 3 * Bands(args).bands * args.n * args.c; }

}  // namespace nada::cpu
