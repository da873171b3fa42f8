// Work over torch's own threads, without torch's headers in every file.
#pragma once

#include <algorithm>
#include <cstdint>

namespace nada::cpu {

using Range = void (*)(int64_t begin, int64_t end, void* context);
void run_ranges(int64_t tasks, int64_t grain, Range range, void* context);

constexpr int64_t kWorthAThread = 1 << 15;  // elements; waking a thread for fewer costs more than it brings

// Calls f(begin, end) for ranges of tasks of about `elements` elements each, so that a thread sets up its buffers once.
// Which thread does which task changes no result.
template <typename F>
void parallel(int64_t tasks, int64_t elements, F f) {
  const auto range = [](int64_t begin, int64_t end, void* context) { (*static_cast<F*>(context))(begin, end); };
  run_ranges(tasks, std::max<int64_t>(1, kWorthAThread / std::max<int64_t>(1, elements)), range, &f);
}

}  // namespace nada::cpu
