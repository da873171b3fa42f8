// The epilogue of an up layer, in the same pass as the filter before it.
#include "fir_kernel.cuh"
#include "functions.h"

namespace nada::cuda {

void fir_epilogue(const char* op, const Epilogue& args, Stream stream) {
  with_type(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    run_fir<T, false>(op, fir_args<T>(args, false), args.channels_last, stream);
  });
}

}  // namespace nada::cuda
