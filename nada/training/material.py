"""The data of a training: what is trained on, what is measured against, and what pictures are made to order by."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from nada.config.train import TrainConfig
from nada.data import ImageDataset, load_dataset
from nada.errors import UsageError
from nada.training.captions import Captions, kept_captions, read_captions
from nada.training.heldout import split_off, with_classes_of, with_mirror_images, without

Progress = Callable[[Iterable[Any], int], Iterable[Any]]
CONDITIONS = ("class", "text", "none")


@dataclass(frozen=True)
class Material:
    """`data` without mirror images is what is described and hashed; `shown` is what the loop takes batches from."""

    data: ImageDataset
    shown: ImageDataset
    reference: ImageDataset
    held_out: bool
    condition: str
    captions: Captions | None = None

    def describe(self) -> dict[str, Any]:
        """What a run records of its data."""
        return {
            **self.data.describe(),
            "condition": self.condition,
            "mirror": len(self.shown) != len(self.data),
            "held_out": len(self.reference) if self.held_out else 0,
        }


def load_material(
    config: TrainConfig, device: torch.device, folder: Path | None = None, progress: Progress | None = None
) -> Material:
    """Read the pictures and bring them into the form that the options ask for.

    Args:
        folder: a run that is resumed; it has the captions' embeddings.

    Raises:
        UsageError: where the data lack the condition that is asked for.
        NadaError: for data that cannot be read.
    """
    if config.data is None:
        raise UsageError("--data is missing: give a folder, a .zip or a .parquet file of pictures.")
    data = load_dataset(config.data, config.size, config.include, progress)
    reference = data
    if config.holdout:
        data, reference = split_off(data, config.holdout)
    elif config.holdout_glob:
        reference = with_classes_of(load_dataset(config.data, config.size, config.holdout_glob, progress), data)
        data = without(data, reference)
    condition = choose_condition(config.cond, data)
    captions = None
    if condition == "text":
        texts = (*(data.texts or ()), *(reference.texts or ()))
        captions = kept_captions(folder, texts) if folder else read_captions(texts, config.text_guide, device)
    data, reference = (_conditioned(part, condition, captions) for part in (data, reference))
    shown = with_mirror_images(data) if config.mirror else data
    return Material(data, shown, reference, bool(config.holdout or config.holdout_glob), condition, captions)


def choose_condition(asked: str, data: ImageDataset) -> str:
    """What `--cond` means for `data`: "class", "text" or "none". Raises UsageError for what the data do not have."""
    captioned = data.texts is not None and all(data.texts)
    if asked == "auto":
        return "class" if data.labels is not None else "text" if captioned else "none"
    if asked == "class" and data.labels is None:
        raise UsageError("--cond class needs labelled data: a folder for each class, or a dataset.json with labels.")
    if asked == "text" and data.texts is None:
        raise UsageError("--cond text needs captions: a text column in a parquet file, or texts in a dataset.json.")
    if asked == "text" and not captioned:
        raise UsageError(f"--cond text needs a caption for every picture; {data.texts.count('')} have none.")
    return asked


def _conditioned(data: ImageDataset, condition: str, captions: Captions | None) -> ImageDataset:
    if captions is not None:
        return data.without_classes().with_conditions(captions.of(data.texts or ()))
    return data.without_classes() if condition == "none" else data
