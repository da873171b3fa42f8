"""Words of captions, adjectives, and where they stand in the cloud."""

from __future__ import annotations

import itertools

import pytest
from inspect_pictures import encoded, noise

from nada.data.inspection.cloud import HEIGHT, WIDTH, lay_out, measure
from nada.data.inspection.collecting import collect
from nada.data.inspection.words import Word, WordCounts, is_adjective, word_list, words_of
from nada.data.records import Record


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A Red apple, 2 red pears!", ["a", "red", "apple", "red", "pears"]),
        ("don\u2019t  stop\nT-shirt", ["don't", "stop", "t-shirt"]),
        ("Stra\u00dfe \u00c9T\u00c9 \U0001f34e", ["strasse", "\u00e9t\u00e9"]),
        ("\u7ea2\u8272\u7684\u82f9\u679c", ["\u7ea2\u8272\u7684\u82f9\u679c"]),
        ("snake_case 100% <b>&amp;", ["snake", "case", "b", "amp"]),
        ("", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize("word", ["red", "small", "colourful", "famous", "headless", "heart-shaped", "picturesque", "furry"])
def test_adjectives(word: str) -> None:
    assert is_adjective(word)


@pytest.mark.parametrize("word", ["apple", "fish", "dish", "table", "olive", "vegetable", "handful", "logo", "music", "ive"])
def test_what_only_looks_like_an_adjective(word: str) -> None:
    assert not is_adjective(word)


def test_the_lists_do_not_contradict_each_other() -> None:
    lists = [word_list(name) for name in ("adjectives", "not-adjectives", "stopwords")]
    assert all(len(words) > 40 and all(word == word.casefold() for word in words) for words in lists)
    for a, b in itertools.combinations(lists, 2):
        assert not a & b - {"few", "other", "same", "such", "own", "both", "more", "most"}


def test_counts_of_captions() -> None:
    counts = WordCounts()
    lengths = [counts.add(text) for text in ("a big big dog", "a big cat", "a big cat", "the end")]
    assert lengths == [4, 3, 3, 2]
    assert (counts.captions, counts.distinct, counts.vocabulary) == (4, 3, 6)
    assert counts.frequent(3) == [Word("big", 4, 3, True), Word("cat", 2, 2, False), Word("dog", 1, 1, False)]
    assert counts.frequent(9, adjectives=True) == [Word("big", 4, 3, True)]
    assert counts.opening() == ("a big cat", 2)
    assert WordCounts().opening() == ("", 0) and WordCounts().frequent(5) == []


def test_the_order_of_equal_words_is_the_alphabet() -> None:
    """Otherwise the report would change from run to run, with the order of a set."""
    counts = WordCounts()
    counts.add("pear fig apple lime")
    assert [word.word for word in counts.frequent(4)] == ["apple", "fig", "lime", "pear"]


def test_a_picture_without_a_caption_has_no_length() -> None:
    data = encoded(noise(1))
    found = collect([Record("a", data, None, "two words"), Record("b", data, None), Record("c", data, None, "  ")])
    assert found.table.words.tolist() == [2, -1, -1] and found.table.characters.tolist() == [9, -1, -1]
    assert found.words.captions == 1


def test_no_two_words_of_the_cloud_overlap() -> None:
    words = [("w" * (2 + n % 9), 400 - 5 * n) for n in range(70)]
    placed = lay_out(words)
    assert placed[0].index == 0 and abs(placed[0].x - WIDTH / 2) < 5 and len(placed) > 25
    boxes = [(p.x - p.width / 2, p.y - p.size * 0.49, p.x + p.width / 2, p.y + p.size * 0.49) for p in placed]
    for left, top, right, bottom in boxes:
        assert left >= 0 and top >= 0 and right <= WIDTH and bottom <= HEIGHT
    for a, b in itertools.combinations(boxes, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_the_cloud_is_the_same_every_time_and_sizes_follow_counts() -> None:
    words = [("apple", 100), ("pear", 25), ("fig", 1)]
    placed = lay_out(words)
    assert placed == lay_out(words)
    assert [round((p.size - placed[2].size) / (placed[0].size - placed[2].size), 2) for p in placed] == [1, 0.44, 0]
    assert lay_out([]) == [] and len(lay_out([("one", 3)])) == 1 and len(lay_out([("a", 2), ("b", 2)])) == 2


def test_scripts_without_spaces_are_as_wide_as_high() -> None:
    assert measure("\u82f9\u679c", 20) == pytest.approx(40) and measure("iiii", 20) < measure("mmmm", 20)
