"""`nada convert`: to our folder, to the layout of the official StyleGAN-NADA, and to ONNX."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoint_makers import random_discriminator, random_generator, rosinality_discriminator, rosinality_state, torch_file
from click.testing import CliRunner, Result

from nada.checkpoints import (
    hash_generator,
    load_discriminator,
    load_generator,
    save_adaptation,
    save_discriminator,
    save_generator,
)
from nada.checkpoints.converting import TOLERANCE
from nada.checkpoints.onnx_export import require_packages
from nada.checkpoints.records import read_record
from nada.cli.convert import command
from nada.errors import NadaError, UsageError
from nada.runs import save_tensors

GOLDEN = Path(__file__).parents[1] / "golden"
TINY = {"resolution": 8, "channels": (6, 4), "z_dim": 5, "w_dim": 5, "mapping_layers": 2}


def run(*args: object) -> Result:
    return CliRunner().invoke(command, [str(arg) for arg in args])


def done(*args: object) -> Result:
    result = run(*args)
    assert result.exit_code == 0, result.exception
    return result


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["stylegan2-ada-64-cond.pkl", "stylegan2-rosinality-64.pt", "stylegan2-sg3-32.pkl"])
def test_to_a_folder_and_nothing_is_lost(tmp_path: Path, name: str) -> None:
    result = done(GOLDEN / name, tmp_path / "out")
    source, copy = load_generator(GOLDEN / name), load_generator(tmp_path / "out")
    assert copy.config == source.config and hash_generator(copy) == hash_generator(source)
    assert torch.equal(copy.mapping.w_avg, source.mapping.w_avg)
    metadata = json.loads((tmp_path / "out" / "config.json").read_text())["metadata"]
    assert metadata["converted_from"] == name and metadata["weights_sha256"] == hash_generator(source)
    size = sum(map(len, bytes_below(tmp_path / "out").values()))
    last = result.stdout.splitlines()[-1]
    assert f"{source.config.resolution} px" in last and f"{size / 1e6:.1f} MB" in last
    assert last.endswith(hash_generator(source))
    with np.load((GOLDEN / name).with_suffix(".npz")) as file:
        values = dict(file)
    labels = torch.from_numpy(values["c"]) if source.config.num_classes else None
    pictures = copy(torch.from_numpy(values["z"]), labels)
    assert np.abs(pictures.numpy() - values["img_const"]).max() < 1e-4 * np.abs(values["img_const"]).max()


def test_through_a_pt_and_back_every_bit_is_the_same(tmp_path: Path) -> None:
    result = done(GOLDEN / "stylegan2-ada-32.pkl", tmp_path / "first")
    done(tmp_path / "first", tmp_path / "out.pt")
    done(tmp_path / "out.pt", tmp_path / "second")
    before, after = bytes_below(tmp_path / "first"), bytes_below(tmp_path / "second")
    assert set(before) == set(after) and "discriminator.safetensors" in before
    assert [name for name in before if before[name] != after[name]] == ["config.json"]  # which says what it came from
    assert "with its discriminator" in result.stdout
    with np.load(GOLDEN / "stylegan2-ada-32.npz") as file:
        values = dict(file)
    logits = load_discriminator(tmp_path / "second")(torch.from_numpy(values["img_const"]))
    assert np.abs(logits.detach().numpy() - values["d_logits"]).max() < 1e-4


def test_a_training_file_of_rosinality_keeps_both_networks(tmp_path: Path) -> None:
    generator, judge = random_generator(**TINY), random_discriminator(resolution=8, channels=(6, 4))
    other = rosinality_state(random_generator(1, **TINY))
    value = {"g": other, "d": rosinality_discriminator(judge), "g_ema": rosinality_state(generator)}
    (tmp_path / "000100.pt").write_bytes(torch_file(value))
    done(tmp_path / "000100.pt", tmp_path / "out.pt")
    found = torch.load(tmp_path / "out.pt", weights_only=True)
    for entry in ("g_ema", "d"):
        assert set(found[entry]) == set(value[entry])
        assert all(torch.equal(found[entry][name], tensor) for name, tensor in value[entry].items())


def test_to_a_pt_that_gives_the_same_pictures(tmp_path: Path) -> None:
    result = done(GOLDEN / "stylegan2-ada-32.pkl", tmp_path / "out.pt")
    assert "widths" in result.stderr
    source, copy = load_generator(GOLDEN / "stylegan2-ada-32.pkl"), load_generator(tmp_path / "out.pt")
    z = torch.randn(2, 64)
    assert torch.equal(copy(z, truncation=0.5), source(z, truncation=0.5))
    state = torch.load(tmp_path / "out.pt", weights_only=True)["g_ema"]
    assert state["convs.0.conv.blur.kernel"].sum() == 4 and state["to_rgbs.2.upsample.kernel"].sum() == 4


def test_a_discriminator_that_does_not_fit_is_left_out_aloud(tmp_path: Path) -> None:
    save_generator(tmp_path / "in", random_generator(**TINY))
    save_discriminator(tmp_path / "in", random_discriminator(resolution=8, channels=(6, 4), architecture="skip"))
    result = done(tmp_path / "in", tmp_path / "out.pt")
    assert "discriminator is left out" in result.stderr and "with its discriminator" not in result.stdout
    assert "d" not in torch.load(tmp_path / "out.pt", weights_only=True)


@pytest.mark.parametrize("out", ["out", "out.pt"])
def test_a_discriminator_of_a_kind_unknown_does_not_keep_the_generator_back(tmp_path: Path, out: str) -> None:
    judge = rosinality_discriminator(random_discriminator(resolution=8, channels=(6, 4)))
    value = {"g_ema": rosinality_state(random_generator(**TINY)), "d": {**judge, "attention.weight": torch.ones(3)}}
    (tmp_path / "in.pt").write_bytes(torch_file(value))
    result = done(tmp_path / "in.pt", tmp_path / out)
    assert "note: the discriminator is left out" in result.stderr and "attention.weight" in result.stderr
    assert hash_generator(load_generator(tmp_path / out)) == hash_generator(random_generator(**TINY))
    with pytest.raises(NadaError, match="no discriminator"):
        load_discriminator(tmp_path / out)


def test_classes_do_not_fit_into_a_pt(tmp_path: Path) -> None:
    result = run(GOLDEN / "stylegan2-ada-64-cond.pkl", tmp_path / "out.pt")
    assert isinstance(result.exception, NadaError) and "10 classes" in str(result.exception)
    assert not (tmp_path / "out.pt").exists()


def test_half_the_size_and_almost_the_same_pictures(tmp_path: Path) -> None:
    made = random_generator(**TINY)
    save_generator(tmp_path / "whole", made, {"shows": "noise"})
    done(tmp_path / "whole", tmp_path / "half", "--half")
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("whole", "half")]
    assert sizes[1] < 0.75 * sizes[0]  # the rest is names
    copy, z = load_generator(tmp_path / "half"), torch.randn(2, 5)
    assert copy.b8.conv1.weight.dtype == torch.float32
    assert torch.equal(copy.b8.conv1.weight, made.b8.conv1.weight.half().float())
    torch.testing.assert_close(copy(z), made(z), rtol=0.05, atol=0.05)
    metadata = json.loads((tmp_path / "half" / "config.json").read_text())["metadata"]
    assert metadata["shows"] == "noise" and metadata["weights_sha256"] == hash_generator(copy)


def test_numbers_that_16_bits_cannot_hold_are_refused(tmp_path: Path) -> None:
    made = random_generator(**TINY)
    made.state_dict()["mapping.fc0.weight"][0, 0] = 1e6
    save_generator(tmp_path / "in", made)
    error = run(tmp_path / "in", tmp_path / "out", "--half").exception
    assert isinstance(error, NadaError) and "mapping.fc0.weight" in str(error)
    assert not (tmp_path / "out").exists()


def test_an_adapted_generator_is_written_whole(tmp_path: Path) -> None:
    base, run_folder = random_generator(**TINY), tmp_path / "run"
    save_generator(tmp_path / "base", base)
    run_folder.mkdir()
    record = {"command": "adapt", "generator": str(tmp_path / "base"), "options": {"target": "ink"}}
    (run_folder / "config.json").write_text(json.dumps(record))
    moved = {"b8.conv1.bias": torch.arange(4.0)}
    said = {"base_sha256": hash_generator(base), "layers": "auto"}
    save_adaptation(run_folder / "adaptation.safetensors", moved, said)
    save_tensors(run_folder / "last.ckpt", {"format": "nada-adaptation"})  # named as in trainings, without discriminator
    done(run_folder, tmp_path / "out")
    (tmp_path / "base" / "model.safetensors").unlink()  # it stands on its own now
    assert torch.equal(load_generator(tmp_path / "out").b8.conv1.bias, torch.arange(4.0))
    assert json.loads((tmp_path / "out" / "config.json").read_text())["metadata"]["adaptation"] == said
    assert read_record(tmp_path / "out") == record  # its evaluation still knows prompts and guides


def test_a_discriminator_that_reads_back_as_another_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_generator(tmp_path / "in", random_generator(**TINY))
    save_discriminator(tmp_path / "in", random_discriminator(0, resolution=8, channels=(6, 4)))
    other = random_discriminator(1, resolution=8, channels=(6, 4))
    monkeypatch.setattr(
        "nada.checkpoints.discriminators.save_discriminator", lambda path, _: save_discriminator(path, other)
    )
    error = run(tmp_path / "in", tmp_path / "out").exception
    assert isinstance(error, NadaError) and "does not read back" in str(error)


@pytest.mark.parametrize("out", ["out", "out.pt"])
def test_what_is_there_stays_there_without_force(tmp_path: Path, out: str) -> None:
    for seed in (0, 1):
        save_generator(tmp_path / f"in{seed}", random_generator(seed, **TINY))
    done(tmp_path / "in0", tmp_path / out)
    error = run(tmp_path / "in1", tmp_path / out).exception
    assert isinstance(error, NadaError) and "--force" in str(error)
    expected = hash_generator(load_generator(tmp_path / "in0"))
    assert hash_generator(load_generator(tmp_path / out)) == expected
    done(tmp_path / "in1", tmp_path / out, "--force")
    assert hash_generator(load_generator(tmp_path / out)) != expected


def test_force_leaves_no_discriminator_of_another_generator_behind(tmp_path: Path) -> None:
    done(GOLDEN / "stylegan2-ada-32.pkl", tmp_path / "out")
    done(GOLDEN / "stylegan2-rosinality-64.pt", tmp_path / "out", "--force")
    assert sorted(bytes_below(tmp_path / "out")) == ["config.json", "model.safetensors"]


def test_force_does_not_write_into_the_folder_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"command": "train"}')
    error = run(GOLDEN / "stylegan2-ada-32.pkl", tmp_path, "--force").exception
    assert isinstance(error, NadaError) and list(bytes_below(tmp_path)) == ["config.json"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["out.pkl"], ".pkl is not a format"),
        (["out.pt", "--half"], "--half is for folders"),
        (["out", "--onnx-input", "w"], "--onnx-input is for .onnx"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_anything_is_read(tmp_path: Path, args: list[str], words: str) -> None:
    error = run(tmp_path / "none.pkl", tmp_path / args[0], *args[1:]).exception
    assert isinstance(error, UsageError) and words in str(error)


def test_a_missing_input_is_named(tmp_path: Path) -> None:
    error = run(tmp_path / "none.pkl", tmp_path / "out").exception
    assert isinstance(error, NadaError) and error.exit_code == 1 and "none.pkl" in str(error)


def test_to_onnx_from_styles(tmp_path: Path) -> None:
    try:
        require_packages()
    except NadaError as error:
        pytest.skip(str(error))
    import onnxruntime

    made = random_generator(**TINY)
    save_generator(tmp_path / "in", made)
    result = done(tmp_path / "in", tmp_path / "out.onnx", "--onnx-input", "w")
    assert "onnxruntime gives torch's pictures" in result.stderr and hash_generator(made) in result.stdout
    session = onnxruntime.InferenceSession(tmp_path / "out.onnx", providers=["CPUExecutionProvider"])
    w = torch.randn(3, 4, 5)
    (found,) = session.run(["images"], {"w": w.numpy()})
    with torch.no_grad():
        expected = made.synthesize(w).numpy()
    assert np.abs(found - expected).max() < TOLERANCE * max(1.0, np.abs(expected).max())


def test_a_graph_that_draws_something_else_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nada.checkpoints import onnx_export

    monkeypatch.setattr(onnx_export, "require_packages", lambda: None)
    monkeypatch.setattr(onnx_export, "onnx_bytes", lambda *_: b"graph")
    monkeypatch.setattr(onnx_export, "largest_difference", lambda *_: float("nan"))
    save_generator(tmp_path / "in", random_generator(**TINY))
    error = run(tmp_path / "in", tmp_path / "out.onnx").exception
    assert isinstance(error, NadaError) and "nothing was written" in str(error)
    assert not (tmp_path / "out.onnx").exists()


def test_a_missing_extra_is_said_before_anything_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    error = run(tmp_path / "none.pkl", tmp_path / "out.onnx").exception
    assert isinstance(error, NadaError) and "pip install onnx onnxscript onnxruntime" in str(error)
