// The modulated 1x1 convolution to a few picture channels, on a chunk of pixels, in both memory layouts.
#pragma once

#include <algorithm>
#include <vector>

#include "ahead.h"
#include "packs.h"
#include "rows.h"

namespace nada::cpu {

constexpr int64_t kChunk = 1024;  // pixels, about
constexpr int64_t kNear = 1 << 16;  // numbers of a chunk on the way back, about
constexpr int64_t kGroup = 2048;  // numbers of pixels with their channels that stay in the first cache

// Pixels of a chunk: whole rows forward; backward so few that what the first pass over them read is still in the second
// cache for the next.
inline int64_t chunk_of(const ToRgb& args, bool back) {
  if (back) return std::clamp<int64_t>(kNear / args.c / 64 * 64, 64, kChunk);
  return std::max<int64_t>(1, kChunk / args.w) * args.w;
}

// A chunk of one sample's pixels; `T` is how features are stored, `O` how many channels the picture has.
template <typename T, int O>
class Projection {
 public:
  using A = Computed<T>;
  Projection(const ToRgb& args, int64_t pixels)
      : chunk(pixels),
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
    x += first, dx += first;
    int64_t c = 0;
    for (; c + 2 <= args_.c; c += 2) back_channels<2>(x + c * plane_, dx + c * plane_, weight + c, pixels, dweight + c);
    for (; c < args_.c; ++c) back_channels<1>(x + c * plane_, dx + c * plane_, weight + c, pixels, dweight + c);
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
    alignas(kPackBytes) A partial[O][kFolded * kPack<A>] = {}, folded[kFolded];
    for (int64_t first = 0; first < pixels; first += group) {
      const int64_t end = std::min(first + group, pixels);
      const Seen<T>* values = view_run(x + first * c, (end - first) * c, in_.data());
      for (int64_t at = first; at < end; at += kFolded) {
        const int64_t count = std::min(kFolded, end - at);
        fetch_ahead(x + at * c, count * c);
        int64_t i = 0;
        for (; i + 4 <= count; i += 4) dot<4>(values + (at - first + i) * c, weight, i, partial);
        for (; i < count; ++i) dot<1>(values + (at - first + i) * c, weight, i, partial);
        for (int o = 0; o < O; ++o) {
          A* to = rgb.data() + o * chunk + at;
          fold_packs<A>(partial[o], count == kFolded ? to : folded);
          if (count < kFolded) std::copy_n(folded, count, to);
        }
      }
    }
  }

  template <int P>
  [[gnu::noinline]] void dot(const Seen<T>* x, const A* weight, int64_t at, A (*partial)[kFolded * kPack<A>]) {
    const int64_t c = args_.c;
    Pack<A> sums[P][O] = {};
    const auto step = [&](int64_t lane, auto load) {
      Pack<A> factors[O];
      for (int o = 0; o < O; ++o) factors[o] = load(weight + o * c + lane, weight + o * c + c);
      for (int p = 0; p < P; ++p) {
        const Pack<A> value = load(x + p * c + lane, x + p * c + c);
        for (int o = 0; o < O; ++o) sums[p][o] += value * factors[o];
      }
    };
    int64_t lane = 0;
    for (; lane + kPack<A> <= c; lane += kPack<A>) step(lane, [](auto* from, auto*) { return load_pack(from); });
    if (lane < c) step(lane, [](auto* from, auto* end) { return load_before(from, end); });
    for (int o = 0; o < O; ++o)
      for (int p = 0; p < P; ++p) store_pack(sums[p][o], partial[o] + (at + p) * kPack<A>);
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

  // C channels, which share the gradients that they read, while the next ones are on their way.
  template <int C>
  [[gnu::noinline]] void back_channels(const T* x, T* dx, const A* weight, int64_t pixels, A* dweight) {
    const A* gradients = rgb.data();
    Pack<A> sums[C][O] = {};
    A factors[C][O];
    for (int j = 0; j < C; ++j)
      for (int o = 0; o < O; ++o) factors[j][o] = weight[o * args_.c + j];
    const auto step = [&](int64_t i, auto load, auto store) {
      Pack<A> gradient[O];
      for (int o = 0; o < O; ++o) gradient[o] = load(gradients + o * chunk + i, gradients + o * chunk + pixels);
      for (int j = 0; j < C; ++j) {
        const int64_t at = j * plane_ + i;
        const Pack<A> value = load(x + at, x + j * plane_ + pixels);
        Pack<A> result = {};
        for (int o = 0; o < O; ++o) result += factors[j][o] * gradient[o], sums[j][o] += gradient[o] * value;
        store(result, dx + at, dx + j * plane_ + pixels);
      }
    };
    int64_t i = 0;
    for (; i + kPack<A> <= pixels; i += kPack<A>) {
      for (int j = 0; j < C; ++j) {
        __builtin_prefetch(x + (C + j) * plane_ + i);
        __builtin_prefetch(dx + (C + j) * plane_ + i, 1);
      }
      step(i, [](auto* from, auto*) { return load_pack(from); }, [](Pack<A> values, T* to, T*) { store_pack(values, to); });
    }
    if (i < pixels)
      step(i, [](auto* from, auto* end) { return load_before(from, end); },
           [](Pack<A> values, T* to, T* end) { store_before(values, end - to, to, end); });
    for (int j = 0; j < C; ++j)
      for (int o = 0; o < O; ++o) dweight[o * args_.c + j] += sum_of_pack<A>(sums[j][o]);
  }

  const ToRgb& args_;
  int64_t plane_;
  std::vector<A> in_, out_;
};

}  // namespace nada::cpu
