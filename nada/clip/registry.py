"""What open_clip knows by name: models, tags of published weights, and the files behind them."""

from __future__ import annotations

import difflib
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from nada.clip.specs import BUNDLED, FORMS, GuideSpec
from nada.errors import NadaError, UsageError


def near_match(word: str, known: list[str]) -> str | None:
    """The known word nearest to `word`, whatever its case, or None if nothing is near."""
    by_fold = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.casefold(), list(by_fold), n=1, cutoff=0.6)
    return by_fold[found[0]] if found else None


def short(error: BaseException) -> str:
    """A library's error as a clause of one of our sentences."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."


def find_model(open_clip: ModuleType, spec: GuideSpec) -> str:
    """open_clip's name of the model. Raises UsageError with the nearest name if it has none such."""
    known = open_clip.list_models()
    name = spec.model.replace("/", "-")  # OpenAI writes ViT-B/32
    if name not in known:
        raise UsageError(f"There is no guide '{spec.name}'; {_model_hint(known, spec, name)}")
    if spec.tag is None and spec.file is None:
        tags = open_clip.list_pretrained_tags_by_model(name)
        example = f"such as {name}/{tags[0]}, " if tags else ""
        raise UsageError(f"'{spec.name}' leaves the weights open; write {name}/TAG, {example}or {name}=FILE.")
    return name


def _model_hint(known: list[str], spec: GuideSpec, name: str) -> str:
    whole = f"{spec.model}/{spec.tag}".replace("/", "-")
    if whole in known:  # ViT-B/32, which took 32 for a tag
        return f"write {whole}/TAG or {whole}=FILE."
    near = near_match(name, known if spec.tag or spec.file else [*BUNDLED, *known])
    rest = f"/{spec.tag}" if spec.tag else f"={spec.file}" if spec.file else ""
    return f"did you mean {near}{rest}?" if near else f"write {FORMS}."


def find_tag(open_clip: ModuleType, name: str, tag: str) -> dict[str, Any]:
    """open_clip's record of published weights. Raises UsageError with the nearest tag, or with all."""
    config = open_clip.get_pretrained_cfg(name, tag)
    if config:
        return config
    tags = open_clip.list_pretrained_tags_by_model(name)
    near = near_match(tag, tags)
    if near:
        hint = f"did you mean {name}/{near}?"
    else:
        hint = f"its tags are {', '.join(tags)}." if tags else f"give a file as {name}=FILE."
    raise UsageError(f"The model {name} has no weights called '{tag}'; {hint}")


def download(open_clip: ModuleType, spec: GuideSpec, name: str, config: dict[str, Any]) -> Path:
    """The file of published weights, from the cache or the network. Raises NadaError if it cannot be had."""
    with _cache_only_without_network() as offline:
        try:
            return Path(open_clip.download_pretrained(config))
        except Exception as error:  # hub, http and socket libraries have no common ancestor
            reason = "no network" if offline else short(error)
            raise NadaError(
                f"The weights of {spec.name} are not on this machine and cannot be downloaded ({reason}); "
                f"give a local file as {name}=FILE, or use the bundled guide 'demo'."
            ) from error


@contextmanager
def _cache_only_without_network() -> Iterator[bool]:
    """Let the hub look only into its cache where its host cannot be resolved; yields whether that is so.

    Without this the hub retries for three quarters of a minute before it says that there is no network.
    """
    from huggingface_hub import constants

    if urllib.request.getproxies() or _resolves(urlsplit(constants.ENDPOINT).hostname):
        yield False
        return
    before, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, True
    try:
        yield True
    finally:
        constants.HF_HUB_OFFLINE = before


def _resolves(host: str | None) -> bool:
    try:
        socket.getaddrinfo(host, 443)
    except OSError:
        return False
    return True
