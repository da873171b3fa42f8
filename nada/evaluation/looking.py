"""Going through pictures once and keeping what extractors see of them; what they saw of a reference is kept on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from tqdm import tqdm

from nada.errors import NadaError
from nada.evaluation.pictures import AT_ONCE_LEAST, LEAST, Pictures, key_of
from nada.evaluation.shelves import Seen, Shelf, load, store
from nada.features import Extractor
from nada.features.extractor import computing
from nada.processes import Share

FORMAT = 2  # of the files in the cache


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
    kept = {tag: seen for tag, key in keys.items() if (seen := load(key))} if share.rank == 0 else {}
    known = share.collect({tag: (seen.count, seen.skipped) for tag, seen in kept.items()})[0]
    new = [eye for eye in eyes if eye.tag not in known]
    if new:
        fresh = _look(pictures, new, batch, share, title)
        if fresh.count < LEAST:
            raise NadaError(
                f"{LEAST} pictures or more are needed, and {fresh.count} of {pictures.count} in {pictures.name} can be read."
            )
        known |= {eye.tag: (fresh.count, fresh.skipped) for eye in new}
        for tag in list(fresh.features):
            seen = Seen(fresh.count, {tag: fresh.features.pop(tag)}, fresh.skipped)
            kept[tag] = store(keys[tag], seen) if keep else seen
    count, skipped = known[eyes[0].tag]
    return Seen(count, {tag: seen.features[tag] for tag, seen in kept.items()}, skipped)


class _Part(NamedTuple):
    """What was seen of a block."""

    number: int
    rows: dict[str, np.ndarray]
    skipped: tuple[str, ...]


def _look(pictures: Pictures, eyes: Sequence[Extractor], batch: int, share: Share, title: str) -> Seen:
    shelves = {eye.tag: Shelf(eye.width) for eye in eyes}
    skipped: list[str] = []
    for part in _in_order(_parts(pictures, eyes, batch, share, title), share):
        skipped += part.skipped
        for tag, rows in part.rows.items():
            shelves[tag].add(rows)
    features = {tag: shelf.rows() for tag, shelf in shelves.items()} if share.rank == 0 else {}
    told = len(features[eyes[0].tag]) if share.rank == 0 else 0, tuple(skipped)
    count, names = share.collect(told)[0]
    return Seen(count, features, names)


def _parts(pictures: Pictures, eyes: Sequence[Extractor], batch: int, share: Share, title: str) -> Iterator[_Part]:
    """What this process sees of its own blocks."""
    silent = None if share.rank == 0 else True
    with computing(), tqdm(total=pictures.count, desc=title, unit="img", leave=False, disable=silent) as bar:
        for block in pictures.blocks(batch, share):
            yield _Part(block.number, {eye.tag: eye.features(block.pictures) for eye in eyes}, block.skipped)
            bar.update(batch * share.world)


def _in_order(parts: Iterator[_Part], share: Share) -> Iterator[_Part]:
    """One process's parts as they come; of several, those of all, for the first of them."""
    if share.world == 1:
        return parts
    everything = (part for some in share.to_first(list(parts)) for part in some)
    return iter(sorted(everything, key=lambda part: part.number))


def _key(pictures: Pictures, eye: Extractor, batch: int) -> str:
    """All that features depend on; also what may move their last digit, such as another GPU or torch."""
    facts = {name: value for name, value in eye.describe().items() if name != "file"}
    device = torch.cuda.get_device_name(eye.device) if eye.device.type == "cuda" else "cpu"
    return key_of({"of": pictures.describe(), "by": facts, "at": [FORMAT, batch, device, torch.__version__]})
