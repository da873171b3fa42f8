"""Hashes, the search for neighbours, and groups of duplicates."""

from __future__ import annotations

import io

import numpy as np
import pytest
from inspect_pictures import encoded
from PIL import Image, ImageEnhance

from nada.data.inspection.collecting import collect
from nada.data.inspection.duplicates import Duplicates, find_duplicates
from nada.data.inspection.hashing import _FREQUENCIES, correlate_shapes, count_bits, halve, hash_pictures
from nada.data.inspection.neighbours import group_stars, near_pairs
from nada.data.records import Record
from nada.errors import UsageError


def picture(seed: int, side: int = 160) -> Image.Image:
    """Something with large and small shapes."""
    rng = np.random.default_rng(seed)
    layers = [Image.fromarray(rng.integers(0, 256, (n, n, 3), np.uint8)).resize((side, side), 3) for n in (4, 9, 24)]
    return Image.blend(Image.blend(layers[0], layers[1], 0.4), layers[2], 0.2)


def small(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB").resize((64, 64), Image.Resampling.BILINEAR))


def distance(a: Image.Image, b: Image.Image) -> int:
    hashes, _ = hash_pictures(halve(np.stack([small(a), small(b)])))
    return int(count_bits(hashes[:1] ^ hashes[1:])[0])


def test_half_the_bits_are_set_and_bits_are_counted_right() -> None:
    hashes, flat = hash_pictures(halve(np.stack([small(picture(seed)) for seed in range(20)])))
    assert count_bits(hashes).tolist() == [32] * 20 and not flat.any()
    values = np.array([0, 1, 2**64 - 1, 2**63, 0x123456789ABCDEF0], np.uint64)
    assert count_bits(values).tolist() == [int(value).bit_count() for value in values]


def test_the_bits_are_the_signs_of_the_lowest_frequencies() -> None:
    """A picture put together from cosines, half of them with a minus, gives back which."""
    signs = np.random.default_rng(0).permutation(np.repeat([1.0, -1.0], 32))
    assert sorted(map(tuple, _FREQUENCIES.tolist()))[:3] == [(0, 1), (0, 2), (0, 3)] and _FREQUENCIES.sum(axis=1).max() == 10
    waves = np.cos(np.pi * np.arange(32)[:, None] * (2 * np.arange(64) + 1) / 128)
    grey = sum(sign * waves[u][:, None] * waves[v] for sign, (u, v) in zip(signs, _FREQUENCIES))
    image = np.repeat((128 + 120 * grey / np.abs(grey).max())[:, :, None], 3, axis=2).round().astype(np.uint8)
    bits = [int(hash_pictures(halve(image[None]))[0][0]) >> bit & 1 for bit in range(64)]
    assert bits == (signs > 0).astype(int).tolist()


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.resize((80, 80), Image.Resampling.LANCZOS),
        lambda image: image.resize((300, 310), Image.Resampling.BICUBIC),
        lambda image: Image.open(io.BytesIO(encoded(image, "JPEG", quality=40))),
        lambda image: Image.open(io.BytesIO(encoded(image.resize((96, 96)), "WEBP", quality=50))),
        lambda image: ImageEnhance.Brightness(image).enhance(0.8),
    ],
    ids=["half", "twice", "jpeg", "webp", "darker"],
)
def test_a_changed_copy_keeps_its_hash(change: object) -> None:
    assert max(distance(picture(seed), change(picture(seed))) for seed in range(12)) <= 6


def test_different_pictures_have_different_hashes() -> None:
    hashes, _ = hash_pictures(halve(np.stack([small(picture(seed)) for seed in range(60)])))
    between = [int(count_bits(hashes[i : i + 1] ^ hashes[j])[0]) for i in range(60) for j in range(i)]
    assert min(between) > 11 and 30 < np.mean(between) < 34


def test_a_flat_picture_is_known_as_such() -> None:
    flat = np.full((1, 64, 64, 3), 200, np.uint8)
    flat[0, 3, 3] = 210
    assert hash_pictures(halve(flat))[1].tolist() == [True]
    assert correlate_shapes(np.full((1, 1024), 7, np.uint8), np.arange(1024)[None] % 251).tolist() == [0]


@pytest.mark.parametrize("most", [0, 3, 4, 7, 8, 11])
def test_the_search_finds_what_brute_force_finds(most: int) -> None:
    rng = np.random.default_rng(most)
    hashes = rng.integers(0, 2**64, 600, np.uint64)
    for row in range(300, 600):  # neighbours of the first half, up to 14 bits away
        flips = sum(1 << int(bit) for bit in rng.choice(64, int(rng.integers(0, 15)), replace=False))
        hashes[row] = hashes[row - 300] ^ np.uint64(flips)
    brute = [(i, j) for i in range(600) for j in np.flatnonzero(count_bits(hashes ^ hashes[i]) <= most) if j > i]
    pairs, cut_short = near_pairs(hashes, most)
    assert [tuple(pair) for pair in pairs.tolist()] == brute and not cut_short
    assert len(brute) >= 10 * most


def test_a_quarter_that_all_share_is_searched_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound on the memory must not lose pairs at the seams."""
    monkeypatch.setattr("nada.data.inspection.neighbours._AT_ONCE", 97)
    hashes = np.random.default_rng(0).integers(0, 2**9, 150).astype(np.uint64) << np.uint64(3)
    brute = [(i, j) for i in range(150) for j in range(i + 1, 150) if int(hashes[i] ^ hashes[j]).bit_count() <= 4]
    assert [tuple(pair) for pair in near_pairs(hashes, 4)[0].tolist()] == brute


def test_too_many_pairs_are_cut_and_too_far_is_refused() -> None:
    same = np.zeros(100, np.uint64)
    pairs, cut_short = near_pairs(same, 0, limit=1000)
    assert len(pairs) == 1000 and cut_short
    assert len(near_pairs(np.zeros(0, np.uint64), 8)[0]) == 0
    with pytest.raises(UsageError, match="0 to 11, not 12"):
        near_pairs(same, 12)


def test_groups_do_not_chain() -> None:
    """Frames of a film: each is near the next one, the first is nothing like the last."""
    chain = np.array([(i, i + 1) for i in range(6)])
    assert group_stars(chain, 8) == [[1, 0, 2], [3, 4], [5, 6]]
    assert group_stars(np.zeros((0, 2), np.int64), 3) == []


def found(images: dict[str, tuple[bytes, str | None]], most: int = 8) -> tuple[Duplicates, list[str]]:
    collected = collect([Record(name, data, label) for name, (data, label) in images.items()])
    return find_duplicates(collected, most), collected.names


def test_files_and_pictures_that_repeat_are_counted_apart() -> None:
    original = encoded(picture(1))
    duplicates, names = found({
        "a.png": (original, "x"),
        "b.png": (encoded(picture(2)), "x"),
        "a again.png": (original, "x"),
        "a small.jpg": (encoded(picture(1).resize((100, 100)), "JPEG", quality=60), "y"),
        "b copy.png": (encoded(picture(2)), "x"),
        "c.png": (encoded(picture(3)), "x"),
    })  # fmt: skip
    groups = [({names[row] for row in group.rows}, group.identical, group.labels_differ) for group in duplicates.groups]
    assert groups == [({"a.png", "a again.png", "a small.jpg"}, False, True), ({"b.png", "b copy.png"}, True, False)]
    assert (duplicates.identical, duplicates.near, duplicates.cut_short) == (2, 1, False)


def test_the_same_shape_in_another_colour_is_another_picture() -> None:
    swapped = Image.merge("RGB", picture(5).split()[::-1])
    grey = picture(5).convert("L")
    red, blue = (Image.merge("RGB", [grey if n == k else Image.new("L", grey.size, 40) for n in range(3)]) for k in (0, 2))
    duplicates, _ = found({"red": (encoded(red), None), "blue": (encoded(blue), None), "swap": (encoded(swapped), None)})
    assert duplicates.groups == ()


def test_lines_of_text_on_white_are_not_all_alike() -> None:
    """Their hashes say no more than that something dark runs across the middle."""

    def line(seed: int) -> Image.Image:
        marks = np.random.default_rng(seed).random((24, 130)) < 0.45
        image = np.full((256, 256, 3), 255, np.uint8)
        image[104:152, :][np.repeat(np.repeat(marks, 2, 0), 2, 1)[:, :256]] = 30
        return Image.fromarray(image)

    hashes, _ = hash_pictures(halve(np.stack([small(line(seed)) for seed in range(40)])))
    assert len(near_pairs(hashes, 11)[0]) > 0, "the hashes alone tell them apart; the test tests nothing"
    duplicates, _ = found({f"{seed}": (encoded(line(seed)), None) for seed in range(40)}, 11)
    assert duplicates.near == 0


def test_pictures_of_one_colour_are_duplicates_only_as_files() -> None:
    plates = {f"{n}": (encoded(Image.new("RGB", (32, 32), (n, 90, 90))), None) for n in (10, 60, 200)}
    duplicates, names = found({**plates, "again": plates["60"]})
    assert [[names[row] for row in group.rows] for group in duplicates.groups] == [["60", "again"]]
    assert (duplicates.identical, duplicates.near) == (1, 0)


def test_faint_patterns_on_one_colour_are_no_shapes() -> None:
    """The grain that a scanner leaves on every blank page would make all pages alike."""
    grain = np.random.default_rng(0).integers(0, 5, (64, 64, 1), np.uint8)
    pages = {f"{level}": (encoded(Image.fromarray(np.full((64, 64, 3), level, np.uint8) + grain)), None)
             for level in (200, 203, 206)}  # fmt: skip
    assert found(pages)[0].groups == ()
