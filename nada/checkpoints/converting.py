"""`convert`: any generator that can be read, written as a folder of ours, a .pt or an .onnx file."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from nada.checkpoints import discriminators, native, records, registry
from nada.checkpoints.loading import Loaded, has_discriminator, load_discriminator, load_generator, read_generator
from nada.errors import NadaError, UsageError
from nada.files import write_bytes
from nada.models import Discriminator

TOLERANCE = 1e-4  # of an ONNX graph's pictures, relative to their largest value
_OTHERS = (".pkl", ".pth", ".ckpt", ".bin", ".safetensors", ".json", ".npz", ".h5", ".zip", ".tflite", ".png")


@dataclass(frozen=True)
class Converted:
    """What was written.

    Attributes:
        source: what was read, with the generator as it was written.
        path: of the folder or file.
        layout: "folder", "pt" or "onnx".
        bytes: of all files together.
        weights_sha256: `hash_generator` of what was written.
        discriminator: whether one was written too.
        remarks: what a person should know: what the format could not hold, what was measured.
    """

    source: Loaded
    path: Path
    layout: str
    bytes: int = 0
    weights_sha256: str = ""
    discriminator: bool = False
    remarks: tuple[str, ...] = ()


def layout_of(out: str | Path) -> str:
    """Return "pt", "onnx" or "folder", as the name's ending asks. Raises UsageError for endings of other formats."""
    suffix = Path(out).suffix.lower()
    if suffix in _OTHERS:
        raise UsageError(f"{suffix} is not a format that nada writes: OUT is the name of a folder, or ends in .pt or .onnx.")
    return suffix[1:] if suffix in (".pt", ".onnx") else "folder"


def convert(spec: str | Path, out: str | Path, half: bool = False, onnx_input: str = "z", force: bool = False) -> Converted:
    """Read a generator, and its discriminator where there is one, and write both in the layout that `out` asks for.

    A discriminator that cannot be read, or that the layout cannot hold, is left out; a remark says so.
    A folder and a .pt are read back; an .onnx is run in onnxruntime and held against torch. All before anything
    is said to be done.

    Args:
        spec: as for `load_generator`.
        out: a file that ends in `.pt` (rosinality) or `.onnx`, or else the folder to write.
        half: 16-bit weights; for folders only.
        onnx_input: "z" or "w", where an ONNX graph begins.
        force: replace what is there.

    Raises:
        UsageError: for options that do not fit `out`.
        NadaError: if `out` exists, the source cannot be read, or the layout cannot hold it.
    """
    path, layout = Path(out).expanduser(), layout_of(out)
    if half and layout != "folder":
        raise UsageError(f"--half is for folders; a .{layout} file holds 32-bit weights.")
    if onnx_input != "z" and layout != "onnx":
        raise UsageError("--onnx-input is for .onnx files.")
    if layout == "onnx":
        from nada.checkpoints import onnx_export

        onnx_export.require_packages()  # said before anything large is read
    _check_free(path, layout, force)
    source = read_generator(spec)
    begun = Converted(source, path, layout)
    if layout == "onnx":
        return _to_onnx(begun, onnx_input)
    discriminator, remarks = _discriminator_of(spec)
    begun = replace(begun, remarks=remarks)
    if layout == "pt":
        return _to_pt(begun, discriminator)
    return _to_folder(begun, discriminator, half, str(spec))


def _discriminator_of(spec: str | Path) -> tuple[Discriminator | None, tuple[str, ...]]:
    """Return the discriminator beside a generator, if it can be read, and what to say if it cannot."""
    try:
        return load_discriminator(spec) if has_discriminator(spec) else None, ()
    except NadaError as error:
        return None, (f"the discriminator is left out: {error}",)


def _check_free(path: Path, layout: str, force: bool) -> None:
    taken = any(path.iterdir()) if path.is_dir() and layout == "folder" else path.exists()
    if taken and not force:
        raise NadaError(f"{path} exists already; give --force to replace it, or another name.")


def _to_folder(begun: Converted, discriminator: Discriminator | None, half: bool, spec: str) -> Converted:
    generator, path = begun.source.generator, begun.path
    if half:
        for network in filter(None, (generator, discriminator)):
            _halve(network)
    digest = native.hash_generator(generator)
    metadata = {
        **_known_of(begun.source, spec),
        "converted_from": begun.source.path.name,
        "kind": begun.source.kind,
        "weights_sha256": digest,
    }
    native.save_generator(path, generator, metadata)
    discriminators.remove_discriminator(path)  # that of an older conversion into the same place
    if discriminator is not None:
        discriminators.save_discriminator(path, discriminator)
    names = (native.WEIGHTS, native.CONFIG, discriminators.WEIGHTS, discriminators.CONFIG)
    size = sum((path / name).stat().st_size for name in names if (path / name).is_file())
    _read_back(path, digest, discriminator)
    return replace(begun, bytes=size, weights_sha256=digest, discriminator=discriminator is not None)


def _halve(network: torch.nn.Module) -> None:
    network.half()
    for name, value in network.state_dict().items():
        if not torch.isfinite(value).all():
            raise NadaError(f"{name} holds numbers that 16 bits cannot; convert without --half.")


def _known_of(source: Loaded, spec: str) -> dict[str, Any]:
    """Return what is known of the weights beside themselves: what the source's folder says, or the registry."""
    if native.is_native(source.path):
        return native.read_metadata(source.path)
    if source.kind == "training run":
        return {**native.read_metadata(source.path / "generator"), **_run_of(source.path)}
    if source.kind == "adaptation":
        return {"adaptation": native.read_adaptation(native.adaptation_file(source.path))[1], **_run_of(source.path)}
    if (known := registry.KNOWN.get(spec)) and not Path(spec).exists():
        return {"shows": known.shows, "licence": known.licence}
    return {}


def _run_of(place: Path) -> dict[str, Any]:
    """What the run's own folder says of prompts, guides and settings; the evaluator asks for it."""
    record = records.read_record(place)
    return {records.RUN: record} if record else {}


def _to_pt(begun: Converted, discriminator: Discriminator | None) -> Converted:
    from nada.checkpoints import rosinality_export as layout

    generator = begun.source.generator
    checkpoint = layout.export_generator(generator)
    remarks = [*begun.remarks, *layout.losses_of_export(generator.config)]
    if discriminator is not None and (misfit := layout.misfit_of(discriminator.config)):
        remarks.append(f"the discriminator is left out, since it {misfit}, which a rosinality .pt cannot hold")
        discriminator = None
    if discriminator is not None:
        checkpoint["d"] = layout.export_discriminator(discriminator)
        remarks += layout.discriminator_losses(discriminator.config)
    buffer = io.BytesIO()  # torch.save to a path would write the file's name into the archive
    torch.save(checkpoint, buffer)
    write_bytes(begun.path, buffer.getvalue())
    same = generator.config.mapping_lr_multiplier == layout.LR_MULTIPLIER
    digest = _read_back(begun.path, native.hash_generator(generator) if same else None, discriminator)
    kept = discriminator is not None
    size = begun.path.stat().st_size
    return replace(begun, bytes=size, weights_sha256=digest, discriminator=kept, remarks=tuple(remarks))


def _read_back(path: Path, expected: str | None, discriminator: Discriminator | None) -> str:
    """Return the hash of the generator written. Raises NadaError where the medium gave back something else."""
    digest = native.hash_generator(load_generator(path))
    same = digest == (expected or digest)
    if discriminator is not None:
        found = load_discriminator(path).state_dict()
        same &= all(torch.equal(found[name], value.float()) for name, value in discriminator.state_dict().items())
    if not same:
        raise NadaError(f"{path} does not read back as it was written; check the disk and convert again.")
    return digest


def _to_onnx(begun: Converted, start: str) -> Converted:
    from nada.checkpoints import onnx_export

    generator = begun.source.generator
    data = onnx_export.onnx_bytes(generator, start)
    worst = onnx_export.largest_difference(data, generator, start)
    if not worst <= TOLERANCE:  # also where it is no number
        raise NadaError(
            f"onnxruntime's pictures differ from torch's by {worst:.1e} of their range, more than {TOLERANCE:.0e}, "
            "so nothing was written; try other versions of onnxruntime or torch."
        )
    write_bytes(begun.path, data)
    remark = f"onnxruntime gives torch's pictures to {worst:.0e} of their range"
    digest = native.hash_generator(generator)
    return replace(begun, bytes=len(data), weights_sha256=digest, remarks=(remark,))
