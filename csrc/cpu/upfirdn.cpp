// Upsampling, filtering and decimation of whole pictures, band by band of rows.
#include "filtered_rows.h"
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

// A band of rows of one part: some channels, or all with channels last.
template <typename T>
class Band {
 public:
  using A = Computed<T>;
  Band(const Upfirdn& args, const Taps<A>& taps, const Runs& runs)
      : args_(args), taps_(taps), runs_(runs), lanes_(args.channels_last ? args.c : 1),
        rows_({args.w, args.out_w, args.left, args.up, args.down, lanes_, args.channels_last ? 1 : runs.channels},
              taps.row, args.fw, (args.fh + args.up - 1) / args.up),
        line_(args.up * rows_.pitch * (args.channels_last ? 1 : runs.channels)), result_(args.out_w * lanes_) {}

  void run(const Part& part, int64_t first, int64_t end) {
    const int64_t plane = args_.h * args_.w, segments = args_.channels_last ? 1 : part.channels;
    const T* x = static_cast<const T*>(args_.x) + (args_.channels_last ? part.n * plane * args_.c : (part.n * args_.c + part.channel) * plane);
    int64_t next = 0;
    for (int64_t row = first; row < end; ++row) {
      // The rows that it is made of: from the first at or behind its first tap to the last at or before its last one.
      const int64_t top = row * args_.down - args_.top, from = top <= 0 ? 0 : (top + args_.up - 1) / args_.up;
      const int64_t bottom = top + args_.fh - 1, last = bottom < 0 ? 0 : std::min(bottom / args_.up + 1, args_.h);
      for (next = std::max(next, from); next < last; ++next) rows_.push(next, x + next * args_.w * lanes_, segments, plane);
      taps_.matrix.empty() ? combine(row) : combine_matrix(row);
      store(part, row, segments);
    }
  }

 private:
  void combine(int64_t row) {
    const A* sources[64];
    A weights[64];
    int count = 0;
    const int64_t length = rows_.length * args_.up;
    bool add = false;
    for (int k = first_tap(row, args_.up, args_.down, args_.top); k < args_.fh; k += args_.up) {
      const int64_t source = source_index(row, k, args_.up, args_.down, args_.top, args_.h);
      if (source < 0) continue;
      sources[count] = rows_.kept(source), weights[count++] = taps_.column[k] * static_cast<A>(args_.gain);
      if (count == 64) combine_rows(sources, weights, count, length, add, line_.data()), count = 0, add = true;
    }
    if (count || !add) combine_rows(sources, weights, count, length, add, line_.data());
  }

  void combine_matrix(int64_t row) {
    bool add = false;
    for (int k = first_tap(row, args_.up, args_.down, args_.top); k < args_.fh; k += args_.up) {
      const int64_t source = source_index(row, k, args_.up, args_.down, args_.top, args_.h);
      if (source < 0) continue;
      for (int p = 0; p < args_.up; ++p)
        rows_.filter(rows_.kept(source), taps_.matrix.data() + k * args_.fw, p, add, line_.data() + p * rows_.length);
      add = true;
    }
    if (!add) std::fill(line_.begin(), line_.end(), A(0));
    for (A& value : line_) value *= static_cast<A>(args_.gain);
  }

  // Brings the phases together and stores them.
  void store(const Part& part, int64_t row, int64_t segments) {
    for (int64_t segment = 0; segment < segments; ++segment) {
      const int64_t plane = args_.channels_last ? part.n : part.n * args_.c + part.channel + segment;
      T* to = static_cast<T*>(args_.y) + (plane * args_.out_h + row) * args_.out_w * lanes_;
      const A* line = line_.data() + segment * rows_.pitch;
      if (args_.up > 1) line = interleave(line);
      store_run(line, args_.out_w * lanes_, to);
    }
  }

  const A* interleave(const A* line) {
    A* __restrict to = result_.data();
    const int64_t up = args_.up, half = args_.out_w / 2;
    if (lanes_ == 1 && up == 2) {
      const A *__restrict even = line, *__restrict odd = line + rows_.length;
      for (int64_t i = 0; i < half; ++i) to[2 * i] = even[i], to[2 * i + 1] = odd[i];
      if (args_.out_w % 2) to[2 * half] = even[half];
      return to;
    }
    for (int64_t i = 0; i < args_.out_w; ++i)
      std::copy_n(line + i % up * rows_.length + i / up * lanes_, lanes_, to + i * lanes_);
    return to;
  }

  const Upfirdn& args_;
  const Taps<A>& taps_;
  const Runs& runs_;
  int64_t lanes_;
  FilteredRows<A> rows_;
  std::vector<A> line_, result_;
};

template <typename T>
void run(const Upfirdn& args) {
  const Taps<Computed<T>> taps(args);
  const Runs runs(args.n, args.c, std::max(args.w, args.out_w), args.channels_last, 1);
  const int64_t rows = std::max<int64_t>(16, 4 * kTask / (args.out_w * runs.channels));
  const int64_t bands = (args.out_h + rows - 1) / rows, tasks = runs.tasks / runs.parts * bands;
  parallel(tasks, args.out_h * args.out_w * runs.channels / bands, [&](int64_t first, int64_t last) {
    Band<T> band(args, taps, runs);
    for (int64_t task = first; task < last; ++task) {
      const int64_t begin = task % bands * rows;
      band.run(runs.part(task / bands * runs.parts), begin, std::min(begin + rows, args.out_h));
    }
  });
}

}  // namespace

void upfirdn(const Upfirdn& args, Stream) {
  with_type(args.type, [&](auto type) { run<decltype(type)>(args); });
}

}  // namespace nada::cpu
