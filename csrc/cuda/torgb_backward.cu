// Gradients of the step to the picture.
//
// Where there is a clamp, a first kernel computes the picture's values again and keeps what of its gradient passes: a
// pixel's values need all channels before any channel's gradient can be had, so this cannot be one kernel.
#include "functions.h"
#include "walk.cuh"

namespace nada::cuda {

template <typename T>
struct ToRgbGradientArgs {
  const T* x;
  const Compute<T>*weight, *gradient;
  T* dx;
  int64_t c, pixels;
  int o;
  bool vector;
};

template <typename T, bool last_>
struct ToRgbGradient {
  using A = Compute<T>;
  using Args = ToRgbGradientArgs<T>;
  static constexpr int V = kVector<T>, W = last_ ? V : 1, sums = kMaxPictures;
  static constexpr bool last = last_;
  A weight[kMaxPictures][W];
  const A* gradient;

  __device__ __forceinline__ ToRgbGradient(const Args& args, const Line& line)
      : gradient(args.gradient + line.n * args.o * args.pixels) {
#pragma unroll
    for (int o = 0; o < kMaxPictures; ++o) {
      clear(weight[o]);
      const A* const from = args.weight + (line.n * args.o + o) * args.c + line.channel;
      if (o < args.o) load<W>(from, line.channels, last && args.vector, weight[o]);
    }
  }

  __device__ __forceinline__ void step(const Args& args, const Step& at, A (&totals)[kMaxPictures][W]) const {
    A x[V], dx[V];
    load<V>(args.x + at.offset, at.count, args.vector, x);
    clear(dx);
#pragma unroll
    for (int o = 0; o < kMaxPictures; ++o) {
      if (o >= args.o) continue;
      A g[last ? 1 : V];
      load<last ? 1 : V>(gradient + o * args.pixels + at.pixel, at.count, !last && args.vector, g);
#pragma unroll
      for (int j = 0; j < V; ++j) {
        dx[j] += weight[o][last ? j : 0] * g[last ? 0 : j];
        totals[o][last ? j : 0] += x[j] * g[last ? 0 : j];
      }
    }
    store<V>(args.dx + at.offset, at.count, args.vector, dx);
  }
};

template <typename A>
struct PlaneArgs {
  const A* x;
  bool vector;
};

// Sums of planes.
template <typename A_>
struct PlaneSums {
  using A = A_;
  using Args = PlaneArgs<A>;
  static constexpr int V = kVector<A>, sums = 1;
  static constexpr bool last = false;

  __device__ __forceinline__ PlaneSums(const Args&, const Line&) {}

  __device__ __forceinline__ void step(const Args& args, const Step& at, A (&totals)[1][1]) const {
    A v[V];
    load<V>(args.x + at.offset, at.count, args.vector, v);
#pragma unroll
    for (int j = 0; j < V; ++j) totals[0][0] += v[j];
  }
};

// The parts of the scratch memory: the gradient behind the clamp, parts of dweight's sums, parts of dbias' sums.
struct Plan {
  Walk features, pictures;
  int64_t masked;

  template <typename T>
  static Plan of(const ToRgb& args, Tag<T>) {
    const int64_t pixels = args.h * args.w;
    return {walk_over(args.n, args.c, pixels, args.channels_last, kVector<T>, static_cast<int>(args.o)),
            walk_over(args.n, args.o, pixels, false, kVector<Compute<T>>, 1),
            args.clamp < 0 ? 0 : args.n * args.o * pixels};
  }
  int64_t size() const { return masked + scratch_of(features) + scratch_of(pictures); }
};

template <typename T>
void run_torgb_backward(const char* op, const ToRgb& args, Stream stream) {
  using A = Compute<T>;
  const Plan plan = Plan::of(args, Tag<T>{});
  A* const masked = static_cast<A*>(args.scratch);
  A* const weights = masked + plan.masked;
  A* const biases = weights + scratch_of(plan.features);
  if (plan.masked) torgb_masked_gradient(args, masked, stream);
  const A* const gradient = plan.masked ? masked : static_cast<const A*>(args.gradient);
  const int64_t pixels = args.h * args.w;
  const bool whole = (args.channels_last ? args.c : pixels) % kVector<T> == 0;
  const bool sides = args.channels_last ? aligned(args.weight) : aligned(gradient);
  const ToRgbGradientArgs<T> given{static_cast<const T*>(args.x), static_cast<const A*>(args.weight), gradient,
                                   static_cast<T*>(args.dx),      args.c,
                                   pixels,                        static_cast<int>(args.o),
                                   whole && sides && aligned(args.x, args.dx)};
  if (args.channels_last)
    run_walk<ToRgbGradient<T, true>>(op, given, plan.features, weights, stream);
  else
    run_walk<ToRgbGradient<T, false>>(op, given, plan.features, weights, stream);
  const PlaneArgs<A> planes{gradient, pixels % kVector<A> == 0 && aligned(gradient)};
  run_walk<PlaneSums<A>>(op, planes, plan.pictures, biases, stream);
  const int sums = static_cast<int>(args.o);
  add_rows(op, Rows<A>{weights, static_cast<A*>(args.dweight), plan.features.slabs, args.n * args.c, args.c, sums}, stream);
  const int64_t columns = args.n * args.o;
  add_rows(op, Rows<A>{biases, static_cast<A*>(args.dbias), plan.pictures.slabs, columns, columns, 1}, stream);
}

void torgb_backward(const ToRgb& args, Stream stream) {
  with_type(args.type, [&](auto tag) {
    run_torgb_backward<typename decltype(tag)::type>("torgb_backward", args, stream);
  });
}

int64_t torgb_scratch(const ToRgb& args) {
  int64_t size = 0;
  with_type(args.type, [&](auto tag) { size = Plan::of(args, tag).size(); });
  return size;
}

}  // namespace nada::cuda
