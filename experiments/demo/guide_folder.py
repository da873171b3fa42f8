"""The folder a guide lives in: open_clip's config and weights, our notes and the small vocabulary."""

from __future__ import annotations

import json
import os
from pathlib import Path

import torch
from captions import TEMPLATES, all_words
from safetensors.torch import save as pack
from vocabulary import learn_merges, save_merges, table_size

MEAN = STD = (0.5, 0.5, 0.5)
TEXT = {"context_length": 20, "width": 128, "heads": 4, "layers": 2}
VISION = {
    "vit": {"image_size": 64, "layers": 4, "width": 128, "patch_size": 8, "head_width": 32},
    "resnet": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 16},
}
EMBEDDING = 128


def model_config(architecture: str) -> dict:
    """open_clip's description of the model; `architecture` is 'vit' or 'resnet'."""
    merges = learn_merges(all_words())
    text = {**TEXT, "vocab_size": table_size(merges), "tokenizer_kwargs": {"bpe_path": "bpe.txt.gz"}}
    return {"embed_dim": EMBEDDING, "vision_cfg": VISION[architecture], "text_cfg": text}


def build(architecture: str, patch_dropout: float = 0.0) -> torch.nn.Module:
    """A fresh open_clip model with random weights."""
    from nada._compat import import_open_clip

    open_clip = import_open_clip()
    config = model_config(architecture)
    text = {key: value for key, value in config["text_cfg"].items() if key != "tokenizer_kwargs"}
    vision = dict(config["vision_cfg"])
    if architecture == "vit":
        vision["patch_dropout"] = patch_dropout
    return open_clip.CLIP(embed_dim=EMBEDDING, vision_cfg=vision, text_cfg=text)


def tokenizer(folder: Path):
    """The tokenizer over the folder's vocabulary."""
    from nada._compat import import_open_clip

    import_open_clip()
    from open_clip.tokenizer import SimpleTokenizer

    return SimpleTokenizer(bpe_path=str(folder / "bpe.txt.gz"), context_length=TEXT["context_length"])


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(content)
    os.replace(temporary, path)


def write_vocabulary(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    save_merges(folder / "bpe.txt.gz", learn_merges(all_words()))


def export(folder: Path, architecture: str, weights: dict[str, torch.Tensor], note: str) -> None:
    """Write everything but the model card. `weights` is a state_dict; it is stored in half precision."""
    write_vocabulary(folder)
    preprocess = {"mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "shortest"}
    config = {"model_cfg": model_config(architecture), "preprocess_cfg": preprocess}
    notes = {
        "templates": TEMPLATES,
        "words": all_words(),
        "antialias": True,
        "filter": "bicubic",
        "note": note,
    }
    _write(folder / "open_clip_config.json", (json.dumps(config, indent=2) + "\n").encode())
    _write(folder / "nada.json", (json.dumps(notes, indent=1) + "\n").encode())
    half = {k: v.half() if v.is_floating_point() else v for k, v in weights.items()}
    _write(folder / "open_clip_model.safetensors", pack({k: v.contiguous() for k, v in half.items()}))
