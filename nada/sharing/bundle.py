"""All files of an export, in memory, and the list by which an export is known again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nada import __version__
from nada.checkpoints import hash_generator, native
from nada.checkpoints.records import RUN
from nada.errors import NadaError, UsageError
from nada.evaluation.keeping import RESULTS
from nada.files import encode_json
from nada.sharing.card import export_card
from nada.sharing.numbers import read_evaluation
from nada.sharing.pictures import draw_pictures
from nada.sharing.portable import is_public, portable
from nada.sharing.source import CARD, RESULT, Source

MANIFEST, FORMAT, VERSION = "nada-export.json", "nada-export", 1
ADAPTATION = "adaptation"  # what `only` may say


@dataclass(frozen=True)
class Bundle:
    """What an export is made of.

    Attributes:
        title: for people.
        files: bytes by name, the manifest last.
        weights_sha256: `hash_generator` of the generator.
        remarks: what whoever exports should know.
    """

    title: str
    files: Mapping[str, bytes]
    weights_sha256: str
    remarks: tuple[str, ...] = ()


def make_bundle(source: Source, *, only: str | None = None, licence: str | None = None, address: str = "") -> Bundle:
    """Return the files of an export; the same source gives the same bytes.

    Args:
        only: `ADAPTATION` for the tensors that moved instead of all weights.
        licence: an identifier such as `mit`, or a name; None for unknown.
        address: the spec under which others will load it; empty for a folder.

    Raises:
        UsageError: if there is no adaptation, but `only` asks for it.
        NadaError: for a damaged results.json.
    """
    if only is not None and source.base is None:
        raise UsageError(f"{source.spec} is a whole generator, not an adaptation of one; leave out --only adaptation.")
    digest = hash_generator(source.generator)
    evaluation = read_evaluation(source.folder) if source.folder else None
    files = _weights(source, digest, only)
    files |= draw_pictures(source)
    if evaluation is not None:
        files[RESULTS] = encode_json(evaluation.to_dict())
    if source.result:
        files[RESULT] = encode_json(source.result)
    files[CARD] = export_card(source, evaluation, licence, files, address).encode("utf-8")
    files[MANIFEST] = encode_json(_manifest(source, files, digest))
    return Bundle(source.title, files, digest, tuple(_remarks(source, licence, evaluation is not None, only)))


def _weights(source: Source, digest: str, only: str | None) -> dict[str, bytes]:
    files = {}
    if only is None:
        metadata = {**source.metadata, "weights_sha256": digest}
        metadata |= {"base": source.base.name} if source.base else {}
        metadata |= {RUN: source.record} if source.record else {}
        files |= native.encode_generator(source.generator, portable(metadata))
    if source.base is not None:
        files[native.ADAPTATION] = native.encode_adaptation(source.tensors, _described(source))
    return files


def _described(source: Source) -> dict[str, str]:
    """What the small file says of itself, since it may travel alone."""
    assert source.base is not None
    words = {"source": source.option("source"), "target": source.option("target"), "layers": source.option("layers")}
    told = {name: str(value) for name, value in {**words, **source.metadata}.items() if value}
    told |= {RUN: json.dumps(source.record, sort_keys=True)} if source.record else {}
    return {"name": source.title, **told, "base": source.base.name, native.BASE_HASH: source.base.sha256}


def _manifest(source: Source, files: Mapping[str, bytes], digest: str) -> dict[str, Any]:
    facts = {name: {"bytes": len(data), "sha256": checksum(data)} for name, data in sorted(files.items())}
    return {
        "format": FORMAT,
        "version": VERSION,
        "nada": __version__,
        "title": source.title,
        "weights_sha256": digest,
        "files": facts,
    }


def _remarks(source: Source, licence: str | None, evaluated: bool, only: str | None) -> list[str]:
    remarks = []
    if licence is None:
        remarks.append("the card says that the licence is unknown; --license mit, or another, says it")
    if not evaluated:
        remarks.append(f"the card has no numbers; nada evaluate --model {source.spec} before an export gives it some")
    if source.base is not None and not is_public(source.base.name):
        need = "needs" if only else "has an adaptation that needs"
        remarks.append(
            f"it {need} {source.base.name}, which others do not have under that name; "
            "if it is on the hub, say --base hf:owner/name"
        )
    return remarks


def read_manifest(content: Any, where: str) -> dict[str, str]:
    """Return the checksums by file name that a manifest has.

    Raises:
        NadaError: if it is no manifest of an export; `where` stands in the message.
    """
    files = content.get("files") if isinstance(content, dict) and content.get("format") == FORMAT else None
    if not isinstance(files, dict):
        raise NadaError(f"{where} is not the {MANIFEST} of an export; choose another place.")
    return {str(name): str(facts.get("sha256")) for name, facts in files.items() if isinstance(facts, dict)}


def checksum(data: bytes) -> str:
    """The sha256 of bytes in hex digits."""
    return hashlib.sha256(data).hexdigest()
