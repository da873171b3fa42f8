// Its backward: the epilogue's gradient, the three sums and the transposed filter in one pass.
#include "fir_kernel.cuh"
#include "functions.h"

namespace nada::cuda {

void fir_epilogue_backward(const Epilogue& args, Stream stream) {
  constexpr const char* op = "fir_epilogue_backward";
  with_type(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using A = Compute<T>;
    const FirArgs<T> fir = fir_args<T>(args, true);
    run_fir<T, true>(op, fir, args.channels_last, stream);
    const int64_t columns = args.n * args.c, rows = int64_t(fir.strips) * fir.slabs;
    add_rows(op, Rows<A>{fir.parts, static_cast<A*>(args.sums), rows, columns, columns, 3}, stream);
  });
}

int64_t fir_epilogue_scratch(const Epilogue& args) {
  int64_t size = 0;
  with_type(args.type, [&](auto tag) {
    const auto fir = fir_args<typename decltype(tag)::type>(args, true);
    size = 3 * args.n * args.c * fir.strips * fir.slabs;
  });
  return size;
}

}  // namespace nada::cuda
