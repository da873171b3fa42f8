"""TorchScript archives are read as data: the right tensors come out, and nothing in them is run."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from nada.clip.archives import is_torchscript, read_torchscript
from nada.errors import NadaError


def archive(path: Path, pickled: bytes, storages: dict[str, bytes], compress: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("w/data.pkl", pickled)
        file.writestr("w/constants.pkl", pickle.dumps(()))
        for key, content in storages.items():
            file.writestr(f"w/data/{key}", content, compress)
    return path


def module_with(tensor: bytes) -> bytes:
    """The pickle of a module with one attribute `t`; `tensor` are the opcodes that push its value."""
    return b"\x80\x02c__torch__\nM\n)\x81}X\x01\x00\x00\x00t" + tensor + b"sb."


def tensor_opcodes(size: str, stride: str, count: int = 4) -> bytes:
    storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu"
    count_opcode = b"K" + bytes([count])
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + storage
        + count_opcode
        + b"tQK\x00"
        + (f"({size}t({stride}t".encode("latin-1") + b"\x89)tR")
    )


def test_archive_of_torch_gives_the_tensors_it_was_saved_with(weights, tiny_model) -> None:
    tensors = read_torchscript(weights["torchscript"])
    for name, tensor in tiny_model.state_dict().items():
        assert tensors[name].equal(tensor) and tensors[name].dtype is tensor.dtype


def test_only_torchscript_is_taken_for_it(weights, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pt"
    empty.write_bytes(b"")
    kinds = {kind: is_torchscript(path) for kind, path in weights.items()}
    assert kinds == {kind: kind == "torchscript" for kind in weights}
    assert not is_torchscript(empty)


def test_handwritten_archive_is_read(tmp_path: Path) -> None:
    """The attacks below are well-formed otherwise: the same bytes with honest sizes do load."""
    values = torch.arange(4, dtype=torch.float32)
    opcodes = tensor_opcodes("K\x02K\x02", "K\x02K\x01")
    path = archive(tmp_path / "w.pt", module_with(opcodes), {"0": values.numpy().tobytes()})
    assert read_torchscript(path)["t"].equal(values.view(2, 2))


def test_foreign_global_is_named_and_not_called(tmp_path: Path) -> None:
    mark = tmp_path / "called"
    call = b"cos\nsystem\n(X" + len(f"touch {mark}").to_bytes(4, "little") + f"touch {mark}".encode() + b"tR"
    path = archive(tmp_path / "w.pt", module_with(call), {})
    with pytest.raises(NadaError, match=r"os\.system"):
        read_torchscript(path)
    assert not mark.exists()


@pytest.mark.parametrize("size, stride", [("J\x00\x00\x00\x40", "K\x00"), ("K\x05", "K\x01"), ("K\x03", "K\x02")])
def test_tensor_larger_than_the_file_is_refused(tmp_path: Path, size: str, stride: str) -> None:
    path = archive(tmp_path / "w.pt", module_with(tensor_opcodes(size, stride)), {"0": bytes(16)})
    with pytest.raises(NadaError, match="TorchScript"):
        read_torchscript(path)


def test_compressed_storage_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    opcodes = tensor_opcodes("K\x02K\x02", "K\x02K\x01")
    path = archive(tmp_path / "w.pt", module_with(opcodes), {"0": bytes(1 << 20)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(NadaError, match="compressed"):
        read_torchscript(path)


@pytest.mark.parametrize("pickled", [b"", b"\x80\x02N.", module_with(b"")[:-3], b"\x80\x02}."])
def test_damaged_archive_ends_in_a_sentence(tmp_path: Path, pickled: bytes) -> None:
    with pytest.raises(NadaError, match="w.pt cannot be read"):
        read_torchscript(archive(tmp_path / "w.pt", pickled, {}))
