#include "parallel.h"

#include <torch/csrc/stable/ops.h>

namespace nada::cpu {

void run_ranges(int64_t tasks, int64_t grain, Range range, void* context) {
  torch::stable::parallel_for(0, tasks, grain, [&](int64_t begin, int64_t end) { range(begin, end, context); });
}

}  // namespace nada::cpu
