"""Files that are broken, lie or try to run something: one sentence, no code, no flood of memory."""

from __future__ import annotations

import io
import os
import pickle
import random
import struct
import zipfile
from pathlib import Path
from typing import Any, Callable

import pytest
import torch

from checkpoint_makers import (
    Persistent,
    foreign_pickle,
    nvlabs_file,
    nvlabs_generator,
    random_generator,
    rosinality_state,
    torch_file,
)
from nada.checkpoints import load_discriminator, load_generator
from nada.checkpoints.pickles import COMMON_NAMES, read_pickle
from nada.checkpoints.problems import BadFile, ForbiddenName
from nada.errors import NadaError

GOLDEN = Path(__file__).parents[1] / "golden"
SMALL = {"resolution": 8, "channels": (4, 2), "z_dim": 4, "w_dim": 4, "mapping_layers": 1}


def refusal(path: Path, data: bytes, load: Callable[[Path], Any] = load_generator) -> str:
    """Load bytes as a file; return the error, which must be one line that names the file."""
    path.write_bytes(data)
    with pytest.raises(NadaError) as info:
        load(path)
    message = str(info.value)
    assert str(path) in message and "\n" not in message and len(message) < 600
    return message


class Runs:
    """Pickles as a call of anything."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> Any:
        return self.call


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
    path.write_bytes(
        nvlabs_file(G_ema=nvlabs_generator(random_generator(**SMALL)))
    )  # its source is "raise SystemExit"
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


def test_a_name_from_a_file_cannot_steer_the_terminal(tmp_path: Path) -> None:
    state = {**rosinality_state(random_generator(**SMALL)), "\x1b[2J\nnada: all is well": torch.zeros(1)}
    assert "\x1b" not in refusal(tmp_path / "x.pt", torch_file({"g_ema": state}))


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


def repacked(data: bytes, change: Callable[[str, bytes], bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", method) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return buffer.getvalue()


def test_a_claim_beyond_the_data_is_refused(tmp_path: Path) -> None:
    data = torch_file({"g_ema": {"input.input": torch.arange(4.0)}})
    lie = repacked(data, lambda _, content: content.replace(b"K\x04", b"J\x00\x00\x00\x40"))
    assert "fewer bytes" in refusal(tmp_path / "x.pt", lie)
    lie = repacked(data, lambda _, content: content.replace(b"K\x04\x85", b"K\x40\x85"))
    assert "reaches beyond" in refusal(tmp_path / "y.pt", lie)


def test_a_compressed_archive_is_refused_unread(tmp_path: Path) -> None:
    data = repacked(
        torch_file({"g_ema": {}}), lambda _, content: content + b"\0" * 1_000_000, zipfile.ZIP_DEFLATED
    )
    assert "zip" in refusal(tmp_path / "x.pt", data)


def test_a_flipped_bit_in_the_weights_is_noticed(tmp_path: Path) -> None:
    made = random_generator(**SMALL)
    data = bytearray(torch_file({"g_ema": rosinality_state(made)}))
    data[data.index(made.b8.conv1.weight.detach().numpy().tobytes()) + 2] ^= 1
    assert "damaged" in refusal(tmp_path / "x.pt", bytes(data))


def test_missing_entries_of_the_archive_are_named(tmp_path: Path) -> None:
    data, buffer = torch_file({"g_ema": rosinality_state(random_generator(**SMALL))}), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            if not name.endswith("data/3"):
                new.writestr(name, old.read(name))
    other = repacked(data, lambda *_: b"").replace(b"data.pkl", b"data.txt")
    assert "data/3 is missing" in refusal(tmp_path / "x.pt", buffer.getvalue())
    assert "not one that torch.save wrote" in refusal(tmp_path / "y.pt", other)


PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(40)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (PICTURE, "picture"),
        (b"\xff\xd8\xff\xe0" + bytes(30), "picture"),
        (b"<!DOCTYPE html><html>quota exceeded</html>", "web page"),
        (b"\n <html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"\x1f\x8b" + bytes(30), "archive"),
        (b"hello, this is a text\n", "no generator file"),
        (b'{"a": 1}', "no generator file"),
        (bytes(5000), "no generator file"),
        (b"\x40" + bytes(7) + b'{"a":1}' + bytes(64), "safetensors"),
        (b"\x80\x04N.", "no StyleGAN2 network"),
    ],
)
def test_files_of_another_kind_are_named(tmp_path: Path, data: bytes, words: str) -> None:
    assert words in refusal(tmp_path / "x.pkl", data)
    refusal(tmp_path / "x.pkl", data, load_discriminator)


@pytest.mark.parametrize("name", ["stylegan2-ada-32.pkl", "stylegan2-rosinality-64.pt"])
def test_every_cut_is_an_error_and_never_a_traceback(tmp_path: Path, name: str) -> None:
    data = (GOLDEN / name).read_bytes()
    for end in (1, 2, 10, 100, 5_000, len(data) // 2, len(data) - 1000, len(data) - 1):
        refusal(tmp_path / name, data[:end])


@pytest.mark.parametrize("kind", ["zip", "legacy", "pickle"])
def test_random_damage_is_an_error_or_harmless(tmp_path: Path, kind: str) -> None:
    made = random_generator(**SMALL)
    if kind == "pickle":
        data = nvlabs_file(G_ema=nvlabs_generator(made))
    else:
        data = torch_file({"g_ema": rosinality_state(made)}, legacy=kind == "legacy")
    rng, path = random.Random(0), tmp_path / "x.bin"
    for _ in range(60):
        damaged = bytearray(data)
        for _ in range(rng.choice((1, 5, 50))):
            damaged[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(damaged)
        try:
            load_generator(path)
        except NadaError as error:
            assert str(path) in str(error) and "\n" not in str(error)


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


def test_names_are_matched_whole() -> None:
    with pytest.raises(ForbiddenName, match=r"collections\.OrderedDictX"):
        read_pickle(io.BytesIO(b"\x80\x02ccollections\nOrderedDictX\n."), COMMON_NAMES)


def test_numbers_of_numpy_are_plain_numbers(tmp_path: Path) -> None:
    import numpy as np

    made = nvlabs_generator(random_generator(**SMALL))
    made.state["object"] = Runs(np.dtype, "O8")
    assert "numbers" in refusal(tmp_path / "x.pkl", foreign_pickle({"G_ema": made}))
