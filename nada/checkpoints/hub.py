"""Generators and adaptations on the Hugging Face hub: how they are named, and how their files are fetched."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from nada.checkpoints import native
from nada.errors import NadaError, UsageError

PREFIX = "hf:"
_ADDRESS = re.compile(r"hf:([\w.-]+/[\w.-]+)(?:@([^/@\s]+))?(?:/(.*))?", re.ASCII)
_FILES = (".pkl", ".pt", ".pth", ".safetensors")
_FOLDERS = ("", "generator/")  # a training run that was uploaded as it is has its generator in a folder
_SHOWN = 8
TIMEOUT = 10  # seconds until the hub counts as out of reach


@dataclass(frozen=True)
class HubAddress:
    """A place on the hub.

    Attributes:
        repository: `owner/name`.
        revision: a branch, tag or commit; None for the main branch.
        path: a file or folder in the repository, empty for all of it.
    """

    repository: str
    revision: str | None = None
    path: str = ""

    def __str__(self) -> str:
        revision = f"@{self.revision}" if self.revision else ""
        return f"{PREFIX}{self.repository}{revision}" + (f"/{self.path}" if self.path else "")

    @property
    def names_file(self) -> bool:
        """Whether the path is that of one file, and not of a folder."""
        return self.path.endswith(_FILES)


def parse_address(text: str) -> HubAddress:
    """Read `hf:owner/name[@revision][/path]`; a revision with slashes is written with %2F.

    >>> parse_address("hf:someone/logos@v2/adaptation.safetensors")
    HubAddress(repository='someone/logos', revision='v2', path='adaptation.safetensors')

    Raises:
        UsageError: for anything else.
    """
    match = _ADDRESS.fullmatch(text)
    path = (match[3] or "").strip("/") if match else ""
    if match is None or {"..", "."} & {*match[1].split("/"), *path.split("/")}:
        raise UsageError(
            f"A place on the Hugging Face hub is written hf:owner/name, hf:owner/name@revision or "
            f"hf:owner/name/file, not {text[:200]!r}."
        )
    return HubAddress(match[1], unquote(match[2]) if match[2] else None, path)


def endpoint() -> str | None:
    """The hub that `HF_ENDPOINT` names, None for the public one; read anew, so that it may be set at any time."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or None


def fetch_generator(address: HubAddress) -> Path:
    """Return the local file or folder of a generator on the hub, downloading what is missing of it.

    Of a repository only the weights and their config.json are fetched, or the adaptation where it holds nothing else.
    What was fetched before is found again without the network.

    Raises:
        NadaError: if the place cannot be reached or holds no generator; it says what to do.
    """
    cache = _Files(address)
    if address.names_file:
        return cache.fetch()
    for place in _FOLDERS:
        config = cache.find(place + native.CONFIG)
        if config is not None and cache.find(place + native.WEIGHTS) is not None:
            return config.parent
    adaptation = cache.find(native.ADAPTATION)
    if adaptation is not None:
        return adaptation.parent
    raise NadaError(f"{address} holds no generator of nada{_what_there_is(address)}.")


def fetch_adaptation(address: HubAddress) -> Path | None:
    """Return the local copy of the adaptation that lies at a place on the hub, or of the file it names; None for none.

    Raises NadaError as `fetch_generator`.
    """
    cache = _Files(address)
    if address.names_file:
        return cache.fetch()
    adaptation = cache.find(native.ADAPTATION)
    if adaptation is not None:
        cache.find(native.CONFIG)  # in the folder of a run it says what was adapted
    return adaptation


class _Files:
    """The files at an address, all of one commit: that of the first one which is found."""

    def __init__(self, address: HubAddress) -> None:
        self._address = address
        self._revision = address.revision
        self._unreachable = _why_unreachable(address)  # asked once: each download would try for half a minute

    def fetch(self, name: str = "") -> Path:
        """Download a file, or find it in the cache. Raises NadaError, whose cause is what huggingface_hub raised."""
        import huggingface_hub

        path = f"{self._address.path}/{name}".strip("/")
        with explained(self._address):
            file = Path(
                huggingface_hub.hf_hub_download(
                    self._address.repository,
                    path,
                    revision=self._revision,
                    endpoint=endpoint(),
                    local_files_only=self._unreachable is not None,
                )
            )
        self._revision = file.parents[path.count("/")].name
        return file

    def find(self, name: str) -> Path | None:
        """Like `fetch`, but None where the repository has no such file."""
        from huggingface_hub import errors

        try:
            return self.fetch(name)
        except NadaError as error:
            cause = error.__cause__
            if isinstance(cause, errors.LocalEntryNotFoundError):
                if self._is_known_to_lack(name):
                    return None
                with explained(self._address):
                    raise (self._unreachable or cause) from None
            if isinstance(cause, errors.EntryNotFoundError):
                return None
            raise

    def _is_known_to_lack(self, name: str) -> bool:
        """Whether an earlier look found that there is no such file; huggingface_hub keeps a note of that."""
        from huggingface_hub import try_to_load_from_cache

        path = f"{self._address.path}/{name}".strip("/")
        known = try_to_load_from_cache(self._address.repository, path, revision=self._revision)
        return known is not None and not isinstance(known, str)


def _why_unreachable(address: HubAddress) -> Exception | None:
    """The error with which the hub could not be asked, None where it answers. Raises NadaError for its refusals."""
    import huggingface_hub

    with explained(address):
        try:
            api = huggingface_hub.HfApi(endpoint=endpoint())
            api.model_info(address.repository, revision=address.revision, timeout=TIMEOUT)
        except Exception as error:  # the library passes on errors of whichever HTTP client it uses
            status = status_of(error)
            if isinstance(error, ValueError) or (status is not None and status < 500):
                raise
            return error
    return None


def _what_there_is(address: HubAddress) -> str:
    """What to say of a repository without a generator of ours: its files, and how one of them is named."""
    import huggingface_hub

    with explained(address):
        api = huggingface_hub.HfApi(endpoint=endpoint())
        names = api.list_repo_files(address.repository, revision=address.revision)
    usable = [name for name in names if name.endswith(_FILES)]
    if usable:
        file = replace(address, path=usable[0])
        return f"; if one of its files is a StyleGAN2 checkpoint, name it, as in {file}"
    shown = ", ".join(sorted(names)[:_SHOWN]) or "nothing"
    more = ", …" if len(names) > _SHOWN else ""
    return f" ({native.WEIGHTS} with {native.CONFIG}, or {native.ADAPTATION}), only {shown}{more}"


@contextmanager
def explained(place: object) -> Iterator[None]:
    """Turn what huggingface_hub raises into one sentence about `place`; what is ours passes."""
    try:
        yield
    except NadaError:
        raise
    except Exception as error:  # the library passes on errors of whichever HTTP client it uses
        raise NadaError(f"{place}: {_advice(error)}.") from error


def _advice(error: Exception) -> str:
    from huggingface_hub import errors

    status = status_of(error)
    if isinstance(error, errors.GatedRepoError):
        return "its owner grants access one by one; ask for it on the repository's page, then run 'hf auth login'"
    if isinstance(error, errors.RevisionNotFoundError):
        return "the hub has no such revision; check the part behind @"
    if isinstance(error, errors.RepositoryNotFoundError):
        return "the hub shows no such repository; check the name, and if it is private run 'hf auth login' or set HF_TOKEN"
    if isinstance(error, errors.HFValidationError):
        return f"this cannot be a name on the hub ({first_line(error)})"
    if isinstance(error, errors.EntryNotFoundError) and not isinstance(error, errors.LocalEntryNotFoundError):
        return "the repository has no such file; check the part behind the name"
    why = f"answers with error {status}" if status else "cannot be reached"
    return (
        f"not on this machine yet, and the hub {why} ({first_line(error)}); check the network, or download the files "
        "elsewhere and give their folder"
    )


def status_of(error: BaseException | None) -> int | None:
    """The HTTP status of an error or of what caused it; None for one that never got an answer."""
    seen: list[Any] = []
    while error is not None and error not in seen:
        response = getattr(error, "response", None)
        if response is not None:
            return int(response.status_code)
        seen.append(error)
        error = error.__cause__
    return None


def first_line(error: BaseException) -> str:
    """What an error says, as one line of at most 200 characters."""
    message = getattr(error, "server_message", None) or str(error)
    return " ".join(str(message).split())[:200].rstrip(". ")
