// Resampling along one axis without reading the zeros that upsampling inserts.
//
// Output up * m + p reads, at tap k, input m * down + s with s = (p * down + k - before) / up where that is whole: for
// the outputs of one phase p, taps are shifts of the input.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace nada::cpu {

struct Phases {
  struct Phase {
    std::vector<int> taps;
    std::vector<int64_t> shifts;
  };

  Phases(int taps, int64_t before, int up, int down) : all(up), lowest(INT64_MAX), highest(INT64_MIN) {
    for (int p = 0; p < up; ++p) {
      for (int k = 0; k < taps; ++k) {
        const int64_t place = static_cast<int64_t>(p) * down + k - before;
        if (place % up != 0) continue;
        all[p].taps.push_back(k), all[p].shifts.push_back(place / up);
        lowest = std::min(lowest, place / up), highest = std::max(highest, place / up);
      }
    }
    if (lowest > highest) lowest = highest = 0;
  }

  std::vector<Phase> all;
  int64_t lowest, highest;  // of all shifts
};

}  // namespace nada::cpu
