"""How good a bundled generator is: Frechet distances to pictures it has not seen, classes, diversity.

    python experiments/demo/measure_generator.py --data fruits-100.zip --model demo --guide demo --out measured.json
    python experiments/demo/measure_generator.py --data cifar10-32.zip --model demo-cifar10 --guide demo --guide demo-judge \
        --train '[0-4][0-8]?0.jpg' --held-out '49??.jpg' --out measured.json

Every number is taken on as many generated pictures as there are held-out ones, with the same classes, without
truncation, from seeds 0, 1, 2, ... The same distance between training and held-out pictures is given beside it: no
generator that has only seen the training pictures should come below it.
"""

from __future__ import annotations

import argparse
import json

import numpy as np
import torch

from nada.checkpoints import hash_generator, load_generator
from nada.clip import load_encoder
from nada.data import ImageDataset, load_dataset
from nada.images import from_uint8, resize
from nada.metrics import frechet_distance
from nada.models import Generator


def pixel_features(images: np.ndarray) -> np.ndarray:
    """Pictures shrunk to 8 x 8 by averaging, as `(N, 192)` numbers in [-1, 1]."""
    return resize(from_uint8(images), 8, "area").flatten(1).double().numpy()


def guide_features(images: np.ndarray, guide: str) -> np.ndarray:
    """Unit embeddings `(N, D)` of a guide."""
    encoder = load_encoder(guide)
    with torch.no_grad():
        parts = [encoder.encode_image(from_uint8(part)) for part in np.array_split(images, len(images) // 64 + 1)]
    return torch.cat(parts).double().numpy()


def zero_shot_accuracy(features: np.ndarray, labels: np.ndarray, names: tuple[str, ...], guide: str) -> list[float]:
    """Share of each class whose nearest caption `a photo of a <class>` is its own."""
    with torch.no_grad():
        texts = load_encoder(guide).encode_text([f"a photo of a {name}" for name in names]).double().numpy()
    hits = (features @ texts.T).argmax(axis=1) == labels
    return [round(float(hits[labels == number].mean()), 3) for number in range(len(names))]


def spread(features: np.ndarray, labels: np.ndarray) -> float:
    """Mean over classes and features of the standard deviation inside a class."""
    return float(np.mean([features[labels == number].std(axis=0).mean() for number in np.unique(labels)]))


def measure(generator: Generator, train: ImageDataset, held_out: ImageDataset, guides: list[str]) -> dict:
    """Every figure, with its protocol."""
    count, labels = len(held_out), held_out.labels
    generated = generator.sample(range(count), classes=labels.tolist())
    sets = {"generated": generated, "train": train.images, "held out": held_out.images}
    pixels = {name: pixel_features(images) for name, images in sets.items()}
    found = {
        "protocol": {
            "generated": count,
            "held out": count,
            "train": len(train),
            "size": train.images.shape[1],
            "seeds": f"0 to {count - 1}",
            "truncation": 1.0,
            "noise": "const",
            "generator_sha256": hash_generator(generator),
        },
        "fd_pixels8": round(frechet_distance(pixels["generated"], pixels["held out"]), 4),
        "fd_pixels8 of train": round(frechet_distance(pixels["train"], pixels["held out"]), 4),
        "spread of generated over train": round(
            spread(pixels["generated"], labels) / spread(pixels["train"], train.labels), 3
        ),
    }
    for guide in guides:
        features = {name: guide_features(images, guide) for name, images in sets.items()}
        found["protocol"][f"sha256 of guide {guide}"] = load_encoder(guide).describe()["sha256"]
        tag = guide.replace("-", "_")
        found[f"fd_{tag}"] = round(frechet_distance(features["generated"], features["held out"]), 4)
        found[f"fd_{tag} of train"] = round(frechet_distance(features["train"], features["held out"]), 4)
        for name, numbers in (("generated", labels), ("held out", labels)):
            accuracy = zero_shot_accuracy(features[name], numbers, held_out.class_names, guide)
            found[f"{guide} sees the class of {name}"] = dict(zip(held_out.class_names, accuracy))
    return found


def main() -> None:
    """Measure and print as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--train", default="train-*", help="names of the pictures it was trained on, or of some of them")
    parser.add_argument("--held-out", default="test-*", help="names of pictures that neither it nor the guides have seen")
    parser.add_argument("--guide", action="append", default=[])
    parser.add_argument("--out")
    options = parser.parse_args()
    generator = load_generator(options.model)
    globs = options.train, options.held_out
    train, held_out = (load_dataset(options.data, generator.config.resolution, glob) for glob in globs)
    text = json.dumps(measure(generator, train, held_out, options.guide), indent=2)
    print(text)
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            file.write(text + "\n")


if __name__ == "__main__":
    main()
