"""Pretrained generators as their owners publish them, and the cache they are fetched into. Needs no torch."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from nada.errors import NadaError, UsageError
from nada.files import cache_folder
from nada.web import save_file

NVIDIA_LICENCE = "NVIDIA Source Code License: research and evaluation only, no commercial use"
_ADA = "https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/"
_TRANSFER = _ADA + "transfer-learning-source-nets/"
_NGC = "https://api.ngc.nvidia.com/v2/models/nvidia/research/stylegan2/versions/1/files/"


BUNDLED = ("demo", "demo-cifar10")


@dataclass(frozen=True)
class KnownGenerator:
    """A published generator. `sha256` is None where its owner has published no checksum."""

    name: str
    url: str
    resolution: int
    shows: str
    licence: str = NVIDIA_LICENCE
    sha256: str | None = None


def _known() -> dict[str, KnownGenerator]:
    rows = [
        ("ffhq", _ADA, "ffhq", 1024, "human faces (FFHQ), the original StyleGAN2 training"),
        ("metfaces", _ADA, "metfaces", 1024, "faces in paintings (MetFaces)"),
        ("afhqcat", _ADA, "afhqcat", 512, "cats (AFHQ)"),
        ("afhqdog", _ADA, "afhqdog", 512, "dogs (AFHQ)"),
        ("afhqwild", _ADA, "afhqwild", 512, "wild animals (AFHQ)"),
        ("cifar10", _ADA, "cifar10", 32, "CIFAR-10, ten classes"),
        ("brecahad", _ADA, "brecahad", 512, "breast cancer histology (BreCaHAD)"),
        ("ffhq-256", _TRANSFER, "ffhq-res256-mirror-paper256-noaug", 256, "human faces (FFHQ), half width"),
        ("ffhq-512", _TRANSFER, "ffhq-res512-mirror-stylegan2-noaug", 512, "human faces (FFHQ)"),
        ("ffhq-1024", _TRANSFER, "ffhq-res1024-mirror-stylegan2-noaug", 1024, "human faces (FFHQ), mirrored"),
        (
            "celebahq-256",
            _TRANSFER,
            "celebahq-res256-mirror-paper256-kimg100000-ada-target0.5",
            256,
            "celebrities (CelebA-HQ)",
        ),
        ("lsundog-256", _TRANSFER, "lsundog-res256-paper256-kimg100000-noaug", 256, "dogs (LSUN)"),
    ]
    rows += [(f"stylegan2-{stem}", _NGC, f"stylegan2-{stem}", size, shows) for stem, size, shows in _NGC_FILES]
    return {name: KnownGenerator(name, f"{base}{stem}.pkl", size, shows) for name, base, stem, size, shows in rows}


_NGC_FILES = (
    ("ffhq-1024x1024", 1024, "human faces (FFHQ)"),
    ("ffhq-512x512", 512, "human faces (FFHQ)"),
    ("ffhq-256x256", 256, "human faces (FFHQ)"),
    ("ffhqu-1024x1024", 1024, "human faces, unaligned (FFHQ-U)"),
    ("ffhqu-256x256", 256, "human faces, unaligned (FFHQ-U)"),
    ("metfaces-1024x1024", 1024, "faces in paintings (MetFaces)"),
    ("metfacesu-1024x1024", 1024, "faces in paintings, unaligned (MetFaces-U)"),
    ("afhqv2-512x512", 512, "cats, dogs and wild animals (AFHQv2)"),
    ("afhqcat-512x512", 512, "cats (AFHQ)"),
    ("afhqdog-512x512", 512, "dogs (AFHQ)"),
    ("afhqwild-512x512", 512, "wild animals (AFHQ)"),
    ("brecahad-512x512", 512, "breast cancer histology (BreCaHAD)"),
    ("cifar10-32x32", 32, "CIFAR-10, ten classes"),
    ("celebahq-256x256", 256, "celebrities (CelebA-HQ)"),
    ("lsundog-256x256", 256, "dogs (LSUN)"),
)
KNOWN: dict[str, KnownGenerator] = _known()


def bundled_path(name: str) -> Path:
    """Return the folder of a bundled generator, whether or not this installation has it."""
    return Path(__file__).resolve().parents[1] / "assets" / "generators" / name


def cache_path(name: str, cache_dir: str | Path | None = None) -> Path:
    """Return the file that `fetch` writes for `name`."""
    return Path(cache_dir or cache_folder()) / "generators" / f"{name}.pkl"


def cached(name: str, cache_dir: str | Path | None = None) -> Path:
    """Return the fetched file. Raises NadaError that says how to fetch it."""
    path = cache_path(name, cache_dir)
    if not path.is_file():
        raise NadaError(
            f"The generator {name!r} is not on this machine yet: run 'nada models fetch {name}', or download "
            f"{KNOWN[name].url} yourself and give that file (--generator FILE)."
        )
    return path


def fetch(known: str | KnownGenerator, cache_dir: str | Path | None = None) -> Path:
    """Download a known generator into the cache, unless it is there, and return its path.

    Args:
        known: a name of `KNOWN`, or an entry of your own.
        cache_dir: instead of `cache_folder()`.

    Raises:
        UsageError: if the name is not known.
        NadaError: if the download fails; what has arrived is kept, and the next call goes on from there.
    """
    if isinstance(known, str):
        if known not in KNOWN:
            near = difflib.get_close_matches(known, KNOWN, n=1, cutoff=0.6)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise UsageError(f"{known!r} is not a known generator; {hint}'nada models list' shows them.")
        known = KNOWN[known]
    path = cache_path(known.name, cache_dir)
    if not path.is_file():
        advice = f"Or download {known.url} elsewhere and give that file with --generator FILE."
        save_file(known.url, path, f"sha256:{known.sha256}" if known.sha256 else "", advice=advice)
    return path
