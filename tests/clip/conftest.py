"""Tiny open_clip models under names of their own, and their weights in every form a file can have."""

from __future__ import annotations

import gzip
import json
import warnings
from pathlib import Path
from types import ModuleType

import pytest
import torch

from nada._compat import import_open_clip

MERGES = ["p h", "ph o", "pho t", "phot o</w>", "l o", "lo g", "log o</w>", "i m"]
WORDS = ["a", "photo", "logo", "minimal", "image", "picture", "of"]
PREPROCESS = {
    "mean": [0.5, 0.4, 0.3],
    "std": [0.2, 0.3, 0.25],
    "interpolation": "bilinear",
    "resize_mode": "shortest",
}


def tiny_config(merges: str) -> dict:
    return {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "patch_size": 16, "head_width": 16},
        "text_cfg": {
            "context_length": 16,
            "vocab_size": 514 + len(MERGES),
            "width": 16,
            "heads": 2,
            "layers": 1,
            "tokenizer_kwargs": {"bpe_path": merges},
        },
    }


def write_merges(path: Path) -> Path:
    path.write_bytes(gzip.compress("\n".join(["#version: tiny", *MERGES]).encode()))
    return path


@pytest.fixture(scope="session")
def open_clip(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """open_clip knowing `tiny`, `tiny-quickgelu` (as ViT-B-32 has such a twin) and `tiny-wide`."""
    module = import_open_clip()
    folder = tmp_path_factory.mktemp("configs")
    config = tiny_config(str(write_merges(folder / "bpe.txt.gz")))
    quick, wide = {**config, "quick_gelu": True}, {**config, "embed_dim": 24}
    for name, content in (("tiny", config), ("tiny-quickgelu", quick), ("tiny-wide", wide)):
        (folder / f"{name}.json").write_text(json.dumps(content))
    module.add_model_config(folder)
    return module


@pytest.fixture(scope="session")
def tiny_model(open_clip: ModuleType) -> torch.nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = open_clip.create_model("tiny")
        for parameter in model.parameters():  # a forgotten load must not go unseen
            parameter.data += 0.1 * torch.randn(parameter.shape)
    return model.eval()


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory, tiny_model: torch.nn.Module) -> dict[str, Path]:
    """The tiny model's weights as each kind of file, by kind."""
    from safetensors.torch import save_file

    folder, state = tmp_path_factory.mktemp("weights"), tiny_model.state_dict()
    paths = {
        "safetensors": folder / "weights.safetensors",
        "pt": folder / "weights.pt",
        "bin": folder / "weights.bin",
        "training": folder / "epoch_1.pt",
        "torchscript": folder / "scripted.pt",
    }
    save_file(state, paths["safetensors"])
    torch.save(state, paths["pt"])
    torch.save(state, paths["bin"])
    wrapped = {f"module.{name}": tensor for name, tensor in state.items()}
    torch.save({"epoch": 1, "state_dict": wrapped}, paths["training"])
    examples = torch.zeros(1, 3, 32, 32), torch.zeros(1, 16, dtype=torch.long)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing is deprecated, the files of it are there to stay
        torch.jit.trace(tiny_model, examples, check_trace=False).save(str(paths["torchscript"]))
    return paths


@pytest.fixture()
def guide_folder(tmp_path: Path, tiny_model: torch.nn.Module) -> Path:
    """A folder of the layout that the bundled guides have: fp16 weights, own vocabulary, own notes."""
    from safetensors.torch import save_file

    folder = tmp_path / "guide"
    folder.mkdir()
    config = {"model_cfg": tiny_config("bpe.txt.gz"), "preprocess_cfg": PREPROCESS}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    half = {name: tensor.half() for name, tensor in tiny_model.state_dict().items()}
    save_file(half, folder / "open_clip_model.safetensors")
    write_merges(folder / "bpe.txt.gz")
    notes = {"templates": ["{}", "a picture of {}"], "words": WORDS, "antialias": False, "filter": "area"}
    (folder / "nada.json").write_text(json.dumps(notes))
    return folder
