// What the files here define: the functions of the table, and those that the epilogue's share out filters to.
#pragma once

#include "../bodies.h"

namespace nada::cpu {

void bias_act(const BiasAct&, Stream);
void bias_act_backward(const BiasAct&, Stream);
int64_t bias_act_scratch(const BiasAct&);
void epilogue(const Epilogue&, Stream);
void epilogue_backward(const Epilogue&, Stream);
int64_t epilogue_scratch(const Epilogue&);
void fir_epilogue(const Epilogue&);
void fir_epilogue_backward(const Epilogue&);
int64_t fir_epilogue_scratch(const Epilogue&);
void fir_planes(const Epilogue&);
void fir_planes_backward(const Epilogue&);
int64_t fir_planes_scratch(const Epilogue&);
void torgb(const ToRgb&, Stream);
void torgb_backward(const ToRgb&, Stream);
int64_t torgb_scratch(const ToRgb&);
void upfirdn(const Upfirdn&, Stream);

}  // namespace nada::cpu
