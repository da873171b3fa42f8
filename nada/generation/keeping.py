"""Settings in picture files: written as a text of the PNG, and read from files that may be anybody's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from nada.errors import NadaError
from nada.generation.recipe import MOST_TEXT, Recipe, read_recipe
from nada.images import save_png

KEY = "nada"  # of the text in the PNG
LEVEL = 1  # of the compression: 60 % of the time of Pillow's own choice for files 7 % larger
_MOST = 4 << 20
_NOTED = 16  # entries


@dataclass(frozen=True)
class Picture:
    """A picture: uint8 `pixels (H, W, 3)`, the recipe by which it was made, and what else is to be noted of it."""

    pixels: np.ndarray
    recipe: Recipe
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of its file, as `nada generate` gives it."""
        return f"seed{self.recipe.seed:04d}.png"

    def save(self, folder: str | Path) -> Path:
        """Write it below `folder`, with its settings inside. Raises NadaError where that is impossible."""
        return save_picture(Path(folder) / self.name, self.pixels, self.recipe, self.notes)


def save_picture(path: Path, pixels: np.ndarray, recipe: Recipe, notes: Mapping[str, Any] | None = None) -> Path:
    """Write uint8 `(H, W, 3)` as a PNG that knows its recipe and what else is to be noted of it."""
    settings = {**recipe.to_dict(), **(notes or {})}
    return save_png(path, pixels, {KEY: json.dumps(settings, ensure_ascii=False)}, LEVEL)


def read_settings(path: str | Path) -> tuple[Recipe, dict[str, Any]]:
    """Return the recipe in a PNG, and everything that was written with it. Only the head of the file is read.

    Raises NadaError, naming the file, when it is missing, is no PNG, or its settings are not those of `save_picture`.
    """
    try:
        with Image.open(path, formats=("PNG",)) as image:
            text = image.info.get(KEY)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise NadaError(f"cannot read {path}: {error.strerror}.") from error
    except UnidentifiedImageError as error:
        raise NadaError(f"{path} is not a PNG, and only the PNG files of nada generate hold their settings.") from error
    except Exception as error:  # Pillow's readers raise a dozen types on damaged data
        raise NadaError(f"{path} is damaged and its settings cannot be read ({str(error)[:200]}).") from error
    if not isinstance(text, str) or len(text) > _MOST:
        raise NadaError(f"{path} holds no settings of nada generate; programs that save a picture anew often drop them.")
    try:
        values = json.loads(text)
        return read_recipe(values), values
    except NadaError as error:
        raise NadaError(f"{path} cannot be made again: {error}") from error
    except (ValueError, RecursionError) as error:
        raise NadaError(f"{path} cannot be made again: its settings are not JSON.") from error


def read_search(values: Any) -> dict[str, Any]:
    """What settings say of a search: short words and numbers by their names; empty for anything else."""
    if not isinstance(values, dict) or len(values) > _NOTED:
        return {}
    plain = all(
        value is None or isinstance(value, (str, int, float)) and len(str(value)) <= MOST_TEXT for value in values.values()
    )
    return dict(values) if plain else {}
