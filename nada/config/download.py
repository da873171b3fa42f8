"""The options of `nada data download`. Importing this loads nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass

from nada.config.fields import option

SPRITES = (
    "official-artwork",
    "official-artwork-shiny",
    "home",
    "front_default",
    "front_shiny",
    "back_default",
    "back_shiny",
)


@dataclass(frozen=True)
class Cifar10Options:
    """Where from, and where to."""

    out: str = option(".", help="Folder for the archive.")
    base_url: str | None = option(None, help="Address of a mirror's folder that holds cifar-10-python.tar.gz.")


@dataclass(frozen=True)
class PokemonOptions:
    """Which pictures, how many, where from, how fast, and where to."""

    out: str = option("pokemon", help="Folder for the pictures.")
    sprite: str = option("official-artwork", choices=SPRITES, help="Kind of picture, as the service calls it.")
    limit: int = option(1025, help="How many, from the start of the list: 1025 species, then other forms of them.")
    rate: float = option(5.0, help="Requests a second at most, to each server.")
    base_url: str | None = option(None, help="Address of a mirror of PokéAPI v2.")
