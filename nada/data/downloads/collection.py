"""A folder of captioned pictures in classes, which grows: CLASS/NAME.png, and all captions in dataset.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from nada.data.descriptions import DESCRIPTION
from nada.errors import NadaError, UsageError
from nada.files import make_folder, read_json, write_bytes, write_json

_SUFFIXES = (".png", ".jpg", ".gif", ".webp")
_SAVE_EVERY = 50


class Item(NamedTuple):
    """One picture: its path inside the folder, its class and its caption."""

    file: str
    label: str
    text: str


class Collection:
    """The pictures of one source in one folder. Raises UsageError where the folder holds those of another.

    Args:
        folder: made where it is missing.
        source: says where the pictures are from; two runs with the same source share a folder.
    """

    def __init__(self, folder: Path, source: dict[str, Any]) -> None:
        self._folder, self._source = folder, source
        self._items = self._read() if (folder / DESCRIPTION).exists() else {}
        make_folder(folder)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, name: str) -> bool:
        """Whether the picture called `name` is there, with its caption."""
        return name in self._items

    def adopt(self, name: str, label: str, text: str) -> bool:
        """Describe a picture that is there without a caption, after a run that was killed; tell if there was one."""
        files = [f"{label}/{name}{suffix}" for suffix in _SUFFIXES if (self._folder / label / f"{name}{suffix}").is_file()]
        if files:
            self._items[name] = Item(files[0], label, text)
        return bool(files)

    def add(self, name: str, label: str, text: str, data: bytes, suffix: str) -> None:
        """Write a picture, whole or not at all. Raises NadaError where that fails."""
        file = f"{label}/{name}{suffix}"
        write_bytes(self._folder / file, data)
        self._items[name] = Item(file, label, text)
        if len(self._items) % _SAVE_EVERY == 0:  # a killed run loses that many captions, and no picture
            self.save()

    def save(self) -> None:
        """Write down classes and captions, in the order of the files."""
        items = sorted(self._items.values())
        classes = sorted({item.label for item in items})
        labels = [[item.file, classes.index(item.label)] for item in items] if len(classes) > 1 else None
        described = {
            "labels": labels,
            "label_names": classes if labels else None,
            "texts": [[item.file, item.text] for item in items],
            "source": self._source,
        }
        write_json(self._folder / DESCRIPTION, described)

    def _read(self) -> dict[str, Item]:
        path = self._folder / DESCRIPTION
        described = read_json(path)
        try:
            source = described.get("source")
            items = [Item(file, Path(file).parts[0], text) for file, text in described["texts"]]
        except (TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
            raise NadaError(f"{path} is not from this command; choose another --out.") from error
        if source != self._source:
            raise UsageError(f"{self._folder} holds pictures of another kind; choose another --out.")
        return {Path(item.file).stem: item for item in items if (self._folder / item.file).is_file()}
