"""Operators of StyleGAN2 as plain functions of tensors: resampling, biased activations, modulated convolution.

Each has a compiled body, for CPU and CUDA, and a twin of torch's own operators, `*_reference`. `NADA_OPS` and
`bodies` choose between them; `describe` says which one is at work.
"""

from nada.ops._activations import bias_act as bias_act
from nada.ops._activations import bias_act_reference as bias_act_reference
from nada.ops._epilogue import filtered_epilogue as filtered_epilogue
from nada.ops._epilogue import filtered_epilogue_reference as filtered_epilogue_reference
from nada.ops._epilogue import styled_epilogue as styled_epilogue
from nada.ops._epilogue import styled_epilogue_reference as styled_epilogue_reference
from nada.ops._library import bodies as bodies
from nada.ops._library import describe as describe
from nada.ops._modulation import PreparedWeight as PreparedWeight
from nada.ops._modulation import modulated_conv2d as modulated_conv2d
from nada.ops._modulation import modulated_conv2d_reference as modulated_conv2d_reference
from nada.ops._modulation import prepare_weight as prepare_weight
from nada.ops._modulation import styled_conv2d as styled_conv2d
from nada.ops._modulation import styled_conv2d_reference as styled_conv2d_reference
from nada.ops._picture import to_rgb as to_rgb
from nada.ops._picture import to_rgb_reference as to_rgb_reference
from nada.ops._resampling import Padding as Padding
from nada.ops._resampling import downsample2d as downsample2d
from nada.ops._resampling import setup_filter as setup_filter
from nada.ops._resampling import upfirdn2d as upfirdn2d
from nada.ops._resampling import upfirdn2d_reference as upfirdn2d_reference
from nada.ops._resampling import upsample2d as upsample2d
