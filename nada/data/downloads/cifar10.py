"""CIFAR-10 (Krizhevsky 2009): one archive with 60,000 pictures of 32 x 32 pixels in ten classes."""

from __future__ import annotations

from pathlib import Path

from nada.data.downloads.tally import Tally
from nada.errors import NadaError
from nada.files import hash_file
from nada.web import Client, save_file

CIFAR10 = "https://www.cs.toronto.edu/~kriz"
ARCHIVE = "cifar-10-python.tar.gz"
MD5 = "c58f30108f718f92721af3b95e74349a"  # published beside the archive


def fetch_cifar10(out: Path, client: Client, base_url: str = CIFAR10, md5: str = MD5) -> tuple[Path, Tally]:
    """Fetch the archive into the folder `out`, as it is published, and check it; return its path.

    An archive that is there is checked and not fetched again; a download that broke off goes on where it stopped.

    Args:
        base_url: the address of a folder that holds the archive.
        md5: the archive's checksum.

    Raises:
        NadaError: if the server does not answer, or the checksum is wrong.
    """
    path, url = out / ARCHIVE, f"{base_url.rstrip('/')}/{ARCHIVE}"
    if path.is_file():
        if (found := hash_file(path, "md5")) != md5:
            raise NadaError(
                f"{path} is there, but its md5 checksum is {found}, not {md5}; move it away and run the command again."
            )
        return path, Tally(present=1)
    advice = f"Or fetch {url} elsewhere and put it at {path}."
    return save_file(url, path, f"md5:{md5}", client=client, advice=advice), Tally(fetched=1)
