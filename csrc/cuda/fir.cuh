// A separable filter with an epilogue after it, or, backward, the transposed filter with the epilogue's gradient before it.
//
// A block marches down a strip of columns. Each thread owns one column of what is filtered (a vector of channels where
// those are last), reads every row of it once, and filters vertically in registers. The result goes to shared memory, two
// buffers in turn so that one barrier a step is enough, and is filtered horizontally from there.
#pragma once

#include "epilogue.cuh"

namespace nada::cuda {

// "Source" is what is filtered, "result" what comes out. Rows and columns are counted along the result: row u of the
// source stands for u - top, and result i reads u = i to i + count - 1.
template <typename T>
struct FirArgs : EpilogueArgs<T> {
  const Compute<T>* taps;
  Compute<T> fir_gain;
  Compute<T>* parts;  // backward: sums, (3, blocks of a line, n, c)
  int64_t n;
  int count, source_h, source_w, result_h, result_w, top, left;
  int first_row, first_column, rows, columns;  // what is marched over: all results, and backward all sources
  int strip, strips, slab, slabs;              // columns of a block, rows of a block
  int lanes, groups;                           // vectors of channels that a block takes, and how many such groups
  bool flip, vector_result;
};

// COUNT 4 is StyleGAN2's filter, 0 any other.
template <typename T, int COUNT, bool last>
struct FirShape {
  using A = Compute<T>;
  static constexpr int V = last ? kVector<T> : 1;  // elements of a thread in the vertical pass
  static constexpr int N = last ? V : 4;           // in the horizontal pass
  static constexpr int rows = last ? 1 : (sizeof(A) == 8 ? 2 : 4);  // of a step
  static constexpr int halo = (COUNT ? COUNT : kMaxTaps) - 1;
  static constexpr int widest = last ? (COUNT ? 29 : 17) : 256;
  static constexpr int lanes = last ? 8 : 1;
  static constexpr int threads = last ? (widest + halo) * lanes : 288;
  static constexpr int chunk = last ? least(V, 16 / static_cast<int>(sizeof(A))) : 1;  // elements side by side in shared memory
  static constexpr int buffer = threads * V * rows;
};

template <class Shape>
struct FirShared {
  alignas(16) typename Shape::A between[2][Shape::buffer];
  typename Shape::A taps[kMaxTaps];
};

// Where the result of the vertical pass lies: chunks of all threads side by side, so that no two meet in a bank.
template <class Shape>
__device__ __forceinline__ int slot(int thread, int row, int chunk) {
  return ((row * (Shape::V / Shape::chunk) + chunk) * Shape::threads + thread) * Shape::chunk;
}

// One column of the source, and what its gradient adds to the sums.
template <typename T, int V, bool last, bool backward>
struct Column {
  using A = Compute<T>;
  const FirArgs<T>& args;
  const Line& line;
  const Sides<A, V>& sides;
  int64_t base;  // of the pixel at row 0, in elements
  int column;    // of the source
  bool valid, owner;
  A sums[3][V];

  __device__ __forceinline__ Column(const FirArgs<T>& args_, const Line& line_, const Sides<A, V>& sides_, int u, bool owner_,
                                    bool live)
      : args(args_), line(line_), sides(sides_), column(u - args_.left), owner(owner_) {
    valid = live && column >= 0 && column < args.source_w;
    const int64_t pixels = int64_t(args.source_h) * args.source_w;
    base = last ? (line.n * pixels + column) * args.c + line.channel : (line.n * args.c + line.channel) * pixels + column;
#pragma unroll
    for (int k = 0; k < 3; ++k) clear(sums[k]);
  }

  // A row as it is stored, so that it can be on its way while others are worked on.
  struct Row {
    T x[V], reference[backward ? V : 1];
    A noise;
    bool there;
  };

  __device__ __forceinline__ void fetch(int u, Row& to) const {
    const int row = u - args.top;
    to.there = valid && row >= 0 && row < args.source_h;
    if (!to.there) return;
    const int64_t offset = base + int64_t(row) * args.source_w * (last ? args.c : 1);
    load_raw<V>(args.x + offset, line.channels, args.vector, to.x);
    if constexpr (backward) {
      A noise[1];
      load_raw<V>(args.reference + offset, line.channels, args.vector, to.reference);
      sides.template noise_at<1>(int64_t(row) * args.source_w + column, 1, false, noise);
      to.noise = noise[0];
    }
  }

  // What is filtered of a row; `counts` is true for the one use of it that the sums take.
  __device__ __forceinline__ void use(const Row& from, bool counts, A (&to)[V]) {
    clear(to);
    if (!from.there) return;
#pragma unroll
    for (int j = 0; j < V; ++j) to[j] = widen(from.x[j]);
    if constexpr (backward) {
      A own[3][V];
#pragma unroll
      for (int k = 0; k < 3; ++k) clear(own[k]);
#pragma unroll
      for (int j = 0; j < V; ++j)
        to[j] = sides.backward(to[j], widen(from.reference[j]), j, from.noise, own[0][j], own[1][j], own[2][j]);
      if (!counts || !owner) return;
#pragma unroll
      for (int k = 0; k < 3; ++k)
#pragma unroll
        for (int j = 0; j < V; ++j) sums[k][j] += own[k][j];
    }
  }

  __device__ __forceinline__ void read(int u, bool counts, A (&to)[V]) {
    Row row;
    fetch(u, row);
    use(row, counts, to);
  }
};

// The vertical pass of a filter of four taps keeps the last three rows, and has the next on their way while the horizontal
// pass works; another filter reads the rows again for every result.
template <class Shape, int COUNT, class Source>
struct Vertical {
  using A = typename Shape::A;
  static constexpr int V = Shape::V, rows = Shape::rows, kept = COUNT ? COUNT - 1 : 0;
  A window[kept + rows][V];
  typename Source::Row coming[COUNT ? rows : 1];

  __device__ __forceinline__ void begin(Source& source, int first, int end) {
    if constexpr (COUNT > 0) {
#pragma unroll
      for (int k = 0; k < kept; ++k) source.read(first + k, first + k < end, window[k]);
      fetch(source, first);
    }
  }

  // The rows that the step to `first` needs beside those in the window.
  __device__ __forceinline__ void fetch(const Source& source, int first) {
    if constexpr (COUNT > 0) {
#pragma unroll
      for (int r = 0; r < rows; ++r) source.fetch(first + kept + r, coming[r]);
    }
  }

  __device__ __forceinline__ void step(Source& source, const A* taps, int count, A gain, int first, int end, A* between) {
    if constexpr (COUNT > 0) {
#pragma unroll
      for (int r = 0; r < rows; ++r) source.use(coming[r], first + kept + r < end, window[kept + r]);
    }
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      A total[V];
      clear(total);
      if constexpr (COUNT > 0) {
#pragma unroll
        for (int k = 0; k < COUNT; ++k)
#pragma unroll
          for (int j = 0; j < V; ++j) total[j] += taps[k] * window[r + k][j];
      } else {
        for (int k = 0; k < count; ++k) {
          A value[V];
          source.read(first + r + k, k == 0 && first + r < end, value);
#pragma unroll
          for (int j = 0; j < V; ++j) total[j] += taps[k] * value[j];
        }
      }
#pragma unroll
      for (int j = 0; j < V; ++j)
        between[slot<Shape>(threadIdx.x, r, j / Shape::chunk) + j % Shape::chunk] = total[j] * gain;
    }
#pragma unroll
    for (int k = 0; k < kept; ++k)
#pragma unroll
      for (int j = 0; j < V; ++j) window[k][j] = window[k + rows][j];
    if (first + rows < end) fetch(source, first + rows);
  }
};

// The horizontal pass: N neighbouring results of thread `item`'s place, from `between`.
template <class Shape, int COUNT, bool last>
__device__ __forceinline__ void horizontal(const typename Shape::A* between, const typename Shape::A* taps, int count,
                                           int item, int row, int lanes, typename Shape::A (&total)[Shape::N]) {
  clear(total);
  if constexpr (last) {
#pragma unroll
    for (int k = 0; k < (COUNT ? COUNT : count); ++k)
#pragma unroll
      for (int j = 0; j < Shape::N; ++j)
        total[j] += taps[k] * between[slot<Shape>(item + k * lanes, 0, j / Shape::chunk) + j % Shape::chunk];
  } else {
    const typename Shape::A* from = between + slot<Shape>(item, row, 0);
#pragma unroll
    for (int i = 0; i < (COUNT ? COUNT : count) + Shape::N - 1; ++i) {
      const typename Shape::A value = from[i];
#pragma unroll
      for (int j = 0; j < Shape::N; ++j)
        if (i >= j && i - j < (COUNT ? COUNT : count)) total[j] += taps[i - j] * value;
    }
  }
}

// Results at (row, column), finished and stored. `line` is that of the thread.
template <bool last, bool backward, int N, typename T, class Sides_>
__device__ __forceinline__ void finish(const FirArgs<T>& args, const Line& line, const Sides_& sides, int row, int column,
                                       Compute<T> (&v)[N]) {
  const int64_t pixel = int64_t(row) * args.result_w + column, pixels = int64_t(args.result_h) * args.result_w;
  const int count = last ? line.channels : least(N, args.result_w - column);
  const bool vector = last ? args.vector : args.vector_result;
  if constexpr (!backward) {
    Compute<T> noise[last ? 1 : N];
    sides.noise_at(pixel, count, !last && vector, noise);
#pragma unroll
    for (int j = 0; j < N; ++j) v[j] = sides.forward(v[j], last ? j : 0, noise[last ? 0 : j]);
  }
  const int64_t offset = last ? (line.n * pixels + pixel) * args.c + line.channel
                              : (line.n * args.c + line.channel) * pixels + pixel;
  store<N>(args.y + offset, count, vector, v);
}

}  // namespace nada::cuda
