// Zero insertion, padding, filtering and decimation. Zeros are inserted along rows only, where the loops are long and
// even; along columns the taps that would meet them are left out, and rows that would be dropped are never computed.
#include "fir.h"
#include "../formulas.h"
#include "functions.h"
#include "parallel.h"
#include "runs.h"

namespace nada::cpu {
namespace {

// Taps in the order in which they meet the picture; a matrix of rank one is its two vectors.
template <typename A>
struct Taps {
  explicit Taps(const Upfirdn& args) : row(args.fw), column(args.fh) {
    const A* values = static_cast<const A*>(args.row);
    if (args.column) {
      row.assign(values, values + args.fw);
      column.assign(static_cast<const A*>(args.column), static_cast<const A*>(args.column) + args.fh);
    } else {
      split(values, args);
    }
    if (!args.flip) return;
    std::reverse(row.begin(), row.end());
    std::reverse(column.begin(), column.end());
    std::reverse(matrix.begin(), matrix.end());
  }

  // Through its largest number, if that leaves nothing over; else the matrix stays.
  void split(const A* values, const Upfirdn& args) {
    const int64_t count = static_cast<int64_t>(args.fh) * args.fw;
    const A* largest = std::max_element(values, values + count, [](A a, A b) { return std::abs(a) < std::abs(b); });
    const int64_t at_row = (largest - values) / args.fw, at_column = (largest - values) % args.fw;
    for (int j = 0; j < args.fw; ++j) row[j] = values[at_row * args.fw + j];
    for (int i = 0; i < args.fh; ++i) column[i] = *largest == A(0) ? A(0) : values[i * args.fw + at_column] / *largest;
    for (int64_t i = 0; i < count; ++i) {
      if (std::abs(column[i / args.fw] * row[i % args.fw] - values[i]) > A(1e-7) * std::abs(*largest))
        return matrix.assign(values, values + count);
    }
  }

  std::vector<A> row, column, matrix;
};

// Rows with zeros inserted and padding, `columns` pixels long before they are filtered along themselves.
template <typename T>
class Lines {
 public:
  using A = Computed<T>;
  Lines(const Upfirdn& args, const Taps<A>& taps, int64_t lanes)
      : args_(args),
        taps_(taps),
        lanes_(lanes),
        full_((args.out_w - 1) * args.down + 1),
        slots_((args.fh + args.up - 1) / args.up),
        padded_((full_ + args.fw - 1) * lanes),
        ring_(slots_ * (taps.matrix.empty() ? full_ * lanes : static_cast<int64_t>(padded_.size()))),
        width_(static_cast<int64_t>(ring_.size()) / slots_),
        line_(full_ * lanes),
        values_(args.w * lanes) {}

  void push(int64_t row, const T* from) {
    A* kept = ring_.data() + row % slots_ * width_;
    A* padded = taps_.matrix.empty() ? padded_.data() : kept;
    spread_row(view_run(from, args_.w * lanes_, values_.data()), padded);
    if (taps_.matrix.empty()) filter(padded, taps_.row.data(), kept, true);
  }

  // The output row `row` from the rows that are kept.
  void combine(int64_t row, T* to) {
    bool first = true;
    for (int k = first_tap(row, args_.up, args_.down, args_.top); k < args_.fh; k += args_.up) {
      const int64_t source = source_index(row, k, args_.up, args_.down, args_.top, args_.h);
      if (source < 0) continue;
      const A* kept = ring_.data() + source % slots_ * width_;
      if (taps_.matrix.empty()) add_scaled(kept, taps_.column[k], first);
      else filter(kept, taps_.matrix.data() + k * args_.fw, line_.data(), first);
      first = false;
    }
    if (first) std::fill(line_.begin(), line_.end(), A(0));
    store(to);
  }

 private:
  void spread_row(const A* values, A* padded) {
    if (args_.up == 1) {
      const int64_t start = std::max<int64_t>(0, args_.left), skip = std::max<int64_t>(0, -args_.left);
      const int64_t room = static_cast<int64_t>(padded_.size()) / lanes_ - start;
      const int64_t count = std::max<int64_t>(0, std::min(args_.w - skip, room));
      std::copy_n(values + skip * lanes_, count * lanes_, padded + start * lanes_);
      return;
    }
    for (int64_t i = 0; i < args_.w; ++i) {
      const int64_t at = i * args_.up + args_.left;
      if (at < 0 || at >= static_cast<int64_t>(padded_.size()) / lanes_) continue;
      if (lanes_ == 1) padded[at] = values[i];
      else std::copy_n(values + i * lanes_, lanes_, padded + at * lanes_);
    }
  }

  // to[i] (+)= sum_k taps[k] * from[i + k]
  void filter(const A* from, const A* taps, A* __restrict to, bool fresh) {
    const int64_t length = full_ * lanes_;
    for (int k = 0; k < args_.fw; ++k) {
      const A* __restrict shifted = from + k * lanes_;
      const A tap = taps[k];
      if (k == 0 && fresh) {
#pragma omp simd
        for (int64_t i = 0; i < length; ++i) to[i] = tap * shifted[i];
      } else {
#pragma omp simd
        for (int64_t i = 0; i < length; ++i) to[i] += tap * shifted[i];
      }
    }
  }

  void add_scaled(const A* __restrict from, A factor, bool fresh) {
    A* __restrict to = line_.data();
    if (fresh) {
#pragma omp simd
      for (int64_t i = 0; i < full_ * lanes_; ++i) to[i] = factor * from[i];
    } else {
#pragma omp simd
      for (int64_t i = 0; i < full_ * lanes_; ++i) to[i] += factor * from[i];
    }
  }

  void store(T* to) {
    A* __restrict line = line_.data();
    const A gain = static_cast<A>(args_.gain);
    for (int64_t i = 0; i < args_.out_w; ++i)  // decimation in place: what is read lies at or behind what is written
      for (int64_t lane = 0; lane < lanes_; ++lane) line[i * lanes_ + lane] = gain * line[i * args_.down * lanes_ + lane];
    store_run(line_.data(), args_.out_w * lanes_, to);
  }

  const Upfirdn& args_;
  const Taps<A>& taps_;
  int64_t lanes_, full_, slots_;
  std::vector<A> padded_, ring_;
  int64_t width_;
  std::vector<A> line_, values_;
};

template <typename T>
void run(const Upfirdn& args) {
  const Taps<Computed<T>> taps(args);
  const int64_t planes = args.n * (args.channels_last ? 1 : args.c), lanes = args.channels_last ? args.c : 1;
  const int64_t rows = std::max<int64_t>(16, 4 * kTask / (args.out_w * lanes));
  const int64_t bands = (args.out_h + rows - 1) / rows;
  parallel(planes * bands, rows * args.out_w * lanes, [&](int64_t first, int64_t last) {
    Lines<T> lines(args, taps, lanes);
    for (int64_t task = first; task < last; ++task) {
      const T* x = static_cast<const T*>(args.x) + task / bands * args.h * args.w * lanes;
      T* y = static_cast<T*>(args.y) + task / bands * args.out_h * args.out_w * lanes;
      int64_t next = 0;
      for (int64_t row = task % bands * rows; row < std::min((task % bands + 1) * rows, args.out_h); ++row) {
        // Sources of this row: from the first sample at or behind its first tap to the last one at or before its last.
        const int64_t top = row * args.down - args.top, from = top <= 0 ? 0 : (top + args.up - 1) / args.up;
        const int64_t bottom = top + args.fh - 1, end = bottom < 0 ? 0 : std::min(bottom / args.up + 1, args.h);
        for (next = std::max(next, from); next < end; ++next) lines.push(next, x + next * args.w * lanes);
        lines.combine(row, y + row * args.out_w * lanes);
      }
    }
  });
}

}  // namespace

void upfirdn(const Upfirdn& args, Stream) {
  with_type(args.type, [&](auto type) { run<decltype(type)>(args); });
}

}  // namespace nada::cpu
