// Upsampling, filtering and decimation of whole pictures, band by band of rows.
#include "../formulas.h"
#include "ahead.h"
#include "functions.h"
#include "parallel.h"
#include "plane_filter.h"
#include "resampled_row.h"
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
    const A nothing = std::abs(*largest) * (sizeof(A) == 8 ? A(1e-15) : A(1e-7));
    for (int64_t i = 0; i < count; ++i) {
      if (std::abs(column[i / args.fw] * row[i % args.fw] - values[i]) <= nothing) continue;
      matrix.assign(values, values + count);
      row.clear();
      return;
    }
  }

  std::vector<A> row, column, matrix;
};

// A band of rows of one plane, or of all channels with channels last.
template <typename T>
class Band {
 public:
  using A = Computed<T>;
  Band(const Upfirdn& args, const Taps<A>& taps)
      : args_(args), taps_(taps), lanes_(args.channels_last ? args.c : 1), sources_(args.fh), weights_(args.fh),
        row_({args.w, args.out_w, args.left, lanes_, args.up, args.down, args.fw, !taps.matrix.empty()}) {
    if (taps.matrix.empty()) row_.use(taps.row.data(), A(1));
  }

  void run(int64_t picture, int64_t first, int64_t end) {
    const T* x = static_cast<const T*>(args_.x) + picture * args_.h * args_.w * lanes_;
    T* y = static_cast<T*>(args_.y) + picture * args_.out_h * args_.out_w * lanes_;
    for (int64_t row = first; row < end; ++row) {
      T* to = y + row * args_.out_w * lanes_;
      taps_.matrix.empty() ? combine(x, row, to) : combine_matrix(x, row, to);
    }
  }

 private:
  void combine(const T* x, int64_t row, T* to) {
    int count = 0;
    for (int k = first_tap(row, args_.up, args_.down, args_.top); k < args_.fh; k += args_.up) {
      const int64_t source = source_index(row, k, args_.up, args_.down, args_.top, args_.h);
      if (source < 0) continue;
      sources_[count] = x + source * args_.w * lanes_, weights_[count++] = taps_.column[k] * static_cast<A>(args_.gain);
    }
    const int fresh = std::min(count, args_.down);  // rows that the last output did not read
    if (fresh) fetch_ahead(sources_[count - fresh], fresh * args_.w * lanes_);
    row_.load(sources_.data(), weights_.data(), count);
    row_.store(to);
  }

  void combine_matrix(const T* x, int64_t row, T* to) {
    const A one = 1;
    bool fresh = true;
    for (int k = 0; k < args_.fh; ++k) {
      const int64_t source = source_index(row, k, args_.up, args_.down, args_.top, args_.h);
      const T* from = x + source * args_.w * lanes_;
      if (source < 0) continue;
      row_.use(taps_.matrix.data() + k * args_.fw, static_cast<A>(args_.gain));
      row_.load(&from, &one, 1);
      row_.add(fresh);
      fresh = false;
    }
    if (!fresh) row_.store_sum(to);
    else std::memset(static_cast<void*>(to), 0, args_.out_w * lanes_ * sizeof(T));
  }

  const Upfirdn& args_;
  const Taps<A>& taps_;
  int64_t lanes_;
  std::vector<const T*> sources_;
  std::vector<A> weights_;
  ResampledRow<T> row_;
};

// Planes whose filter is separable: some of them, or a band of rows of one.
template <typename T>
void run_planes(const Upfirdn& args, const Taps<Computed<T>>& taps) {
  using A = Computed<T>;
  const PlaneTasks tasks(args.n * args.c, args.out_h, args.out_w);
  const int64_t in = args.h * args.w, out = args.out_h * args.out_w;
  std::vector<A> column(taps.column);
  for (A& tap : column) tap *= static_cast<A>(args.gain);
  const T *x = static_cast<const T*>(args.x), *x_end = x + args.n * args.c * in;
  parallel(tasks.count, tasks.elements, [&](int64_t first, int64_t last) {
    PlaneFilter<A> filter({args.h, args.w, args.out_h, args.out_w, args.top, args.left, args.up, args.down}, taps.row, column);
    for (int64_t task = first; task < last; ++task) {
      const PlaneTasks::Task part = tasks.task(task);
      T* end = static_cast<T*>(args.y) + (part.end - 1) * out + tasks.cut(part.band + 1, args.out_h) * args.out_w;
      for (int64_t plane = part.begin; plane < part.end; ++plane) {
        const auto load = [&](int64_t row, int64_t rows, A* to) {
          filter.lines.template make<true>(x + plane * in, row, rows, x_end, to);
        };
        filter.run(tasks.cut(part.band, args.out_h), tasks.cut(part.band + 1, args.out_h), args.h, 0, load,
                   static_cast<T*>(args.y) + plane * out, end,
                   [](int64_t) { return [](Pack<A> sum, int64_t, auto) { return sum; }; });
      }
    }
  });
}

template <typename T>
void run(const Upfirdn& args) {
  const Taps<Computed<T>> taps(args);
  // In long rows what is dropped is not filtered along itself: rows are summed first.
  const int64_t long_row = can_slide<Computed<T>>(args.up, args.fw) ? 512 : 64;
  const bool sums_first = args.down > 1 && args.out_w >= long_row;
  if (!args.channels_last && taps.matrix.empty() && !sums_first) return run_planes<T>(args, taps);
  const int64_t lanes = args.channels_last ? args.c : 1, pictures = args.channels_last ? args.n : args.n * args.c;
  const int64_t rows = std::max<int64_t>(16, 4 * kTask / (args.out_w * lanes));
  const int64_t bands = (args.out_h + rows - 1) / rows;
  parallel(pictures * bands, args.out_h * args.out_w * lanes / bands, [&](int64_t first, int64_t last) {
    Band<T> band(args, taps);
    for (int64_t task = first; task < last; ++task) {
      const int64_t begin = task % bands * rows;
      band.run(task / bands, begin, std::min(begin + rows, args.out_h));
    }
  });
}

}  // namespace

void upfirdn(const Upfirdn& args, Stream) {
  with_type(args.type, [&](auto type) { run<decltype(type)>(args); });
}

}  // namespace nada::cpu
