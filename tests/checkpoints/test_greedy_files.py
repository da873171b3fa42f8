"""Files that lie about their size: one sentence, no flood of memory and no endless reading."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest
import torch
from checkpoint_makers import (
    SMALL,
    Persistent,
    Runs,
    nvlabs_file,
    nvlabs_generator,
    random_generator,
    refusal,
    repacked,
    rosinality_state,
    torch_file,
)

from nada.checkpoints import load_generator
from nada.checkpoints.pickles import COMMON_NAMES, read_pickle
from nada.checkpoints.problems import BadFile
from nada.errors import NadaError


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02K\x01r\xff\xff\xff\x7f.",  # a memo of two thousand million places
        b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"x",  # bytes longer than the file
        b"\x80\x04\x8d" + struct.pack("<Q", 1 << 62) + b"x",
        b"\x80\x02\x8b\xff\xff\xff\x7fx",
        b"\x80\x04\x95" + struct.pack("<Q", 1 << 60) + b"N.",
        b"\x80\x02" + b"(" * 100_000,
        b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",  # a list in a list in a list …
        b"\x80\x02)" + b"\x85" * 100_000 + b"}" + b"q\x00K\x01s.",
        b"\x80\x02(" + b"K\x01" * 3_500_000 + b"l.",
        b"\x80\x02}" + b"(q\x00" * 60_000 + b".",
    ],
    ids=["memo", "bytes", "text", "long", "frame", "marks", "nested list", "nested tuple", "opcodes", "odd"],
)
def test_a_few_bytes_cannot_ask_for_much(tmp_path: Path, data: bytes) -> None:
    resource = pytest.importorskip("resource")  # not on Windows
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refusal(tmp_path / "x.pkl", data)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 600_000  # kB


def test_copying_the_same_list_over_and_over_ends_early() -> None:
    big = b"(" + b"K\x01K\x02\x86" * 20_000 + b"lq\x00"
    copy = b"ccollections\nOrderedDict\nh\x00\x85R0"
    with pytest.raises(BadFile, match="more entries"):
        read_pickle(io.BytesIO(b"\x80\x02" + big + copy * 1000 + b"."), COMMON_NAMES)


def test_a_stream_inside_a_pickle_holds_one_storage_and_no_more(tmp_path: Path) -> None:
    made = nvlabs_generator(random_generator(**SMALL))
    inner = torch_file(list(range(2000)), legacy=True)
    made.state["hidden"] = Runs(torch.storage._load_from_bytes, inner)
    assert "more entries" in refusal(tmp_path / "x.pkl", nvlabs_file(G_ema=made))


def test_a_nested_tuple_as_a_key_is_refused_before_it_is_hashed() -> None:
    data = b"\x80\x02})" + b"\x85" * 100_000 + b"K\x01s."
    with pytest.raises(BadFile, match="key"):
        read_pickle(io.BytesIO(data), COMMON_NAMES)


def test_a_network_that_contains_itself_ends_early(tmp_path: Path) -> None:
    made = nvlabs_generator(random_generator(**SMALL))
    part = Persistent("Knot", _parameters={}, _buffers={}, _modules={})
    for _ in range(40):  # two references each: 2^40 parts to walk through
        part = Persistent("Knot", _parameters={}, _buffers={}, _modules={"a": part, "b": part})
    made.state["_modules"]["knot"] = part
    assert "more parts" in refusal(tmp_path / "x.pkl", nvlabs_file(G_ema=made))


def test_one_storage_for_many_tensors_is_refused(tmp_path: Path) -> None:
    state = rosinality_state(random_generator(**SMALL))
    state["conv1.conv.weight"] = torch.randn(1).expand(1, 4, 4, 3, 3)
    assert "reaches beyond" in refusal(tmp_path / "x.pt", torch_file({"g_ema": state}))
    state = rosinality_state(random_generator(**SMALL))
    state["to_rgbs.0.bias"] = state["to_rgb1.bias"]
    assert "same data" in refusal(tmp_path / "y.pt", torch_file({"g_ema": state}))


def test_a_claim_beyond_the_data_is_refused(tmp_path: Path) -> None:
    data = torch_file({"g_ema": {"input.input": torch.arange(4.0)}})
    lie = repacked(data, lambda _, content: content.replace(b"K\x04", b"J\x00\x00\x00\x40"))
    assert "fewer bytes" in refusal(tmp_path / "x.pt", lie)
    lie = repacked(data, lambda _, content: content.replace(b"K\x04\x85", b"K\x40\x85"))
    assert "reaches beyond" in refusal(tmp_path / "y.pt", lie)


def test_a_compressed_archive_is_refused_unread(tmp_path: Path) -> None:
    data = repacked(torch_file({"g_ema": {}}), lambda _, content: content + b"\0" * 1_000_000, zipfile.ZIP_DEFLATED)
    assert "zip" in refusal(tmp_path / "x.pt", data)


def test_a_file_larger_than_any_generator_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.pkl"
    with open(path, "wb") as file:
        file.truncate(9 << 30)  # a hole: it takes no room
    with pytest.raises(NadaError, match="larger than"):
        load_generator(path)


def test_a_hole_of_gigabytes_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "x.pkl"
    with open(path, "wb") as file:
        file.write(b"\x80\x04}\x94(\x8c\x01a")
        file.truncate(3 << 30)
    with pytest.raises(NadaError, match="damaged"):
        load_generator(path)
    with open(path, "r+b") as file:
        file.write(b"\x80\x04\x8e" + struct.pack("<Q", (3 << 30) - 100))
    with pytest.raises(NadaError, match="more data than any generator"):
        load_generator(path)
    with open(path, "r+b") as file:
        file.write(b"\x80\x02c" + b"a" * 5000)
    with pytest.raises(NadaError, match="damaged"):
        load_generator(path)
