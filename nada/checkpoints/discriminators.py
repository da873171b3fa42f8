"""Discriminators on disk: beside a generator in our own format, and in the checkpoint of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nada.checkpoints import native
from nada.checkpoints.problems import BadFile
from nada.checkpoints.sizes import MAX_RESOLUTION, build_network
from nada.checkpoints.sniffing import opened
from nada.errors import NadaError
from nada.files import read_json, write_bytes, write_json
from nada.models import Discriminator, DiscriminatorConfig

FORMAT, VERSION = "nada-discriminator", 1
WEIGHTS, CONFIG = "discriminator.safetensors", "discriminator.json"
RUN_STATE = "last.ckpt"  # what a training run goes on from
_LARGEST = 1 << 20  # of any size of a network


def save_discriminator(folder: str | Path, discriminator: Discriminator) -> Path:
    """Write a discriminator into a folder, beside the generator that it was trained with.

    Raises NadaError if the place cannot be written.
    """
    from safetensors.torch import save

    folder = Path(folder)
    state = {name: value.detach().cpu().contiguous() for name, value in discriminator.state_dict().items()}
    write_bytes(folder / WEIGHTS, save(state, metadata={"format": "pt"}))
    write_json(folder / CONFIG, {"format": FORMAT, "version": VERSION, "config": discriminator.config.to_dict()})
    return folder


def remove_discriminator(folder: Path) -> None:
    """Take away what `save_discriminator` wrote, if it is there."""
    for name in (CONFIG, WEIGHTS):
        (folder / name).unlink(missing_ok=True)


def holds_discriminator(folder: Path) -> bool:
    """Return whether a folder has a discriminator, its own or that of a training run."""
    return (folder / CONFIG).is_file() or _is_training_run(folder)


def _is_training_run(folder: Path) -> bool:
    """Return whether a run trained a discriminator; an adaptation has the same files but none."""
    if not (folder / RUN_STATE).is_file() or not (folder / native.CONFIG).is_file():
        return False
    record = read_json(folder / native.CONFIG)
    return isinstance(record, dict) and isinstance(record.get("discriminator"), dict)


def read_folder_discriminator(folder: Path) -> Discriminator:
    """Read the discriminator of a folder, in eval mode. Raises NadaError, also if there is none."""
    try:
        if (folder / CONFIG).is_file():
            content = read_json(folder / CONFIG)
            if not isinstance(content, dict) or content.get("format") != FORMAT:
                raise BadFile(f"has a {CONFIG} that describes no discriminator (no format {FORMAT!r})")
            if content.get("version") != VERSION:
                raise BadFile(f"has a discriminator of version {content.get('version')!r}; update nada to read it")
            values, _ = native.read_tensors(folder / WEIGHTS)
            return build_network(Discriminator, _config(content.get("config")), values)
        if _is_training_run(folder):
            return _of_training_run(folder)
    except BadFile as error:
        raise NadaError(f"{folder} {error}.") from error
    raise NadaError(f"{folder} holds no discriminator; give the folder of a training run, or its .pkl or .pt file.")


def _of_training_run(folder: Path) -> Discriminator:
    record = read_json(folder / native.CONFIG)
    with opened(folder / RUN_STATE) as content:
        state = content.value if isinstance(content.value, dict) else {}
        values = state.get("discriminator")
        if state.get("format") != "nada-training" or not isinstance(values, dict):
            raise BadFile("is no checkpoint of a training run")
        return build_network(Discriminator, _config(record["discriminator"]), values)


def _config(values: Any) -> DiscriminatorConfig:
    """Return the configuration that JSON describes. Raises BadFile for whatever could not be one."""
    if not isinstance(values, Mapping) or not all(map(_is_plain, values.values())):
        raise BadFile("describes an impossible discriminator")
    try:
        config = DiscriminatorConfig.from_dict(values)
    except (NadaError, TypeError, AttributeError) as error:
        raise BadFile(f"describes an impossible discriminator ({str(error).rstrip('.')})") from error
    if config.resolution > MAX_RESOLUTION:
        raise BadFile(f"describes a discriminator of {config.resolution} px")
    return config


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, int) and 0 < item <= _LARGEST for item in value)
    if isinstance(value, (int, float)):
        return 0 <= value <= _LARGEST
    return value is None or (isinstance(value, str) and len(value) < 80)
