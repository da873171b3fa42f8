// The epilogue of a styled convolution on pixels of a map with channels last, which lie behind one another.
#pragma once

#include "ahead.h"
#include "epilogue_run.h"

namespace nada::cpu {

// What the epilogue needs of a sample's channels, and the noise of its pixels; zeros where there is none.
template <typename A>
class PixelSides {
 public:
  // `pixels`: how many are worked on at once.
  PixelSides(const Epilogue& args, int64_t pixels)
      : strength(args.strength ? *static_cast<const A*>(args.strength) : A(1)),
        args_(args),
        none_(args.noise ? 0 : pixels),
        ones_(args.factors ? 0 : args.c, A(1)),
        zeros_(args.bias ? 0 : args.c) {}

  void enter(int64_t sample) {
    factor = args_.factors ? static_cast<const A*>(args_.factors) + sample * args_.c : ones_.data();
    bias = args_.bias ? static_cast<const A*>(args_.bias) : zeros_.data();
    noise_ = static_cast<const A*>(args_.noise);
    if (noise_ && args_.noise_n > 1) noise_ += sample * args_.h * args_.w;
  }

  const A* noise(int64_t pixel) const { return noise_ ? noise_ + pixel : none_.data(); }

  const A *factor = nullptr, *bias = nullptr;  // of the first channel
  A strength;

 private:
  const Epilogue& args_;
  Line<A> none_, ones_, zeros_;
  const A* noise_ = nullptr;
};

// Calls f(lane, load, store) for every pack of `c` channels: how it is loaded, and how it is stored.
template <typename A, typename F>
inline void for_lanes(int64_t c, F f) {
  int64_t lane = 0;
  for (; lane + kPack<A> <= c; lane += kPack<A>)
    f(lane, [](const auto* from) { return load_pack(from); }, [](Pack<A> values, auto* to) { store_pack(values, to); });
  if (const int64_t rest = c - lane; rest > 0)
    f(lane, [=](const auto* from) { return load_some(from, rest); },
      [=](Pack<A> values, auto* to) { store_some(values, rest, to); });
}

template <typename T, typename A>
[[gnu::noinline]] void leaky_pixels(const T* x, const PixelSides<A>& sides, int64_t begin, int64_t end, int64_t c,
                                    Leak<A> leak, T* y) {
  const A *factor = sides.factor, *bias = sides.bias, *noise = sides.noise(begin), strength = sides.strength;
  for (int64_t pixel = 0; pixel < end - begin; ++pixel, x += c, y += c) {
    const A shift = strength * noise[pixel];
    for_lanes<A>(c, [&](int64_t lane, auto load, auto store) {
      fetch_line_ahead(x + lane);
      fetch_line_ahead_to_write(y + lane);
      store(leaky_pack(load(x + lane) * load(factor + lane) + (load(bias + lane) + shift), leak), y + lane);
    });
  }
}

// Three sums of every channel: see PackSums.
template <typename A>
class PixelSums {
 public:
  explicit PixelSums(int64_t c) : pitch_((c + kPack<A> - 1) / kPack<A> * kPack<A>), values_(3 * pitch_) {}
  A* operator[](int row) { return values_.data() + row * pitch_; }
  void clear() { std::fill(values_.begin(), values_.end(), A(0)); }

  void add(int64_t lane, const PackSums<A>& sums) {
    const auto into = [](A* to, Pack<A> sum) { store_pack(load_pack(static_cast<const A*>(to)) + sum, to); };
    A* to = values_.data() + lane;
    into(to, sums.pre), into(to + pitch_, sums.value), into(to + 2 * pitch_, sums.noise);
  }

 private:
  int64_t pitch_;
  Line<A> values_;
};

template <typename T, typename A>
[[gnu::noinline]] void leaky_backward_pixels(const T* dy, const T* y, const PixelSides<A>& sides, int64_t begin, int64_t end,
                                             int64_t c, Leak<A> leak, T* dx, PixelSums<A>& sums) {
  const A *factor = sides.factor, *noise = sides.noise(begin);
  for (int64_t pixel = 0; pixel < end - begin; ++pixel, dy += c, y += c, dx += c) {
    const Pack<A> noises = noise[pixel] + Pack<A>{};
    for_lanes<A>(c, [&](int64_t lane, auto load, auto store) {
      fetch_line_ahead(dy + lane);
      fetch_line_ahead(y + lane);
      fetch_line_ahead_to_write(dx + lane);
      PackSums<A> here;
      store(load(factor + lane) * leaky_backward_pack(load(dy + lane), load(y + lane), noises, leak, here), dx + lane);
      sums.add(lane, here);
    });
  }
}

}  // namespace nada::cpu
