// The epilogue of a styled convolution that keeps the size: one pass.
#include "ahead.h"
#include "epilogue_run.h"
#include "functions.h"
#include "parallel.h"

namespace nada::cpu {
namespace {

Runs cut(const Epilogue& args) { return Runs(args.n, args.c, args.h * args.w, args.channels_last); }

template <typename T>
void forward(const Epilogue& args) {
  using A = Computed<T>;
  const Runs runs = cut(args);
  const Leak<A> leak(args);
  parallel(runs.tasks, runs.elements(), [&](int64_t first, int64_t last) {
    Sides<A> sides(args, runs);
    Buffers<A> buffers(runs, 2);
    for (int64_t task = first; task < last; ++task) {
      const Part part = runs.part(task);
      sides.enter(part);
      for (int64_t pixel = part.begin; pixel < part.end; pixel += runs.run_pixels) {
        const int64_t count = runs.count(part, pixel), at = runs.offset(part, pixel);
        T* to = static_cast<T*>(args.y) + at;
        Seen<T>* result = result_run(to, buffers[1]);
        fetch_ahead(static_cast<const T*>(args.x) + at, count);
        fetch_ahead_to_write(to, count);
        leaky_run(view_run(static_cast<const T*>(args.x) + at, count, buffers[0]), sides.factors(),
                  sides.shift(pixel, count / part.channels), count, leak, result);
        store_result(result, count, to);
      }
    }
  });
}

template <typename T>
void backward(const Epilogue& args) {
  using A = Computed<T>;
  const Runs runs = cut(args);
  const Leak<A> leak(args);
  const int64_t block = runs.parts * args.n * args.c;
  parallel(runs.tasks, runs.elements(), [&](int64_t first, int64_t last) {
    Sides<A> sides(args, runs);
    Buffers<A> buffers(runs, 3), sums(runs, 3);
    for (int64_t task = first; task < last; ++task) {
      const Part part = runs.part(task);
      sides.enter(part);
      sums.clear();
      for (int64_t pixel = part.begin; pixel < part.end; pixel += runs.run_pixels) {
        const int64_t count = runs.count(part, pixel), at = runs.offset(part, pixel);
        T* to = static_cast<T*>(args.y) + at;
        Seen<T>* result = result_run(to, buffers[2]);
        fetch_ahead(static_cast<const T*>(args.x) + at, count);
        fetch_ahead(static_cast<const T*>(args.reference) + at, count);
        fetch_ahead_to_write(to, count);
        leaky_backward_run(view_run(static_cast<const T*>(args.x) + at, count, buffers[0]),
                           view_run(static_cast<const T*>(args.reference) + at, count, buffers[1]), sides.factors(),
                           sides.noise(pixel, count / part.channels), count, leak, result, sums[0], sums[1], sums[2]);
        store_result(result, count, to);
      }
      fold_sums(sums, part, runs, static_cast<A*>(args.scratch) + sum_offset(runs, part, task, args.n), block);
    }
  });
  fold_parts<A>(args, runs.parts);
}

}  // namespace

void epilogue(const Epilogue& args, Stream) {
  if (args.fir.taps) return fir_epilogue(args);
  with_type(args.type, [&](auto type) { forward<decltype(type)>(args); });
}

void epilogue_backward(const Epilogue& args, Stream) {
  if (args.fir.taps) return fir_epilogue_backward(args);
  with_type(args.type, [&](auto type) { backward<decltype(type)>(args); });
}

int64_t epilogue_scratch(const Epilogue& args) {
  return args.fir.taps ? fir_epilogue_scratch(args) : 3 * cut(args).parts * args.n * args.c;
}

}  // namespace nada::cpu
