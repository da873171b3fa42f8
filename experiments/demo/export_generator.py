"""Copy the generator of a training run to where the package keeps it: half precision, with a picture.

    python experiments/demo/export_generator.py runs/00000-train-fruits-100-64px nada/assets/generators/demo
"""

from __future__ import annotations

import sys
from pathlib import Path

from nada.checkpoints import load_generator, save_generator
from nada.files import read_json
from nada.images import label_rows, save_png

SHOWS = "fruit photographs on white (apple, lemon, mango, raspberry)"


def export(run: Path, folder: Path) -> None:
    """Write `model.safetensors` in fp16 (2.3 MB; pictures change by one level at most), `config.json`, `samples.png`."""
    result, options = read_json(run / "result.json"), read_json(run / "config.json")["options"]
    metadata = {"shows": SHOWS, "kimg": result["kimg"], "steps": result["step"], "seed": options["seed"]}
    save_generator(folder, load_generator(str(run)).half(), metadata)
    generator = load_generator(str(folder))
    names = generator.config.class_names
    rows = [generator.sample(range(8), classes=number) for number in range(len(names))]
    save_png(folder / "samples.png", label_rows(rows, list(names)))


if __name__ == "__main__":
    export(Path(sys.argv[1]), Path(sys.argv[2]))
