"""Operators of StyleGAN2 as plain functions of tensors: resampling, biased activations, modulated convolution."""

from nada.ops._activations import bias_act as bias_act
from nada.ops._modulation import modulated_conv2d as modulated_conv2d
from nada.ops._resampling import Padding as Padding
from nada.ops._resampling import downsample2d as downsample2d
from nada.ops._resampling import setup_filter as setup_filter
from nada.ops._resampling import upfirdn2d as upfirdn2d
from nada.ops._resampling import upsample2d as upsample2d
