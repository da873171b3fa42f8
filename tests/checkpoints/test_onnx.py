"""A generator as an ONNX graph: the published pictures, from a standard graph, in onnxruntime."""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoint_makers import random_generator

from nada.checkpoints import hash_generator, load_generator
from nada.checkpoints.converting import TOLERANCE
from nada.checkpoints.onnx_export import OPSET, largest_difference, onnx_bytes, require_packages
from nada.errors import NadaError, UsageError
from nada.models import Generator

GOLDEN = Path(__file__).parents[1] / "golden"
TINY = {"resolution": 8, "channels": (6, 4), "z_dim": 5, "w_dim": 6, "mapping_layers": 2}


@pytest.fixture
def packages() -> None:
    """Skip by name where the extra is not installed."""
    try:
        require_packages()
    except NadaError as error:
        pytest.skip(str(error))


@cache
def demo() -> tuple[Generator, bytes]:
    """The bundled generator, which has classes, and its graph; tracing takes seconds."""
    generator = load_generator("demo")
    return generator, onnx_bytes(generator)


def run(data: bytes, **inputs: np.ndarray) -> np.ndarray:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return session.run(["images"], inputs)[0]


def number(value: float) -> np.ndarray:
    return np.array(value, np.float32)


def assert_close(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.shape == expected.shape and found.dtype == np.float32
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_pictures_are_those_of_the_published_code(packages: None) -> None:
    data = onnx_bytes(load_generator(GOLDEN / "stylegan2-ada-32.pkl"))
    with np.load(GOLDEN / "stylegan2-ada-32.npz") as values:
        z = values["z"].astype(np.float32)
        assert_close(run(data, z=z, truncation=number(1)), values["img_const"])
        assert_close(run(data, z=z, truncation=number(0.7)), values["img_psi07_const"])


def test_the_batch_is_free_and_a_sample_depends_on_itself_alone(packages: None) -> None:
    generator, data = demo()
    z, classes = torch.randn(5, generator.config.z_dim).numpy(), np.array([3, 0, 2, 2, 1])
    together = run(data, z=z, truncation=number(0.5), **{"class": classes})
    alone = run(data, z=z[2:3], truncation=number(0.5), **{"class": classes[2:3]})
    assert together.shape == (5, 3, 64, 64)
    assert_close(alone, together[2:3])
    assert np.abs(together[2] - together[3]).max() > 0.1


def test_the_demo_is_drawn_as_torch_draws_it(packages: None) -> None:
    generator, data = demo()
    assert largest_difference(data, generator) < TOLERANCE
    other = load_generator("demo")
    other.b64.torgb.bias[0] += 0.1
    assert largest_difference(data, other) > 10 * TOLERANCE  # or a graph of other weights would pass unseen


@pytest.mark.parametrize("wrong", [4, -100])
def test_a_class_that_does_not_exist_is_an_error_and_not_a_picture(packages: None, wrong: int) -> None:
    generator, data = demo()
    with pytest.raises(Exception, match="invalid index"):
        z = np.zeros((1, generator.config.z_dim), np.float32)
        run(data, z=z, truncation=number(1), **{"class": np.array([wrong])})


def test_the_graph_is_standard_small_and_of_no_machine(packages: None) -> None:
    import onnx

    generator, data = demo()
    model = onnx.load_from_string(data)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", OPSET)]
    assert not model.functions and {node.domain for node in model.graph.node} == {""}
    weights = 4 * sum(value.numel() for value in generator.state_dict().values())
    assert len(data) < 1.12 * weights + 100_000  # the sums of squares of a weight are a ninth of it
    constant = {entry.name for entry in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type in ("Conv", "ConvTranspose"):  # many runtimes take no kernel that is computed
            assert node.input[1] in constant, node.name
    for path in {str(Path(torch.__file__).parent), str(Path(__file__).parents[2])}:
        assert path.encode() not in data


def test_the_file_says_what_it_is(packages: None) -> None:
    import onnx

    generator, data = demo()
    model = onnx.load_from_string(data)
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert said["nada.weights_sha256"] == hash_generator(generator) and said["nada.opset"] == str(OPSET)
    assert json.loads(said["nada.config"]) == generator.config.to_dict()
    shapes = {
        value.name: [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {"z": ["batch", 128], "truncation": [], "class": ["batch"], "images": ["batch", 3, 64, 64]}
    assert model.producer_name == "nada"


def test_text_and_clamps_go_along(packages: None) -> None:
    generator = random_generator(**TINY, conv_clamp=1.0, text_dim=3, mapping_lr_multiplier=1.0)
    data = onnx_bytes(generator)
    z, rows = torch.randn(4, 5), torch.nn.functional.normalize(torch.randn(4, 3))
    inputs = {"z": z.numpy(), "condition": rows.numpy()}
    for truncation in (0.3, 1.0):
        with torch.no_grad():
            expected = generator(z, rows, truncation)
        assert_close(run(data, **inputs, truncation=number(truncation)), expected.numpy())
    turned = {**inputs, "condition": rows.flip(0).numpy()}
    assert np.abs(run(data, **turned, truncation=number(1)) - expected.numpy()).max() > 1e-2


def test_a_missing_package_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(NadaError, match="onnxscript.*: pip install onnxscript"):
        onnx_bytes(random_generator(**TINY))


def test_only_latents_and_styles_can_begin(packages: None) -> None:
    with pytest.raises(UsageError, match="z or w"):
        onnx_bytes(random_generator(**TINY), "x")
