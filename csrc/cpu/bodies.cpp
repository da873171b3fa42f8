#include "functions.h"

namespace nada {

const Bodies cpu_bodies = {
    cpu::bias_act, cpu::bias_act_backward, cpu::bias_act_scratch,
    cpu::epilogue, cpu::epilogue_backward, cpu::epilogue_scratch,
    cpu::torgb,    cpu::torgb_backward,    cpu::torgb_scratch,
    cpu::upfirdn,
};

}  // namespace nada
