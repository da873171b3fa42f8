// bias_act: one pass over the picture, and one back.
#include "../formulas.h"
#include "parallel.h"
#include "ahead.h"
#include "functions.h"
#include "runs.h"

namespace nada::cpu {
namespace {

template <typename A>
struct Shape {
  A alpha, gain, clamp;
};

template <typename X, typename A = Computed<X>>
using ForwardRun = void (*)(const X* __restrict x, const A* __restrict bias, int64_t count, Shape<A> shape,
                            X* __restrict y);
template <typename X, typename A = Computed<X>>
using BackwardRun = void (*)(const X* __restrict dy, const X* __restrict reference, const A* __restrict bias,
                             int64_t count, Shape<A> shape, X* __restrict dx, A* __restrict sums);

template <Activation act, typename X, typename A = Computed<X>>
void forward_run(const X* __restrict x, const A* __restrict bias, int64_t count, Shape<A> shape, X* __restrict y) {
  const A bound = shape.clamp < A(0) ? A(INFINITY) : shape.clamp;
#pragma omp simd
  for (int64_t i = 0; i < count; ++i)
    put(clamped(activate<act>(get(x[i]) + bias[i], shape.alpha) * shape.gain, bound), y[i]);
}

template <Activation act, typename X, typename A = Computed<X>>
void backward_run(const X* __restrict dy, const X* __restrict reference, const A* __restrict bias, int64_t count,
                  Shape<A> shape, X* __restrict dx, A* __restrict sums) {
  const A bound = shape.clamp < A(0) ? A(INFINITY) : shape.clamp, back = A(1) / shape.gain;
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    A steepness, y;
    if constexpr (act == Activation::swish) {
      const A pre = get(reference[i]) + bias[i];
      steepness = slope<act>(pre, shape.alpha), y = activate<act>(pre, shape.alpha) * shape.gain;
    } else {
      y = get(reference[i]), steepness = slope<act>(y * back, shape.alpha);
    }
    const A value = inside(y, bound) ? get(dy[i]) * steepness * shape.gain : A(0);
    put(value, dx[i]);
    sums[i] += value;
  }
}

template <typename X>
struct ActivationRuns {
  ForwardRun<X> forward;
  BackwardRun<X> backward;
};

template <Activation act, typename X>
constexpr ActivationRuns<X> runs_of() {
  return {forward_run<act, X>, backward_run<act, X>};
}

template <typename X>
ActivationRuns<X> choose(Activation act) {
  switch (act) {
    case Activation::relu: return runs_of<Activation::relu, X>();
    case Activation::lrelu: return runs_of<Activation::lrelu, X>();
    case Activation::tanh: return runs_of<Activation::tanh, X>();
    case Activation::sigmoid: return runs_of<Activation::sigmoid, X>();
    case Activation::elu: return runs_of<Activation::elu, X>();
    case Activation::selu: return runs_of<Activation::selu, X>();
    case Activation::softplus: return runs_of<Activation::softplus, X>();
    case Activation::swish: return runs_of<Activation::swish, X>();
    case Activation::linear: break;
  }
  return runs_of<Activation::linear, X>();
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
  const auto run = choose<Seen<T>>(args.act).forward;
  parallel(runs.tasks, runs.elements(), [&](int64_t first, int64_t last) {
    Buffers<A> buffers(runs, 3);
    A *bias = buffers[0], *in = buffers[1], *out = buffers[2];
    for (int64_t task = first; task < last; ++task) {
      const Part part = runs.part(task);
      spread<A>(args.bias, 0, part, runs, A(0), bias);
      for (int64_t pixel = part.begin; pixel < part.end; pixel += runs.run_pixels) {
        const int64_t count = runs.count(part, pixel), at = runs.offset(part, pixel);
        T* to = static_cast<T*>(args.y) + at;
        Seen<T>* result = result_run(to, out);
        fetch_ahead(static_cast<const T*>(args.x) + at, count);
        fetch_ahead_to_write(to, count);
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
  const auto run = choose<Seen<T>>(args.act).backward;
  const int64_t n = args.inner == 1 ? 1 : args.outer;
  A* partial = static_cast<A*>(args.scratch);
  parallel(runs.tasks, runs.elements(), [&](int64_t first, int64_t last) {
    Buffers<A> buffers(runs, 5);
    A *bias = buffers[0], *sums = buffers[1], *in = buffers[2], *kept = buffers[3], *out = buffers[4];
    for (int64_t task = first; task < last; ++task) {
      const Part part = runs.part(task);
      spread<A>(args.bias, 0, part, runs, A(0), bias);
      std::fill_n(sums, runs.length, A(0));
      for (int64_t pixel = part.begin; pixel < part.end; pixel += runs.run_pixels) {
        const int64_t count = runs.count(part, pixel), at = runs.offset(part, pixel);
        T* to = static_cast<T*>(args.y) + at;
        Seen<T>* result = result_run(to, out);
        fetch_ahead(static_cast<const T*>(args.x) + at, count);
        fetch_ahead(static_cast<const T*>(args.reference) + at, count);
        fetch_ahead_to_write(to, count);
        run(view_run(static_cast<const T*>(args.x) + at, count, in),
            view_run(static_cast<const T*>(args.reference) + at, count, kept), bias, count, shape_of<A>(args), result,
            sums);
        store_result(result, count, to);
      }
      fold_run(sums, part, runs, partial + sum_offset(runs, part, task, n));
    }
  });
  fold_rows(partial, runs.parts * n, args.channels, static_cast<A*>(args.sums));
}

}  // namespace

void bias_act(const BiasAct& args, Stream) {
  with_type(args.type, [&](auto type) { forward<decltype(type)>(args); });
}

void bias_act_backward(const BiasAct& args, Stream) {
  with_type(args.type, [&](auto type) { backward<decltype(type)>(args); });
}

int64_t bias_act_scratch(const BiasAct& args) {
  return cut(args).parts * (args.inner == 1 ? 1 : args.outer) * args.channels;
}

}  // namespace nada::cpu
