// bias_act and modulate: one pass over the picture, and one back.
#include "../formulas.h"
#include "parallel.h"
#include "functions.h"
#include "runs.h"

namespace nada::cpu {
namespace {

template <typename A>
struct Shape {
  A alpha, gain, clamp;
};

template <typename A>
using ForwardRun = void (*)(const A* __restrict x, const A* __restrict bias, int64_t count, Shape<A> shape,
                            A* __restrict y);
template <typename A>
using BackwardRun = void (*)(const A* __restrict dy, const A* __restrict reference, const A* __restrict bias,
                             int64_t count, Shape<A> shape, A* __restrict dx, A* __restrict sums);

template <Activation act, typename A>
void forward_run(const A* __restrict x, const A* __restrict bias, int64_t count, Shape<A> shape, A* __restrict y) {
  const A bound = shape.clamp < A(0) ? A(INFINITY) : shape.clamp;
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) y[i] = clamped(activate<act>(x[i] + bias[i], shape.alpha) * shape.gain, bound);
}

template <Activation act, typename A>
void backward_run(const A* __restrict dy, const A* __restrict reference, const A* __restrict bias, int64_t count,
                  Shape<A> shape, A* __restrict dx, A* __restrict sums) {
  const A bound = shape.clamp < A(0) ? A(INFINITY) : shape.clamp, back = A(1) / shape.gain;
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    A steepness, y;
    if constexpr (act == Activation::swish) {
      const A pre = reference[i] + bias[i];
      steepness = slope<act>(pre, shape.alpha), y = activate<act>(pre, shape.alpha) * shape.gain;
    } else {
      steepness = slope<act>(reference[i] * back, shape.alpha), y = reference[i];
    }
    const A value = inside(y, bound) ? dy[i] * steepness * shape.gain : A(0);
    dx[i] = value;
    sums[i] += value;
  }
}

template <typename A>
struct ActivationRuns {
  ForwardRun<A> forward;
  BackwardRun<A> backward;
};

template <Activation act, typename A>
constexpr ActivationRuns<A> runs_of() {
  return {forward_run<act, A>, backward_run<act, A>};
}

template <typename A>
ActivationRuns<A> choose(Activation act) {
  switch (act) {
    case Activation::relu: return runs_of<Activation::relu, A>();
    case Activation::lrelu: return runs_of<Activation::lrelu, A>();
    case Activation::tanh: return runs_of<Activation::tanh, A>();
    case Activation::sigmoid: return runs_of<Activation::sigmoid, A>();
    case Activation::elu: return runs_of<Activation::elu, A>();
    case Activation::selu: return runs_of<Activation::selu, A>();
    case Activation::softplus: return runs_of<Activation::softplus, A>();
    case Activation::swish: return runs_of<Activation::swish, A>();
    case Activation::linear: break;
  }
  return runs_of<Activation::linear, A>();
}

// A bias along the last dimension is channels-last with every row a pixel.
Runs cut(const BiasAct& args) {
  return args.inner == 1 ? Runs(1, args.channels, args.outer, true) : Runs(args.outer, args.channels, args.inner, false);
}

template <typename A>
Shape<A> shape_of(const BiasAct& args) {
  return {static_cast<A>(args.alpha), static_cast<A>(args.gain), static_cast<A>(args.clamp)};
}

template <typename T>
void forward(const BiasAct& args) {
  using A = Computed<T>;
  const Runs runs = cut(args);
  const auto run = choose<A>(args.act).forward;
  parallel(runs.tasks, runs.elements(), [&](int64_t first, int64_t last) {
    Buffers<A> buffers(runs, 3);
    A *bias = buffers[0], *in = buffers[1], *out = buffers[2];
    for (int64_t task = first; task < last; ++task) {
      const Part part = runs.part(task);
      spread<A>(args.bias, part.channel, runs, A(0), bias);
      for (int64_t pixel = part.begin; pixel < part.end; pixel += runs.run_pixels) {
        const int64_t count = runs.count(part, pixel), at = runs.offset(part, pixel);
        T* to = static_cast<T*>(args.y) + at;
        A* result = result_run(to, out);
        run(view_run(static_cast<const T*>(args.x) + at, count, in), bias, count, shape_of<A>(args), result);
        store_result(result, count, to);
      }
    }
  });
}

template <typename T>
void backward(const BiasAct& args) {
  using A = Computed<T>;
  const Runs runs = cut(args);
  const auto run = choose<A>(args.act).backward;
  const int64_t n = args.inner == 1 ? 1 : args.outer;
  A* partial = static_cast<A*>(args.scratch);
  parallel(runs.tasks, runs.elements(), [&](int64_t first, int64_t last) {
    Buffers<A> buffers(runs, 5);
    A *bias = buffers[0], *sums = buffers[1], *in = buffers[2], *kept = buffers[3], *out = buffers[4];
    for (int64_t task = first; task < last; ++task) {
      const Part part = runs.part(task);
      spread<A>(args.bias, part.channel, runs, A(0), bias);
      fill_run(runs, A(0), sums);
      for (int64_t pixel = part.begin; pixel < part.end; pixel += runs.run_pixels) {
        const int64_t count = runs.count(part, pixel), at = runs.offset(part, pixel);
        T* to = static_cast<T*>(args.y) + at;
        A* result = result_run(to, out);
        run(view_run(static_cast<const T*>(args.x) + at, count, in),
            view_run(static_cast<const T*>(args.reference) + at, count, kept), bias, count, shape_of<A>(args), result,
            sums);
        store_result(result, count, to);
      }
      fold_run(sums, runs, partial + sum_offset(runs, part, task, n, args.channels));
    }
  });
  fold_rows(partial, runs.parts() * n, args.channels, static_cast<A*>(args.sums));
}

template <typename A>
void scale_run(const A* __restrict x, const A* __restrict styles, int64_t count, A* __restrict y) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) y[i] = x[i] * styles[i];
}

template <typename A>
void scale_backward_run(const A* __restrict dy, const A* __restrict x, const A* __restrict styles, int64_t count,
                        A* __restrict dx, A* __restrict sums) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    dx[i] = dy[i] * styles[i];
    sums[i] += dy[i] * x[i];
  }
}

template <typename T>
void scale(const Modulate& args) {
  using A = Computed<T>;
  const Runs runs(args.n, args.c, args.pixels, args.channels_last);
  parallel(runs.tasks, runs.elements(), [&](int64_t first, int64_t last) {
    Buffers<A> buffers(runs, 3);
    A *styles = buffers[0], *in = buffers[1], *out = buffers[2];
    for (int64_t task = first; task < last; ++task) {
      const Part part = runs.part(task);
      spread<A>(args.styles, part.n * args.c + part.channel, runs, A(1), styles);
      for (int64_t pixel = part.begin; pixel < part.end; pixel += runs.run_pixels) {
        const int64_t count = runs.count(part, pixel), at = runs.offset(part, pixel);
        T* to = static_cast<T*>(args.y) + at;
        A* result = result_run(to, out);
        scale_run<A>(view_run(static_cast<const T*>(args.x) + at, count, in), styles, count, result);
        store_result(result, count, to);
      }
    }
  });
}

template <typename T>
void scale_backward(const Modulate& args) {
  using A = Computed<T>;
  const Runs runs(args.n, args.c, args.pixels, args.channels_last);
  A* partial = static_cast<A*>(args.scratch);
  parallel(runs.tasks, runs.elements(), [&](int64_t first, int64_t last) {
    Buffers<A> buffers(runs, 5);
    A *styles = buffers[0], *sums = buffers[1], *in = buffers[2], *kept = buffers[3], *out = buffers[4];
    for (int64_t task = first; task < last; ++task) {
      const Part part = runs.part(task);
      spread<A>(args.styles, part.n * args.c + part.channel, runs, A(1), styles);
      fill_run(runs, A(0), sums);
      for (int64_t pixel = part.begin; pixel < part.end; pixel += runs.run_pixels) {
        const int64_t count = runs.count(part, pixel), at = runs.offset(part, pixel);
        T* to = static_cast<T*>(args.y) + at;
        A* result = result_run(to, out);
        scale_backward_run<A>(view_run(static_cast<const T*>(args.x) + at, count, in),
                              view_run(static_cast<const T*>(args.reference) + at, count, kept), styles, count, result,
                              sums);
        store_result(result, count, to);
      }
      fold_run(sums, runs, partial + sum_offset(runs, part, task, args.n, args.c));
    }
  });
  fold_rows(partial, runs.parts(), args.n * args.c, static_cast<A*>(args.sums));
}

}  // namespace

void bias_act(const BiasAct& args, Stream) {
  with_type(args.type, [&](auto type) { forward<decltype(type)>(args); });
}

void bias_act_backward(const BiasAct& args, Stream) {
  with_type(args.type, [&](auto type) { backward<decltype(type)>(args); });
}

int64_t bias_act_scratch(const BiasAct& args) {
  return cut(args).parts() * (args.inner == 1 ? 1 : args.outer) * args.channels;
}

void modulate(const Modulate& args, Stream) {
  with_type(args.type, [&](auto type) { scale<decltype(type)>(args); });
}

void modulate_backward(const Modulate& args, Stream) {
  with_type(args.type, [&](auto type) { scale_backward<decltype(type)>(args); });
}

int64_t modulate_scratch(const Modulate& args) {
  return Runs(args.n, args.c, args.pixels, args.channels_last).parts() * args.n * args.c;
}

}  // namespace nada::cpu
