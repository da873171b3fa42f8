"""`nada mix`: several domains become one, kept as an adaptation or as a whole generator, with a preview."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from nada.checkpoints import save_adaptation, save_generator
from nada.checkpoints.native import ADAPTATION, BASE_HASH, CONFIG, WEIGHTS
from nada.checkpoints.records import RUN
from nada.checkpoints.specs import absolute_spec
from nada.config import to_json
from nada.config.mix import MixConfig
from nada.domains import Blender
from nada.errors import NadaError
from nada.files import make_folder, read_json, write_json, write_text
from nada.images import save_png
from nada.mixing.card import mix_card
from nada.mixing.preview import PREVIEW, PreviewSettings, draw_preview, preview_settings
from nada.mixing.recipe import Mix, Part, mix, parse_weights
from nada.models import Generator
from nada.precision import compute_exactly
from nada.runs import clean_termination, create_run, describe_environment, pick_device

CARD = "README.md"
_OURS = {ADAPTATION, WEIGHTS, CONFIG, PREVIEW, CARD}


@clean_termination()
def run_mix(config: MixConfig, domains: Sequence[str], say: Callable[[str], None]) -> Path:
    """Make a mix and keep it in a folder, which is returned; `say` is told in a line each what and where.

    Raises:
        UsageError: for weights and options that make no sense.
        NadaError: for domains that cannot be read or do not fit, and where the folder cannot be written.
    """
    weights = parse_weights(config.weights, len(domains))
    device = pick_device(config.device)
    compute_exactly(device)
    out = None if config.out is None else _checked_folder(Path(config.out).expanduser(), config.replace)
    made = mix(domains, weights, config.base, config.force)
    # Settled before a folder is made, so that a misspelt class leaves nothing behind.
    look = preview_settings(config, made.base.config) if config.preview else None
    say(f"base {made.base_spec} ({made.base.extra_repr()}), mix {made.name}, {made.numbers:,} numbers")
    folder = out or create_run("runs", " ".join(["mix", *(part.domain.name for part in made.parts)]))
    _clear(make_folder(folder))
    if look is not None:
        _save_preview(folder, made, look, device)
    file = _save_generator(folder, made, config) if config.to == "generator" else _save_adaptation(folder, made, config)
    say(f"{folder}: {file.name}, {file.stat().st_size / 1e6:.2f} MB" + (f", {PREVIEW}" if look else ""))
    return folder


def _checked_folder(folder: Path, replace: bool) -> Path:
    """Return a folder that may be written; what an interrupted mix left there is no hindrance."""
    if not folder.exists():
        return folder
    if not folder.is_dir():
        raise NadaError(f"{folder} is a file; give another name for the folder to write.")
    found = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    if found - _OURS or (CONFIG in found and not _is_mix(folder)):
        raise NadaError(f"{folder} holds something else; give another folder.")
    if CONFIG in found and not replace:
        raise NadaError(f"{folder} holds a mix already; give --replace to write over it, or another folder.")
    return folder


def _clear(folder: Path) -> None:
    """Take away what an earlier mix left, first that by which the folder is one."""
    for name in (CONFIG, *sorted(_OURS - {CONFIG})):
        (folder / name).unlink(missing_ok=True)


def _is_mix(folder: Path) -> bool:
    content = read_json(folder / CONFIG)
    metadata = content.get("metadata") if isinstance(content, dict) else None
    return isinstance(content, dict) and (
        content.get("command") == "mix" or (isinstance(metadata, dict) and "mix" in metadata)
    )


def _save_preview(folder: Path, made: Mix, look: PreviewSettings, device: Any) -> None:
    picture = draw_preview(_rows(made), look, device)
    save_png(folder / PREVIEW, picture, {"nada": json.dumps(made.metadata(), sort_keys=True)})


def _rows(made: Mix) -> Iterator[tuple[str, Generator]]:
    """The generators of the preview, one at a time, since each is a copy of its own."""
    yield f"mix: {made.name}", made.generator
    blender = Blender(made.base, [part.domain for part in made.parts], force=True)
    as_it_is = len(made.parts) == 1 and made.parts[0].weight == 1  # then the mix is that domain
    for part in () if as_it_is else reversed(made.parts):
        yield part.domain.name, blender.at([float(other is part) for other in made.parts])
    yield f"base: {Path(made.base_spec).name}", made.base  # where it lies on this machine is nobody's business


def _save_adaptation(folder: Path, made: Mix, config: MixConfig) -> Path:
    file = save_adaptation(folder / ADAPTATION, made.tensors, made.metadata())
    write_text(folder / CARD, mix_card(made.metadata(), (folder / PREVIEW).is_file(), "adaptation"))
    write_json(folder / CONFIG, _record(made, config))  # last: with it the folder is a run
    return file


def _save_generator(folder: Path, made: Mix, config: MixConfig) -> Path:
    write_text(folder / CARD, mix_card(made.metadata(), (folder / PREVIEW).is_file(), "generator"))
    parts = [part.describe() for part in made.parts]
    origin = {"base": made.base_spec, BASE_HASH: made.base_sha256, RUN: _record(made, config)}
    save_generator(folder, made.generator, {"mix": parts, **origin})
    return folder / WEIGHTS


def _record(made: Mix, config: MixConfig) -> dict[str, Any]:
    return {
        "command": "mix",
        "options": to_json(config),
        "generator": made.base_spec,
        "generator_sha256": made.base_sha256,
        "generator_config": made.base.config.to_dict(),
        "parts": [{**part.describe(), "spec": absolute_spec(part.spec)} for part in made.parts],
        "parameters": made.numbers,
        "guide": {"encoders": _guides(made.parts)},
        "environment": describe_environment(),
    }


def _guides(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """Whoever had a part in the weights, so that nobody judges a mix that they have guided."""
    found = {}
    for part in parts:
        guide = part.record.get("guide")
        for encoder in guide.get("encoders", ()) if isinstance(guide, dict) else ():
            found[str(encoder.get("sha256"))] = encoder
    return list(found.values())
