"""Pictures, their renderings and what is known of each, kept as one uint8 file that training maps into
memory.

    python corpus.py --data DIR --out CORPUS

DIR holds cifar10-32.zip, fruits-100.zip, emoji128.parquet and logos256.parquet. CORPUS gets `images.npy` (N,
64, 64, 3) and `table.npz`: for each picture its codes (style, object, colour, kind) and whether it is held
out.
"""

from __future__ import annotations

import argparse
import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from captions import COLOURS, KINDS, OBJECTS, STYLE_NAMES, object_in_name
from PIL import Image
from render import render

FRUITS, CIFAR = OBJECTS[:4], OBJECTS[4:]
RENDERED = [style for style in STYLE_NAMES if style != "photo"]


@dataclass(frozen=True)
class Job:
    """One picture to make: where the original lies, and how to draw it."""

    archive: str
    entry: str | int
    style: str
    draw: int
    thing: int  # 0 unknown, else 1 + index in OBJECTS
    kind: str
    held_out: bool

    def seed(self) -> int:
        return zlib.crc32(f"{self.archive}/{self.entry}/{self.style}/{self.draw}".encode())


def _fruit_jobs(data: Path, draws: int) -> list[Job]:
    archive, jobs = str(data / "fruits-100.zip"), []
    seen: dict[str, int] = {}
    for entry in sorted(name for name in zipfile.ZipFile(archive).namelist() if name.endswith(".jpg")):
        name, held_out = entry.split("/")[0], "/test-" in entry
        number = seen[name, held_out] = seen.get((name, held_out), -1) + 1
        thing = 1 + OBJECTS.index(name)
        jobs.append(Job(archive, entry, "photo", 0, thing, "fruit", held_out))
        if held_out and number % 4:  # every fourth held-out picture is rendered
            continue
        for style in RENDERED:
            jobs += [Job(archive, entry, style, k, thing, "fruit", held_out) for k in range(1 if held_out else draws)]
    return jobs


def _cifar_jobs(data: Path, photos: int, rendered: int) -> list[Job]:
    """The last 100 pictures of each class are held out, and 30 of them rendered."""
    archive, jobs = str(data / "cifar10-32.zip"), []
    for name in CIFAR:
        thing = 1 + OBJECTS.index(name)
        for number in [*range(photos), *range(4900, 5000)]:
            held_out = number >= 4900
            entry = f"{name}/{number:04d}.jpg"
            jobs.append(Job(archive, entry, "photo", 0, thing, "cifar", held_out))
            if number < rendered or 4900 <= number < 4930:
                jobs += [Job(archive, entry, style, 0, thing, "cifar", held_out) for style in RENDERED]
    return jobs


def _drawn_jobs(data: Path, kind: str, file: str) -> list[Job]:
    """Logos and emoji, which are flat vector drawings as they are; one in twenty is held out."""
    import pyarrow.parquet

    names = pyarrow.parquet.read_table(data / file, columns=["text"])["text"].to_pylist()
    things = [object_in_name(name) if kind == "emoji" else 0 for name in names]
    return [Job(str(data / file), k, "flat", 0, thing, kind, k % 20 == 7) for k, thing in enumerate(things)]


_opened: dict[str, object] = {}


def _read(job: Job) -> np.ndarray:
    if job.archive not in _opened:
        if job.archive.endswith(".zip"):
            _opened[job.archive] = zipfile.ZipFile(job.archive)
        else:
            import pyarrow.parquet

            _opened[job.archive] = pyarrow.parquet.read_table(job.archive, columns=["image"])["image"].to_pylist()
    archive = _opened[job.archive]
    content = archive.read(job.entry) if isinstance(archive, zipfile.ZipFile) else archive[job.entry]["bytes"]
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def make(job: Job) -> np.ndarray:
    """The finished picture, uint8 (64, 64, 3); the same bytes on every run."""
    picture = _read(job)
    if job.kind in ("logo", "emoji"):
        return np.asarray(Image.fromarray(picture).resize((64, 64), Image.Resampling.LANCZOS))
    return render(job.style, picture, np.random.default_rng(job.seed()))


def colour_of(picture: np.ndarray) -> int:
    """1 + index in COLOURS of the colour that most of the coloured part has, or 0 where none leads."""
    hue, saturation, value = np.asarray(Image.fromarray(picture).convert("HSV"), dtype=np.float32).reshape(-1, 3).T / 255
    coloured = (saturation > 0.35) & (value > 0.25)
    if coloured.mean() < 0.12:
        return 0
    upper = np.array([0.035, 0.115, 0.19, 0.44, 0.71, 0.83, 0.93])  # red, orange, yellow, green, blue, purple, pink
    shares = np.bincount(np.searchsorted(upper, hue[coloured]) % len(COLOURS), minlength=len(COLOURS)) / coloured.sum()
    return int(shares.argmax()) + 1 if shares.max() > 0.65 else 0


def _work(job: Job) -> tuple[np.ndarray, int]:
    picture = make(job)
    return picture, colour_of(picture)


def build(jobs: list[Job], out: Path, workers: int) -> None:
    out.mkdir(parents=True, exist_ok=True)
    images = np.lib.format.open_memmap(out / "images.npy", "w+", np.uint8, (len(jobs), 64, 64, 3))
    codes = np.zeros((len(jobs), 4), dtype=np.int64)
    with Pool(workers) as pool:
        for row, (picture, colour) in enumerate(pool.imap(_work, jobs, chunksize=64)):
            images[row] = picture
            job = jobs[row]
            codes[row] = STYLE_NAMES.index(job.style), job.thing, colour, KINDS.index(job.kind)
            if row % 5000 == 0:
                print(json.dumps({"done": row, "of": len(jobs)}), flush=True)
    images.flush()
    held_out = np.array([job.held_out for job in jobs])
    np.savez(out / "table.npz", codes=codes, held_out=held_out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cifar-photos", type=int, default=4000, help="training photographs of each CIFAR-10 class")
    parser.add_argument("--cifar-rendered", type=int, default=800, help="how many of them are drawn in every style")
    parser.add_argument("--fruit-draws", type=int, default=2, help="renderings of each fruit photograph in each style")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    jobs = _fruit_jobs(options.data, options.fruit_draws)
    jobs += _cifar_jobs(options.data, options.cifar_photos, options.cifar_rendered)
    jobs += _drawn_jobs(options.data, "emoji", "emoji128.parquet") + _drawn_jobs(options.data, "logo", "logos256.parquet")
    build(jobs, options.out, options.workers)


if __name__ == "__main__":
    main()
