// The epilogue inside the blur of an upsampling layer, for maps whose channels lie behind one another: plane by plane.
#include "epilogue_planes.h"
#include "fir_bands.h"
#include "functions.h"
#include "parallel.h"
#include "plane_filter.h"

namespace nada::cpu {
namespace {

template <typename T>
void forward(const Epilogue& args) {
  using A = Computed<T>;
  const PlaneTasks tasks(args.n * args.c, args.h, args.w);
  const Leak<A> leak(args);
  const int64_t in = args.in_h * args.in_w, out = args.h * args.w;
  const T *x = static_cast<const T*>(args.x), *x_end = x + args.n * args.c * in;
  T* y = static_cast<T*>(args.y);
  parallel(tasks.count, tasks.elements, [&](int64_t first, int64_t last) {
    PlaneSides<A> sides(args, args.w);
    PlaneFilter<A> filter({args.in_h, args.in_w, args.h, args.w, args.fir.top, args.fir.left, 1, 1},
                          taps_of<A>(args.fir, false, 1), taps_of<A>(args.fir, false, args.fir.gain));
    for (int64_t task = first; task < last; ++task) {
      const PlaneTasks::Task part = tasks.task(task);
      const int64_t begin = tasks.cut(part.band, args.h), until = tasks.cut(part.band + 1, args.h);
      for (int64_t plane = part.begin; plane < part.end; ++plane) {
        sides.enter(plane);
        const auto load = [&](int64_t row, int64_t rows, A* to) {
          filter.lines.template make<true>(x + plane * in, row, rows, x_end, to);
        };
        const A factor = sides.factor, bias = sides.bias, strength = sides.strength;
        const auto finish = [=, &sides, &leak](int64_t row) {
          return [=, noise = sides.noise(row * args.w), end = sides.end](Pack<A> sum, int64_t i, auto whole) {
            const Pack<A> noises = whole ? load_pack(noise + i) : load_before(noise + i, end);
            return leaky_pack(sum * factor + (strength * noises + bias), leak);
          };
        };
        filter.run(begin, until, args.in_h, 0, load, y + plane * out, y + (part.end - 1) * out + until * args.w, finish);
      }
    }
  });
}

// Rows of the gradient of what the epilogue's factors multiplied, with the sums of those that a band owns.
template <typename T>
class PlaneGradient {
 public:
  using A = Computed<T>;
  PlaneGradient(const Epilogue& args, int64_t rows)
      : args_(args), leak_(args), sides_(args, rows * args.w), rows_(rows * args.w + kPack<A>) {}

  void enter(int64_t plane, int64_t begin, int64_t end) {
    sides_.enter(plane);
    plane_ = plane, begin_ = begin, end_ = end;
    sums = {};
  }

  void load(int64_t row, int64_t rows, PlaneLines<A>& lines, A* to) {
    const int64_t first = std::clamp(begin_, row, row + rows), last = std::clamp(end_, first, row + rows);
    PackSums<A> unowned;
    compute(row, row, first, unowned);
    compute(row, first, last, sums);
    compute(row, last, row + rows, unowned);
    const A* made = rows_.data();
    lines.template make<false>(made, 0, rows, made + rows_.size(), to);
  }

  PackSums<A> sums;

 private:
  void compute(int64_t origin, int64_t first, int64_t last, PackSums<A>& into) {
    if (first >= last) return;
    const int64_t at = (plane_ * args_.h + first) * args_.w;
    leaky_backward_packs(static_cast<const T*>(args_.x) + at, static_cast<const T*>(args_.reference) + at,
                         sides_.noise(first * args_.w), (last - first) * args_.w, sides_.factor, leak_,
                         rows_.data() + (first - origin) * args_.w, into);
  }

  const Epilogue& args_;
  Leak<A> leak_;
  PlaneSides<A> sides_;
  Line<A> rows_;
  int64_t plane_ = 0, begin_ = 0, end_ = 0;
};

template <typename T>
void backward(const Epilogue& args) {
  using A = Computed<T>;
  const int64_t planes = args.n * args.c, out = args.in_h * args.in_w;
  const PlaneTasks tasks(planes, args.h, args.w);
  const Fir& fir = args.fir;
  parallel(tasks.count, tasks.elements, [&](int64_t first, int64_t last) {
    PlaneFilter<A> filter({args.h, args.w, args.in_h, args.in_w, fir.count - 1 - fir.top, fir.count - 1 - fir.left, 1, 1},
                          taps_of<A>(fir, true, 1), taps_of<A>(fir, true, fir.gain));
    PlaneGradient<T> gradient(args, filter.capacity);
    for (int64_t task = first; task < last; ++task) {
      const PlaneTasks::Task part = tasks.task(task);
      const int64_t own = tasks.cut(part.band, args.h), own_end = tasks.cut(part.band + 1, args.h);
      const int64_t begin = tasks.cut(part.band, args.in_h), until = tasks.cut(part.band + 1, args.in_h);
      T* dx = static_cast<T*>(args.y);
      for (int64_t plane = part.begin; plane < part.end; ++plane) {
        gradient.enter(plane, own, own_end);
        const auto load = [&](int64_t row, int64_t rows, A* to) { gradient.load(row, rows, filter.lines, to); };
        filter.run(begin, until, own, own_end, load, dx + plane * out, dx + (part.end - 1) * out + until * args.in_w,
                   [](int64_t) { return [](Pack<A> sum, int64_t, auto) { return sum; }; });
        A* to = static_cast<A*>(args.scratch) + part.band * planes + plane;
        for (const Pack<A>& sum : {gradient.sums.pre, gradient.sums.value, gradient.sums.noise})
          *to = sum_of_pack<A>(sum), to += tasks.bands * planes;
      }
    }
  });
  fold_parts<A>(args, tasks.bands);
}

}  // namespace

void fir_planes(const Epilogue& args) {
  with_type(args.type, [&](auto type) { forward<decltype(type)>(args); });
}

void fir_planes_backward(const Epilogue& args) {
  with_type(args.type, [&](auto type) { backward<decltype(type)>(args); });
}

int64_t fir_planes_scratch(const Epilogue& args) {
  return 3 * PlaneTasks(args.n * args.c, args.h, args.w).bands * args.n * args.c;
}

}  // namespace nada::cpu
