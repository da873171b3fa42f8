"""The benches of `experiments/bench`: the twin that timings are compared with is an equal, and the scripts run."""

from __future__ import annotations

import json
from pathlib import Path

import evaluating
import importing
import memory
import numpy as np
import ops as bench_ops
import pytest
import report
import step
import torch
import training
from fake_encoder import FakeEncoder
from fakes import tiny_generator
from op_cases import LAYOUTS, OPERATORS, Case, Place
from plain import PlainGenerator, PlainStep

from nada import ops
from nada.adaptation import Adaptation, Settings
from nada.adaptation.draw import Sampler
from nada.clip import Guide
from nada.clip.prompts import text_direction
from nada.errors import UsageError
from nada.evaluation.computing import METRICS
from nada.images import save_png

PROMPTS = ("photo", "sketch")


def largest(tensor: torch.Tensor) -> float:
    return float(tensor.abs().max())


def test_the_plain_twin_makes_the_same_pictures() -> None:
    """Catches a twin that is compared although it does something else: a flipped filter, a style one layer off."""
    generator = tiny_generator(32)
    twin = PlainGenerator.like(generator)
    z, noise = torch.randn(3, 8), generator.make_noise(3)
    with torch.no_grad(), ops.bodies("reference"):
        ours, plain = generator(z, noise=noise), twin(z, noise)
        assert largest(ours - plain) < 1e-4 * largest(ours)
        assert largest(ours - twin(z)) > 1e-2 * largest(ours), "without noise given, the twin draws it"


def test_the_plain_twin_refuses_what_it_cannot_do() -> None:
    with pytest.raises(UsageError, match="classes"):
        PlainGenerator.like(tiny_generator(16, classes=2))


def test_the_plain_step_has_the_gradients_of_ours() -> None:
    """Catches a plain step that is slower because it computes more, or faster because it leaves something out."""
    generator, encoder = tiny_generator(32), FakeEncoder()
    guide = Guide([encoder], *PROMPTS)
    settings = Settings(layers="late:2", batch=3, lr=0.01, noise="independent", precision="fp32", seed=3)
    with ops.bodies("reference"):
        adaptation = Adaptation(generator, guide, settings)
        draw = Sampler(generator, guide, settings, torch.Generator().manual_seed(3)).draw()
        ours = adaptation.advance().loss
    direction = text_direction(encoder.encode_text, *PROMPTS, encoder.templates)
    names = adaptation.selection.names
    plain = PlainStep(PlainGenerator.like(generator), names, encoder.encode_image, direction, lr=0.01)
    assert plain.advance(draw.latents[0], draw.noises) == pytest.approx(ours, abs=1e-5)
    assert [name for name, p in plain.trainable.named_parameters() if p.grad is not None] == list(names)
    for name, parameter in plain.moving.items():
        expected = adaptation.moving[name].grad
        assert largest(expected) > 0 and largest(parameter.grad - expected) < 1e-3 * largest(expected), name


@pytest.mark.parametrize(
    ("name", "dtype", "forward", "backward"),
    [
        # x and y 2*8*4*4 numbers of 4 bytes, bias 8; back: dy, y, dx, dbias.
        ("bias_act", torch.float32, 2 * 1024 + 32, 3 * 1024 + 32),
        # x (2, 8, 5, 5) 800, taps 16, factors 64, noise 128, strength 4, bias 32, y 512; back: dy 512, dx 800, three sums
        # 64 + 4 + 32, and read again y 512, taps 16, factors 64, noise 128.
        ("filtered_epilogue", torch.bfloat16, 1556, 2132),
    ],
)
def test_bytes_that_an_operator_must_move(name: str, dtype: torch.dtype, forward: int, backward: int) -> None:
    place = Place(2, 8, 4, dtype, LAYOUTS["channels_last"], "cpu")
    case = Case(name, "b4", str(dtype), "channels_last", "cpu", OPERATORS[name](place))
    assert (case.bytes_moved("forward"), case.bytes_moved("backward")) == (forward, backward)


@pytest.mark.usefixtures("compiled_operators")
def test_operators_are_timed_beside_their_twins(tmp_path: Path) -> None:
    """Catches a ratio upside down, and a row that counts other bytes than it divides."""
    words = [
        "--quick",
        "--sizes",
        "b4",
        "--dtype",
        "float32",
        "--layouts",
        "nchw",
        "--allocator",
        "default",
        "--passes",
        "3",
    ]
    bench_ops.main([*words, "--json", str(tmp_path / "ops.json")])
    result = json.loads((tmp_path / "ops.json").read_text())
    assert {row["op"] for row in result["rows"]} == {*("bias_act", "styled_epilogue", "to_rgb", "upfirdn2d_down")}
    assert len(result["rows"]) == 8
    for row in result["rows"]:
        assert row["gb_per_s"] == pytest.approx(row["bytes"] / row["ours"] / 1e9, abs=1e-3)
        assert row["twin_over_ours"] == pytest.approx(row["twin"] / row["ours"], abs=1e-3)
        assert [sorted(row["passes"][name])[1] for name in ("ours", "twin")] == [row["ours"], row["twin"]]


def test_step_and_memory_run_and_their_tables_are_written(tmp_path: Path) -> None:
    """Catches variants that time the wrong thing: another precision, other kernels, another allocator."""
    shared = ["--quick", "--steps", "1", "--threads", "1", "--json"]
    words = ["--rounds", "1", "--warmup", "1", "--variants", "reference,plain"]
    step.main([*shared, str(tmp_path / "step.json"), *words])
    memory.main([*shared, str(tmp_path / "memory.json"), "--checkpointing", "on"])
    training.main([*shared, str(tmp_path / "training.json"), *words, "--batch", "4"])
    results = {name: json.loads((tmp_path / f"{name}.json").read_text()) for name in ("step", "memory", "training")}
    rows = {(row["part"], row["variant"]): row for row in results["step"]["rows"]}
    assert set(rows) == {(part, variant) for part in ("step", "generator") for variant in ("reference", "plain")}
    assert all(row["kernels"] == "torch kernels" and row["precision"] == "fp32" for row in rows.values())
    assert rows["step", "plain"]["allocator"] == "default" and rows["step", "plain"]["times_faster_than_plain"] == 1
    one, other = results["training"]["rows"]
    assert (one["variant"], other["variant"]) == ("reference", "plain") and one["part"] == "training"
    assert (one["allocator"], other["allocator"]) == (rows["step", "reference"]["allocator"], "default")
    (row,) = results["memory"]["rows"]
    assert row["checkpointing"] == "on" and row["peak"] > 1e8 and row["variant"] == "fast"
    text = report.insert(
        f"a\n{report.BEGIN}\nold\n{report.END}\nb\n", [report.section(name, value) for name, value in results.items()]
    )
    assert "old" not in text and text.endswith(f"{report.END}\nb\n") and text.count("| 32 px") == 4


def test_every_metric_is_measured_and_its_table_is_written(tmp_path: Path) -> None:
    """Fails where the command has a metric of features that the script has not, or calls it otherwise."""
    known = {part for name in evaluating.ESTIMATES for part in name.split(", ")}
    assert set(METRICS) - known == {"fid", "kid", "lpips", "intra-lpips", "lpips-change"}  # names of others; of pictures
    assert all(evaluating.compute(name, 1001, 3) is None for name in evaluating.ESTIMATES)
    result = evaluating.main(
        ["--pictures", "30", "--width", "4", "--metrics", "sliced;kept", "--json", str(tmp_path / "m.json")]
    )
    assert [row["finished"] for row in result["rows"]] == [True, True] and result["rows"][0]["peak_gb"] > 0.02
    assert evaluating.measure("infinity", 20_000, 64, 0.0)["finished"] is False
    table = "\n".join(report.metrics_table(result))
    assert "30 pictures" in table and "| `sliced` |" in table


def test_an_import_is_measured(tmp_path: Path) -> None:
    """Catches a memory in other units and a count of something else than pictures."""
    for number in range(3):
        save_png(tmp_path / "pictures" / f"{number}.png", np.full((8, 8, 3), number, np.uint8))
    importing.main([f"{tmp_path / 'pictures'}:4", "--json", str(tmp_path / "importing.json")])
    result = json.loads((tmp_path / "importing.json").read_text())
    (row,) = result["rows"]
    assert row["pictures"] == 3 and 0.05 < row["peak_gb"] < 4 and row["seconds"] >= row["cpu_seconds"] / 8 > 0
    assert "| `pictures`, 4 px | 3 |" in report.section("importing.json", result)
