"""Fruit in four styles with a caption each: a small data set for trying text as a condition.

    python experiments/demo/captioned.py --data fruits-100.zip --out captioned

OUT becomes a folder of PNG files and a `dataset.json` with the captions, which `nada train` and `nada data import` read.
The file names begin with train- or test- as in the data set, so that test pictures can be held out.
"""

from __future__ import annotations

import argparse
import json
import zipfile
import zlib
from pathlib import Path

import numpy as np
from canvas import SIZE
from render import render

from nada.data.fitting import fit_square
from nada.images import load_image, save_png

# Phrases in words that the bundled guides know.
STYLES = {"photo": "photo", "pencil": "pencil sketch", "neon": "neon sign", "mosaic": "mosaic"}


def caption(style: str, fruit: str) -> str:
    """The caption of every picture of a fruit in a style."""
    return f"a {STYLES[style]} of {'an' if fruit[0] in 'aeiou' else 'a'} {fruit}"


def main() -> None:
    """Render and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="zip of fruit photographs, class/train-*.jpg and class/test-*.jpg")
    parser.add_argument("--out", required=True, type=Path)
    options = parser.parse_args()
    texts = []
    with zipfile.ZipFile(options.data) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        for name in names:
            photo = fit_square(load_image(archive.read(name), name), SIZE)
            fruit, stem = name.split("/")
            # Every picture is drawn in one style, which follows from its name.
            style = list(STYLES)[zlib.crc32(name.encode()) % len(STYLES)]
            drawn = render(style, photo, np.random.default_rng(zlib.crc32(name.encode())))
            target = f"{Path(stem).stem}-{fruit}.png"
            save_png(options.out / target, drawn)
            texts.append([target, caption(style, fruit)])
    (options.out / "dataset.json").write_text(json.dumps({"labels": None, "texts": texts}), encoding="utf-8")


if __name__ == "__main__":
    main()
