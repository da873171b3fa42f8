"""How large the pictures of a training are, where --size does not say."""

from __future__ import annotations

from dataclasses import replace

from nada.config.train import TrainConfig
from nada.data.imported import imported_size
from nada.training.initial import Initial

DEFAULT_SIZE = 64


def settle_size(config: TrainConfig, initial: Initial | None) -> tuple[TrainConfig, str]:
    """The options with a size, and where it is from, for people; "" where --size was given.

    It is that of --init, else that of the import that the data are, or the power of two below, else 64.
    """
    if config.size is not None:
        return config, ""
    if initial is not None:
        return replace(config, size=initial.generator.config.resolution), "as --init"
    imported = imported_size(config.data) if config.data is not None else None
    if imported is None or imported < 4:
        return replace(config, size=DEFAULT_SIZE), "by default"
    size = 1 << (imported.bit_length() - 1)
    return replace(config, size=size), "as the data" if size == imported else f"the data have {imported}"
