// From features to the picture and back: projection, bias, clamp and the upsampled smaller picture in one pass.
#include "functions.h"
#include "parallel.h"
#include "runs.h"
#include "torgb.h"
#include "upsampled_rows.h"

namespace nada::cpu {
namespace {

// A part of a sample's pixels, in whole chunks.
struct Parts {
  Parts(const ToRgb& args, bool back)
      : chunk(chunk_of(args, back)),
        plane(args.h * args.w),
        pixels((std::max<int64_t>(chunk, 4 * kTask / args.c) + chunk - 1) / chunk * chunk),
        count((plane + pixels - 1) / pixels) {}
  int64_t end(int64_t task) const { return std::min(task % count * pixels + pixels, plane); }
  int64_t chunk, plane, pixels, count;
};

template <typename A>
void finish(const ToRgb& args, int64_t n, int64_t first, int64_t pixels, int64_t chunk, const A* rgb,
            UpsampledRows<A>& upsampled) {
  const int64_t plane = args.h * args.w;
  const A bound = args.clamp < 0 ? A(INFINITY) : static_cast<A>(args.clamp);
  for (int64_t o = 0; o < args.o; ++o) {
    const A bias = args.bias ? static_cast<const A*>(args.bias)[o] : A(0);
    A* __restrict to = static_cast<A*>(args.image) + (n * args.o + o) * plane + first;
    const A* __restrict from = rgb + o * chunk;
#pragma omp simd
    for (int64_t i = 0; i < pixels; ++i) to[i] = clamped(from[i] + bias, bound);
    if (!args.skip) continue;
    const A* small = static_cast<const A*>(args.skip) + (n * args.o + o) * (plane / 4);
    for (int64_t i = 0; i < pixels; i += args.w) upsampled.add(small, (first + i) / args.w, to + i);
  }
}

template <typename T, int O>
void forward(const ToRgb& args) {
  using A = Computed<T>;
  const Parts parts(args, false);
  parallel(args.n * parts.count, parts.pixels * args.c, [&](int64_t first, int64_t last) {
    Projection<T, O> projection(args, parts.chunk);
    UpsampledRows<A> upsampled(args);
    for (int64_t task = first; task < last; ++task) {
      const int64_t n = task / parts.count, end = parts.end(task);
      for (int64_t pixel = task % parts.count * parts.pixels; pixel < end; pixel += projection.chunk) {
        const int64_t pixels = std::min(projection.chunk, end - pixel);
        projection.project(n, pixel, pixels);
        finish<A>(args, n, pixel, pixels, projection.chunk, projection.rgb.data(), upsampled);
      }
    }
  });
}

// The gradient of the projection in place of its value, which decides where the clamp lets a gradient through.
template <typename A>
A gradient_run(const A* __restrict gradient, A bias, A bound, int64_t pixels, A* __restrict rgb) {
  A sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < pixels; ++i) {
    const A value = inside(rgb[i] + bias, bound) ? gradient[i] : A(0);
    rgb[i] = value;
    sum += value;
  }
  return sum;
}

template <typename T, int O>
void backward(const ToRgb& args) {
  using A = Computed<T>;
  const Parts parts(args, true);
  const int64_t width = args.n * O * args.c;
  A *dweights = static_cast<A*>(args.scratch), *dbiases = dweights + parts.count * width;
  const A bound = args.clamp < 0 ? A(INFINITY) : static_cast<A>(args.clamp);
  parallel(args.n * parts.count, parts.pixels * args.c, [&](int64_t first, int64_t last) {
    Projection<T, O> projection(args, parts.chunk);
    for (int64_t task = first; task < last; ++task) {
      const int64_t n = task / parts.count, part = task % parts.count, end = parts.end(task);
      A *dweight = dweights + part * width + n * O * args.c, *dbias = dbiases + (part * args.n + n) * O;
      std::fill_n(dweight, O * args.c, A(0));
      std::fill_n(dbias, O, A(0));
      for (int64_t pixel = part * parts.pixels; pixel < end; pixel += projection.chunk) {
        const int64_t pixels = std::min(projection.chunk, end - pixel);
        if (args.clamp >= 0) projection.project(n, pixel, pixels);
        else std::fill(projection.rgb.begin(), projection.rgb.end(), A(0));
        for (int o = 0; o < O; ++o) {
          const A* gradient = static_cast<const A*>(args.gradient) + (n * O + o) * parts.plane + pixel;
          const A bias = args.bias ? static_cast<const A*>(args.bias)[o] : A(0);
          dbias[o] += gradient_run<A>(gradient, bias, bound, pixels, projection.rgb.data() + o * projection.chunk);
        }
        projection.project_back(n, pixel, pixels, dweight);
      }
    }
  });
  fold_rows(dweights, parts.count, width, static_cast<A*>(args.dweight));
  fold_rows(dbiases, parts.count, args.n * O, static_cast<A*>(args.dbias));
}

// Calls f with the storage type and the number of picture channels as types.
template <typename F>
void with_channels(const ToRgb& args, F f) {
  with_type(args.type, [&](auto type) {
    switch (args.o) {
      case 1: return f(type, std::integral_constant<int, 1>{});
      case 2: return f(type, std::integral_constant<int, 2>{});
      case 3: return f(type, std::integral_constant<int, 3>{});
      default: return f(type, std::integral_constant<int, 4>{});
    }
  });
}

}  // namespace

void torgb(const ToRgb& args, Stream) {
  with_channels(args, [&](auto type, auto channels) { forward<decltype(type), channels()>(args); });
}

void torgb_backward(const ToRgb& args, Stream) {
  with_channels(args, [&](auto type, auto channels) { backward<decltype(type), channels()>(args); });
}

int64_t torgb_scratch(const ToRgb& args) {
  return Parts(args, true).count * args.n * args.o * (args.c + 1);
}

}  // namespace nada::cpu
