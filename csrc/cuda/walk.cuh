// The kernel of all that treats every element on its own, with up to four sums for every sample and channel beside it.
//
// A line is a vector of neighbouring channels (channels last) or a plane. Every thread keeps to one line, reads what
// belongs to it once, and walks over pixels; the pixels of a line are shared out among threads and blocks (slabs).
#pragma once

#include "reduce.cuh"

namespace nada::cuda {

struct Walk {
  int64_t n, c, pixels;
  int64_t lines, steps;  // lines of one sample (channels last) or of all; steps along one line
  int64_t groups;        // of lines that one block takes together
  int64_t per_slab;      // steps
  int slabs;
  int fast;  // threads side by side along memory: lines (channels last) or steps; a power of two
  int sums;  // that are wanted
};

inline Walk walk_over(int64_t n, int64_t c, int64_t pixels, bool last, int vector, int sums = 0) {
  Walk walk{};
  walk.n = n, walk.c = c, walk.pixels = pixels, walk.sums = sums;
  walk.lines = last ? div_up(c, int64_t(vector)) : n * c;
  walk.steps = last ? pixels : div_up(pixels, int64_t(vector));
  walk.fast = last ? power_of_two(walk.lines, kThreads / vector) : power_of_two(walk.steps, kThreads);
  const int across = last ? walk.fast : kThreads / walk.fast, along = kThreads / across;
  walk.groups = div_up(walk.lines, int64_t(across));
  const int64_t slabs = least(div_up(walk.steps, int64_t(along) * 8), int64_t(256));
  walk.per_slab = div_up(walk.steps, slabs > 0 ? slabs : 1);
  walk.slabs = walk.steps > 0 ? static_cast<int>(div_up(walk.steps, walk.per_slab)) : 0;
  return walk;
}

inline int64_t scratch_of(const Walk& walk) { return int64_t(walk.sums) * walk.slabs * walk.n * walk.c; }

// Where a thread is: its line, and a step on it.
struct Line {
  int64_t n, channel;
  int channels;  // of the line, fewer than a vector at the end
};
struct Step {
  int64_t offset, pixel;
  int count;  // elements, fewer than a vector at the end
};

template <class Body>
struct WalkShared {
  alignas(16) typename Body::A values[kThreads * (Body::last ? Body::V : 1)];
};

// Adds up the threads' sums and writes them to parts, (sums, slabs, n, c).
template <class Body, int W>
__device__ __forceinline__ void write_sums(const Walk& walk, const typename Body::A (&sums)[Body::sums][W],
                                           typename Body::A* parts, int64_t n, int64_t group, int64_t slab) {
  using A = typename Body::A;
  NADA_SHARED(WalkShared<Body>, shared);
  const int thread = threadIdx.x, across = kThreads / walk.fast;
  const int columns = Body::last ? walk.fast * W : across;
  const int slot = Body::last ? thread * W : thread % walk.fast * across + thread / walk.fast;
  const int64_t column = group * columns + thread, limit = Body::last ? walk.c : walk.lines;
#pragma unroll
  for (int k = 0; k < Body::sums; ++k) {
    if (k >= walk.sums) continue;
    __syncthreads();
#pragma unroll
    for (int j = 0; j < W; ++j) shared.values[slot + j] = sums[k][j];
    sum_columns<W, A>(shared.values, columns);
    if (thread < columns && column < limit)
      parts[(k * walk.slabs + slab) * walk.n * walk.c + n * walk.c + column] = shared.values[thread];
  }
}

template <class Body>
__device__ __forceinline__ void walk_line(const typename Body::Args& args, const Walk& walk, const Line& line,
                                          int64_t base, int64_t begin, int64_t end, int stride,
                                          typename Body::A (&sums)[Body::sums ? Body::sums : 1][Body::last ? Body::V : 1]) {
  constexpr int V = Body::V;
  const Body body(args, line);
  for (int64_t i = begin; i < end; i += stride) {
    if constexpr (Body::last)
      body.step(args, Step{base + i * walk.c, i, line.channels}, sums);
    else
      body.step(args, Step{base + i * V, i * V, static_cast<int>(least<int64_t>(V, walk.pixels - i * V))}, sums);
  }
}

// Body: Args, A, V, last, sums; Body(args, line); step(args, step, sums) const.
template <class Body>
__global__ void __launch_bounds__(kThreads, kBlocks<typename Body::A>)
    walk_kernel(const typename Body::Args args, const Walk walk, typename Body::A* parts) {
  constexpr int V = Body::V, W = Body::last ? V : 1, K = Body::sums ? Body::sums : 1;
  const int fast = threadIdx.x % walk.fast, slow = threadIdx.x / walk.fast, others = kThreads / walk.fast;
  const int64_t slab = blockIdx.x % walk.slabs, rest = blockIdx.x / walk.slabs;
  const int64_t group = rest % walk.groups, n = rest / walk.groups;  // n is 0 for planes
  const int64_t line = group * (Body::last ? walk.fast : others) + (Body::last ? fast : slow);
  const int64_t begin = slab * walk.per_slab, end = least(begin + walk.per_slab, walk.steps);
  typename Body::A sums[K][W];
#pragma unroll
  for (int k = 0; k < K; ++k) clear(sums[k]);
  if (line < walk.lines) {
    if constexpr (Body::last) {
      const Line here{n, line * V, static_cast<int>(least<int64_t>(V, walk.c - line * V))};
      walk_line<Body>(args, walk, here, n * walk.pixels * walk.c + line * V, begin + slow, end, others, sums);
    } else {
      const Line here{line / walk.c, line % walk.c, 1};
      walk_line<Body>(args, walk, here, line * walk.pixels, begin + fast, end, walk.fast, sums);
    }
  }
  if constexpr (Body::sums > 0) {
    if (parts) write_sums<Body, W>(walk, sums, parts, n, group, slab);
  }
}

template <class Body>
void run_walk(const char* op, const typename Body::Args& args, const Walk& walk, typename Body::A* parts, Stream stream) {
  const int64_t blocks = walk.groups * walk.slabs * (Body::last ? walk.n : 1);
  launch(op, walk_kernel<Body>, blocks, kThreads, stream, args, walk, parts);
}

}  // namespace nada::cuda
