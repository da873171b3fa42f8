// Activations scaled by the styles of their sample.
#include "functions.h"
#include "walk.cuh"

namespace nada::cuda {

template <typename T>
struct ModulateArgs {
  const T* x;
  const T* reference;
  const Compute<T>* styles;
  T* y;
  int64_t c;
  bool vector;
};

// Forward without sums, backward with the sum of dy * x.
template <typename T, bool last_, int sums_>
struct ModulateBody {
  using A = Compute<T>;
  using Args = ModulateArgs<T>;
  static constexpr int V = kVector<T>, W = last_ ? V : 1, sums = sums_;
  static constexpr bool last = last_;
  A style[W];

  __device__ __forceinline__ ModulateBody(const Args& args, const Line& line) {
    load_or<W>(args.styles, A(1), line.n * args.c + line.channel, line.channels, last && args.vector, style);
  }

  __device__ __forceinline__ void step(const Args& args, const Step& at, A (&totals)[1][W]) const {
    A v[V];
    load<V>(args.x + at.offset, at.count, args.vector, v);
    if constexpr (sums > 0) {
      A x[V];
      load<V>(args.reference + at.offset, at.count, args.vector, x);
#pragma unroll
      for (int j = 0; j < V; ++j) totals[0][last ? j : 0] += v[j] * x[j];
    }
#pragma unroll
    for (int j = 0; j < V; ++j) v[j] *= style[last ? j : 0];
    store<V>(args.y + at.offset, at.count, args.vector, v);
  }
};

template <typename T>
ModulateArgs<T> typed(const Modulate& args) {
  using A = Compute<T>;
  const bool whole = (args.channels_last ? args.c : args.pixels) % kVector<T> == 0;
  return {static_cast<const T*>(args.x),
          static_cast<const T*>(args.reference),
          static_cast<const A*>(args.styles),
          static_cast<T*>(args.y),
          args.c,
          whole && aligned(args.x, args.reference, args.y) && (!args.channels_last || aligned(args.styles))};
}

static Walk walk_of(const Modulate& args, int vector, int sums) {
  return walk_over(args.n, args.c, args.pixels, args.channels_last, vector, sums);
}

void modulate(const Modulate& args, Stream stream) {
  with_type(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Walk walk = walk_of(args, kVector<T>, 0);
    if (args.channels_last)
      run_walk<ModulateBody<T, true, 0>>("modulate", typed<T>(args), walk, nullptr, stream);
    else
      run_walk<ModulateBody<T, false, 0>>("modulate", typed<T>(args), walk, nullptr, stream);
  });
}

void modulate_backward(const Modulate& args, Stream stream) {
  constexpr const char* op = "modulate_backward";
  with_type(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using A = Compute<T>;
    const Walk walk = walk_of(args, kVector<T>, 1);
    A* const parts = static_cast<A*>(args.scratch);
    if (args.channels_last)
      run_walk<ModulateBody<T, true, 1>>(op, typed<T>(args), walk, parts, stream);
    else
      run_walk<ModulateBody<T, false, 1>>(op, typed<T>(args), walk, parts, stream);
    const int64_t columns = args.n * args.c;
    add_rows(op, Rows<A>{parts, static_cast<A*>(args.sums), walk.slabs, columns, columns, 1}, stream);
  });
}

int64_t modulate_scratch(const Modulate& args) {
  int64_t size = 0;
  with_type(args.type, [&](auto tag) { size = scratch_of(walk_of(args, kVector<typename decltype(tag)::type>, 1)); });
  return size;
}

}  // namespace nada::cuda
