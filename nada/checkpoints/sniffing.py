"""What kind of file is this? Answered by its content; the name and its ending are never asked."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nada.checkpoints import nvlabs, rosinality, torchfiles
from nada.checkpoints.problems import BadFile, ForbiddenName
from nada.errors import NadaError

MAX_BYTES = 4 << 30
_LEGACY = torchfiles.LEGACY_START[2:]

_STRANGERS = (
    (b"\x89PNG", "is a picture, not a generator"),
    (b"\xff\xd8\xff", "is a picture, not a generator"),
    (b"GIF8", "is a picture, not a generator"),
    (b"RIFF", "is a picture or a sound, not a generator"),
    (b"\x1f\x8b", "is a compressed archive; unpack it and give the file inside"),
    (b"7z\xbc\xaf", "is a compressed archive; unpack it and give the file inside"),
    (b"\xfd7zXZ", "is a compressed archive; unpack it and give the file inside"),
    (b"BZh", "is a compressed archive; unpack it and give the file inside"),
    (b"Rar!", "is a compressed archive; unpack it and give the file inside"),
    (b"\x89HDF", "is an HDF5 file, not a StyleGAN2 generator"),
    (b"version https://git-lfs", "is only a Git LFS pointer; run 'git lfs pull' to get the file itself"),
)
_UNKNOWN = (
    "is no generator file that this program knows: a pickle of stylegan2-ada-pytorch or stylegan3, a .pt of "
    "rosinality/stylegan2-pytorch, or a folder that nada wrote"
)


@dataclass
class Content:
    """What was in a file: `kind` is "nvlabs" (value: its networks) or "torch" (value: the checkpoint)."""

    kind: str
    value: Any


def _stranger(head: bytes) -> str | None:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml")):
        return "is a web page, not the file itself (a login or warning page was saved); download it again"
    if head[257:262] == b"ustar":
        return "is an archive; unpack it and give the file inside"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 100 << 20:
        return "is a safetensors file without its config.json; give the folder that holds both"
    return next((message for start, message in _STRANGERS if head.startswith(start)), None)


def _parse(raw: mmap.mmap) -> Content:
    head = raw[:512]
    if message := _stranger(head):
        raise BadFile(message)
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return Content("torch", torchfiles.read_archive(raw, raw))
    if _LEGACY in head[:64]:
        return Content("torch", torchfiles.read_legacy(raw, raw))
    try:
        return Content("nvlabs", nvlabs.read_networks(raw))
    except ForbiddenName:
        raise
    except BadFile as error:
        if head.startswith(b"\x80"):
            raise
        raise BadFile(_UNKNOWN) from error


@contextmanager
def opened(path: Path) -> Iterator[Content]:
    """Read the structure of a file; its tensors can be loaded inside the `with` block.

    Raises:
        NadaError: naming the file, for whatever is wrong with it, here or inside the block.
    """
    try:
        size = path.stat().st_size
        if size == 0:
            raise BadFile("is empty; download or copy it again")
        if size > MAX_BYTES:
            raise BadFile(f"is larger than {MAX_BYTES >> 30} GiB, which no StyleGAN2 checkpoint is")
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
            yield _parse(raw)
    except BadFile as error:
        raise NadaError(f"{path} {error}.") from error
    except MemoryError as error:
        raise NadaError(f"{path} needs more memory than there is; close other programs or use a smaller model.") from error
    except OSError as error:
        raise NadaError(f"cannot read {path}: {error.strerror or error}.") from error


def _names_in(checkpoint: Any) -> list[str]:
    """Return the names at the top of a checkpoint and one level below."""
    if not isinstance(checkpoint, dict):
        return []
    names = [key for key in checkpoint if isinstance(key, str)]
    for value in checkpoint.values():
        names += [key for key in value if isinstance(key, str)] if isinstance(value, dict) else []
    return names


def refuse_relatives(checkpoint: Any) -> None:
    """Raise BadFile for checkpoints of other projects, with what they are."""
    names = _names_in(checkpoint)
    if "GAN" in names and any(".to_style1" in name or name.startswith(("S.net", "GE.", "SE.")) for name in names):
        raise BadFile("is of lucidrains/stylegan2-pytorch, whose network is a different one and cannot be converted")
    if any(
        "style_mapping." in name or name.endswith("constant_input.weight") or ".injected_noise_" in name for name in names
    ):
        raise BadFile("is of mmgeneration, whose layout is not supported; export it to the layout of rosinality first")
    if any(name.endswith("synthesis.b4.const") for name in names):
        raise BadFile("is a state dict with NVIDIA's names; give the original .pkl, which also holds the settings")


def generator_checkpoint(checkpoint: Any) -> Any:
    """Return the checkpoint if it holds a rosinality generator. Raises BadFile saying what it is instead."""
    if not rosinality.find_generator(checkpoint):
        refuse_relatives(checkpoint)
        keys = (
            ", ".join(sorted(key[:40] for key in checkpoint if isinstance(key, str))[:6])
            if isinstance(checkpoint, dict)
            else ""
        )
        raise BadFile(f"is a torch checkpoint without a StyleGAN2 generator (it holds: {keys or 'no names'})")
    return checkpoint
