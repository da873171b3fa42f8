// The kernel of fir.cuh and its launch.
#pragma once

#include "fir.cuh"

namespace nada::cuda {

// Adds up a block's sums, to parts: (3, strips * slabs, n, c).
template <class Shape, int V, typename T>
__device__ __forceinline__ void write_fir_sums(const FirArgs<T>& args, const Compute<T> (&sums)[3][V], Compute<T>* values,
                                               const Line& first, int64_t part) {
  const int thread = threadIdx.x, columns = args.lanes * V;
  const int64_t parts = int64_t(args.strips) * args.slabs, channel = first.channel + thread;
#pragma unroll
  for (int k = 0; k < 3; ++k) {
    __syncthreads();
#pragma unroll
    for (int j = 0; j < V; ++j) values[thread * V + j] = sums[k][j];
    sum_columns<V, Compute<T>>(values, columns);
    if (thread < columns && channel < args.c)
      args.parts[((k * parts + part) * args.n + first.n) * args.c + channel] = values[thread];
  }
}

template <typename T, int COUNT, bool last, bool backward>
__global__ void __launch_bounds__(FirShape<T, COUNT, last>::threads, kBlocks<T, COUNT == 0>) fir_kernel(const FirArgs<T> args) {
  using Shape = FirShape<T, COUNT, last>;
  using A = Compute<T>;
  constexpr int V = Shape::V, N = Shape::N;
  NADA_SHARED(FirShared<Shape>, shared);
  const int thread = threadIdx.x, count = args.count;
  for (int k = thread; k < count; k += blockDim.x) shared.taps[k] = args.taps[args.flip ? count - 1 - k : k];
  __syncthreads();
  A taps[COUNT ? COUNT : 1];
  if constexpr (COUNT > 0) {
#pragma unroll
    for (int k = 0; k < COUNT; ++k) taps[k] = shared.taps[k];
  }
  const A* const weights = COUNT ? taps : shared.taps;

  const int strip = blockIdx.x % args.strips, slab = blockIdx.x / args.strips % args.slabs;
  const int64_t place = blockIdx.x / args.strips / args.slabs;  // (n, group of channel vectors) or plane
  const int column = thread / args.lanes;
  const Line first{last ? place / args.groups : place / args.c,
                   last ? place % args.groups * args.lanes * V : place % args.c, 1};
  const int64_t channel = first.channel + (last ? thread % args.lanes * V : 0), left = args.c - channel;
  const bool live = left > 0 && column < args.strip + count - 1;
  // A thread beyond the last channel has none to read or write, but takes part in the barriers.
  const Line line{first.n, left > 0 ? channel : first.channel, left > 0 ? static_cast<int>(least<int64_t>(V, left)) : 1};
  const Sides<A, V> sides(args, line, last && args.vector);
  const int from = args.first_column + strip * args.strip;
  using Source = Column<T, V, last, backward>;
  Source source(args, line, sides, from + column, column < args.strip, live);
  Vertical<Shape, COUNT, Source> vertical;

  const int row_limit = args.first_row + args.rows, begin = args.first_row + slab * args.slab;
  const int end = least(begin + args.slab, row_limit);
  const int runs = args.strip / N;  // of planes
  const int item = last ? thread : thread % runs * N, item_row = last ? 0 : thread / runs;
  const int result = from + (last ? column : item);
  const bool finishes = (last ? live && column < args.strip : item_row < Shape::rows) && result < args.result_w;
  vertical.begin(source, begin, end);
  for (int row = begin, turn = 0; row < end; row += Shape::rows, turn ^= 1) {
    A* const between = shared.between[turn];
    vertical.step(source, weights, count, args.fir_gain, row, end, between);
    __syncthreads();
    const int here = row + item_row;
    if (!finishes || here < 0 || here >= least(end, args.result_h)) continue;
    A v[N];
    horizontal<Shape, COUNT, last>(between, weights, count, item, item_row, args.lanes, v);
    if (result >= 0) finish<last, backward, N>(args, line, sides, here, result, v);
  }
  if constexpr (backward) {
    const int64_t part = int64_t(slab) * args.strips + strip;
    write_fir_sums<Shape, V>(args, source.sums, shared.between[0], first, part);
  }
}

template <typename T, int COUNT, bool last, bool backward>
void run_fir(const char* op, const FirArgs<T>& args, Stream stream) {
  using Shape = FirShape<T, COUNT, last>;
  const int live = (args.strip + args.count - 1) * args.lanes, step = last ? 64 : 32;
  const int64_t blocks = (last ? args.n * args.groups : args.n * args.c) * args.strips * args.slabs;
  static_assert(Shape::threads % 32 == 0 && (!last || Shape::lanes * Shape::V <= 64));
  launch(op, fir_kernel<T, COUNT, last, backward>, blocks, div_up(live, step) * step, stream, args);
}

template <typename T, bool backward>
void run_fir(const char* op, const FirArgs<T>& args, bool channels_last, Stream stream) {
  if (args.count == 4 && channels_last) return run_fir<T, 4, true, backward>(op, args, stream);
  if (args.count == 4) return run_fir<T, 4, false, backward>(op, args, stream);
  if (channels_last) return run_fir<T, 0, true, backward>(op, args, stream);
  return run_fir<T, 0, false, backward>(op, args, stream);
}

// Cuts `span` columns (or rows, with `step` at once) into equal parts of at most `widest`.
inline int cut(int span, int widest, int step) {
  const int parts = div_up(span, widest);
  return parts ? div_up(div_up(span, parts), step) * step : step;
}

// What is marched over along one axis: all results, and backward all sources, each of which is read as the first of some
// result. Starts at a multiple of four, so that runs of four results do.
inline void march_over(int before, int source, int result, bool backward, int& first, int& size) {
  first = backward && before < 0 ? -div_up(-before, 4) * 4 : 0;
  size = (backward && before + source > result ? before + source : result) - first;
}

// Few enough rows for a block that there are a thousand blocks, where the tensor is that large.
inline int rows_of_slab(int rows, int64_t columns_of_blocks) {
  int slab = 64;
  while (slab > 8 && columns_of_blocks * div_up(rows, slab) < 1024) slab /= 2;
  return slab;
}

template <typename T, int COUNT, bool last>
void cut_fir(FirArgs<T>& fir) {
  using Shape = FirShape<T, COUNT, last>;
  const int64_t vectors = div_up(fir.c, int64_t(Shape::V));
  fir.lanes = last ? power_of_two(vectors, Shape::lanes) : 1;
  fir.groups = last ? static_cast<int>(div_up(vectors, int64_t(fir.lanes))) : 1;
  fir.strip = cut(fir.columns, Shape::widest, last ? 1 : Shape::N);
  fir.strips = div_up(fir.columns, fir.strip);
  fir.slab = rows_of_slab(fir.rows, fir.strips * (last ? fir.n * fir.groups : fir.n * fir.c));
  fir.slabs = div_up(fir.rows, fir.slab);
}

// The arguments of a launch; the sizes in it depend on sizes alone, so that the scratch memory can be asked for first.
template <typename T>
FirArgs<T> fir_args(const Epilogue& args, bool backward) {
  FirArgs<T> fir{typed<T>(args, args.channels_last && args.c % kVector<T> == 0)};
  const int count = args.fir.count, top = static_cast<int>(args.fir.top), left = static_cast<int>(args.fir.left);
  const int in_h = static_cast<int>(args.in_h), in_w = static_cast<int>(args.in_w);
  const int h = static_cast<int>(args.h), w = static_cast<int>(args.w);
  fir.taps = static_cast<const Compute<T>*>(args.fir.taps), fir.fir_gain = static_cast<Compute<T>>(args.fir.gain);
  fir.parts = static_cast<Compute<T>*>(args.scratch), fir.n = args.n, fir.count = count;
  // y[o] = sum_k taps[k] x[o + k - before], so x's gradient[i] = sum_k taps[count-1-k] g[i + k - (count-1-before)].
  fir.flip = args.fir.flip != backward;
  fir.top = backward ? count - 1 - top : top, fir.left = backward ? count - 1 - left : left;
  fir.source_h = backward ? h : in_h, fir.source_w = backward ? w : in_w;
  fir.result_h = backward ? in_h : h, fir.result_w = backward ? in_w : w;
  fir.vector_result = fir.result_w % 4 == 0 && aligned(args.y, args.noise);
  march_over(fir.top, fir.source_h, fir.result_h, backward, fir.first_row, fir.rows);
  march_over(fir.left, fir.source_w, fir.result_w, backward, fir.first_column, fir.columns);
  if (count == 4)
    args.channels_last ? cut_fir<T, 4, true>(fir) : cut_fir<T, 4, false>(fir);
  else
    args.channels_last ? cut_fir<T, 0, true>(fir) : cut_fir<T, 0, false>(fir);
  return fir;
}

}  // namespace nada::cuda
