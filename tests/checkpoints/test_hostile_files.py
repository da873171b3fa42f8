"""Files that try to run something: one sentence that names it, and no code."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path

import pytest
import torch
from checkpoint_makers import (
    SMALL,
    Runs,
    foreign_pickle,
    nvlabs_file,
    nvlabs_generator,
    random_generator,
    refusal,
    rosinality_state,
    torch_file,
)

from nada.checkpoints import load_generator
from nada.checkpoints.pickles import COMMON_NAMES, read_pickle
from nada.checkpoints.problems import BadFile, ForbiddenName


@pytest.mark.parametrize("protocol", range(6))
def test_a_call_of_a_foreign_function_is_named_and_not_made(tmp_path: Path, protocol: int) -> None:
    mark = tmp_path / "ran"
    data = pickle.dumps({"G_ema": Runs(os.system, f"touch {mark}")}, protocol=protocol)
    assert f"{os.system.__module__}.system" in refusal(tmp_path / "x.pkl", data)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"cbuiltins\neval\n(S'1'\ntR.", "builtins.eval"),
        (b"(S'ls'\nios\nsystem\n.", "os.system"),
        (b"\x80\x04\x8c\x0bcollections\x8c\x1dOrderedDict.fromkeys.__self__\x93.", "OrderedDict.fromkeys"),
        (b"\x80\x04\x8c\x05torch\x8c\x11hub.load.__func__\x93.", "torch.hub.load"),
        (b"\x80\x02cnumpy\nload\n.", "numpy.load"),
        (b"\x80\x02ctorch.storage\n_load_from_bytes.__globals__\n.", "__globals__"),
        (b"\x80\x02cbuiltins\ngetattr\n.", "builtins.getattr"),
    ],
)
def test_no_name_gets_past_the_list(tmp_path: Path, data: bytes, name: str) -> None:
    assert name in refusal(tmp_path / "x.pkl", data)


def test_the_code_inside_a_released_pickle_is_never_run(tmp_path: Path) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(nvlabs_file(G_ema=nvlabs_generator(random_generator(**SMALL))))  # its source is "raise SystemExit"
    load_generator(path)


def test_a_call_inside_the_stream_of_a_tensor_is_named(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    inner = torch_file(Runs(os.system, f"touch {mark}"), legacy=True)
    made = nvlabs_generator(random_generator(**SMALL))
    made.state["hidden"] = Runs(torch.storage._load_from_bytes, inner)
    assert f"{os.system.__module__}.system" in refusal(tmp_path / "x.pkl", nvlabs_file(G_ema=made))
    assert not mark.exists()


@pytest.mark.parametrize("legacy", [False, True])
def test_a_call_inside_a_torch_file_is_named(tmp_path: Path, legacy: bool) -> None:
    mark = tmp_path / "ran"
    state = rosinality_state(random_generator(**SMALL))
    data = torch_file({"g_ema": state, "args": Runs(os.system, f"touch {mark}")}, legacy)
    assert f"{os.system.__module__}.system" in refusal(tmp_path / "x.pt", data)
    assert not mark.exists()


def test_a_whole_pickled_module_is_refused(tmp_path: Path) -> None:
    assert "torch.nn.modules.linear.Linear" in refusal(tmp_path / "x.pt", torch_file(torch.nn.Linear(2, 2)))


def test_state_cannot_be_put_on_the_reader_itself() -> None:
    attack = b"\x80\x02ccollections\nOrderedDict\n}X\x01\x00\x00\x00aK\x01sb."
    with pytest.raises(BadFile):
        read_pickle(io.BytesIO(attack), COMMON_NAMES)
    assert not hasattr(COMMON_NAMES["collections.OrderedDict"], "a")


def test_a_value_is_no_constructor() -> None:
    with pytest.raises(BadFile, match="no constructor"):
        read_pickle(io.BytesIO(b"\x80\x02X\x01\x00\x00\x00a)R."), COMMON_NAMES)


def test_names_are_matched_whole() -> None:
    with pytest.raises(ForbiddenName, match=r"collections\.OrderedDictX"):
        read_pickle(io.BytesIO(b"\x80\x02ccollections\nOrderedDictX\n."), COMMON_NAMES)


def test_numbers_of_numpy_are_plain_numbers(tmp_path: Path) -> None:
    import numpy as np

    made = nvlabs_generator(random_generator(**SMALL))
    made.state["object"] = Runs(np.dtype, "O8")
    assert "numbers" in refusal(tmp_path / "x.pkl", foreign_pickle({"G_ema": made}))


def test_a_name_from_a_file_cannot_steer_the_terminal(tmp_path: Path) -> None:
    state = {**rosinality_state(random_generator(**SMALL)), "\x1b[2J\nnada: all is well": torch.zeros(1)}
    assert "\x1b" not in refusal(tmp_path / "x.pt", torch_file({"g_ema": state}))
