// The functions of the table, each beside its kernels.
#pragma once

#include "../bodies.h"

namespace nada::cuda {

void bias_act(const BiasAct& args, Stream stream);
void bias_act_backward(const BiasAct& args, Stream stream);
int64_t bias_act_scratch(const BiasAct& args);
void epilogue(const Epilogue& args, Stream stream);
void epilogue_backward(const Epilogue& args, Stream stream);
int64_t epilogue_scratch(const Epilogue& args);
void fir_epilogue(const char* op, const Epilogue& args, Stream stream);  // also for a filter alone
void fir_epilogue_backward(const Epilogue& args, Stream stream);
int64_t fir_epilogue_scratch(const Epilogue& args);
void torgb(const ToRgb& args, Stream stream);
void torgb_masked_gradient(const ToRgb& args, void* masked, Stream stream);
void torgb_backward(const ToRgb& args, Stream stream);
int64_t torgb_scratch(const ToRgb& args);
void upfirdn(const Upfirdn& args, Stream stream);

}  // namespace nada::cuda
