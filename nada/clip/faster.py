"""Two layers of vision transformers in a form that costs less and computes the same.

torch's attention module hands a transposed view to its first product when batches come first, and a CPU then multiplies
picture by picture; and the gradient of a convolution whose windows do not overlap is far slower than that of the one
matrix product that such a convolution is. Together they are a quarter of the time of a ViT-B/32 with gradients on a CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def use_faster_layers(model: nn.Module) -> None:
    """Let the attention and patch layers inside `model` compute in the faster form; parameters and names stay."""
    for module in model.modules():
        if _is_plain_attention(module):
            module.forward = partial(_attend, module, module.forward)
        elif _is_patch_embedding(module):
            module.forward = partial(_embed, module, module.forward)


def _is_plain_attention(module: nn.Module) -> bool:
    return (
        type(module) is nn.MultiheadAttention
        and module.batch_first
        and module.in_proj_weight is not None
        and module.bias_k is None
        and not module.add_zero_attn
        and module.dropout == 0.0
    )


def _is_patch_embedding(module: nn.Module) -> bool:
    return (
        type(module) is nn.Conv2d
        and module.kernel_size == module.stride
        and module.kernel_size[0] > 1
        and module.padding == (0, 0)
        and module.dilation == (1, 1)
        and module.groups == 1
    )


def _attend(
    module: nn.MultiheadAttention,
    original: Callable[..., Any],
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Self-attention of `query (N, L, D)` without weights in the result; anything else is left to torch."""
    unusual = query is not key or key is not value or query.ndim != 3 or key_padding_mask is not None
    if unusual or need_weights or is_causal or (attn_mask is not None and attn_mask.ndim != 2):
        return original(query, key, value, key_padding_mask, need_weights, attn_mask, average_attn_weights, is_causal)
    count, length, width = query.shape
    projected = F.linear(query, module.in_proj_weight, module.in_proj_bias)
    heads = projected.view(count, length, 3, module.num_heads, width // module.num_heads).permute(2, 0, 3, 1, 4)
    mask = attn_mask if attn_mask is None or attn_mask.dtype != torch.bool else ~attn_mask  # True excludes there
    attended = F.scaled_dot_product_attention(*heads.unbind(0), mask)
    return module.out_proj(attended.transpose(1, 2).reshape(count, length, width)), None


def _embed(module: nn.Conv2d, original: Callable[..., Any], x: Tensor) -> Tensor:
    """Non-overlapping windows of `x (N, C, H, W)` as rows of one matrix; sizes that leave a rest are left to torch."""
    (rows, columns), (count, channels, height, width) = module.kernel_size, x.shape
    if height % rows or width % columns:
        return original(x)
    down, across = height // rows, width // columns
    windows = x.reshape(count, channels, down, rows, across, columns).permute(0, 2, 4, 1, 3, 5)
    result = F.linear(windows.reshape(count, down * across, -1), module.weight.flatten(1), module.bias)
    return result.transpose(1, 2).reshape(count, -1, down, across)
