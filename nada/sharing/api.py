"""`nada.sharing.export`: from a run or generator to a folder or a repository."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from nada.checkpoints import hub
from nada.errors import UsageError
from nada.sharing.bundle import ADAPTATION, make_bundle
from nada.sharing.folder import check_folder, write_folder
from nada.sharing.head import licence_fields
from nada.sharing.source import read_source
from nada.sharing.upload import upload


@dataclass(frozen=True)
class Exported:
    """What was exported.

    Attributes:
        target: the folder, or `hf:owner/name`.
        files: the size in bytes of every file by its name.
        weights_sha256: `nada.checkpoints.hash_generator` of the generator; the same after loading it.
        url: the repository's page; empty for a folder.
        remarks: what whoever exports should know.
        dry_run: whether nothing was written.
    """

    target: str
    files: dict[str, int]
    weights_sha256: str
    url: str = ""
    remarks: tuple[str, ...] = field(default=())
    dry_run: bool = False


def export(
    spec: str | Path,
    to: str | Path,
    *,
    only: str | None = None,
    license: str | None = None,
    base: str | None = None,
    public: bool = False,
    force: bool = False,
    dry_run: bool = False,
) -> Exported:
    """Write a run or generator as others can read it: weights, a model card with numbers and pictures.

    >>> import tempfile, nada
    >>> from nada.sharing import export
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = export("demo", f"{folder}/fruits", license="mit")
    ...     again = nada.load_generator(f"{folder}/fruits")
    >>> sorted(done.files)
    ['README.md', 'config.json', 'model.safetensors', 'nada-export.json', 'samples.png']
    >>> nada.checkpoints.hash_generator(again) == done.weights_sha256
    True

    Args:
        spec: a run of `nada adapt` or `nada train`, "latest", an adaptation, or anything for `load_generator`.
        to: a folder, or `hf:owner/name` with `@branch` behind it if need be. Only the latter ever leaves this machine.
        only: "adaptation" for the few tensors that moved, without the weights of the base.
        license: an identifier such as "mit" or "cc-by-4.0", or a name; None is shown as unknown.
        base: under which name others find the generator that was adapted; it is compared.
        public: make a new repository public; without it, it is private.
        force: replace an older export although its files were edited since.
        dry_run: say what would be written, and write and send nothing.

    Raises:
        UsageError: for options that make no sense, or not together.
        NadaError: for what cannot be read, written or uploaded.
    """
    address = hub.parse_address(str(to)) if str(to).startswith(hub.PREFIX) else None
    _check(to, only, public, address)
    licence_fields(license)
    folder = Path(to).expanduser().resolve()
    if address is None:
        check_folder(folder, force)  # before anything large is read
    source = read_source(str(spec), base)
    bundle = make_bundle(source, only=only, licence=license, address=str(address or ""))
    sizes = {name: len(data) for name, data in bundle.files.items()}
    target, url, remark = str(to), "", ""
    if not dry_run and address is not None:
        url, remark = upload(bundle, address, public, force)
    elif not dry_run:
        target = str(write_folder(bundle, folder, force))
    remarks = (*bundle.remarks, *((remark,) if remark else ()))
    return Exported(target, sizes, bundle.weights_sha256, url, remarks, dry_run)


def _check(to: str | Path, only: str | None, public: bool, address: hub.HubAddress | None) -> None:
    if only not in (None, ADAPTATION):
        raise UsageError(f"--only can be {ADAPTATION}, not {only!r}.")
    if not str(to):
        raise UsageError("--to is empty; give a folder, or hf:owner/name.")
    if public and address is None:
        raise UsageError("--public is for the hub: --to hf:owner/name.")
    if address is not None and address.path:
        raise UsageError(f"An export is a whole repository: write --to hf:{address.repository}, without /{address.path}.")
