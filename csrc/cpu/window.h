// Packs of a row that are read once and shifted in registers, where the machine has instructions for it.
#pragma once

#include "packs.h"

namespace nada::cpu {

// Whether a filter can be applied to packs as they are read.
template <typename A>
constexpr bool can_slide(int up, int taps) {
#if defined(NADA_MASKS)
  return std::is_same_v<A, float> && up == 1 && taps == 4;
#else
  return false;
#endif
}

#if defined(NADA_MASKS)
// The packs of a row that four taps meet; with a `down` of 2 its even numbers and its odd ones.
template <int down>
struct Window {
  using A = float;
  Pack<A> now[down];

  template <typename Load>
  void next(int64_t from, Load load) {
    now[0] = load(from);
    if constexpr (down == 2) {
      const Pack<A> a = now[0], b = load(from + kPack<A>);
      now[0] = every_second<0>(a, b), now[1] = every_second<1>(a, b);
    }
  }

  // The weighted sum of the four, and on to the pack that begins at `from`.
  template <typename Load>
  Pack<A> sum(int64_t from, Load load, const A* w) {
    const Window old = *this;
    next(from, load);
    if constexpr (down == 1) {
      const Pack<A> a = old.now[0], b = now[0];
      return w[0] * a + w[1] * shifted<1>(a, b) + w[2] * shifted<2>(a, b) + w[3] * shifted<3>(a, b);
    } else {
      const Pack<A> even = shifted<1>(old.now[0], now[0]), odd = shifted<1>(old.now[1], now[1]);
      return w[0] * old.now[0] + w[1] * old.now[1] + w[2] * even + w[3] * odd;
    }
  }
};
#endif

}  // namespace nada::cpu
