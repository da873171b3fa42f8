"""Going through pictures once and keeping what extractors see of them; what they saw of a reference is kept on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import NamedTuple

import numpy as np
import PIL
import torch
from tqdm import tqdm

from nada import ops
from nada.errors import NadaError
from nada.evaluation.pictures import AT_ONCE_LEAST, LEAST, Pictures, key_of
from nada.evaluation.shelves import Seen, Shelf, load, store
from nada.features import Extractor
from nada.features.extractor import computing
from nada.processes import Share

FORMAT = 2  # of the files in the cache
# Of all here that makes, decodes and resizes pictures and looks at them. Raise it by hand with every change that moves a
# feature: else what was kept before the change is mixed with what is seen after it.
REVISION = 1
ROUND_BYTES = 16 * 2**20  # of features that go from process to process at a time


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
    shelves = {eye.tag: Shelf((eye.width,)) for eye in eyes}
    skipped: list[str] = []
    blocks = -(-pictures.count // batch)
    with closing(_parts(pictures, eyes, batch, share, title)) as parts:
        for part in _in_order(parts, blocks, _at_once(eyes, batch, share), share):
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


def _at_once(eyes: Sequence[Extractor], batch: int, share: Share) -> int:
    """How many of its blocks a process hands over at a time, so that all processes' together are some 16 MB."""
    block = 4 * batch * sum(eye.width for eye in eyes)
    return max(1, ROUND_BYTES // (block * share.world))


def _in_order(parts: Iterator[_Part], blocks: int, at_once: int, share: Share) -> Iterator[_Part]:
    """All processes' parts in the order of their numbers, for the first process; nothing for the others.

    They come in rounds, which all processes take in step, also one that has no block left: a whole set at once would
    lie in memory several times over.
    """
    for _ in range(-(-blocks // (at_once * share.world))):
        everything = share.to_first(list(islice(parts, at_once)))
        yield from sorted((part for some in everything for part in some), key=lambda part: part.number)


def _key(pictures: Pictures, eye: Extractor, batch: int) -> str:
    """All that features depend on; also what may move their last digit, such as another GPU, torch or Pillow."""
    facts = {name: value for name, value in eye.describe().items() if name != "file"}
    of, kind = pictures.describe(), eye.device.type
    device = torch.cuda.get_device_name(eye.device) if kind == "cuda" else "cpu"
    kernels = ops.describe(kind) if of["kind"] == "generator" else None
    at = [FORMAT, REVISION, batch, device, torch.__version__, PIL.__version__, kernels]
    return key_of({"of": of, "by": facts, "at": at})
