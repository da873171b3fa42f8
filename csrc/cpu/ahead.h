// Asking for memory before it is needed: the hardware's own guesses end at every page.
#pragma once

#include <cstdint>

namespace nada::cpu {

constexpr int64_t kAhead = 4096;  // bytes

// Brings nearer what lies kAhead bytes behind the `count` elements that are worked on now, which may be nothing.
template <typename T>
inline void fetch_ahead(const T* now, int64_t count) {
#if defined(__GNUC__)
  const uintptr_t at = reinterpret_cast<uintptr_t>(now) + kAhead;
  for (int64_t i = 0; i < count * static_cast<int64_t>(sizeof(T)); i += 64)
    __builtin_prefetch(reinterpret_cast<const void*>(at + i));
#endif
}

// The same for memory that will be written to.
template <typename T>
inline void fetch_ahead_to_write(T* now, int64_t count) {
#if defined(__GNUC__)
  const uintptr_t at = reinterpret_cast<uintptr_t>(now) + kAhead;
  for (int64_t i = 0; i < count * static_cast<int64_t>(sizeof(T)); i += 64)
    __builtin_prefetch(reinterpret_cast<const void*>(at + i), 1);
#endif
}

// The same for the cache line of one element, inside loops.
template <typename T>
inline void fetch_line_ahead(const T* now) {
  fetch_ahead(now, 1);
}
template <typename T>
inline void fetch_line_ahead_to_write(T* now) {
  fetch_ahead_to_write(now, 1);
}

}  // namespace nada::cpu
