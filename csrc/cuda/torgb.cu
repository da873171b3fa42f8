// The step to the picture: a 1x1 convolution with a sample's own weight, bias, clamp and the smaller picture upsampled.
#include "../formulas.h"
#include "functions.h"
#include "reduce.cuh"

namespace nada::cuda {

constexpr int kChannels = 256;  // whose weights are in shared memory at once
constexpr int kPixels = 4;      // of a thread
constexpr int kPitch = 288;     // sums of all threads for one output and one of their pixels, padded

template <typename T>
struct ToRgbArgs {
  using A = Compute<T>;
  const T* x;
  const A *weight, *bias, *skip, *taps, *gradient;
  A* image;
  int64_t n, c, h, w, pixels, tiles;  // tiles: of pixels, in one sample
  int o, count, splits;               // splits: threads that share the channels of a pixel; a power of two
  A clamp;
  bool vector;
};

template <typename A>
struct ToRgbShared {
  alignas(16) A weight[kChannels][kMaxPictures];  // zeros for pictures that are not there
  A sums[kMaxPictures * kPixels * kPitch];
};

// Adds the products of one chunk of channels to sums[o][pixel].
template <typename T, bool last>
__device__ __forceinline__ void add_channels(const ToRgbArgs<T>& args, const ToRgbShared<Compute<T>>& shared, const T* x,
                                             int64_t first, int64_t pixel, int split,
                                             Compute<T> (&sums)[kMaxPictures][kPixels]) {
  using A = Compute<T>;
  constexpr int V = last ? kVector<T> : 1, P = kPixels;
  const int channels = static_cast<int>(least<int64_t>(kChannels, args.c - first)), others = kThreads / args.splits;
  for (int channel = split * V; channel < channels; channel += args.splits * V) {
    A value[P][V];
    if constexpr (last) {
      // Pixels of a thread lie apart, so that those of neighbouring threads are neighbours.
#pragma unroll
      for (int r = 0; r < P; ++r) {
        const int64_t at = pixel + r * others;
        clear(value[r]);
        if (at < args.pixels) load<V>(x + at * args.c + first + channel, channels - channel, args.vector, value[r]);
      }
    } else {
      A row[P];
      const int count = static_cast<int>(least<int64_t>(P, args.pixels - pixel));
      load<P>(x + (first + channel) * args.pixels + pixel, count, args.vector, row);
#pragma unroll
      for (int r = 0; r < P; ++r) value[r][0] = row[r];
    }
#pragma unroll
    for (int j = 0; j < V; ++j) {
#pragma unroll
      for (int o = 0; o < kMaxPictures; ++o) {
        const A weight = channel + j < channels ? shared.weight[channel + j][o] : A(0);
#pragma unroll
        for (int r = 0; r < P; ++r) sums[o][r] += weight * value[r][j];
      }
    }
  }
}

// The smaller picture at (row, column) of the larger: every other pixel is a zero before the filter.
template <typename T>
__device__ Compute<T> upsampled(const ToRgbArgs<T>& args, int64_t plane, int64_t row, int64_t column) {
  using A = Compute<T>;
  const int64_t before = (args.count + 1) / 2, h = args.h / 2, w = args.w / 2;
  const A* const from = args.skip + plane * h * w;
  A total = A(0);
  for (int ky = first_tap(row, 2, 1, before); ky < args.count; ky += 2) {
    const int64_t i = source_index(row, ky, 2, 1, before, h);
    if (i < 0) continue;
    A across = A(0);
    for (int kx = first_tap(column, 2, 1, before); kx < args.count; kx += 2) {
      const int64_t j = source_index(column, kx, 2, 1, before, w);
      if (j >= 0) across += args.taps[args.count - 1 - kx] * from[i * w + j];
    }
    total += args.taps[args.count - 1 - ky] * across;
  }
  return total * A(4);
}

// The picture, or what comes through its clamp of a gradient.
template <typename T>
__device__ __forceinline__ void finish_pixel(const ToRgbArgs<T>& args, int64_t n, int o, int64_t pixel, Compute<T> value) {
  using A = Compute<T>;
  const int64_t plane = n * args.o + o, at = plane * args.pixels + pixel;
  if (args.bias) value += args.bias[o];
  if (args.gradient) {
    args.image[at] = inside(value, args.clamp) ? args.gradient[at] : A(0);
    return;
  }
  value = clamped(value, args.clamp);
  if (args.skip) value += upsampled(args, plane, pixel / args.w, pixel % args.w);
  args.image[at] = value;
}

// The threads of a block share its pixels, `splits` of them each pixel's channels.
template <typename T, bool last>
__global__ void __launch_bounds__(kThreads, kBlocks<T, last>) torgb_kernel(const ToRgbArgs<T> args) {
  using A = Compute<T>;
  NADA_SHARED(ToRgbShared<A>, shared);
  const int thread = threadIdx.x, others = kThreads / args.splits;
  const int split = last ? thread % args.splits : thread / others, place = last ? thread / args.splits : thread % others;
  const int64_t n = blockIdx.x / args.tiles, start = blockIdx.x % args.tiles * others * kPixels;
  const int64_t pixel = start + (last ? place : place * kPixels);
  A sums[kMaxPictures][kPixels];
#pragma unroll
  for (int o = 0; o < kMaxPictures; ++o) clear(sums[o]);
  for (int64_t first = 0; first < args.c; first += kChannels) {
    __syncthreads();
    for (int i = thread; i < kChannels * kMaxPictures; i += kThreads) {
      const int o = i / kChannels, channel = i % kChannels;
      const bool exists = o < args.o && first + channel < args.c;
      shared.weight[channel][o] = exists ? args.weight[(n * args.o + o) * args.c + first + channel] : A(0);
    }
    __syncthreads();
    if (pixel < args.pixels) add_channels<T, last>(args, shared, args.x + n * args.c * args.pixels, first, pixel, split, sums);
  }
#pragma unroll
  for (int o = 0; o < kMaxPictures; ++o)
#pragma unroll
    for (int r = 0; r < kPixels; ++r) shared.sums[(o * kPixels + r) * kPitch + split * (others + 1) + place] = sums[o][r];
  __syncthreads();
  const int area = others * kPixels;
  for (int i = thread; i < args.o * area; i += kThreads) {
    const int o = i / area, local = i % area;
    if (start + local >= args.pixels) continue;
    const int from = last ? local % others : local / kPixels, r = last ? local / others : local % kPixels;
    A value = A(0);
    for (int s = 0; s < args.splits; ++s) value += shared.sums[(o * kPixels + r) * kPitch + s * (others + 1) + from];
    finish_pixel(args, n, o, start + local, value);
  }
}

template <typename T>
void run_torgb(const char* op, const ToRgb& given, const void* gradient, void* image, Stream stream) {
  using A = Compute<T>;
  const int vector = given.channels_last ? kVector<T> : kPixels;
  const int64_t pixels = given.h * given.w;
  ToRgbArgs<T> args{static_cast<const T*>(given.x), static_cast<const A*>(given.weight), static_cast<const A*>(given.bias)};
  args.skip = static_cast<const A*>(given.skip), args.taps = static_cast<const A*>(given.taps), args.count = given.count;
  args.gradient = static_cast<const A*>(gradient), args.image = static_cast<A*>(image);
  args.n = given.n, args.c = given.c, args.h = given.h, args.w = given.w, args.o = static_cast<int>(given.o);
  args.pixels = pixels, args.clamp = static_cast<A>(given.clamp);
  // Many share the channels of a pixel where there are few pixels: at least 8 places, at most 32.
  args.splits = given.channels_last ? power_of_two(div_up(given.c, int64_t(vector)), 32)
                                    : kThreads / power_of_two(pixels < 32 ? 8 : div_up(pixels, int64_t(kPixels)), 32);
  args.tiles = div_up(pixels, int64_t(kThreads / args.splits * kPixels));
  args.vector = (given.channels_last ? given.c : pixels) % vector == 0 && aligned(given.x);
  launch(op, given.channels_last ? torgb_kernel<T, true> : torgb_kernel<T, false>, args.n * args.tiles, kThreads, stream, args);
}

void torgb(const ToRgb& args, Stream stream) {
  with_type(args.type, [&](auto tag) {
    run_torgb<typename decltype(tag)::type>("torgb", args, nullptr, args.image, stream);
  });
}

void torgb_masked_gradient(const ToRgb& given, void* masked, Stream stream) {
  ToRgb args = given;
  args.skip = nullptr;
  with_type(args.type, [&](auto tag) {
    run_torgb<typename decltype(tag)::type>("torgb_backward", args, args.gradient, masked, stream);
  });
}

}  // namespace nada::cuda
