// Upsampling, filtering and decimation in one pass.
#include "../formulas.h"
#include "reduce.cuh"
#include "functions.h"

namespace nada::cuda {

template <typename T>
struct UpfirdnArgs {
  const T* x;
  const Compute<T>*column, *row;
  T* y;
  int64_t vectors;  // of channels for one pixel (channels last), else 1
  int64_t items;    // vectors of results
  int64_t c, h, w, out_h, out_w, left, top;
  int fh, fw, up, down;
  Compute<T> gain;
  bool flip, vector;
};

// Quotient and remainder, with 32 bits where they do: a division of 64 takes ten times as long.
__device__ __forceinline__ int64_t split(int64_t& value, int64_t by) {
  int64_t rest;
  if (((value | by) >> 32) == 0) {
    rest = static_cast<uint32_t>(value) % static_cast<uint32_t>(by);
    value = static_cast<uint32_t>(value) / static_cast<uint32_t>(by);
  } else {
    rest = value % by;
    value /= by;
  }
  return rest;
}

// One result, of a pixel's vector of channels where those are last. `x` points to the sample's (or plane's) first pixel,
// `pixel` is the distance of pixels. UP, DOWN and TAPS are 0 where they are not known beforehand.
template <typename T, bool last, int UP, int DOWN, int TAPS, int V>
__device__ __forceinline__ void gather(const UpfirdnArgs<T>& args, const T* x, int64_t pixel, int64_t i, int64_t j, int count,
                                       Compute<T> (&total)[V]) {
  using A = Compute<T>;
  const int up = UP ? UP : args.up, down = DOWN ? DOWN : args.down;
  const int fh = TAPS ? TAPS : args.fh, fw = TAPS ? TAPS : args.fw;
  const int first_y = first_tap(i, up, down, args.top), first_x = first_tap(j, up, down, args.left);
  const int64_t row = (i * down + first_y - args.top) / up, column = (j * down + first_x - args.left) / up;
#pragma unroll
  for (int a = 0; a < (TAPS ? TAPS / UP : div_up(fh - first_y, up)); ++a) {
    if (row + a < 0 || row + a >= args.h) continue;
    const int ky = args.flip ? fh - 1 - (first_y + a * up) : first_y + a * up;
    const A* const weights = args.column ? args.row : args.row + ky * fw;
    A across[V];
    clear(across);
#pragma unroll
    for (int b = 0; b < (TAPS ? TAPS / UP : div_up(fw - first_x, up)); ++b) {
      if (column + b < 0 || column + b >= args.w) continue;
      const int kx = args.flip ? fw - 1 - (first_x + b * up) : first_x + b * up;
      A value[V];
      load<V>(x + ((row + a) * args.w + column + b) * pixel, count, args.vector, value);
#pragma unroll
      for (int v = 0; v < V; ++v) across[v] += weights[kx] * value[v];
    }
    const A weight = args.column ? args.column[ky] : A(1);
#pragma unroll
    for (int v = 0; v < V; ++v) total[v] += weight * across[v];
  }
}

template <typename T, bool last, int UP, int DOWN, int TAPS>
__global__ void __launch_bounds__(kThreads, kBlocks<T, last || TAPS == 0>) upfirdn_kernel(const UpfirdnArgs<T> args) {
  constexpr int V = last ? kVector<T> : 1;
  const int64_t item = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (item >= args.items) return;
  int64_t rest = item;
  const int64_t channel = last ? split(rest, args.vectors) * V : 0;
  const int64_t j = split(rest, args.out_w), i = split(rest, args.out_h), pixel = last ? args.c : 1;
  const int count = last ? static_cast<int>(least<int64_t>(V, args.c - channel)) : 1;
  Compute<T> total[V];
  clear(total);
  gather<T, last, UP, DOWN, TAPS, V>(args, args.x + rest * args.h * args.w * pixel + channel, pixel, i, j, count, total);
#pragma unroll
  for (int v = 0; v < V; ++v) total[v] *= args.gain;
  store<V>(args.y + ((rest * args.out_h + i) * args.out_w + j) * pixel + channel, count, args.vector, total);
}

template <typename T, bool last>
void run_upfirdn(const Upfirdn& given, Stream stream) {
  using A = Compute<T>;
  constexpr int V = last ? kVector<T> : 1;
  UpfirdnArgs<T> args{static_cast<const T*>(given.x),
                      static_cast<const A*>(given.column),
                      static_cast<const A*>(given.row),
                      static_cast<T*>(given.y),
                      last ? div_up(given.c, int64_t(V)) : 1,
                      0,
                      given.c, given.h, given.w, given.out_h, given.out_w, given.left, given.top,
                      given.fh, given.fw, given.up, given.down,
                      static_cast<A>(given.gain),
                      given.flip,
                      given.c % V == 0 && aligned(given.x, given.y)};
  args.items = given.n * (last ? args.vectors : given.c) * given.out_h * given.out_w;
  const bool four = given.column && given.fh == 4 && given.fw == 4;
  auto* kernel = upfirdn_kernel<T, last, 0, 0, 0>;
  if (four && given.up == 2 && given.down == 1) kernel = upfirdn_kernel<T, last, 2, 1, 4>;
  if (four && given.up == 1 && given.down == 2) kernel = upfirdn_kernel<T, last, 1, 2, 4>;
  launch("upfirdn2d", kernel, div_up(args.items, int64_t(kThreads)), kThreads, stream, args);
}

// The filter of a fused epilogue, with an epilogue that changes nothing.
static Epilogue filter_alone(const Upfirdn& args) {
  Epilogue same{};
  same.x = args.x, same.y = args.y, same.fir = Fir{args.row, args.fw, args.left, args.top, args.flip, args.gain};
  same.n = args.n, same.c = args.c, same.h = args.out_h, same.w = args.out_w, same.in_h = args.h, same.in_w = args.w;
  same.noise_n = 1, same.alpha = 1, same.gain = 1, same.clamp = kNoClamp;
  same.channels_last = args.channels_last, same.type = args.type;
  return same;
}

void upfirdn(const Upfirdn& args, Stream stream) {
  const bool square = args.column == args.row && args.fh == args.fw && args.fw <= kMaxTaps;
  if (square && args.up == 1 && args.down == 1) return fir_epilogue("upfirdn2d", filter_alone(args), stream);
  with_type(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    args.channels_last ? run_upfirdn<T, true>(args, stream) : run_upfirdn<T, false>(args, stream);
  });
}

}  // namespace nada::cuda
