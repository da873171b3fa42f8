"""What captions say: their words, how often, and which of them are probably adjectives."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable
from importlib import resources
from typing import NamedTuple

# Letters of any script, with marks inside a word; a run of Chinese or Japanese, which has no spaces, is one word.
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_OPENING = 3  # captions made from a template begin alike
# Endings that hardly any noun has; those that do are in the list of exceptions.
_ENDINGS = ("ful", "less", "ous", "ish", "ive", "able", "ible", "ical", "esque", "-like", "-shaped", "-coloured",
            "-colored")  # fmt: skip
_SHORTEST = 5


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without numbers and punctuation."""
    return [word.replace("\u2019", "'") for word in _WORD.findall(text.casefold())]


@functools.cache
def word_list(name: str) -> frozenset[str]:
    """One of the package's word lists: "adjectives", "not-adjectives" or "stopwords"."""
    text = resources.files("nada").joinpath(f"assets/inspection/{name}.txt").read_text(encoding="utf-8")
    return frozenset(text.split())


def is_adjective(word: str) -> bool:
    """Whether an English word is probably an adjective, by a list of common ones and by its ending."""
    if word in word_list("adjectives"):
        return True
    return len(word) >= _SHORTEST and word.endswith(_ENDINGS) and word not in word_list("not-adjectives")


class Word(NamedTuple):
    """A word, how often it occurs, and in how many captions."""

    word: str
    count: int
    captions: int
    adjective: bool


class WordCounts:
    """Counts the words of captions as they go by; no caption is kept."""

    def __init__(self) -> None:
        self.captions = 0
        self._counts: Counter[str] = Counter()
        self._captions: Counter[str] = Counter()
        self._openings: Counter[str] = Counter()
        self._seen: set[int] = set()

    def add(self, text: str) -> int:
        """Count a caption that is not empty; returns how many words it has."""
        words = words_of(text)
        self.captions += 1
        self._seen.add(hash(text))
        self._counts.update(words)
        self._captions.update(set(words))
        if len(words) >= _OPENING:
            self._openings[" ".join(words[:_OPENING])] += 1
        return len(words)

    @property
    def distinct(self) -> int:
        """How many captions differ."""
        return len(self._seen)

    @property
    def vocabulary(self) -> int:
        """How many words differ."""
        return len(self._counts)

    def opening(self) -> tuple[str, int]:
        """The three words that most captions begin with, and how many do."""
        return _ranked(self._openings.items())[0] if self._openings else ("", 0)

    def frequent(self, limit: int, adjectives: bool = False) -> list[Word]:
        """The most frequent words without those such as "the", or the most frequent adjectives."""
        kept = (
            (word, count)
            for word, count in self._counts.items()
            if (is_adjective(word) if adjectives else word not in word_list("stopwords"))
        )
        chosen = _ranked(kept)[:limit]
        return [Word(word, count, self._captions[word], is_adjective(word)) for word, count in chosen]


def _ranked(items: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """The most frequent first; of equally frequent ones, the alphabet decides, so that every run says the same."""
    return sorted(items, key=lambda item: (-item[1], item[0]))
