// The epilogue of a styled convolution on pixels of one channel that lie behind one another.
#pragma once

#include "ahead.h"
#include "epilogue_run.h"

namespace nada::cpu {

// What the epilogue needs of a plane and of its pixels: their noise, zeros where there is none.
template <typename A>
class PlaneSides {
 public:
  // `pixels`: how many are worked on at once.
  PlaneSides(const Epilogue& args, int64_t pixels) : args_(args), none_(args.noise ? 0 : pixels + kPack<A>) {
    strength = args.strength ? *static_cast<const A*>(args.strength) : A(1);
  }

  void enter(int64_t plane) {
    factor = args_.factors ? static_cast<const A*>(args_.factors)[plane] : A(1);
    bias = args_.bias ? static_cast<const A*>(args_.bias)[plane % args_.c] : A(0);
    noise_ = static_cast<const A*>(args_.noise);
    if (noise_ && args_.noise_n > 1) noise_ += plane / args_.c * args_.h * args_.w;
    end = noise_ ? noise_ + args_.h * args_.w : none_.data() + none_.size();
  }

  const A* noise(int64_t pixel) const { return noise_ ? noise_ + pixel : none_.data(); }

  A factor, bias, strength;
  const A* end;  // of the noise

 private:
  const Epilogue& args_;
  Line<A> none_;
  const A* noise_ = nullptr;
};

template <typename T, typename A>
[[gnu::noinline]] void leaky_packs(const T* x, const A* noise, int64_t count, A factor, A bias, A strength, Leak<A> leak,
                                   T* y) {
  int64_t i = 0;
  for (; i + kPack<A> <= count; i += kPack<A>) {
    fetch_line_ahead(x + i);
    fetch_line_ahead_to_write(y + i);
    store_pack(leaky_pack(load_pack(x + i) * factor + (strength * load_pack(noise + i) + bias), leak), y + i);
  }
  if (i == count) return;
  const Pack<A> shift = strength * load_some(noise + i, count - i) + bias;
  store_some(leaky_pack(load_some(x + i, count - i) * factor + shift, leak), count - i, y + i);
}

// The gradient of what `factor` multiplied, and the sums of what it was found from.
template <typename T, typename A, typename Y>
[[gnu::noinline]] void leaky_backward_packs(const T* dy, const T* y, const A* noise, int64_t count, A factor, Leak<A> leak,
                                            Y* dx, PackSums<A>& sums) {
  PackSums<A> here, other;  // two of them: a sum need not wait for the one before
  const auto step = [&](int64_t i, PackSums<A>& into) {
    store_pack(factor * leaky_backward_pack(load_pack(dy + i), load_pack(y + i), load_pack(noise + i), leak, into), dx + i);
  };
  int64_t i = 0;
  for (; i + 2 * kPack<A> <= count; i += 2 * kPack<A>) {
    for (int64_t line = 0; line < 2 * kPack<A>; line += 64 / sizeof(T)) {
      fetch_line_ahead(dy + i + line);
      fetch_line_ahead(y + i + line);
    }
    step(i, here);
    step(i + kPack<A>, other);
  }
  if (i + kPack<A> <= count) step(i, here), i += kPack<A>;
  if (i < count) {
    const int64_t rest = count - i;
    const Pack<A> noises = load_some(noise + i, rest);
    const Pack<A> pre = leaky_backward_pack(load_some(dy + i, rest), load_some(y + i, rest), noises, leak, here);
    store_some(factor * pre, rest, dx + i);
  }
  sums.pre += here.pre + other.pre, sums.value += here.value + other.value, sums.noise += here.noise + other.noise;
}

}  // namespace nada::cpu
