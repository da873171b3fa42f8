// The epilogue inside the blur of an upsampling layer: rows are filtered while they are in the cache, and what comes
// out of the filter goes through the epilogue before it is stored.
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
      : args_(args), bands_(bands), runs_(runs), lanes_(runs.channels_last ? args.c : 1), leak_(args), sides_(args, runs),
        buffers_(runs, 2), across_(taps_of<A>(args.fir, false, args.fir.gain), args.in_w * lanes_),
        along_(taps_of<A>(args.fir, false, 1), args.in_w, args.w, args.fir.left, lanes_, runs.channels_last ? 1 : runs.channels) {}

  void enter(const Part& part) { sides_.enter(part); }

  void compute(const Part& part, int64_t row) {
    const int64_t segments = bands_.segments(part), width = args_.in_w * lanes_, top = row - args_.fir.top;
    const T* x = static_cast<const T*>(args_.x) + bands_.offset(part, 0, args_.in_h, args_.in_w);
    T* to = static_cast<T*>(args_.y) + bands_.offset(part, row, args_.h, args_.w);
    for (int64_t segment = 0; segment < segments; ++segment) {
      const T* plane = x + segment * args_.in_h * args_.in_w;
      across_.enter(top, args_.in_h, [&](int64_t source) { return plane + source * width; });
      int64_t made = along_.begin;
      if (segments > 1) along_.fill(across_, args_.w, made, segment);
      else compute_runs(row, made, to, plane + std::min(std::max<int64_t>(0, top + args_.fir.count), args_.in_h - 1) * width);
    }
    if (segments == 1) return;
    filter_run(0, (segments - 1) * along_.pitch + args_.w, sides_.shift(row * args_.w, args_.w), buffers_[0]);
    for (int64_t segment = 0; segment < segments; ++segment)
      store_run(buffers_[0] + segment * runs_.pitch, args_.w, to + segment * args_.h * args_.w);
  }

 private:
  // `ahead` is the row that the next row of outputs adds: it is on its way while this one is worked on.
  void compute_runs(int64_t row, int64_t made, T* to, const T* ahead) {
    for (int64_t column = 0; column < args_.w; column += runs_.run_pixels) {
      const int64_t pixels = std::min(runs_.run_pixels, args_.w - column), at = column * lanes_, count = pixels * lanes_;
      prefetch_run(ahead + at, std::min(count, args_.in_w * lanes_ - at));
      fetch_ahead_to_write(to + at, count);
      along_.fill(across_, at + count, made);
      Seen<T>* result = result_run(to + at, buffers_[0]);
      filter_run(at, count, sides_.shift(row * args_.w + column, pixels), result);
      store_result(result, count, to + at);
    }
  }

  template <typename X>
  void filter_run(int64_t at, int64_t count, const A* shift, X* result) {
    const A* const* sources = along_.sources();
    if (along_.taps == 4) return leaky_sum_run(sources, along_.weights(), at, sides_.factors(), shift, count, leak_, result);
    combine_rows(sources, along_.weights(), along_.taps, at, count, buffers_[1]);
    leaky_run(static_cast<const A*>(buffers_[1]), sides_.factors(), shift, count, leak_, result);
  }

  const Epilogue& args_;
  const Bands& bands_;
  const Runs& runs_;
  int64_t lanes_;
  Leak<A> leak_;
  Sides<A> sides_;
  Buffers<A> buffers_;
  Across<T> across_;
  Along<A> along_;
};

template <typename T>
void forward(const Epilogue& args) {
  const Runs runs = cut(args);
  const Bands bands(args, runs);
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
      : sums(runs, 3), args_(args), bands_(bands), runs_(runs), leak_(args), sides_(args, runs), buffers_(runs, 2),
        unowned_(runs, 3), width_((runs.channels_last ? args.w * args.c : runs.length) + 80), ring_(width_ * args.fir.count) {}

  void enter(const Part& part) {
    sides_.enter(part);
    sums.clear();
  }

  A* line(int64_t row) { return ring_.data() + row % args_.fir.count * width_; }

  void compute(const Part& part, int64_t row, bool owned) {
    A* result = line(row);
    const int64_t start = bands_.offset(part, row, args_.h, args_.w), segments = bands_.segments(part);
    const int64_t ahead = row + 1 < args_.h ? args_.w * (runs_.channels_last ? args_.c : 1) : 0;
    Buffers<A>& into = owned ? sums : unowned_;
    for (int64_t column = 0; column < args_.w; column += runs_.run_pixels) {
      const int64_t pixels = std::min(runs_.run_pixels, args_.w - column);
      const int64_t at = runs_.channels_last ? column * args_.c : 0, wide = runs_.channels_last ? pixels * args_.c : pixels;
      const T *dy = static_cast<const T*>(args_.x) + start + at, *y = static_cast<const T*>(args_.reference) + start + at;
      const A* noise = sides_.noise(row * args_.w + column, pixels);
      if (segments == 1) {
        prefetch_run(dy + ahead, wide);
        prefetch_run(y + ahead, wide);
        leaky_backward_run(view_run(dy, wide, buffers_[0]), view_run(y, wide, buffers_[1]), sides_.factors(), noise, wide,
                           leak_, result + at, into[0], into[1], into[2]);
        continue;
      }
      for (int64_t segment = 0; segment < segments; ++segment) {  // gaps stay zero, so they add nothing to the sums
        load_run(dy + segment * args_.h * args_.w, wide, buffers_[0] + segment * runs_.pitch);
        load_run(y + segment * args_.h * args_.w, wide, buffers_[1] + segment * runs_.pitch);
      }
      leaky_backward_run<A, A, A>(buffers_[0], buffers_[1], sides_.factors(), noise, (segments - 1) * runs_.pitch + wide,
                                  leak_, result, into[0], into[1], into[2]);
    }
  }

  Buffers<A> sums;

 private:
  const Epilogue& args_;
  const Bands& bands_;
  const Runs& runs_;
  Leak<A> leak_;
  Sides<A> sides_;
  Buffers<A> buffers_, unowned_;
  int64_t width_;
  Line<A> ring_;  // the last rows, one for every tap
};

template <typename T>
class BackwardRows {
 public:
  using A = Computed<T>;
  BackwardRows(const Epilogue& args, const Bands& bands, const Runs& runs)
      : gradient(args, bands, runs), args_(args), bands_(bands), runs_(runs), lanes_(runs.channels_last ? args.c : 1),
        across_(taps_of<A>(args.fir, true, args.fir.gain), args.w * lanes_),
        along_(taps_of<A>(args.fir, true, 1), args.w, args.in_w, args.fir.count - 1 - args.fir.left, lanes_, 1) {}

  // A row of the gradient of x, from rows of `gradient` that are there.
  void compute(const Part& part, int64_t row, int64_t first) {
    T* to = static_cast<T*>(args_.y) + bands_.offset(part, row, args_.in_h, args_.in_w);
    const int64_t width = args_.in_w * lanes_, piece = kRun / lanes_ > 0 ? kRun / lanes_ * lanes_ : lanes_;
    for (int64_t segment = 0; segment < bands_.segments(part); ++segment) {
      across_.enter(first, args_.h, [&](int64_t source) { return gradient.line(source) + segment * runs_.pitch; });
      int64_t made = along_.begin;
      for (int64_t at = 0; at < width; at += piece) {
        const int64_t count = std::min(piece, width - at);
        along_.fill(across_, at + count, made);
        combine_rows(along_.sources(), along_.weights(), along_.taps, at, count, to + segment * args_.in_h * args_.in_w + at);
      }
    }
  }

  GradientRows<T> gradient;

 private:
  const Epilogue& args_;
  const Bands& bands_;
  const Runs& runs_;
  int64_t lanes_;
  Across<A> across_;
  Along<A> along_;
};

template <typename T>
void backward(const Epilogue& args) {
  using A = Computed<T>;
  const Runs runs = cut(args);
  const Bands bands(args, runs);
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
  const Runs runs = cut(args);
  return 3 * Bands(args, runs).bands * args.n * args.c;
}

}  // namespace nada::cpu
