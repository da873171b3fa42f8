"""Copy a generator of a training run to where the package keeps it: half precision, with a picture.

    python experiments/demo/export_generator.py runs/00001-train-fruits-100-64px nada/assets/generators/demo \
        --shows "fruit photographs on white (apple, lemon, mango, raspberry)"
    python experiments/demo/export_generator.py runs/00001-train-cifar10-32-32px nada/assets/generators/demo-cifar10 --best \
        --shows "CIFAR-10, ten classes of photographs"
"""

from __future__ import annotations

import argparse
from pathlib import Path

from nada.checkpoints import load_generator, save_generator
from nada.files import read_json
from nada.images import label_rows, save_png


def export(run: Path, folder: Path, shows: str, best: bool = False) -> None:
    """Write `model.safetensors` in fp16 (pictures change by two levels at most), `config.json`, `samples.png`.

    `best` takes the generator that measured best in the run instead of its last one.
    """
    reached, options = read_json(run / ("best.json" if best else "result.json")), read_json(run / "config.json")["options"]
    kimg, steps = taken_before(options["init"])
    metadata = {"shows": shows, "kimg": kimg + reached["kimg"], "steps": steps + reached["step"], "seed": options["seed"]}
    save_generator(folder, load_generator(str(run / ("best" if best else "generator"))).half(), metadata)
    generator = load_generator(str(folder))
    names = generator.config.class_names
    rows = [generator.sample(range(8), classes=number) for number in range(len(names))]
    save_png(folder / "samples.png", label_rows(rows, list(names)))


def taken_before(init: str | None) -> tuple[float, int]:
    """Thousand pictures and steps of the runs that a run began from."""
    if init is None or not (Path(init) / "result.json").is_file():
        return 0.0, 0
    reached, options = read_json(Path(init) / "result.json"), read_json(Path(init) / "config.json")["options"]
    kimg, steps = taken_before(options["init"])
    return kimg + reached["kimg"], steps + reached["step"]


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shows", required=True, help="what its pictures show, in a few words")
    parser.add_argument("--best", action="store_true", help="the best generator of the run, not the last one")
    options = parser.parse_args()
    export(options.run, options.folder, options.shows, options.best)


if __name__ == "__main__":
    main()
