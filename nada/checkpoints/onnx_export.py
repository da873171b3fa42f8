"""A generator as one ONNX graph, for onnxruntime and everything else that runs such files.

The graph is traced by `torch.onnx.export(dynamo=True)` from torch's own operators. The older exporter is on its way
out of torch, and it loses the shapes behind a transposed convolution, so that it cannot export this network with
a batch of any size. Styles multiply the feature maps before and after a convolution whose weight all samples share,
which is what lets the batch be any size.
"""

from __future__ import annotations

import importlib.util
import json
import math
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from nada import __version__, ops
from nada.checkpoints.native import hash_generator
from nada.errors import NadaError, UsageError
from nada.models import Generator

OPSET = 18  # what torch's exporter writes without converting; onnxruntime reads it since 1.14
STARTS = ("z", "w")
_NEEDED = ("onnx", "onnxscript", "onnxruntime")
_TRACED = 2  # how many samples are traced; one would be taken for a size that never changes


class _FromStyles(nn.Module):
    """Styles to pictures, with the stored noise."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, w: Tensor) -> Tensor:
        return self.generator.synthesize(w, "const")


class _FromLatents(nn.Module):
    """Latents, truncation and a condition to pictures, with the stored noise."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, z: Tensor, truncation: Tensor, condition: Tensor | None = None) -> Tensor:
        generator = self.generator
        if condition is not None and not condition.is_floating_point():
            # Looked up first, so that a class that does not exist is an error of the runtime and not a wrong picture.
            numbers = torch.arange(generator.config.num_classes)
            condition = (numbers[condition].unsqueeze(1) == numbers).float()
        w = generator.mapping(z, condition)
        w = w - (w - generator.mapping.w_avg) * (1.0 - truncation)  # exactly w where truncation is 1
        return generator.synthesize(w.unsqueeze(1).expand(-1, generator.num_ws, -1), "const")


def require_packages() -> None:
    """Raise NadaError where a package is missing that writing or checking ONNX needs."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise NadaError(
            f"An .onnx file needs {' and '.join(missing)}, which this installation lacks: pip install {' '.join(missing)}."
        )


def example_inputs(generator: Generator, start: str = "z", count: int = _TRACED) -> dict[str, Tensor]:
    """Return inputs of the graph for `count` samples by their names, in their order; always the same.

    Raises UsageError for a `start` other than "z" and "w".
    """
    if start not in STARTS:
        raise UsageError(f"An ONNX graph starts from {' or '.join(STARTS)}, not from {start!r}.")
    config, rng = generator.config, torch.Generator().manual_seed(0)
    if start == "w":
        return {"w": torch.randn(count, generator.num_ws, config.w_dim, generator=rng)}
    z = torch.randn(count, config.z_dim, generator=rng)
    inputs = {"z": z, "truncation": torch.tensor(1.0)}
    if config.text_dim:
        inputs["condition"] = nn.functional.normalize(torch.randn(count, config.text_dim, generator=rng))
    elif config.num_classes:
        inputs["class"] = generator.labels_of(range(count))
    return inputs


def onnx_bytes(generator: Generator, start: str = "z") -> bytes:
    """Return the file: `z` (or `w`) to `images (N, image_channels, H, W)`, float32, in [-1, 1] by training but not clipped.

    Inputs are `z (N, z_dim)`, `truncation` (a number; 1 for none) and, where the generator has classes, `class (N,)`
    in int64, or, where it follows text, `condition (N, text_dim)`: the guide's embeddings at unit length. With `start`
    "w" it is `w (N, num_ws, w_dim)` alone. N is free. Noise is the stored one, so that the same inputs give the same
    pictures. What the graph is stands in its metadata, under keys that begin with `nada.`.

    Raises:
        NadaError: if packages are missing.
        UsageError: for an unknown `start`.
    """
    require_packages()
    inputs = example_inputs(generator, start)
    proto = _trace(generator, start, inputs)
    _clean(proto)
    for key, value in _metadata(generator, start).items():
        proto.metadata_props.add(key=f"nada.{key}", value=value)
    import onnx

    onnx.checker.check_model(proto)
    return proto.SerializeToString(deterministic=True)


def _trace(generator: Generator, start: str, inputs: dict[str, Tensor]) -> Any:
    module = (_FromLatents if start == "z" else _FromStyles)(generator).eval()
    batch = torch.export.Dim("batch")
    shapes = tuple({0: batch} if value.ndim else None for value in inputs.values())
    with warnings.catch_warnings(), ops.bodies("reference"), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter is full of torch's remarks on itself
        from onnxscript import optimizer

        program = torch.onnx.export(
            module,
            tuple(inputs.values()),
            dynamo=True,
            input_names=list(inputs),
            output_names=["images"],
            dynamic_shapes=shapes,
            opset_version=OPSET,
            verbose=False,
            optimize=False,
        )
        # Whatever follows from the weights alone is computed now: other runtimes want constant kernels, and the
        # sums of squares that demodulation reads are a ninth of the weights.
        everything = 1 << 40
        optimizer.optimize(program.model, input_size_limit=everything, output_size_limit=everything)
        return program.model_proto


def _clean(proto: Any) -> None:
    """Take out the names and source lines of the machine that traced, which outweigh a small generator."""
    for item in (proto, proto.graph):
        del item.metadata_props[:]
    for item in _items(proto.graph):
        del item.metadata_props[:]
        item.doc_string = ""
    proto.producer_name, proto.producer_version = "nada", __version__


def _items(graph: Any) -> Iterator[Any]:
    for part in (graph.node, graph.initializer, graph.input, graph.output, graph.value_info):
        yield from part


def _metadata(generator: Generator, start: str) -> dict[str, str]:
    config = generator.config
    return {
        "weights_sha256": hash_generator(generator),
        "opset": str(OPSET),
        "torch": torch.__version__,
        "input": start,
        "noise": "const",
        "range": "[-1, 1], not clipped",
        "config": json.dumps(config.to_dict()),
    }


@torch.no_grad()
def largest_difference(data: bytes, generator: Generator, start: str = "z") -> float:
    """Run a file of `onnx_bytes` in onnxruntime on the CPU, and return how far its pictures are from torch's.

    The number is relative to the largest value of the pictures. Batches of one and of three (of two, where pictures
    are large) are tried, without and with truncation.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone
    options.enable_cpu_mem_arena = False  # which would keep gigabytes for a second run
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    worst = 0.0
    for count, truncation in ((1, 1.0), (2 if generator.config.resolution > 256 else 3, 0.5)):
        inputs = example_inputs(generator, start, count)
        if "truncation" in inputs:
            inputs["truncation"] = torch.tensor(truncation)
        (found,) = session.run(None, {name: value.numpy() for name, value in inputs.items()})
        expected = _pictures(generator, inputs)
        gap = (torch.from_numpy(found) - expected).abs().max() / expected.abs().max().clamp(min=1.0)
        worst = max(worst, float(gap)) if math.isfinite(gap) else math.inf
    return worst


def _pictures(generator: Generator, inputs: dict[str, Tensor]) -> Tensor:
    with ops.bodies("reference"):
        if "w" in inputs:
            return generator.synthesize(inputs["w"], "const")
        labels = inputs.get("class", inputs.get("condition"))
        return generator(inputs["z"], labels, float(inputs["truncation"]), "const")
