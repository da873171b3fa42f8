// The modulated 1x1 convolution to a few picture channels, on a chunk of pixels, in both memory layouts.
#pragma once

#include <algorithm>
#include <vector>

#include "../formulas.h"
#include "ahead.h"
#include "packs.h"
#include "rows.h"

namespace nada::cpu {

constexpr int64_t kChunk = 1024;  // pixels, about
constexpr int64_t kGroup = 2048;  // numbers of pixels with their channels that stay in the first cache

// A chunk of whole rows of one sample; `T` is how features are stored, `O` how many channels the picture has.
template <typename T, int O>
class Projection {
 public:
  using A = Computed<T>;
  explicit Projection(const ToRgb& args)
      : chunk(std::max<int64_t>(1, kChunk / args.w) * args.w),
        group(std::max<int64_t>(1, kGroup / args.c)),
        rgb(O * chunk),
        args_(args),
        plane_(args.h * args.w),
        in_(std::max(4 * chunk, group * args.c)),
        out_(in_.size()) {}

  // rgb[o][pixel] = sum_c weight[n, o, c] x[n, c, pixel], for `pixels` pixels from `first` on.
  void project(int64_t n, int64_t first, int64_t pixels) {
    const A* weight = static_cast<const A*>(args_.weight) + n * O * args_.c;
    const T* x = static_cast<const T*>(args_.x) + n * args_.c * plane_;
    if (args_.channels_last) return project_pixels(x + first * args_.c, weight, pixels);
    std::fill(rgb.begin(), rgb.end(), A(0));
    int64_t c = 0;
    for (; c + 4 <= args_.c; c += 4) project_channels<4>(x + c * plane_ + first, weight + c, pixels, c + 8 <= args_.c);
    for (; c < args_.c; ++c) project_channels<1>(x + c * plane_ + first, weight + c, pixels, false);
  }

  // The gradient of x from that of rgb (in `rgb`), added to `dweight`: (O, c) numbers.
  void project_back(int64_t n, int64_t first, int64_t pixels, A* dweight) {
    const A* weight = static_cast<const A*>(args_.weight) + n * O * args_.c;
    const int64_t start = n * args_.c * plane_;
    const T* x = static_cast<const T*>(args_.x) + start;
    T* dx = static_cast<T*>(args_.dx) + start;
    if (args_.channels_last) return back_pixels(x + first * args_.c, dx + first * args_.c, weight, pixels, dweight);
    for (int64_t c = 0; c < args_.c; ++c) {
      const int64_t at = c * plane_ + first;
      A factors[O], sums[O] = {};
      for (int o = 0; o < O; ++o) factors[o] = weight[o * args_.c + c];
      for (int64_t i = 0; i < pixels && c + 1 < args_.c; i += 64 / sizeof(T)) {
        __builtin_prefetch(x + at + plane_ + i);
        __builtin_prefetch(dx + at + plane_ + i, 1);
      }
      Seen<T>* result = result_run(dx + at, out_.data());
      back_run(view_run(x + at, pixels, in_.data()), factors, pixels, result, sums);
      store_result(result, pixels, dx + at);
      for (int o = 0; o < O; ++o) dweight[o * args_.c + c] += sums[o];
    }
  }

  const int64_t chunk, group;  // pixels of a chunk; pixels that are converted at once where channels come last
  std::vector<A> rgb;

 private:
  // Adds C channels to the sums of their pixels, while the next ones are on their way if there are some.
  template <int C>
  void project_channels(const T* x, const A* weight, int64_t pixels, bool more) {
    const Seen<T>* values[C];
    for (int j = 0; j < C; ++j) values[j] = view_run(x + j * plane_, pixels, in_.data() + j * chunk);
    int64_t i = 0;
    for (; i + kPack<A> <= pixels; i += kPack<A>) {
      Pack<A> value[C];
      for (int j = 0; j < C; ++j) {
        if (more) __builtin_prefetch(x + (C + j) * plane_ + i);
        value[j] = load_pack(values[j] + i);
      }
      for (int o = 0; o < O; ++o) {
        A* to = rgb.data() + o * chunk + i;
        Pack<A> sum = load_pack(static_cast<const A*>(to));
        for (int j = 0; j < C; ++j) sum += weight[o * args_.c + j] * value[j];
        store_pack(sum, to);
      }
    }
    for (; i < pixels; ++i)
      for (int o = 0; o < O; ++o)
        for (int j = 0; j < C; ++j) rgb[o * chunk + i] += weight[o * args_.c + j] * get(values[j][i]);
  }

  // Partial sums of four pixels at a time stay in registers; those of kFolded pixels are folded at once.
  void project_pixels(const T* x, const A* weight, int64_t pixels) {
    const int64_t c = args_.c;
    for (int64_t first = 0; first < pixels; first += group) {
      const int64_t end = std::min(first + group, pixels);
      const Seen<T>* values = view_run(x + first * c, (end - first) * c, in_.data());
      for (int64_t at = first; at < end; at += kFolded) {
        const int64_t count = std::min(kFolded, end - at);
        fetch_ahead(x + at * c, count * c);
        A partial[O][kFolded * kPack<A>];
        int64_t i = 0;
        for (; i + 4 <= count; i += 4) dot<4>(values + (at - first + i) * c, weight, i, partial);
        for (; i < count; ++i) dot<1>(values + (at - first + i) * c, weight, i, partial);
        for (int o = 0; o < O; ++o) fold_packs<A>(partial[o], count, rgb.data() + o * chunk + at);
      }
    }
  }

  template <int P>
  void dot(const Seen<T>* x, const A* weight, int64_t at, A (*partial)[kFolded * kPack<A>]) {
    constexpr int64_t wide = kPack<A>;
    const int64_t c = args_.c;
    Pack<A> sums[P][O] = {};
    int64_t lane = 0;
    for (; lane + wide <= c; lane += wide) {
      Pack<A> factors[O];
      for (int o = 0; o < O; ++o) factors[o] = load_pack(weight + o * c + lane);
      for (int p = 0; p < P; ++p) {
        const Pack<A> value = load_pack(x + p * c + lane);
        for (int o = 0; o < O; ++o) sums[p][o] += value * factors[o];
      }
    }
    for (int p = 0; p < P; ++p) {
      for (int o = 0; o < O; ++o) {
        A* to = partial[o] + (at + p) * wide;
        store_pack(sums[p][o], to);
        for (int64_t rest = lane; rest < c; ++rest) to[rest - lane] += get(x[p * c + rest]) * weight[o * c + rest];
      }
    }
  }

  void back_pixels(const T* x, T* dx, const A* weight, int64_t pixels, A* dweight) {
    constexpr int64_t wide = kPack<A>;
    const int64_t c = args_.c;
    for (int64_t first = 0; first < pixels; first += group) {
      const int64_t count = std::min(group, pixels - first);
      const Seen<T>* values = view_run(x + first * c, count * c, in_.data());
      Seen<T>* result = result_run(dx + first * c, out_.data());
      fetch_ahead(x + first * c, count * c);
      fetch_ahead_to_write(dx + first * c, count * c);
      int64_t lane = 0;
      for (; lane + wide <= c; lane += wide)
        back_lanes(values + lane, weight + lane, first, count, result + lane, dweight + lane);
      for (int64_t i = 0; i < count && lane < c; ++i) {
        for (int64_t rest = lane; rest < c; ++rest) {
          A sum = 0;
          for (int o = 0; o < O; ++o) {
            const A gradient = rgb[o * chunk + first + i];
            sum += gradient * weight[o * c + rest];
            dweight[o * c + rest] += gradient * get(values[i * c + rest]);
          }
          put(sum, result[i * c + rest]);
        }
      }
      store_result(result, count * c, dx + first * c);
    }
  }

  // A pack of channels of some pixels, whose weights and their gradients stay in registers.
  void back_lanes(const Seen<T>* x, const A* weight, int64_t first, int64_t count, Seen<T>* dx, A* dweight) {
    const int64_t c = args_.c;
    const A* gradients = rgb.data() + first;
    Pack<A> factors[O], sums[O] = {};
    for (int o = 0; o < O; ++o) factors[o] = load_pack(weight + o * c);
    for (int64_t i = 0; i < count; ++i) {
      const Pack<A> value = load_pack(x + i * c);
      Pack<A> result = {};
      for (int o = 0; o < O; ++o) {
        const A gradient = gradients[o * chunk + i];
        result += gradient * factors[o];
        sums[o] += gradient * value;
      }
      store_pack(result, dx + i * c);
    }
    for (int o = 0; o < O; ++o) store_pack(load_pack(dweight + o * c) + sums[o], dweight + o * c);
  }

  void back_run(const Seen<T>* __restrict x, const A* factors, int64_t pixels, Seen<T>* __restrict dx, A* sums) {
    A s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    const A *__restrict g0 = rgb.data(), *__restrict g1 = g0 + (O > 1) * chunk, *__restrict g2 = g0 + 2 * (O > 2) * chunk,
            *__restrict g3 = g0 + 3 * (O > 3) * chunk;
#pragma omp simd reduction(+ : s0, s1, s2, s3)
    for (int64_t i = 0; i < pixels; ++i) {
      const A feature = get(x[i]);
      A value = factors[0] * g0[i];
      s0 += feature * g0[i];
      if constexpr (O > 1) value += factors[1] * g1[i], s1 += feature * g1[i];
      if constexpr (O > 2) value += factors[2] * g2[i], s2 += feature * g2[i];
      if constexpr (O > 3) value += factors[3] * g3[i], s3 += feature * g3[i];
      put(value, dx[i]);
    }
    const A all[4] = {s0, s1, s2, s3};
    for (int o = 0; o < O; ++o) sums[o] = all[o];
  }

  const ToRgb& args_;
  int64_t plane_;
  std::vector<A> in_, out_;
};

// Rows of a picture at twice its size: zeros inserted, filtered, times four.
template <typename A>
class UpsampledRows {
 public:
  explicit UpsampledRows(const ToRgb& args)
      : args_(args), before_((args.count + 1) / 2), half_(args.w / 2), taps_(args.count), line_(half_ + 2 * args.count),
        even_(half_), odd_(half_) {
    const A* taps = static_cast<const A*>(args.taps);
    for (int k = 0; k < args.count; ++k) taps_[k] = taps[args.count - 1 - k];
  }

  // Adds row `row` of the plane that `small` points at to `to`.
  void add(const A* small, int64_t row, A* __restrict to) {
    A* line = line_.data() + args_.count;
    std::fill(line_.begin(), line_.end(), A(0));
    for (int k = 0; k < args_.count; ++k) {
      const int64_t source = source_index(row, k, 2, 1, before_, args_.h / 2);
      if (source >= 0) add_scaled(small + source * half_, 4 * taps_[k], line);
    }
    std::fill(even_.begin(), even_.end(), A(0));
    std::fill(odd_.begin(), odd_.end(), A(0));
    for (int k = 0; k < args_.count; ++k) {
      const int64_t shift = k - before_;  // of the pixel that tap k reads; odd pixels read where even ones read zeros
      if (shift % 2 == 0) add_scaled(line + shift / 2, taps_[k], even_.data());
      else add_scaled(line + (shift + 1) / 2, taps_[k], odd_.data());
    }
    for (int64_t i = 0; i < half_; ++i) {
      to[2 * i] += even_[i];
      to[2 * i + 1] += odd_[i];
    }
  }

 private:
  void add_scaled(const A* __restrict from, A factor, A* __restrict to) {
#pragma omp simd
    for (int64_t i = 0; i < half_; ++i) to[i] += factor * from[i];
  }

  const ToRgb& args_;
  int64_t before_, half_;
  std::vector<A> taps_, line_, even_, odd_;
};

}  // namespace nada::cpu
