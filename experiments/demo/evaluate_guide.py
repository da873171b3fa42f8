"""Zero-shot accuracy of a guide on held-out pictures, and its model card.

    python evaluate_guide.py --corpus CORPUS --guide FOLDER --out result.json [--run RUN --card
    FOLDER/README.md]

The guide is loaded as `nada adapt` loads it. A picture goes to the name whose text is nearest, where a name's
text is the mean over the guide's templates.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from augment import _outline, _spoil
from captions import FLAWS, KINDS, OBJECTS, STYLE_NAMES
from torch import Tensor

PROMPTS = {
    "photo": "photo",
    "pencil": "pencil sketch",
    "flat": "minimal logo",
    "pixel": "pixel art",
    "cel": "anime",
    "oil": "oil painting",
    "mono": "black and white photo",
    "neon": "neon sign",
    "watercolor": "watercolor painting",
    "mosaic": "mosaic",
}
OTHER_WORDS = {
    "photo": "image",
    "pencil": "sketch",
    "flat": "flat vector logo",
    "pixel": "8-bit art",
    "cel": "cel-shaded drawing",
    "oil": "oil on canvas",
    "mono": "grayscale",
    "neon": "neon lights",
    "watercolor": "aquarelle",
    "mosaic": "tile mosaic",
}


@torch.no_grad()
def name_texts(encoder: Any, names: list[str]) -> Tensor:
    """Unit (len(names), D): the mean over the templates of each name."""
    from nada.clip.prompts import fill

    rows = [encoder.encode_text([fill(template, name) for template in encoder.templates]).mean(0) for name in names]
    return torch.nn.functional.normalize(torch.stack(rows), dim=1)


@torch.no_grad()
def embed(encoder: Any, images: Tensor) -> Tensor:
    return torch.cat([encoder.encode_image(part) for part in images.split(256)])


def _as_tensor(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1


def _shares(right: np.ndarray, groups: np.ndarray, names: tuple[str, ...]) -> dict[str, float]:
    return {name: round(float(right[groups == k].mean()), 4) for k, name in enumerate(names) if (groups == k).any()}


def _styles(seen: Tensor, codes: np.ndarray, texts: Tensor) -> dict[str, Any]:
    said = (seen @ texts.T).argmax(1).numpy()
    right = said == codes[:, 0]
    table = np.zeros((len(STYLE_NAMES), len(STYLE_NAMES)), dtype=int)
    np.add.at(table, (codes[:, 0], said), 1)
    by_kind = {
        kind: _shares(right[rows], codes[rows, 0], STYLE_NAMES)
        for k, kind in enumerate(KINDS)
        if (rows := codes[:, 3] == k).any()
    }
    each = _shares(right, codes[:, 0], STYLE_NAMES)
    return {
        "mean": round(float(np.mean(list(each.values()))), 4),
        "by_style": each,
        "by_kind": by_kind,
        "confusion": table.tolist(),
    }


def _objects(seen: Tensor, codes: np.ndarray, texts: Tensor) -> dict[str, Any]:
    """Photographs against all fourteen names and within the family; renderings within the family."""
    scores = (seen @ texts.T).numpy()
    found: dict[str, Any] = {}
    for kind, family in (("fruit", slice(0, 4)), ("cifar", slice(4, 14))):
        rows = codes[:, 3] == KINDS.index(kind)
        truth, photo = codes[rows, 1] - 1, codes[rows, 0] == STYLE_NAMES.index("photo")
        among_all = scores[rows].argmax(1) == truth
        within = scores[rows, family].argmax(1) + family.start == truth
        found[kind] = {
            "photos_of_14": round(float(among_all[photo].mean()), 4),
            "photos": round(float(within[photo].mean()), 4),
            "by_object": _shares(within[photo], truth[photo], OBJECTS),
            "by_style": _shares(within, codes[rows, 0], STYLE_NAMES),
        }
    rows = (codes[:, 3] == KINDS.index("cifar")) & (codes[:, 0] == 0)
    table = np.zeros((10, 10), dtype=int)
    np.add.at(table, (codes[rows, 1] - 5, scores[rows, 4:14].argmax(1)), 1)
    return {**found, "cifar_confusion": table.tolist()}


def _spoilt(encoder: Any, photos: np.ndarray, texts: Tensor) -> dict[str, float]:
    """Share of spoilt photographs still called a photo."""
    rng, found = np.random.default_rng(0), {}
    for name in (*FLAWS[1:], "outlined"):
        x = (_as_tensor(photos) + 1) / 2
        x = _outline(x, rng) if name == "outlined" else _spoil(x, name, rng)
        said = (embed(encoder, x.clamp(0, 1) * 2 - 1) @ texts.T).argmax(1)
        found[name] = round(float((said == 0).float().mean()), 4)
    return found


def measure(corpus: Path, guide: str) -> dict[str, Any]:
    from nada.clip.encoders import load_encoder

    encoder = load_encoder(guide)
    table, images = np.load(corpus / "table.npz"), np.load(corpus / "images.npy", mmap_mode="r")
    rows = np.flatnonzero(table["held_out"])
    codes, pixels = table["codes"][rows], np.asarray(images[rows])
    seen = embed(encoder, _as_tensor(pixels))
    texts = name_texts(encoder, [PROMPTS[style] for style in STYLE_NAMES])
    others = name_texts(encoder, [OTHER_WORDS[style] for style in STYLE_NAMES])
    photos = pixels[(codes[:, 0] == 0)][::8]
    return {
        "held_out_pictures": len(rows),
        "style": _styles(seen, codes, texts),
        "style_in_other_words": _styles(seen, codes, others)["by_style"],
        "object": _objects(seen, codes, name_texts(encoder, [f"photo of a {name}" for name in OBJECTS])),
        "object_by_name_alone": _objects(seen, codes, name_texts(encoder, list(OBJECTS))),
        "spoilt_photos_called_photo": _spoilt(encoder, photos, texts),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--guide", required=True, help="a folder, or the name of a bundled guide")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    spec = f"local-dir:{options.guide}" if Path(options.guide).is_dir() else options.guide
    found = measure(options.corpus, spec)
    options.out.write_text(json.dumps(found, indent=1) + "\n")
    print(
        json.dumps(
            {
                "style": found["style"]["mean"],
                "fruit": found["object"]["fruit"]["photos"],
                "cifar": found["object"]["cifar"]["photos"],
            }
        )
    )


if __name__ == "__main__":
    main()
