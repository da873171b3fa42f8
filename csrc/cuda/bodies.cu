// The table of the CUDA bodies.
#include "functions.h"

namespace nada {

const Bodies cuda_bodies{
    cuda::bias_act, cuda::bias_act_backward, cuda::bias_act_scratch, cuda::epilogue,         cuda::epilogue_backward,
    cuda::epilogue_scratch, cuda::torgb,     cuda::torgb_backward,   cuda::torgb_scratch,    cuda::upfirdn,
    cuda::modulate,         cuda::modulate_backward, cuda::modulate_scratch,
};

}  // namespace nada
