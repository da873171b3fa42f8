"""What a generator's SPEC may be, and what is said when it is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from checkpoint_makers import SMALL, nvlabs_file, nvlabs_generator, random_generator

from nada.checkpoints import (
    hash_generator,
    load_discriminator,
    load_generator,
    read_generator,
    registry,
    save_generator,
)
from nada.errors import NadaError, UsageError


def pickled() -> bytes:
    return nvlabs_file(G_ema=nvlabs_generator(random_generator(**SMALL)))


def test_the_name_of_a_file_says_nothing_about_its_kind(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(pickled())
    assert read_generator(path).kind == "nvlabs"


def test_a_training_run_is_read_by_its_generator_folder(tmp_path: Path) -> None:
    save_generator(tmp_path / "generator", random_generator(**SMALL))
    loaded = read_generator(tmp_path)
    assert loaded.kind == "training run"
    assert hash_generator(loaded.generator) == hash_generator(random_generator(**SMALL))


def test_a_folder_without_a_generator_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(NadaError, match="adaptation.safetensors"):
        load_generator(tmp_path)


@pytest.mark.parametrize("spec", ["fhq", "stylegan2-ffhq-256", "demmo"])
def test_an_unknown_name_is_answered_with_its_neighbours(spec: str) -> None:
    with pytest.raises(UsageError, match="Did you mean") as info:
        load_generator(spec)
    assert "nada models list" in str(info.value) and info.value.exit_code == 2


def test_a_misspelt_file_is_answered_with_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "network.pkl").write_bytes(pickled())
    with pytest.raises(NadaError, match="Did you mean .*network.pkl"):
        load_generator(tmp_path / "netwerk.pkl")


@pytest.mark.parametrize(
    "spec, code",
    [("", 2), ("x" * 5000, 2), ("a\0b", 2), ("~nobody-of-that-name/x.pkl", 1), ("no/such/folder/x.pkl", 1)],
)
def test_a_misspelt_name_is_bad_usage_and_a_missing_file_bad_input(spec: str, code: int) -> None:
    with pytest.raises(NadaError, match="There is no generator") as caught:
        load_generator(spec)
    assert caught.value.exit_code == code


def test_a_bundled_name_that_is_not_there_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "bundled_path", lambda name: tmp_path / name)
    with pytest.raises(NadaError, match="not part of this installation"):
        load_generator("demo")
    save_generator(tmp_path / "demo", random_generator(**SMALL))
    assert load_generator("demo").config.resolution == 8


def test_a_known_name_is_read_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NADA_CACHE", str(tmp_path))
    with pytest.raises(NadaError, match="nada models fetch cifar10"):
        load_generator("cifar10")
    path = registry.cache_path("cifar10")
    path.parent.mkdir(parents=True)
    path.write_bytes(pickled())
    assert load_generator("cifar10").config.resolution == 8


def test_a_folder_holds_no_discriminator(tmp_path: Path) -> None:
    save_generator(tmp_path, random_generator(**SMALL))
    with pytest.raises(NadaError, match="no discriminator"):
        load_discriminator(tmp_path)


def test_an_unreadable_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(b"x")

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", denied)
    with pytest.raises(NadaError, match="cannot read .*Permission denied"):
        load_generator(path)


def test_a_device_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(pickled())
    assert load_generator(path, device=torch.device("meta")).b4.const.device.type == "meta"


def test_reading_the_registry_needs_no_torch() -> None:
    code = (
        "import sys, nada.checkpoints as c; assert c.KNOWN and c.fetch;"
        "assert not {'torch', 'tqdm', 'huggingface_hub', 'safetensors'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
