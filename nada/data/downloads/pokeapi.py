"""PokéAPI v2: which pokémon there are, of which types, and where their pictures are."""

from __future__ import annotations

import json
import re
import urllib.parse
from typing import Any, NamedTuple

from nada.data.downloads.pictures import is_web_page
from nada.web import Client, Refused

POKEAPI = "https://pokeapi.co/api/v2"
SPECIES = 1025  # the list begins with them; other forms of the same animals follow
_PAGE = 200  # the service asks not to be emptied in one request

# The name of a kind of picture, and where the answer of the service has its address.
SPRITES = {
    "official-artwork": ("other", "official-artwork", "front_default"),
    "official-artwork-shiny": ("other", "official-artwork", "front_shiny"),
    "home": ("other", "home", "front_default"),
    "front_default": ("front_default",),
    "front_shiny": ("front_shiny",),
    "back_default": ("back_default",),
    "back_shiny": ("back_shiny",),
}


class Pokemon(NamedTuple):
    """One pokémon: its name, its types with the primary one first, and its picture's address, if there is one."""

    name: str
    types: tuple[str, ...]
    picture: str | None

    def caption(self) -> str:
        """What the picture shows, in words: "a sprite of bulbasaur, a grass and poison pokemon"."""
        article = "an" if self.types[0][0] in "aeiou" else "a"
        return f"a sprite of {self.name.replace('-', ' ')}, {article} {' and '.join(self.types)} pokemon"


class PokeApi:
    """The few questions that a download asks, at the service's own address or at a mirror's."""

    def __init__(self, client: Client, base_url: str = POKEAPI) -> None:
        self._client = client
        self._base = base_url.rstrip("/")

    def listed(self, limit: int) -> list[tuple[str, str]]:
        """Name and address of the first `limit` pokémon, fewer if there are not so many. Raises Refused."""
        found: list[tuple[str, str]] = []
        while len(found) < limit:
            url = f"{self._base}/pokemon?limit={min(_PAGE, limit - len(found))}&offset={len(found)}"
            answer = self._ask(url)
            try:
                page = [(_checked(row["name"]), self._here(url, str(row["url"]))) for row in answer["results"]]
            except (KeyError, TypeError, ValueError) as error:
                raise Refused(url, "it answers something else than a list of pokémon") from error
            found += page
            if not page or not answer.get("next"):
                break
        return found[:limit]

    def pokemon(self, url: str, sprite: str) -> Pokemon:
        """Ask for one pokémon and its picture of the kind `sprite`. Raises Refused and Unreachable."""
        answer = self._ask(url)
        try:
            types = sorted(answer["types"], key=lambda entry: int(entry["slot"]))
            names = tuple(_checked(entry["type"]["name"]) for entry in types)
            picture = answer["sprites"]
            for key in SPRITES[sprite]:
                picture = (picture or {}).get(key)
            if not names:
                raise ValueError("no type")
            return Pokemon(_checked(answer["name"]), names, self._here(url, picture) if picture else None)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Refused(url, "something else than a pokémon") from error

    def _here(self, page: str, url: str) -> str:
        """An address inside an answer, absolute; those of the service itself stay on the mirror that was asked.

        Raises ValueError for what is not on the web.
        """
        absolute = urllib.parse.urljoin(page, url)
        if not absolute.startswith(("http://", "https://")):
            raise ValueError(f"{absolute} is no web address")
        return self._base + absolute.removeprefix(POKEAPI) if absolute.startswith(f"{POKEAPI}/") else absolute

    def _ask(self, url: str) -> Any:
        answer = self._client.read(url, limit=8 << 20)
        if is_web_page(answer):
            raise Refused(url, "a web page instead of data")
        try:
            return json.loads(answer.data)
        except ValueError as error:
            raise Refused(url, "something that is not JSON") from error


def _checked(name: str) -> str:
    """A name that is safe as the name of a file. Raises ValueError for any other."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,99}", name):
        raise ValueError(f"{name!r} is no name")
    return name
