"""`load_generator`: one door for every kind of generator."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nada.checkpoints import discriminators, hub, native, nvlabs_networks, registry, rosinality
from nada.checkpoints.problems import BadFile
from nada.checkpoints.sizes import build_generator, build_network
from nada.checkpoints.sniffing import Content, generator_checkpoint, opened
from nada.errors import NadaError, UsageError
from nada.files import read_json
from nada.models import Discriminator, Generator

_MAX_CHAIN = 8  # adaptations of adaptations; also ends a run that names itself as its base


@dataclass(frozen=True)
class Loaded:
    """A generator and where it came from: the kind of source, its path, a note for people (may be empty)."""

    generator: Generator
    kind: str
    path: Path
    note: str = ""


def load_generator(spec: str | Path, device: Any = "cpu") -> Generator:
    """Load a generator, in eval mode and without gradients.

    Args:
        spec: `demo` (bundled); a name of `nada models list`, once fetched; a file of
            stylegan2-ada-pytorch, stylegan3 (StyleGAN2 architecture) or rosinality/stylegan2-pytorch; a
            folder that `save_generator` wrote; the folder of a training or adaptation run; `hf:owner/name` of the
            Hugging Face hub, with `@revision` or `/file` behind it where there is more than one.
        device: where to put it.

    A file without the mean style (`latent_avg`) gets it computed from 10,000 fixed latents.

    Raises:
        NadaError: one sentence, naming the file, for everything that can be wrong with it.
        UsageError: if there is no such thing as `spec`.
    """
    return read_generator(spec).generator.to(device)


def read_generator(spec: str | Path) -> Loaded:
    """Like `load_generator`, on the CPU, with the source beside it."""
    return _read_path(find(spec), _MAX_CHAIN)


def find(spec: str | Path) -> Path:
    """Return the file or folder that `spec` stands for. Raises the errors of `load_generator`."""
    text = str(spec)
    if text in registry.BUNDLED and not isinstance(spec, Path):
        return _bundled(text)
    if text.startswith(hub.PREFIX):
        return hub.fetch_generator(hub.parse_address(text))
    path = os.path.expanduser(text)  # unlike pathlib's, these two never raise
    if text and os.path.exists(path):
        return Path(path)
    if text in registry.KNOWN:
        return registry.cached(text)
    raise _unknown(text, [*registry.BUNDLED, *registry.KNOWN])


def _bundled(name: str) -> Path:
    folder = registry.bundled_path(name)
    if not native.is_native(folder):
        raise NadaError(
            f"The bundled generator {name!r} is not part of this installation; reinstall nada, "
            "or give another one with --generator FILE."
        )
    return folder


def _unknown(text: str, names: list[str]) -> NadaError:
    """What looks like a path is a file that is missing; anything else is a misspelt name."""
    folder = os.path.dirname(os.path.expanduser(text))
    beside = [os.path.join(folder, name) for name in _listing(folder or ".")]
    near = difflib.get_close_matches(text, [*names, *beside], n=3, cutoff=0.6)
    hint = f" Did you mean {', '.join(near)}?" if near else ""
    is_path = os.sep in text or bool(os.path.splitext(text)[1])
    return (NadaError if is_path else UsageError)(
        f"There is no generator {text[:300]!r}.{hint} A generator is {' or '.join(registry.BUNDLED)}, "
        "a name of 'nada models list', a .pkl or .pt file, a run folder, or hf:owner/name."
    )


def _listing(folder: str) -> list[str]:
    try:
        return os.listdir(folder)[:1000]
    except (OSError, ValueError):
        return []


def _read_path(path: Path, depth: int) -> Loaded:
    if path.is_dir():
        return _read_folder(path, depth)
    if path.suffix == ".safetensors":
        if native.is_adaptation(path):
            return _read_adaptation(path, depth)
        if (path.parent / native.CONFIG).is_file():
            return _read_folder(path.parent, depth)
    with opened(path) as content:
        return _read_content(content, path)


def _read_content(content: Content, path: Path) -> Loaded:
    if content.kind == "torch":
        config, values = rosinality.read_generator(generator_checkpoint(content.value))
        note = "" if "mapping.w_avg" in values else "the mean style was computed, since the file has no latent_avg"
        return Loaded(build_generator(config, values), "rosinality", path, note)
    networks = content.value
    network = networks.get("G_ema") or networks.get("G")
    if network is None:
        raise BadFile("holds a discriminator but no generator")
    note = "" if "G_ema" in networks else "the file has no averaged weights (G_ema), so G was taken"
    return Loaded(build_generator(*nvlabs_networks.read_generator(network)), "nvlabs", path, note)


def _read_folder(path: Path, depth: int) -> Loaded:
    try:
        if native.is_native(path):  # an export may hold its adaptation beside the whole weights
            return Loaded(native.read_folder(path), "nada", path)
        if (path / native.ADAPTATION).is_file():
            return _read_adaptation(path, depth)
        if native.is_native(path / "generator"):
            return Loaded(native.read_folder(path / "generator"), "training run", path)
    except BadFile as error:
        raise NadaError(f"{path} {error}.") from error
    raise NadaError(
        f"{path} is no folder of a generator: it has neither {native.WEIGHTS} with {native.CONFIG} "
        f"nor generator/ nor {native.ADAPTATION}; if it is a run, let it finish or resume it."
    )


def find_adaptation(spec: str | Path) -> tuple[Path, str] | None:
    """Return the file of the adaptation that `spec` names and the spec of its base; None for other generators.

    Raises the errors of `load_generator`, also for an adaptation that does not say what it was made from.
    """
    text = str(spec)
    if text.startswith(hub.PREFIX):
        file = hub.fetch_adaptation(hub.parse_address(text))
    else:
        file = native.adaptation_file(find(spec))
    if file is None or not file.is_file() or not native.is_adaptation(file):
        return None
    return file, _base_of(file)


def _base_of(file: Path) -> str:
    """Return the spec of the generator that was adapted, by the run around a file, or else by the file itself."""
    record = file.parent / native.CONFIG
    config = read_json(record) if file.name == native.ADAPTATION and record.is_file() else {"format": native.FORMAT}
    if isinstance(config, dict) and config.get("format") == native.FORMAT:  # beside an export, or alone
        base, source = native.read_adaptation(file)[1].get("base"), file
    else:
        base, source = config.get("generator") if isinstance(config, dict) else None, record
    if not isinstance(base, str) or not base:
        raise NadaError(f"{source} does not say which generator was adapted; keep an adaptation with its run.")
    named = base in registry.BUNDLED or base in registry.KNOWN or base.startswith(hub.PREFIX)
    beside = file.parent / os.path.expanduser(base)
    return str(beside) if not named and not os.path.exists(os.path.expanduser(base)) and beside.exists() else base


def read_base(base: str, adapted: str | Path, depth: int = _MAX_CHAIN) -> Generator:
    """Load what `adapted` was made from. Raises NadaError saying that for `adapted` it is needed."""
    try:
        return _read_path(find(base), depth).generator
    except NadaError as error:
        raise NadaError(f"{adapted} was adapted from {base!r}, which cannot be loaded: {error}") from error


def _read_adaptation(path: Path, depth: int) -> Loaded:
    if depth == 0:
        raise NadaError(f"{path} is an adaptation of an adaptation without end; its {native.CONFIG} is wrong.")
    file = native.adaptation_file(path)
    base = _base_of(file)
    generator = read_base(base, path, depth - 1)
    native.apply_adaptation(generator, file, base)
    return Loaded(generator, "adaptation", path, f"adapted from {base}")


def load_discriminator(spec: str | Path, device: Any = "cpu") -> Discriminator:
    """Load a discriminator, in eval mode and without gradients.

    It is `D` of an NVIDIA pickle, `d` of a rosinality checkpoint, that of a training run, or what `nada convert` kept
    of one of these. Raises NadaError and UsageError as `load_generator`, also for sources that hold none.
    """
    path = find(spec)
    if path.is_dir():
        return discriminators.read_folder_discriminator(path).to(device)
    with opened(path) as content:
        config, values = _discriminator_values(content)
        return build_network(Discriminator, config, values).to(device)


def has_discriminator(spec: str | Path) -> bool:
    """Return whether `load_discriminator` would find one; raises its errors for what cannot be read at all."""
    path = find(spec)
    if path.is_dir():
        return discriminators.holds_discriminator(path)
    if native.is_adaptation(path):
        return False
    with opened(path) as content:
        if content.kind == "torch":
            return bool(rosinality.find_discriminator(content.value))
        return "D" in content.value


def _discriminator_values(content: Content) -> tuple[Any, Any]:
    if content.kind == "torch":
        if not rosinality.find_discriminator(content.value):
            raise BadFile("holds no discriminator (no d); take a checkpoint of its training")
        return rosinality.read_discriminator(content.value)
    if "D" not in content.value:
        raise BadFile("holds no discriminator (no D); take a checkpoint of its training")
    return nvlabs_networks.read_discriminator(content.value["D"])
