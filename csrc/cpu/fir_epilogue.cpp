// The epilogue inside the blur of an upsampling layer, with channels last: strips of channels go through the filter and
// what else there is to do in one pass. Planes: fir_planes.cpp.
#include "epilogue_strips.h"
#include "fir_bands.h"
#include "fir_strips.h"
#include "functions.h"
#include "parallel.h"

namespace nada::cpu {
namespace {

template <bool whole, int Count, typename T, typename A>
void forward_task(const Epilogue& args, const StripTasks& tasks, int64_t task, StripFilter<A, Count>& filter,
                  const StripSides<A>& sides) {
  const int64_t c = args.c, channels = tasks.channels(task), n = tasks.sample(task), top = args.fir.top;
  const Leak<A> leak(args);
  const T* x = static_cast<const T*>(args.x) + n * args.in_h * args.in_w * c + tasks.first(task);
  T* y = static_cast<T*>(args.y) + n * args.h * args.w * c + tasks.first(task);
  const int64_t begin = tasks.cut(task, args.h, 0), end = tasks.cut(task, args.h, 1), ahead = args.fir.count - 1 - top;
  for (int64_t row = begin - top; row < end + ahead; ++row) {
    const bool inside = 0 <= row && row < args.in_h, complete = row >= begin + ahead;
    const T* from = inside ? x + row * args.in_w * c : x;
    const auto load = [=](int64_t pixel) {
      fetch_strip<false>(from + pixel * c, c);
      return load_strip<whole>(from + pixel * c, channels);
    };
    T* to = complete ? y + (row - ahead) * args.w * c : y;
    const auto finish = [=, factor = sides.factor, bias = sides.bias, strength = sides.strength,
                         noise = sides.noise(complete ? (row - ahead) * args.w : 0)](int64_t pixel, Strip<A> sum) {
      fetch_strip<true>(to + pixel * c, c);
      store_strip<whole>(leaky_strip(sum, factor, bias, strength * noise[pixel], leak), to + pixel * c, channels);
    };
    filter.add(row, inside, complete, load, finish);
  }
}

template <bool whole, int Count, typename T, typename A>
void backward_task(const Epilogue& args, const StripTasks& tasks, int64_t task, StripFilter<A, Count>& filter,
                   const StripSides<A>& sides) {
  const int64_t c = args.c, channels = tasks.channels(task), first = tasks.first(task), n = tasks.sample(task);
  const int64_t own = tasks.cut(task, args.h, 0), own_end = tasks.cut(task, args.h, 1);
  const int64_t start = n * args.h * args.w * c + first;
  const int64_t begin = tasks.cut(task, args.in_h, 0), end = tasks.cut(task, args.in_h, 1), ahead = args.fir.top;
  T* dx = static_cast<T*>(args.y) + n * args.in_h * args.in_w * c + first;
  Strip<A> sums[3];
  for (int64_t row = std::min(own, begin + ahead - args.fir.count + 1); row < std::max(own_end, end + ahead); ++row) {
    const bool inside = 0 <= row && row < args.h, complete = begin <= row - ahead && row - ahead < end;
    const int64_t at = inside ? start + row * args.w * c : 0;
    T* to = complete ? dx + (row - ahead) * args.in_w * c : dx;
    const auto finish = [=](int64_t pixel, const Strip<A>& sum) {
      fetch_strip<true>(to + pixel * c, c);
      store_strip<whole>(sum, to + pixel * c, channels);
    };
    GradientLoad<whole, T> load{static_cast<const T*>(args.x) + at, static_cast<const T*>(args.reference) + at,
                                sides.noise(inside ? row * args.w : 0), c, channels, sides.factor, Leak<A>(args), {}};
    load = filter.add(row, inside, complete, load, finish);
    if (row < own || row >= own_end) continue;
    for (int i = 0; i < Strip<A>::kPacks; ++i)
      sums[0].at[i] += load.sums[i].pre, sums[1].at[i] += load.sums[i].value, sums[2].at[i] += load.sums[i].noise;
  }
  A* to = static_cast<A*>(args.scratch) + (tasks.band(task) * args.n + n) * c + first;
  for (const Strip<A>& sum : sums) store_strip<false>(sum, to, channels), to += tasks.bands * args.n * c;
}

template <int Count, typename T>
void run(const Epilogue& args, bool back) {
  using A = Computed<T>;
  const StripTasks tasks(args, Strip<A>::kChannels);
  const Fir& fir = args.fir;
  const std::vector<A> along = taps_of<A>(fir, back, fir.gain), across = taps_of<A>(fir, back, 1);
  parallel(tasks.count, tasks.elements, [&](int64_t first, int64_t last) {
    StripSides<A> sides(args, args.w);
    StripFilter<A, Count> filter(along, across, back ? args.w : args.in_w, back ? args.in_w : args.w,
                                 back ? fir.count - 1 - fir.left : fir.left);
    for (int64_t task = first; task < last; ++task) {
      sides.enter(tasks.sample(task), tasks.first(task), tasks.channels(task));
      const bool whole = tasks.channels(task) == Strip<A>::kChannels;
      const auto call = [&](auto all) {
        if (back) backward_task<all(), Count, T>(args, tasks, task, filter, sides);
        else forward_task<all(), Count, T>(args, tasks, task, filter, sides);
      };
      if (whole) call(std::bool_constant<Count != 0>{});  // other filters are rare: less code for them
      else call(std::false_type{});
    }
  });
  if (back) fold_parts<A>(args, tasks.bands);
}

// The published filter has four taps.
void run(const Epilogue& args, bool back) {
  with_type(args.type, [&](auto type) {
    args.fir.count == 4 ? run<4, decltype(type)>(args, back) : run<0, decltype(type)>(args, back);
  });
}

}  // namespace

void fir_epilogue(const Epilogue& args) { args.channels_last ? run(args, false) : fir_planes(args); }

void fir_epilogue_backward(const Epilogue& args) { args.channels_last ? run(args, true) : fir_planes_backward(args); }

int64_t fir_epilogue_scratch(const Epilogue& args) {
  return args.channels_last ? 3 * StripTasks(args, 1).bands * args.n * args.c : fir_planes_scratch(args);
}

}  // namespace nada::cpu
