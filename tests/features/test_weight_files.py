"""Files that are missing, damaged, dangerous or of another network: one sentence each, and nothing in them is run."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from nada.errors import NadaError
from nada.features import load_features

State = dict[str, Tensor]


class Dangerous:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, ("ran",)


def refusal(spec: str) -> str:
    with pytest.raises(NadaError) as raised:
        load_features(spec)
    message = str(raised.value)
    assert "\n" not in message and message.endswith(".")
    return message


@pytest.fixture
def state(backbone_files: dict[str, Path]) -> State:
    return torch.load(backbone_files["alex"], weights_only=True)


@pytest.mark.parametrize("kind", ["inception", "dinov2", "lpips-alex", "lpips-vgg"])
def test_a_file_that_is_not_there(kind: str, tmp_path: Path) -> None:
    assert f"{tmp_path / 'none.pth'} with" in refusal(f"{kind}={tmp_path / 'none.pth'}")


@pytest.mark.parametrize("kind", ["inception", "dinov2", "lpips-vgg"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"PK\x03\x04 cut short", b"\x80\x02}q\x00"])
def test_a_file_of_something_else(kind: str, suffix: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    assert str(path) in refusal(f"{kind}={path}")


def test_a_file_that_is_cut_short(backbone_files: dict[str, Path], tmp_path: Path) -> None:
    content = backbone_files["alex"].read_bytes()
    (tmp_path / "short.pth").write_bytes(content[: len(content) // 2])
    assert "cannot be read as the AlexNet" in refusal(f"lpips-alex={tmp_path / 'short.pth'}")


def test_code_in_a_file_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"features.0.weight": Dangerous()}, "dangerous.pth")
    Path("plain.pth").write_bytes(pickle.dumps(Dangerous()))
    for name in ("dangerous.pth", "plain.pth"):
        assert "cannot be read as the AlexNet" in refusal(f"lpips-alex={name}")
    assert not Path("ran").exists()


def test_a_program_is_named_as_such(tmp_path: Path) -> None:
    """NVIDIA publishes its Inception as a program, inception-2015-12-05.pt."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(nn.Linear(1, 1)).save(str(tmp_path / "program.pt"))
    assert "is a TorchScript program" in refusal(f"inception={tmp_path / 'program.pt'}")


@pytest.mark.parametrize("content", [[1, 2], {}, {"state_dict": {"fc.weight": torch.zeros(1)}}, {1: torch.zeros(1)}])
def test_what_is_no_state_dict(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "odd.pth")
    assert "is no plain state dict" in refusal(f"dinov2={tmp_path / 'odd.pth'}")


def with_nan(state: State) -> State:
    state["features.3.bias"][5] = float("nan")
    return state


CHANGES: dict[str, Callable[[State], State]] = {
    "it has no features.6.bias": lambda state: {key: state[key] for key in state if key != "features.6.bias"},
    "features.0.weight has the shape (64, 3, 7, 7) instead of (64, 3, 11, 11)": lambda state: {
        **state,
        "features.0.weight": torch.zeros(64, 3, 7, 7),
    },
    "it has features.12.weight, which the network has not": lambda state: {**state, "features.12.weight": torch.zeros(1)},
    "features.10.bias is of type int64": lambda state: {**state, "features.10.bias": torch.zeros(256, dtype=torch.long)},
    "holds NaN or infinite weights in features.3.bias": with_nan,
}


@pytest.mark.parametrize("fault", CHANGES)
def test_weights_of_another_network(fault: str, state: State, tmp_path: Path) -> None:
    torch.save(CHANGES[fault](state), tmp_path / "other.pth")
    assert fault in refusal(f"lpips-alex={tmp_path / 'other.pth'}")


def test_one_networks_file_given_for_another(backbone_files: dict[str, Path]) -> None:
    path = backbone_files["alex"]
    assert "does not hold Inception's weights" in refusal(f"inception={path}")
    assert "does not hold DINOv2's weights" in refusal(f"dinov2={path}")
    assert "does not hold the VGG-16 of torchvision" in refusal(f"lpips-vgg={path}")


def test_half_precision_and_safetensors_are_read(state: State, tmp_path: Path) -> None:
    save_file({name: tensor.half() for name, tensor in state.items()}, tmp_path / "half.safetensors")
    extractor = load_features(f"lpips-alex={tmp_path / 'half.safetensors'}")
    weight = extractor._network.features[0].weight
    assert weight.dtype == torch.float32 and torch.equal(weight, state["features.0.weight"].half().float())
