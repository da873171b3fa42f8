"""An export as a repository of the Hugging Face hub: one commit, private unless it is asked for otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nada import __version__
from nada.checkpoints.hub import HubAddress, endpoint, first_line, status_of
from nada.errors import NadaError, UsageError
from nada.files import hash_file
from nada.sharing.bundle import MANIFEST, Bundle, read_manifest
from nada.sharing.source import CARD

TOKENS = "https://huggingface.co/settings/tokens"
_OF_THE_HUB = {".gitattributes"}
_LOGIN = f"make one with write access at {TOKENS}, then run 'hf auth login' or set HF_TOKEN"
_REFUSALS = {
    401: f"the hub does not accept the token; {_LOGIN}",
    402: "the hub wants to be paid for this; see your account's storage and plan",
    403: "the token may not write there; check the owner's name, and that the token has write access to it",
    404: "the hub shows no such repository to this token; check the name and the token's rights",
    409: "the repository is busy with another change; export again in a minute",
    412: "somebody changed the repository meanwhile; look at what is there, and export again",
    413: "a file is too large for the hub; try --only adaptation",
    429: "the hub has had too many requests from here; wait some minutes and export again",
}


def upload(bundle: Bundle, address: HubAddress, public: bool = False, force: bool = False) -> tuple[str, str]:
    """Commit an export to a repository, which is made if need be, and return its page and a remark, often empty.

    Files of an older export that the new one lacks are deleted; what nada did not write is left alone.

    Args:
        public: whether everybody may see it. A public repository is not written to without this.
        force: also replace a model card that was edited on the hub.

    Raises:
        UsageError: if the address names more than a repository and a branch.
        NadaError: for whatever the hub refuses; nothing is changed then, but an empty repository may have been made.
    """
    if address.path:
        raise UsageError(f"An export is a whole repository: write hf:{address.repository}, without /{address.path}.")
    api = _logged_in(address)
    with refusals(address):
        info = _find(api, address.repository)
        if info is not None and not info.private and not public:
            raise NadaError(f"hf:{address.repository} can be seen by everybody; say --public if that is meant.")
        if info is None:
            api.create_repo(address.repository, private=not public, exist_ok=True)
        if address.revision is not None:
            api.create_branch(address.repository, branch=address.revision, exist_ok=True)
        head = api.model_info(address.repository, revision=address.revision)
        outdated = _outdated(api, address, head, force) - set(bundle.files)
        _commit(api, bundle, address, head.sha, outdated)
    stays_private = info is not None and info.private and public
    remark = "the repository was private and stays so; its settings on the hub change that" if stays_private else ""
    return f"{api.endpoint}/{address.repository}", remark


def _logged_in(address: HubAddress) -> Any:
    import huggingface_hub

    with refusals(address):
        token = huggingface_hub.get_token()
        if token is None:
            raise NadaError(f"There is no token of the Hugging Face hub on this machine; {_LOGIN}.")
        api = huggingface_hub.HfApi(endpoint(), token=token, library_name="nada", library_version=__version__)
        api.whoami()
    return api


def _find(api: Any, repository: str) -> Any:
    from huggingface_hub import errors

    try:
        return api.model_info(repository)
    except errors.RepositoryNotFoundError:
        return None


def _outdated(api: Any, address: HubAddress, head: Any, force: bool) -> set[str]:
    """The files of an older export. Raises NadaError if the repository holds something else, or an edited card."""
    present = {file.rfilename for file in head.siblings or ()} - _OF_THE_HUB
    if not present:
        return set()
    if MANIFEST not in present:
        shown = ", ".join(sorted(present)[:3])
        raise NadaError(f"{address} holds {shown}, no export of nada; choose another name, or empty it on the hub.")
    manifest = _downloaded(api, address.repository, MANIFEST, head.sha)
    listed = read_manifest(json.loads(manifest.read_text(encoding="utf-8")), f"{address}/{MANIFEST}")
    if CARD in present and not force:
        if hash_file(_downloaded(api, address.repository, CARD, head.sha)) != listed.get(CARD):
            raise NadaError(f"the card of {address} was edited on the hub; give --force to replace it.")
    return present & set(listed)


def _downloaded(api: Any, repository: str, name: str, sha: str) -> Path:
    return Path(api.hf_hub_download(repository, name, revision=sha))


def _commit(api: Any, bundle: Bundle, address: HubAddress, head: str, outdated: set[str]) -> None:
    """Everything in one commit on top of `head`, so that nobody ever sees half of it."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    additions = [CommitOperationAdd(name, data) for name, data in bundle.files.items()]
    deletions = [CommitOperationDelete(name) for name in sorted(outdated)]
    api.create_commit(
        address.repository,
        [*additions, *deletions],
        commit_message=f"Export of nada {__version__}: {bundle.title}",
        revision=address.revision,
        parent_commit=head,
    )


@contextmanager
def refusals(address: HubAddress) -> Iterator[None]:
    """Turn what goes wrong on the way to the hub into one sentence that says what to do."""
    try:
        yield
    except NadaError:
        raise
    except Exception as error:  # the library passes on errors of whichever HTTP client it uses
        status = status_of(error)
        cause = error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error
        said = f"{first_line(error)}: {first_line(cause)}" if cause is not error else first_line(error)
        if status in (None, 400) and isinstance(error, ValueError):  # a name, a card, or a file that is too much
            advice = f"the hub refuses this ({said}); nothing was published"
        elif status is None:
            advice = f"the hub cannot be reached ({said}); check the network and export again, nothing was published"
        else:
            advice = _REFUSALS.get(status, f"the hub answers with error {status} ({said}); try again later")
        raise NadaError(f"{address}: {advice}.") from error
