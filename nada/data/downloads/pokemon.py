"""Pictures of pokémon by way of PokéAPI, with their types as classes and a caption each."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nada.data.downloads.collection import Collection
from nada.data.downloads.pictures import picture_suffix
from nada.data.downloads.pokeapi import POKEAPI, SPECIES, PokeApi
from nada.data.downloads.tally import Tally
from nada.data.records import Progress, Skipped
from nada.errors import NadaError
from nada.web import Client, Refused, Unreachable

_GIVE_UP = {Unreachable: 3, Refused: 20}  # so many failures in a row are the server's, not the picture's


def fetch_pokemon(
    out: Path,
    client: Client,
    *,
    sprite: str = "official-artwork",
    limit: int = SPECIES,
    base_url: str = POKEAPI,
    progress: Progress | None = None,
) -> Tally:
    """Fetch the pictures of the first `limit` pokémon into the folder `out`, as TYPE/NAME.png and dataset.json.

    What is there is not fetched again. A picture that does not exist, or an answer that is no picture, is skipped
    and listed in `skipped.txt`. However the run ends, every file under its final name is whole.

    Args:
        sprite: the kind of picture, a key of `SPRITES`.
        base_url: the address of the service or of a mirror.
        progress: wraps the iteration and is told the count, for a bar.

    Raises:
        NadaError: if the service does not answer, or stops answering; what has arrived is kept.
        UsageError: if the folder holds other pictures.
    """
    collection, tally = Collection(out, {"name": "pokeapi", "sprite": sprite}), Tally()
    service = PokeApi(client, base_url)
    try:
        listed = service.listed(limit)
    except (Refused, Unreachable) as error:
        raise NadaError(f"{error} {_by_hand(out)}") from error
    try:
        _fetch_all(progress(listed, len(listed)) if progress else listed, service, client, sprite, collection, tally)
    finally:
        if len(collection):
            collection.save()
        tally.write_skipped(out)
    if not len(collection):
        raise NadaError(f"no picture came of {len(listed)}: {tally.summary()}. {_by_hand(out)}")
    return tally


def _fetch_all(
    listed: Iterable[tuple[str, str]],
    service: PokeApi,
    client: Client,
    sprite: str,
    collection: Collection,
    tally: Tally,
) -> None:
    row: list[type[NadaError]] = []
    for name, url in listed:
        if name in collection:
            tally.present += 1
            row = [kind for kind in row if kind is Unreachable]  # it came when it was asked for, so the rest may be rare
            continue
        try:
            _fetch_one(name, url, service, client, sprite, collection, tally)
            row = []
        except (Refused, Unreachable) as error:
            tally.skipped.append(Skipped(name, error.reason))
            row.append(type(error))
            if any(row[-count:] == [kind] * count for kind, count in _GIVE_UP.items()):
                raise NadaError(
                    f"gave up at {name} after {len(row)} failures in a row (the last: {error.reason}); "
                    f"{len(collection)} pictures are there, run the command again later to go on."
                ) from error


def _fetch_one(
    name: str, url: str, service: PokeApi, client: Client, sprite: str, collection: Collection, tally: Tally
) -> None:
    pokemon = service.pokemon(url, sprite)
    if pokemon.picture is None:
        tally.skipped.append(Skipped(name, f"no {sprite} picture"))
        return
    label, text = pokemon.types[0], pokemon.caption()
    if collection.adopt(name, label, text):
        tally.present += 1
        return
    answer = client.read(pokemon.picture)
    collection.add(name, label, text, answer.data, picture_suffix(answer))
    tally.fetched += 1


def _by_hand(out: Path) -> str:
    return (
        "Or fetch pictures from https://github.com/PokeAPI/sprites elsewhere and put them at "
        f"{out / 'TYPE' / 'NAME.png'}: 'nada data import' takes such a folder too."
    )
