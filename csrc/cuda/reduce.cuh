// Sums in a fixed order, so that the same call gives the same bits: inside a block, then over the blocks.
#pragma once

#include "elements.cuh"

namespace nada::cuda {

constexpr int kThreads = 256;

// Blocks that a multiprocessor is to hold at least; 0 leaves it to ptxas, which may then store registers to memory for the
// sake of more blocks. Doubles, and kernels of which that has been seen, are told that one will do.
template <typename A, bool roomy = false>
constexpr int kBlocks = sizeof(A) == 8 || roomy ? 1 : 0;

// `values` holds W numbers of each thread: slot i belongs to column i % columns. Leaves the sum of column j in
// values[j]. `columns` is a power of two, the threads (at most 512) are a multiple of it; every thread of the block calls.
template <int W, typename A>
__device__ __forceinline__ void sum_columns(A* values, int columns) {
  const int thread = threadIdx.x, threads = blockDim.x;
  __syncthreads();
  if constexpr (W > 1) {
    A total = A(0);
#pragma unroll
    for (int k = 0; k < W; ++k) total += values[thread + k * threads];
    __syncthreads();
    values[thread] = total;
    __syncthreads();
  }
  for (int half = 256; half >= columns; half /= 2) {
    if (thread < half && thread + half < threads) values[thread] += values[thread + half];
    __syncthreads();
  }
}

// `parts` is (sums, rows, columns); the sum over the rows goes to out, (columns / inner, sums, inner).
template <typename A>
struct Rows {
  const A* parts;
  A* out;
  int64_t rows, columns, inner;
  int sums;
};

template <typename A>
struct RowsShared {
  A values[kThreads];
};

template <typename A>
__global__ void __launch_bounds__(kThreads, kBlocks<A>) add_rows_kernel(const Rows<A> args, const int64_t blocks) {
  NADA_SHARED(RowsShared<A>, shared);
  const int64_t sum = blockIdx.x / blocks, column = blockIdx.x % blocks * 32 + threadIdx.x % 32;
  A total = A(0);
  if (column < args.columns) {
    const A* from = args.parts + sum * args.rows * args.columns + column;
    for (int64_t row = threadIdx.x / 32; row < args.rows; row += kThreads / 32) total += from[row * args.columns];
  }
  shared.values[threadIdx.x] = total;
  sum_columns<1>(shared.values, 32);
  if (threadIdx.x < 32 && column < args.columns)
    args.out[(column / args.inner * args.sums + sum) * args.inner + column % args.inner] = shared.values[threadIdx.x];
}

template <typename A>
void add_rows(const char* op, const Rows<A>& args, Stream stream) {
  const int64_t blocks = div_up(args.columns, int64_t(32));
  launch(op, add_rows_kernel<A>, blocks * args.sums, kThreads, stream, args, blocks);
}

}  // namespace nada::cuda
