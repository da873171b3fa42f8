"""Our own folder and the small files of adaptations."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoint_makers import SMALL, nvlabs_file, nvlabs_generator, random_generator
from fakes import tiny_generator
from safetensors.torch import load_file, save_file

from nada.checkpoints import hash_generator, load_generator, read_generator, save_adaptation, save_generator
from nada.checkpoints.native import read_metadata
from nada.errors import NadaError

NAMED = {**SMALL, "num_classes": 2, "class_names": ("apple", "lemon"), "conv_clamp": 256.0}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_generator(tmp_path / "model", random_generator(**NAMED), {"shows": "fruit"})


def change(folder: Path, **values: Any) -> None:
    """Change entries of config.json; a value of None is removed."""
    content = json.loads((folder / "config.json").read_text())
    content["config"].update(values)
    (folder / "config.json").write_text(json.dumps(content))


def refusal(path: Path) -> str:
    with pytest.raises(NadaError) as info:
        load_generator(path)
    assert str(path) in str(info.value) and "\n" not in str(info.value)
    return str(info.value)


def test_a_saved_generator_comes_back_whole(folder: Path) -> None:
    made, loaded = random_generator(**NAMED), load_generator(str(folder))
    assert loaded.config == made.config and hash_generator(loaded) == hash_generator(made)
    assert all(torch.equal(value, made.state_dict()[name]) for name, value in loaded.state_dict().items())
    assert read_metadata(folder) == {"shows": "fruit"}
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]


def test_a_text_conditional_generator_comes_back_with_its_prompts(tmp_path: Path) -> None:
    """Catches captions that are lost, or taken for classes: a number would then ask for another picture."""
    made = tiny_generator(8, prompts=("a fox", "an owl"))
    made.mapping.standardise_text(made.mapping.prompt_embeddings)
    loaded = load_generator(save_generator(tmp_path / "model", made))
    assert loaded.config == made.config and loaded.config.text_guide == "fake"
    assert all(torch.equal(value, loaded.state_dict()[name]) for name, value in made.state_dict().items())
    assert (loaded.sample([1], classes=1) == made.sample([1], classes=1)).all()


def test_a_text_conditional_generator_may_know_no_prompts(tmp_path: Path) -> None:
    made = random_generator(**SMALL, text_dim=3, text_guide="demo")
    assert load_generator(save_generator(tmp_path / "model", made)).config == made.config


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"prompts": ["a fox"]}, "prompt_embeddings"),
        ({"prompts": [1, 2]}, "prompts"),
        ({"prompts": ["a fox", "a fox"]}, "listed once"),
        ({"text_guide": 3}, "text_guide"),
        ({"num_classes": 6}, "num_classes"),
        ({"text_dim": 5}, "text_dim"),
    ],
)
def test_text_conditions_that_lie_are_refused(tmp_path: Path, values: dict[str, Any], words: str) -> None:
    folder = save_generator(tmp_path / "model", tiny_generator(8, prompts=("a fox", "an owl")))
    change(folder, **values)
    assert words in refusal(folder)


def test_saving_again_replaces(folder: Path) -> None:
    second = random_generator(1, **NAMED)
    save_generator(folder, second)
    assert hash_generator(load_generator(folder)) == hash_generator(second)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model": "other"}')
    with pytest.raises(NadaError, match="choose another folder"):
        save_generator(tmp_path, random_generator(**SMALL))
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_the_weights_file_may_be_named_instead_of_its_folder(folder: Path) -> None:
    assert load_generator(folder / "model.safetensors").config.class_names == ("apple", "lemon")


def test_the_hash_sees_weights_and_noise_but_not_the_mean_style() -> None:
    generator = random_generator(**SMALL)
    first = hash_generator(generator)
    generator.mapping.w_avg += 1
    assert hash_generator(generator) == first and len(first) == 64
    for name in ("b8.conv1.noise_const", "b4.const", "mapping.fc0.bias"):
        before = hash_generator(generator)
        generator.state_dict()[name].view(-1)[0] += 1
        assert hash_generator(generator) != before, name


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"resolution": 1 << 40}, "resolution"),
        ({"channels": [4, 10**9]}, "channels"),
        ({"mapping_layers": 10**9}, "mapping_layers"),
        ({"class_names": ["apple"]}, "class names"),
        ({"class_names": 3}, "class_names"),
        ({"conv_clamp": "much"}, "conv_clamp"),
        ({"mapping_lr_multiplier": 0}, "mapping_lr_multiplier"),
    ],
)
def test_a_configuration_that_lies_is_refused_before_anything_is_built(
    folder: Path, values: dict[str, Any], words: str
) -> None:
    change(folder, **values)
    assert words in refusal(folder)


@pytest.mark.parametrize("content", ["", "[1]", '{"format": "nada-generator"}', "\x00\x01"])
def test_a_broken_configuration_is_named(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content)
    assert "config.json" in refusal(folder)


def test_a_newer_format_asks_for_an_update(folder: Path) -> None:
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**content, "version": 2}))
    assert "update nada" in refusal(folder)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 4,
        b"\xff" * 64,
        (1 << 60).to_bytes(8, "little") + b"{}",
        b"\x10" + bytes(7) + b'{"a":{"dtype":1}',
    ],
)
def test_broken_weights_are_named(folder: Path, data: bytes) -> None:
    (folder / "model.safetensors").write_bytes(data)
    assert "model.safetensors" in refusal(folder)


def test_cut_weights_are_named(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    assert "damaged" in refusal(folder)


def test_weights_that_are_not_finite_or_not_complete_are_named(folder: Path) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    tensors["b8.conv0.bias"][0] = float("nan")
    save_file(tensors, path)
    assert "NaN or infinity in b8.conv0.bias" in refusal(folder)
    del tensors["b8.conv0.bias"]
    save_file(tensors, path)
    assert "b8.conv0.bias is missing" in refusal(folder)


def test_a_full_disk_leaves_the_old_generator(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(NadaError, match="disk is full"):
        save_generator(folder, random_generator(1, **NAMED))
    assert hash_generator(load_generator(folder)) == hash_generator(random_generator(**NAMED))
    assert len(list(folder.iterdir())) == 2


def adapted_run(run: Path, base: Path, **tensors: torch.Tensor) -> Path:
    run.mkdir()
    (run / "config.json").write_text(json.dumps({"generator": str(base), "options": {}}))
    values = {name.replace("__", "."): value for name, value in tensors.items()}
    save_adaptation(run / "adaptation.safetensors", values, {"base_sha256": hash_generator(load_generator(base))})
    return run


def test_an_adaptation_is_its_base_with_some_tensors_moved(folder: Path, tmp_path: Path) -> None:
    run = adapted_run(tmp_path / "run", folder, b8__conv1__bias=torch.tensor([7.0, 8.0]))
    loaded = read_generator(run)
    base, found = load_generator(folder).state_dict(), loaded.generator.state_dict()
    assert found["b8.conv1.bias"].tolist() == [7.0, 8.0] and loaded.kind == "adaptation"
    assert all(torch.equal(value, base[name]) for name, value in found.items() if name != "b8.conv1.bias")
    assert load_generator(folder).config == loaded.generator.config


def test_an_adaptation_of_a_foreign_file_and_of_an_adaptation(folder: Path, tmp_path: Path) -> None:
    pickle = tmp_path / "base.pkl"
    pickle.write_bytes(nvlabs_file(G_ema=nvlabs_generator(random_generator(**SMALL))))
    first = adapted_run(tmp_path / "first", pickle, b4__torgb__bias=torch.zeros(3))
    second = adapted_run(tmp_path / "second", first, b8__torgb__bias=torch.ones(3))
    loaded = load_generator(second)
    assert loaded.b4.torgb.bias.tolist() == [0.0] * 3 and loaded.b8.torgb.bias.tolist() == [1.0] * 3


def test_another_base_is_refused(folder: Path, tmp_path: Path) -> None:
    run = adapted_run(tmp_path / "run", folder, b8__conv1__bias=torch.zeros(2))
    save_generator(folder, random_generator(5, **NAMED))
    message = refusal(run)
    assert "another generator" in message and str(folder) in message


def test_a_missing_base_and_a_circle_are_named(folder: Path, tmp_path: Path) -> None:
    run = adapted_run(tmp_path / "run", folder, b8__conv1__bias=torch.zeros(2))
    (run / "config.json").write_text(json.dumps({"generator": str(run)}))
    assert "without end" in refusal(run)
    (run / "config.json").write_text(json.dumps({"options": {}}))
    assert "which generator" in refusal(run)
    (run / "config.json").write_text(json.dumps({"generator": str(folder)}))
    shutil.rmtree(folder)
    assert "cannot be loaded" in refusal(run)


@pytest.mark.parametrize("value", [torch.zeros(9), torch.full((2,), float("nan"))])
def test_adapted_tensors_that_do_not_fit_are_named(folder: Path, tmp_path: Path, value: torch.Tensor) -> None:
    assert "b8.conv1.bias" in refusal(adapted_run(tmp_path / "run", folder, b8__conv1__bias=value))


def test_an_adaptation_without_the_hash_of_its_base_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(NadaError, match="base_sha256"):
        save_adaptation(tmp_path / "x.safetensors", {}, {"base": "demo"})
