"""An export as a folder: whole or not there, and never in the place of something else."""

from __future__ import annotations

import os
import secrets
import shutil
from glob import escape
from pathlib import Path

from nada.errors import NadaError
from nada.files import hash_file, locked, make_folder, read_json, write_bytes, write_error
from nada.sharing.bundle import MANIFEST, Bundle, read_manifest

_SHOWN = 3
_BYTES = 4  # of chance in the name of a folder that is being written


def write_folder(bundle: Bundle, folder: Path, force: bool = False) -> Path:
    """Write an export to `folder` in one step, in the place of an older export if there is one.

    Args:
        force: also replace an export in which files were edited since.

    Raises:
        NadaError: if something else is there, another export is under way, or the place cannot be written.
    """
    folder = folder.expanduser().resolve()
    check_folder(folder, force)
    make_folder(folder.parent)
    with locked(folder, f"another export is writing {folder}; wait for it, or choose another folder."):
        for leftover in folder.parent.glob(f".{escape(folder.name)}.{'?' * 2 * _BYTES}.export"):  # of one that was killed
            shutil.rmtree(leftover, ignore_errors=True)
        fresh, old = (folder.with_name(f".{folder.name}.{secrets.token_hex(_BYTES)}.export") for _ in range(2))
        try:
            for name, data in bundle.files.items():
                write_bytes(fresh / name, data)
            if folder.exists():
                os.replace(folder, old)
            os.replace(fresh, folder)
        except OSError as error:
            if old.exists() and not folder.exists():
                os.replace(old, folder)
            raise write_error(folder, error) from error
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
            if folder.exists():
                shutil.rmtree(old, ignore_errors=True)
    return folder


def check_folder(folder: Path, force: bool = False) -> None:
    """Raise NadaError unless `folder` is free, empty, or holds an export and nothing else."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise NadaError(f"{folder} is a file; choose another name for the folder.")
    if folder == Path.cwd():
        raise NadaError(f"{folder} is the folder you are in; name one inside it, as in --to my-export.")
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    if not present:
        return
    if MANIFEST not in present:
        raise NadaError(f"{folder} holds {_some(present)}, no export of nada; choose another folder.")
    listed = read_manifest(read_json(folder / MANIFEST), str(folder / MANIFEST))
    strangers = present - {MANIFEST, *listed}
    if strangers:
        raise NadaError(f"{folder} holds {_some(strangers)} beside an older export; move that away first.")
    edited = {name for name, sha256 in listed.items() if name in present and hash_file(folder / name) != sha256}
    if edited and not force:
        raise NadaError(f"{_some(edited)} in {folder} was edited since its export; give --force to replace it.")


def _some(names: set[str]) -> str:
    return ", ".join(sorted(names)[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
