"""Going through pictures once and keeping what extractors see of them; what they saw of a reference is kept on disk."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from tqdm import tqdm

from nada.errors import NadaError
from nada.evaluation.pictures import AT_ONCE_LEAST, LEAST, Pictures, key_of
from nada.features import Extractor
from nada.features.extractor import computing
from nada.files import cache_folder, write_bytes
from nada.processes import Share

FORMAT = 1  # of the files in the cache


@dataclass
class Seen:
    """What was seen of a set of pictures: `features[tag] (N, D)` float32, the same pictures in the same rows."""

    count: int
    features: dict[str, np.ndarray] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()


def look(
    pictures: Pictures, eyes: Sequence[Extractor], batch: int, share: Share = Share(), title: str = "", keep: bool = False
) -> Seen:
    """Show the pictures to every extractor, each process its own blocks, and bring together what they saw.

    Args:
        keep: look into the cache folder first, and leave there what was not in it.

    Raises:
        NadaError: where fewer than two pictures can be read; from the extractors.
    """
    eyes = list({eye.tag: eye for eye in eyes}.values())
    batch = max(batch, AT_ONCE_LEAST)
    keys = {eye.tag: _key(pictures, eye, batch) for eye in eyes} if keep else {}
    # One process looks, for all: another could find what the first has just left there.
    kept = share.collect({tag: seen for tag, key in keys.items() if (seen := _load(key))} if share.rank == 0 else {})[0]
    new = [eye for eye in eyes if eye.tag not in kept]
    if new:
        fresh = _look(pictures, new, batch, share, title)
        if fresh.count < LEAST:
            raise NadaError(
                f"{LEAST} pictures or more are needed, and {fresh.count} of {pictures.count} in {pictures.name} can be read."
            )
        for tag, features in fresh.features.items():
            kept[tag] = Seen(fresh.count, {tag: features}, fresh.skipped)
            if share.rank == 0 and keep:
                _store(keys[tag], kept[tag])
    one = kept[eyes[0].tag]
    return Seen(one.count, {tag: seen.features[tag] for tag, seen in kept.items()}, one.skipped)


def _look(pictures: Pictures, eyes: Sequence[Extractor], batch: int, share: Share, title: str) -> Seen:
    mine: dict[int, tuple[dict[str, np.ndarray], tuple[str, ...]]] = {}
    silent = None if share.rank == 0 else True
    with computing(), tqdm(total=pictures.count, desc=title, unit="img", leave=False, disable=silent) as bar:
        for block in pictures.blocks(batch, share):
            mine[block.number] = {eye.tag: eye.features(block.pictures) for eye in eyes}, block.skipped
            bar.update(batch * share.world)
    parts = {number: part for some in share.collect(mine) for number, part in some.items()}
    ordered = [parts[number] for number in sorted(parts)]
    features = {eye.tag: np.concatenate([seen[eye.tag] for seen, _ in ordered]) for eye in eyes}
    return Seen(len(features[eyes[0].tag]), features, tuple(name for _, names in ordered for name in names))


def _key(pictures: Pictures, eye: Extractor, batch: int) -> str:
    """All that features depend on; also what may move their last digit, such as another GPU or torch."""
    facts = {name: value for name, value in eye.describe().items() if name != "file"}
    device = torch.cuda.get_device_name(eye.device) if eye.device.type == "cuda" else "cpu"
    return key_of({"of": pictures.describe(), "by": facts, "at": [FORMAT, batch, device, torch.__version__]})


def _load(key: str) -> Seen | None:
    """What is in the cache; None where nothing is, or nothing that can be used."""
    try:
        path = cache_folder() / "features" / f"{key}.npz"
        # Opened here, as NumPy would leave a damaged file open.
        with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            tag, features, skipped = str(file["tag"]), file["features"], tuple(file["skipped"].tolist())
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return Seen(len(features), {tag: features}, skipped) if features.ndim == 2 else None


def _store(key: str, seen: Seen) -> None:
    ((tag, features),) = seen.features.items()
    buffer = io.BytesIO()
    np.savez(buffer, tag=np.array(tag), features=features, skipped=np.array(seen.skipped, dtype=np.str_))
    write_bytes(cache_folder() / "features" / f"{key}.npz", buffer.getbuffer())  # a copy could be half a gigabyte
