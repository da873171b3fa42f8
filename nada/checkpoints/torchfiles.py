"""Files of `torch.save`, both generations, read without `torch.load`.

`torch.load(weights_only=True)` runs nothing either, but how far it checks the sizes in a file depends on its
version, and it copies optimisers that nobody asked for. Here each claim is compared with the bytes there are.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any

from nada.checkpoints.machine import MAX_COST, Names
from nada.checkpoints.pickles import COMMON_NAMES, read_pickle
from nada.checkpoints.problems import BadFile
from nada.checkpoints.stored import TENSOR_NAMES, Raw, Storage, new_storage

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_START = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
MAX_ENTRIES = 20_000
_NESTED_LIMIT = 1000  # a stream inside a pickle holds one storage; thousands of them must stay cheap


class Namespace:
    """Stand in for the `argparse.Namespace` of training checkpoints; its content is of no use here."""

    def build(self, state: Any) -> None:
        """Ignore the options of a training run."""


TORCH_NAMES: Names = {**COMMON_NAMES, **TENSOR_NAMES, "argparse.Namespace": Namespace}


class _Storages:
    """The storages that persistent ids mention, by key."""

    def __init__(self) -> None:
        self.by_key: dict[str, Storage] = {}

    def __call__(self, reference: Any) -> Storage:
        if not isinstance(reference, tuple) or len(reference) not in (5, 6) or reference[0] != "storage":
            raise BadFile("refers to data in a way this program does not know; it may be damaged")
        _, kind, key, _, count, *view = reference
        if not isinstance(key, str) or (view and view[0] is not None):
            raise BadFile("was written by a very old torch; load it and save it again with a current one")
        storage = new_storage(kind, count)
        known = self.by_key.setdefault(key, storage)
        if (known.dtype, known.count) != (storage.dtype, storage.count):
            raise BadFile("describes the same data twice and differently; it may be damaged")
        return known


def read_legacy(raw: Raw, stream: Any, limit: int = MAX_COST) -> Any:
    """Read the stream of pickles that torch wrote before 1.6, and still writes inside pickled modules.

    Args:
        raw: the bytes; tensors refer to them.
        stream: the same bytes as a stream at its start.
        limit: as `read_pickle` has it, for each of the pickles.
    """
    if read_pickle(stream, {}, limit=limit) != LEGACY_MAGIC or read_pickle(stream, {}, limit=limit) != 1001:
        raise BadFile("is not a torch file of a known version")
    system = read_pickle(stream, {}, limit=limit)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise BadFile("was written on a big-endian machine; load it and save it again on a common one")
    storages = _Storages()
    value = read_pickle(stream, TORCH_NAMES, storages, limit)
    keys = read_pickle(stream, {}, limit=limit)
    for key in keys if isinstance(keys, list) else ():
        storage = storages.by_key.get(key) if isinstance(key, str) else None
        header = stream.read(8)
        if storage is None or len(header) != 8 or struct.unpack("<q", header)[0] != storage.count:
            raise BadFile("is damaged or cut short; download or copy it again")
        storage.attach(raw, stream.tell(), len(raw) - stream.tell())
        stream.seek(storage.nbytes, 1)
    return value


def read_legacy_bytes(data: Any) -> Any:
    """Stand in for `torch.storage._load_from_bytes`: a legacy stream inside a pickle."""
    if not isinstance(data, (bytes, bytearray)):
        raise BadFile("describes a tensor in a way this program does not know; it may be damaged")
    data = bytes(data)
    return read_legacy(data, io.BytesIO(data), _NESTED_LIMIT)


def _entry_start(raw: Raw, entry: zipfile.ZipInfo) -> int:
    """Return where the bytes of a zip entry begin, from the local header in front of them."""
    header = raw[entry.header_offset : entry.header_offset + 30]
    if len(header) != 30 or header[:4] != b"PK\x03\x04":
        raise BadFile("is damaged: an entry of the archive is missing; download or copy it again")
    name, extra = struct.unpack("<HH", header[26:30])
    return entry.header_offset + 30 + name + extra


def _open_archive(raw: Raw, stream: Any) -> dict[str, zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(stream) as archive:
            entries = archive.infolist()
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        ValueError,
        struct.error,
        EOFError,
        OverflowError,
    ) as error:
        raise BadFile("is damaged or cut short (no complete zip archive); download or copy it again") from error
    if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > len(raw):
        raise BadFile("announces more data than it has, as a zip bomb does")
    if any(entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 for entry in entries):
        raise BadFile("is a compressed zip archive, which torch.save never writes; unpack it if it holds a checkpoint")
    return {entry.filename: entry for entry in entries}


def read_archive(raw: Raw, stream: Any) -> Any:
    """Read the zip archive that torch has written since 1.6; the arguments are those of `read_legacy`."""
    entries = _open_archive(raw, stream)
    roots = [name[: -len("data.pkl")] for name in entries if name.rpartition("/")[2] == "data.pkl"]
    if len(roots) != 1:
        raise BadFile("is a zip archive, but not one that torch.save wrote")
    root = roots[0]
    if f"{root}constants.pkl" in entries:
        raise BadFile("is a TorchScript program, not a checkpoint; export the state dict with torch.save instead")

    def content(name: str) -> tuple[int, int]:
        entry = entries.get(root + name)
        if entry is None:
            raise BadFile(f"is damaged: {name} is missing from the archive; download or copy it again")
        start = _entry_start(raw, entry)
        data = memoryview(raw[start : start + entry.file_size])
        if len(data) != entry.file_size or zlib.crc32(data) != entry.CRC:
            raise BadFile(f"is damaged: the checksum of {name} is wrong; download or copy it again")
        return start, entry.file_size

    if f"{root}byteorder" in entries:
        start, size = content("byteorder")
        if raw[start : start + size] != b"little":
            raise BadFile("was written on a big-endian machine; load it and save it again on a common one")
    storages = _Storages()
    start, size = content("data.pkl")
    value = read_pickle(io.BytesIO(raw[start : start + size]), TORCH_NAMES, storages)
    for key, storage in storages.by_key.items():
        start, size = content(f"data/{key}")
        storage.attach(raw, start, size)
    return value
