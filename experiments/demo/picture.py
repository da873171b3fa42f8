"""The README's picture: the same latents of the bundled generator, and of runs of `nada adapt` on it.

nada adapt --source image --target "minimal logo" --out RUNS   (and the other prompts)
python picture.py RUNS/*/ --out before-after.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

from nada.checkpoints import load_generator
from nada.files import read_json
from nada.images import label_rows, save_png

SEEDS = range(8)


def main() -> None:
    """Draw one row for the source and one for every run, all of the same seeds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    options = [read_json(run / "config.json")["options"] for run in arguments.runs]
    rows = [load_generator(options[0]["generator"]).sample(SEEDS)]
    rows += [load_generator(run).sample(SEEDS) for run in arguments.runs]
    labels = ["source", *(f'--source "{one["source"]}" --target "{one["target"]}"' for one in options)]
    save_png(arguments.out, label_rows(rows, labels, scale=2))


if __name__ == "__main__":
    main()
