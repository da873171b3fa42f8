// The epilogue of a styled convolution that keeps the size: one pass.
#include "epilogue_planes.h"
#include "epilogue_pixels.h"
#include "functions.h"
#include "parallel.h"

namespace nada::cpu {
namespace {

Runs cut(const Epilogue& args) { return Runs(args.n, args.c, args.h * args.w, args.channels_last); }

template <typename T>
void forward_planes(const Epilogue& args, const Runs& runs) {
  using A = Computed<T>;
  const Leak<A> leak(args);
  parallel(runs.tasks, runs.elements(), [&](int64_t first, int64_t last) {
    PlaneSides<A> sides(args, runs.part_pixels());
    for (int64_t task = first; task < last; ++task) {
      const Part part = runs.part(task);
      for (int64_t channel = part.channel; channel < part.channel + part.channels; ++channel) {
        const int64_t plane = part.n * args.c + channel, at = plane * runs.pixels + part.begin;
        sides.enter(plane);
        leaky_packs(static_cast<const T*>(args.x) + at, sides.noise(part.begin), part.end - part.begin, sides.factor,
                    sides.bias, sides.strength, leak, static_cast<T*>(args.y) + at);
      }
    }
  });
}

template <typename T>
void backward_planes(const Epilogue& args, const Runs& runs) {
  using A = Computed<T>;
  const Leak<A> leak(args);
  const int64_t block = runs.parts * args.n * args.c;
  parallel(runs.tasks, runs.elements(), [&](int64_t first, int64_t last) {
    PlaneSides<A> sides(args, runs.part_pixels());
    for (int64_t task = first; task < last; ++task) {
      const Part part = runs.part(task);
      A* to = static_cast<A*>(args.scratch) + sum_offset(runs, part, task, args.n);
      for (int64_t channel = part.channel; channel < part.channel + part.channels; ++channel, ++to) {
        const int64_t plane = part.n * args.c + channel, at = plane * runs.pixels + part.begin;
        sides.enter(plane);
        PackSums<A> sums;
        leaky_backward_packs(static_cast<const T*>(args.x) + at, static_cast<const T*>(args.reference) + at,
                             sides.noise(part.begin), part.end - part.begin, sides.factor, leak,
                             static_cast<T*>(args.y) + at, sums);
        to[0] = sum_of_pack<A>(sums.pre), to[block] = sum_of_pack<A>(sums.value);
        to[2 * block] = sum_of_pack<A>(sums.noise);
      }
    }
  });
}

template <typename T>
void forward_pixels(const Epilogue& args, const Runs& runs) {
  using A = Computed<T>;
  const Leak<A> leak(args);
  parallel(runs.tasks, runs.elements(), [&](int64_t first, int64_t last) {
    PixelSides<A> sides(args, runs.part_pixels());
    for (int64_t task = first; task < last; ++task) {
      const Part part = runs.part(task);
      const int64_t at = runs.offset(part, part.begin);
      sides.enter(part.n);
      leaky_pixels(static_cast<const T*>(args.x) + at, sides, part.begin, part.end, args.c, leak, static_cast<T*>(args.y) + at);
    }
  });
}

template <typename T>
void backward_pixels(const Epilogue& args, const Runs& runs) {
  using A = Computed<T>;
  const Leak<A> leak(args);
  const int64_t block = runs.parts * args.n * args.c;
  parallel(runs.tasks, runs.elements(), [&](int64_t first, int64_t last) {
    PixelSides<A> sides(args, runs.part_pixels());
    PixelSums<A> sums(args.c);
    for (int64_t task = first; task < last; ++task) {
      const Part part = runs.part(task);
      const int64_t at = runs.offset(part, part.begin);
      sides.enter(part.n);
      sums.clear();
      leaky_backward_pixels(static_cast<const T*>(args.x) + at, static_cast<const T*>(args.reference) + at, sides,
                            part.begin, part.end, args.c, leak, static_cast<T*>(args.y) + at, sums);
      A* to = static_cast<A*>(args.scratch) + sum_offset(runs, part, task, args.n);
      for (int row = 0; row < 3; ++row) std::copy_n(sums[row], args.c, to + row * block);
    }
  });
}

template <typename T>
void run(const Epilogue& args, bool back) {
  const Runs runs = cut(args);
  if (back) args.channels_last ? backward_pixels<T>(args, runs) : backward_planes<T>(args, runs);
  else args.channels_last ? forward_pixels<T>(args, runs) : forward_planes<T>(args, runs);
  if (back) fold_parts<Computed<T>>(args, runs.parts);
}

}  // namespace

void epilogue(const Epilogue& args, Stream) {
  if (args.fir.taps) return fir_epilogue(args);
  with_type(args.type, [&](auto type) { run<decltype(type)>(args, false); });
}

void epilogue_backward(const Epilogue& args, Stream) {
  if (args.fir.taps) return fir_epilogue_backward(args);
  with_type(args.type, [&](auto type) { run<decltype(type)>(args, true); });
}

int64_t epilogue_scratch(const Epilogue& args) {
  return args.fir.taps ? fir_epilogue_scratch(args) : 3 * cut(args).parts * args.n * args.c;
}

}  // namespace nada::cpu
