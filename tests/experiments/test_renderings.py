"""The renderings that the guides learn their styles from: repeatable, distinct, and what their names say."""

from __future__ import annotations

from pathlib import Path

import captions
import numpy as np
import pytest
import render
import vocabulary
from PIL import Image

GRID = Path(__file__).resolve().parents[1] / "fixtures" / "guide-pictures.jpg"


def photos() -> list[np.ndarray]:
    """A fruit on white and a scene that fills its picture."""
    grid = np.asarray(Image.open(GRID).convert("RGB"))
    return [grid[:64, :64], grid[640:704, 128:192]]


def draw(style: str, picture: np.ndarray, seed: int) -> np.ndarray:
    return render.render(style, picture, np.random.default_rng(seed))


@pytest.mark.parametrize("style", list(render.STYLES))
def test_same_seed_same_bytes_and_another_seed_other_parameters(style: str) -> None:
    """Catches a rendering that uses a global generator, or one fixed filter for all pictures."""
    for picture in photos():
        first = draw(style, picture, 3)
        assert first.shape == (64, 64, 3) and first.dtype == np.uint8
        assert np.array_equal(first, draw(style, picture, 3))
        others = [draw(style, picture, seed) for seed in (4, 5, 6)]
        assert any(not np.array_equal(first, other) for other in others) == (style != "photo")


@pytest.mark.parametrize("which", [0, 1])
def test_no_two_styles_look_alike(which: int) -> None:
    """Catches a style that falls through to another, or to the photograph."""
    drawn = {style: draw(style, photos()[which], 0).astype(float) for style in render.STYLES}
    names = list(drawn)
    for k, name in enumerate(names):
        for other in names[k + 1 :]:
            assert np.abs(drawn[name] - drawn[other]).mean() > 4, (name, other)


def colours(picture: np.ndarray) -> int:
    return len(np.unique(picture.reshape(-1, 3) // 16, axis=0))


def test_styles_have_the_marks_of_their_names() -> None:
    """Catches a swapped name: each property below belongs to one style and not to the photograph."""
    fruit = photos()[0]
    mono, pencil, neon = (draw(style, fruit, 1).astype(int) for style in ("mono", "pencil", "neon"))
    assert np.ptp(mono, axis=2).max() == 0
    assert np.ptp(pencil, axis=2).max() < 25 and pencil.mean() > 120
    assert np.median(neon) < 40 and neon.max() > 180
    assert colours(draw("flat", fruit, 1)) < 0.5 * colours(fruit)
    pixel = render.render("pixel", fruit, np.random.default_rng(0))
    same = (np.diff(pixel.astype(int), axis=1) == 0).all(axis=2).mean()
    assert same > 0.6 > (np.diff(fruit.astype(int), axis=1) == 0).all(axis=2).mean()


def test_flat_fruit_stands_on_a_clean_light_ground() -> None:
    """Catches a silhouette whose mask is inverted or leaks to the border."""
    for seed in range(6):
        corner = draw("flat", photos()[0], seed)[:4, :4]
        assert corner.min() > 200 and np.ptp(corner.reshape(-1, 3), axis=0).max() <= 3


def test_captions_are_true_of_the_pictures_they_were_made_for() -> None:
    """Catches a mask that denies its own picture, and claims that fit everything."""
    rng = np.random.default_rng(0)
    rows = np.stack([rng.integers(0, n, 300) for n in (10, 15, 8, 4, 7)], axis=1)
    said = [captions.caption_for(row, rng) for row in rows]
    fits = captions.truth(rows, np.array([caption.masks for caption in said]))
    assert fits.diagonal().all()
    assert 0.02 < fits.mean() < 0.3


def test_image_and_photo_mean_the_plain_photograph() -> None:
    """Catches 'image' said of a drawing, which would rob the default source prompt of its meaning."""
    for style, phrases in captions.STYLE_PHRASES.items():
        assert {"photo", "image", "picture"}.isdisjoint(phrases) or style == "photo"


def test_every_known_word_is_one_token(tmp_path: Path) -> None:
    """Catches merges that conflict, which would spell a known word in pieces."""
    from nada._compat import import_open_clip

    words = captions.all_words()
    merges = vocabulary.learn_merges(words)
    vocabulary.save_merges(tmp_path / "bpe.txt.gz", merges)
    import_open_clip()
    from open_clip.tokenizer import SimpleTokenizer

    tokenizer = SimpleTokenizer(bpe_path=str(tmp_path / "bpe.txt.gz"), context_length=20)
    assert tokenizer.vocab_size == vocabulary.table_size(merges)
    assert all(len(tokenizer.encode(word)) == 1 for word in words)
    assert len(tokenizer.encode("quokka")) > 1
