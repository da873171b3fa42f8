"""A small vocabulary for open_clip's SimpleTokenizer in which every known word is one token.

The tokenizer replays merges in the order of the file, so they are learned on the word list itself until every
word has become one piece (byte-pair encoding, Sennrich et al. 2016). A word that is not in the list still
reads: it falls into known pieces and, in the end, single letters.
"""

from __future__ import annotations

import gzip
import os
from collections import Counter
from pathlib import Path

END = "</w>"


def learn_merges(words: list[str]) -> list[tuple[str, str]]:
    """Merges, in order, that turn each of `words` into one piece. Ties: the pair first in the alphabet."""
    pieces = [[*word[:-1], word[-1] + END] for word in sorted(set(words))]
    merges = []
    while True:
        counts = Counter(pair for word in pieces for pair in zip(word, word[1:]))
        if not counts:
            return merges
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        pieces = [_merge(word, best) for word in pieces]


def _merge(word: list[str], pair: tuple[str, str]) -> list[str]:
    merged, k = [], 0
    while k < len(word):
        whole = tuple(word[k : k + 2]) == pair
        merged.append("".join(pair) if whole else word[k])
        k += 2 if whole else 1
    return merged


def table_size(merges: list[tuple[str, str]]) -> int:
    """Size of the tokenizer's table: 256 bytes, the same at a word's end, merges, start and end of text."""
    return 2 * 256 + len(merges) + 2


def save_merges(path: Path, merges: list[tuple[str, str]]) -> None:
    """Write SimpleTokenizer's file: a header line, then a merge a line, no line end after the last."""
    lines = "\n".join(["#version: 0.2", *(" ".join(pair) for pair in merges)])
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(gzip.compress(lines.encode(), mtime=0))
    os.replace(temporary, path)
