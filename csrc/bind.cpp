// Names, schemas and devices of the operators, through torch's stable ABI: one build serves torch 2.10 and later.
#include "calls_layer.h"
#include "calls_pointwise.h"

namespace nada {
namespace {

// A test builds the kernels of the GPU for the CPU and gives them this other name.
#if defined(NADA_EMULATED)
#define NADA_NAMESPACE nada_emulated
#else
#define NADA_NAMESPACE nada
#endif

using torch::stable::detail::StableLibrary;

void define(StableLibrary& library) {
  library.def("bias_act(Tensor x, Tensor? bias, int dim, int act, float alpha, float gain, float clamp) -> Tensor");
  library.def(
      "bias_act_backward(Tensor dy, Tensor reference, Tensor? bias, int dim, int act, float alpha, float gain, "
      "float clamp) -> (Tensor dx, Tensor dbias)");
  library.def(
      "upfirdn2d(Tensor x, Tensor filter, int up, int down, int left, int right, int top, int bottom, bool flip, "
      "float gain) -> Tensor");
  library.def(
      "epilogue(Tensor x, Tensor? factors, Tensor? noise, Tensor? strength, Tensor? bias, float alpha, float gain, "
      "float clamp) -> Tensor");
  library.def(
      "epilogue_backward(Tensor dy, Tensor y, Tensor? factors, Tensor? noise, float alpha, float gain, float clamp) "
      "-> (Tensor dx, Tensor sums)");
  library.def(
      "fir_epilogue(Tensor x, Tensor taps, int left, int right, int top, int bottom, bool flip, float fir_gain, "
      "Tensor? factors, Tensor? noise, Tensor? strength, Tensor? bias, float alpha, float gain, float clamp) -> Tensor");
  library.def(
      "fir_epilogue_backward(Tensor dy, Tensor y, Tensor taps, int in_h, int in_w, int left, int top, bool flip, "
      "float fir_gain, Tensor? factors, Tensor? noise, float alpha, float gain, float clamp) -> (Tensor dx, Tensor sums)");
  library.def("torgb(Tensor x, Tensor weight, Tensor? bias, Tensor? skip, Tensor taps, float clamp) -> Tensor");
  library.def(
      "torgb_backward(Tensor dimage, Tensor x, Tensor weight, Tensor? bias, float clamp) "
      "-> (Tensor dx, Tensor dweight, Tensor dbias)");
}

template <const Bodies& bodies>
void implement(StableLibrary& library) {
  library.impl("bias_act", TORCH_BOX((&calls::bias_act<bodies>)));
  library.impl("bias_act_backward", TORCH_BOX((&calls::bias_act_backward<bodies>)));
  library.impl("upfirdn2d", TORCH_BOX((&calls::upfirdn2d<bodies>)));
  library.impl("epilogue", TORCH_BOX((&calls::epilogue<bodies>)));
  library.impl("epilogue_backward", TORCH_BOX((&calls::epilogue_backward<bodies>)));
  library.impl("fir_epilogue", TORCH_BOX((&calls::fir_epilogue<bodies>)));
  library.impl("fir_epilogue_backward", TORCH_BOX((&calls::fir_epilogue_backward<bodies>)));
  library.impl("torgb", TORCH_BOX((&calls::torgb<bodies>)));
  library.impl("torgb_backward", TORCH_BOX((&calls::torgb_backward<bodies>)));
}

}  // namespace
}  // namespace nada

STABLE_TORCH_LIBRARY(NADA_NAMESPACE, library) { nada::define(library); }

#if defined(NADA_EMULATED)
STABLE_TORCH_LIBRARY_IMPL(NADA_NAMESPACE, CPU, library) { nada::implement<nada::cuda_bodies>(library); }
#else
STABLE_TORCH_LIBRARY_IMPL(NADA_NAMESPACE, CPU, library) { nada::implement<nada::cpu_bodies>(library); }
#if defined(NADA_CUDA)
STABLE_TORCH_LIBRARY_IMPL(NADA_NAMESPACE, CUDA, library) { nada::implement<nada::cuda_bodies>(library); }
#endif
#endif
