// The epilogue of a styled convolution that nothing is filtered before.
#include "epilogue.cuh"
#include "functions.h"

namespace nada::cuda {

template <typename T, bool last_>
struct EpilogueLine {
  using A = Compute<T>;
  using Args = EpilogueArgs<T>;
  static constexpr int V = kVector<T>, W = last_ ? V : 1, N = last_ ? 1 : V;
  static constexpr bool last = last_;
  Sides<A, W> sides;

  __device__ __forceinline__ EpilogueLine(const Args& args, const Line& line) : sides(args, line, last && args.vector) {}
};

template <typename T, bool last_>
struct EpilogueForward : EpilogueLine<T, last_> {
  using Base = EpilogueLine<T, last_>;
  using typename Base::A, typename Base::Args;
  using Base::Base, Base::V, Base::last;
  static constexpr int sums = 0;

  __device__ __forceinline__ void step(const Args& args, const Step& at, A (&)[1][Base::W]) const {
    A v[V], noise[Base::N];
    load<V>(args.x + at.offset, at.count, args.vector, v);
    this->sides.noise_at(at.pixel, at.count, !last && args.vector, noise);
#pragma unroll
    for (int j = 0; j < V; ++j) v[j] = this->sides.forward(v[j], last ? j : 0, noise[last ? 0 : j]);
    store<V>(args.y + at.offset, at.count, args.vector, v);
  }
};

template <typename T, bool last_>
struct EpilogueBackward : EpilogueLine<T, last_> {
  using Base = EpilogueLine<T, last_>;
  using typename Base::A, typename Base::Args;
  using Base::Base, Base::V, Base::last;
  static constexpr int sums = 3;

  __device__ __forceinline__ void step(const Args& args, const Step& at, A (&totals)[3][Base::W]) const {
    A dy[V], y[V], noise[Base::N];
    load<V>(args.x + at.offset, at.count, args.vector, dy);
    load<V>(args.reference + at.offset, at.count, args.vector, y);
    this->sides.noise_at(at.pixel, at.count, !last && args.vector, noise);
#pragma unroll
    for (int j = 0; j < V; ++j) {
      const int c = last ? j : 0;
      dy[j] = this->sides.backward(dy[j], y[j], c, noise[last ? 0 : j], totals[0][c], totals[1][c], totals[2][c]);
    }
    store<V>(args.y + at.offset, at.count, args.vector, dy);
  }
};

template <typename T>
EpilogueArgs<T> pointwise(const Epilogue& args) {
  return typed<T>(args, (args.channels_last ? args.c : args.h * args.w) % kVector<T> == 0);
}

static Walk walk_of(const Epilogue& args, int vector, int sums) {
  return walk_over(args.n, args.c, args.h * args.w, args.channels_last, vector, sums);
}

void epilogue(const Epilogue& args, Stream stream) {
  if (args.fir.taps) return fir_epilogue("fir_epilogue", args, stream);
  with_type(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Walk walk = walk_of(args, kVector<T>, 0);
    if (args.channels_last)
      run_walk<EpilogueForward<T, true>>("epilogue", pointwise<T>(args), walk, nullptr, stream);
    else
      run_walk<EpilogueForward<T, false>>("epilogue", pointwise<T>(args), walk, nullptr, stream);
  });
}

void epilogue_backward(const Epilogue& args, Stream stream) {
  constexpr const char* op = "epilogue_backward";
  if (args.fir.taps) return fir_epilogue_backward(args, stream);
  with_type(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using A = Compute<T>;
    const Walk walk = walk_of(args, kVector<T>, 3);
    A* const parts = static_cast<A*>(args.scratch);
    if (args.channels_last)
      run_walk<EpilogueBackward<T, true>>(op, pointwise<T>(args), walk, parts, stream);
    else
      run_walk<EpilogueBackward<T, false>>(op, pointwise<T>(args), walk, parts, stream);
    const int64_t columns = args.n * args.c;
    add_rows(op, Rows<A>{parts, static_cast<A*>(args.sums), walk.slabs, columns, columns, 3}, stream);
  });
}

int64_t epilogue_scratch(const Epilogue& args) {
  if (args.fir.taps) return fir_epilogue_scratch(args);
  int64_t size = 0;
  with_type(args.type, [&](auto tag) { size = scratch_of(walk_of(args, kVector<typename decltype(tag)::type>, 3)); });
  return size;
}

}  // namespace nada::cuda
