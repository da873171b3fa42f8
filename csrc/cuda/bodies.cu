// The table of the CUDA bodies, and how they fail.
#include <stdexcept>
#include <string>

#include "functions.h"
#include "launch.cuh"

namespace nada {

void cuda::fail(const char* op, const char* why) {
  throw std::runtime_error(std::string("nada::") + op + " could not start its kernel: " + why + ".");
}

const Bodies cuda_bodies{
    cuda::bias_act, cuda::bias_act_backward, cuda::bias_act_scratch, cuda::epilogue,         cuda::epilogue_backward,
    cuda::epilogue_scratch, cuda::torgb,     cuda::torgb_backward,   cuda::torgb_scratch,    cuda::upfirdn,
};

}  // namespace nada
