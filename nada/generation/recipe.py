"""What decides the pixels of a picture, as one record that is kept in the picture's own file."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nada.errors import NadaError
from nada.generation.seeds import LARGEST

FORMAT = 1
NOISES = ("const", "random", "none")
CENTRES = ("global", "condition")
PRECISIONS = ("fp32", "bf16", "fp16")
MOST_LAYERS = 64
MOST_TEXT = 1000  # characters of a condition or of a generator's name
_STRANGE = "its settings are not those of nada generate"


@dataclass(frozen=True)
class StyleMix:
    """The styles of `layers` come from another seed and its condition (style mixing, arXiv:1812.04948, 3.1)."""

    seed: int
    condition: str | None
    layers: tuple[int, ...]


@dataclass(frozen=True)
class Recipe:
    """One picture.

    Attributes:
        model: spec of the generator.
        sha256: `hash_generator` of it; of an adaptation at strength 1.
        seed: of the latent, and of random noise.
        condition: name or number of a class or known prompt, or a text; None for an unconditional generator.
        strength: 0 for the source's weights, 1 for the adapted ones; None where there is no adaptation.
        truncation, truncation_cutoff, truncation_centre: as of `Generator.map_latents`.
        noise: "const", "random" or "none".
        precision: of the feature maps, "fp32", "bf16" or "fp16".
        mix: where other styles are mixed in.
        offset: what is added to every style: base64 of `w_dim` little-endian float32 numbers; empty for nothing.
    """

    model: str
    sha256: str
    seed: int
    condition: str | None = None
    strength: float | None = None
    truncation: float = 1.0
    truncation_cutoff: int | None = None
    truncation_centre: str = "global"
    noise: str = "const"
    precision: str = "fp32"
    mix: StyleMix | None = None
    offset: str = ""

    def same_picture(self, other: Recipe) -> bool:
        """Whether both are of the same picture, by whatever path its generator was named."""
        return dataclasses.replace(self, model=other.model) == other

    def differences(self, other: Recipe) -> list[str]:
        """The settings that differ, in words."""
        names = [field.name for field in dataclasses.fields(self) if field.name not in ("model", "sha256")]
        return [
            f"{name.replace('_', ' ')} {_brief(one)}, not {_brief(two)}"
            for name in names
            if (one := getattr(self, name)) != (two := getattr(other, name))
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; `read_recipe` gives an equal recipe back."""
        return {
            "format": FORMAT,
            **{key: value for key, value in dataclasses.asdict(self).items() if value not in (None, "")},
        }


def _brief(value: Any) -> str:
    text = f"seed {value.seed} in layers {value.layers}" if isinstance(value, StyleMix) else str(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def encode_offset(offset: np.ndarray) -> str:
    """Return an offset `(w_dim,)` as a recipe holds it."""
    return base64.b64encode(offset.astype("<f4").tobytes()).decode()


def decode_offset(text: str) -> np.ndarray:
    """Return an offset `(w_dim,)`, float32. Raises NadaError if the text is none, or holds infinity or NaN."""
    try:
        values = np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32)
    except (binascii.Error, ValueError) as error:
        raise NadaError(f"{_STRANGE}: the offset cannot be read.") from error
    if not np.isfinite(values).all():
        raise NadaError(f"{_STRANGE}: the offset is not finite.")
    return values


def read_recipe(values: Any) -> Recipe:
    """Return the recipe that `to_dict` told; other keys are ignored. Raises NadaError for anything else.

    What comes from a file may be anybody's: every value is checked for its type and its range.
    """
    if not isinstance(values, Mapping) or values.get("format") != FORMAT:
        raise NadaError(f"{_STRANGE} of this version.")
    mix = values.get("mix")
    recipe = Recipe(
        model=_text(values, "model") or "",
        sha256=_text(values, "sha256") or "",
        seed=_seed(values),
        condition=_text(values, "condition"),
        strength=_number(values, "strength", None, 100.0),
        truncation=_number(values, "truncation", 1.0, 100.0) or 0.0,
        truncation_cutoff=_whole(values, "truncation_cutoff", MOST_LAYERS),
        truncation_centre=_choice(values, "truncation_centre", CENTRES),
        noise=_choice(values, "noise", NOISES),
        precision=_choice(values, "precision", PRECISIONS),
        mix=None if mix is None else _mix(mix),
        offset=_text(values, "offset", 1 << 20) or "",
    )
    decode_offset(recipe.offset)
    if not recipe.model or len(recipe.sha256) != 64:
        raise NadaError(f"{_STRANGE}: they do not name a generator.")
    return recipe


def _mix(values: Any) -> StyleMix:
    layers = values.get("layers") if isinstance(values, Mapping) else None
    if not isinstance(layers, (list, tuple)) or not 0 < len(layers) <= MOST_LAYERS:
        raise NadaError(f"{_STRANGE}: mix has no layers.")
    if not all(type(layer) is int and 0 <= layer < MOST_LAYERS for layer in layers):
        raise NadaError(f"{_STRANGE}: mix has layers that cannot be.")
    return StyleMix(_seed(values), _text(values, "condition"), tuple(layers))


def _seed(values: Mapping[str, Any]) -> int:
    seed = _whole(values, "seed", LARGEST)
    if seed is None:
        raise NadaError(f"{_STRANGE}: there is no seed.")
    return seed


def _text(values: Mapping[str, Any], key: str, most: int = MOST_TEXT) -> str | None:
    value = values.get(key)
    if value is None or isinstance(value, str) and len(value) <= most and "\0" not in value:
        return value
    raise NadaError(f"{_STRANGE}: {key} is not a text.")


def _whole(values: Mapping[str, Any], key: str, largest: int) -> int | None:
    value = values.get(key)
    if value is None or type(value) is int and 0 <= value <= largest:
        return value
    raise NadaError(f"{_STRANGE}: {key} is not a whole number from 0 to {largest}.")


def _number(values: Mapping[str, Any], key: str, default: float | None, largest: float) -> float | None:
    value = values.get(key, default)
    if value is None or type(value) in (int, float) and math.isfinite(value) and abs(value) <= largest:
        return None if value is None else float(value)
    raise NadaError(f"{_STRANGE}: {key} is not a number between -{largest:g} and {largest:g}.")


def _choice(values: Mapping[str, Any], key: str, choices: tuple[str, ...]) -> str:
    value = values.get(key, choices[0])
    if value not in choices:
        raise NadaError(f"{_STRANGE}: {key} is none of {', '.join(choices)}.")
    return value
