"""Films in all three kinds, read back by others than those who wrote them."""

from __future__ import annotations

import doctest
import importlib
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from nada.errors import NadaError, UsageError
from nada.files import locked
from nada.movies import gif, save_movie, shared_palette, video
from nada.movies.video import even, write_video


class Film(Sequence):
    """Frames made when they are asked for, with a memory of how many were."""

    def __init__(self, count: int, size: tuple[int, int] = (24, 20)) -> None:
        self.count, self.size, self.made = count, size, 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> np.ndarray:
        if not 0 <= index < self.count:
            raise IndexError(index)
        self.made += 1
        down, across = np.mgrid[: self.size[0], : self.size[1]]
        still = np.where(across < 8, 200, 30 + 5 * index)  # the left part never changes
        return np.stack([still, 4 * down + across, np.full(self.size, 90)], axis=2).astype(np.uint8)


def frames_of(path: Path) -> list[np.ndarray]:
    with Image.open(path) as film:
        return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(film)]


def test_a_gif_has_every_frame_in_its_own_colours(tmp_path: Path) -> None:
    film = Film(20)
    found = frames_of(save_movie(tmp_path / "walk.gif", film))
    assert len(found) == 20 and found[0].shape == (24, 20, 3)
    worst = max(np.abs(one.astype(int) - film[index]).max() for index, one in enumerate(found))
    assert worst <= 24, "a frame is out of place, or its colours are far off"


def test_still_areas_of_a_gif_do_not_flicker(tmp_path: Path) -> None:
    """Catches a palette of each frame's own, and dithering, which both change what stands still."""
    found = frames_of(save_movie(tmp_path / "walk.gif", Film(20)))
    assert all(np.array_equal(one[:, :8], found[0][:, :8]) for one in found)


def test_a_gif_repeats_for_ever_at_its_rate_and_tells_its_settings(tmp_path: Path) -> None:
    """Catches delays that are all rounded to one side: 30 frames of 30 a second would take 0.9 s."""
    note = json.dumps({"seeds": list(range(200)), "name": "Äpfel"}, ensure_ascii=False)
    with Image.open(save_movie(tmp_path / "walk.gif", Film(30), fps=30, comment=note)) as film:
        assert film.info["loop"] == 0 and film.info["comment"].decode() == note
        assert sum(frame.info["duration"] for frame in ImageSequence.Iterator(film)) == 1000


def test_a_palette_suits_the_whole_film() -> None:
    """Catches a palette chosen from the first frames only."""
    dark, light = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 250, np.uint8)
    palette = np.frombuffer(shared_palette([dark] * 90 + [light] * 10), np.uint8).reshape(-1, 3)
    assert len(palette) == 256 and np.abs(palette.astype(int) - 250).sum(axis=1).min() < 6
    few = shared_palette([light])
    assert len(few) == 768


def test_frames_are_written_as_they_come(tmp_path: Path) -> None:
    """Catches a writer that keeps all frames until the last, whose memory grows with the film."""
    film, seen = Film(200, (64, 64)), []

    def bar(frames: object, count: int) -> Iterator[np.ndarray]:
        for number, frame in enumerate(iter(frames)):
            if number in (50, 199):
                (temporary,) = tmp_path.glob(".walk.gif.*.tmp")
                seen.append((count, temporary.stat().st_size))
            yield frame

    save_movie(tmp_path / "walk.gif", film, bar=bar)
    assert seen[0][0] == 200 and seen[0][1] > 8192 and seen[1][1] > 3 * seen[0][1]
    assert film.made <= 200 + gif._LOOKED_AT + 2
    assert [path.name for path in tmp_path.iterdir()] == ["walk.gif"]


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    one, two = (save_movie(tmp_path / name, Film(9), comment="x").read_bytes() for name in ("a.gif", "b.gif"))
    assert one == two


@pytest.mark.parametrize("name", ["walk.gif", "walk.mp4"])
def test_an_interrupted_film_leaves_the_old_one(tmp_path: Path, name: str) -> None:
    if name == "walk.mp4":
        pytest.importorskip("imageio_ffmpeg")
    path = tmp_path / name
    path.write_bytes(b"old")

    class Stopped(Film):
        def __getitem__(self, index: int) -> np.ndarray:
            if index == self.count - 1:
                raise KeyboardInterrupt
            return super().__getitem__(index)

    frames = Stopped(12)
    with pytest.raises(KeyboardInterrupt):
        save_movie(path, frames)
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["walk.gif", "walk"])
def test_what_a_killed_process_left_is_cleared_and_nobody_elses(tmp_path: Path, name: str) -> None:
    """Catches hidden halves of films, megabytes each, that pile up beside the whole ones."""
    (folder := tmp_path / "walk").mkdir()
    for half in (
        folder / ".frame-00003.png.0123abcd.tmp",
        tmp_path / ".walk.gif.0123abcd.tmp",
        tmp_path / ".other.gif.0123abcd.tmp",
    ):
        half.write_bytes(b"half")
    left = {path.name for path in tmp_path.rglob("*.tmp")}
    save_movie(tmp_path / name, Film(3))
    cleared = {"walk": ".frame-00003.png.0123abcd.tmp", "walk.gif": ".walk.gif.0123abcd.tmp"}[name]
    assert {path.name for path in tmp_path.rglob("*.tmp")} == left - {cleared}


@pytest.mark.parametrize("name", ["walk.gif", "walk"])
def test_one_film_at_a_time_under_a_name(tmp_path: Path, name: str) -> None:
    """Catches two processes that clear away each other's halves, or mix their frames in one folder."""
    path = tmp_path / name
    (tmp_path / "walk").mkdir()
    with (
        locked(path / "frames" if name == "walk" else path, "busy"),
        pytest.raises(NadaError, match="another film is being written"),
    ):
        save_movie(path, Film(3))


def test_a_folder_of_stills_is_exact_and_replaces_an_older_one(tmp_path: Path) -> None:
    folder, film = tmp_path / "frames", Film(12)
    save_movie(folder, Film(15), comment='{"frames": 15}')
    save_movie(folder, film, comment='{"frames": 12}')
    names = sorted(path.name for path in folder.iterdir())
    assert names == [*(f"frame-{index:05d}.png" for index in range(12)), "walk.json"]
    with Image.open(folder / "frame-00007.png") as picture:
        assert np.array_equal(np.asarray(picture), film[7]) and json.loads(picture.text["nada"]) == {"frames": 12}
    assert json.loads((folder / "walk.json").read_text()) == {"frames": 12}
    (folder / "frame-1.png").write_bytes(b"mine")
    with pytest.raises(NadaError, match=r"frame-1\.png"):
        save_movie(folder, film)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of the library, which reads here only
def test_an_mp4_shows_the_frames(tmp_path: Path) -> None:
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    film = Film(20, (35, 27))
    path = save_movie(tmp_path / "walk.mp4", film, fps=30, quality=10, comment="seeds 1,2")
    reader = ffmpeg.read_frames(str(path))
    facts = next(reader)
    assert facts["size"] == (28, 36) and facts["fps"] == 30 and facts["pix_fmt"].startswith("yuv420p(tv, bt709")
    found = [np.frombuffer(data, np.uint8).reshape(36, 28, 3)[:35, :27] for data in reader]
    assert len(found) == 20 and b"seeds 1,2" in path.read_bytes()
    assert max(np.abs(one.astype(int) - film[index]).mean() for index, one in enumerate(found)) < 4
    assert (
        path.read_bytes() == save_movie(tmp_path / "again.mp4", film, fps=30, quality=10, comment="seeds 1,2").read_bytes()
    )
    assert save_movie(tmp_path / "low.mp4", film, fps=30, quality=1).stat().st_size < path.stat().st_size


def test_without_its_package_mp4_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    with pytest.raises(NadaError, match=r"pip install imageio-ffmpeg,"):
        save_movie(tmp_path / "walk.mp4", Film(3))
    assert not list(tmp_path.iterdir())


def test_an_ffmpeg_that_fails_is_no_success(tmp_path: Path) -> None:
    """Catches a film that ends early on a full disk and is taken for whole: the library itself does not look."""
    pytest.importorskip("imageio_ffmpeg")
    with pytest.raises(NadaError, match="ffmpeg could not write"):
        write_video(tmp_path / "missing" / "walk.mp4", itertools.islice(Film(3000, (64, 64)), 3000), 25)


@pytest.mark.parametrize(
    ("name", "fps", "quality", "words"),
    [
        ("a.avi", 25, 8, ".avi"),
        ("a.gif", 60, 8, "50"),
        ("a.gif", 0, 8, "a second"),
        ("a.mp4", 500, 8, "120"),
        ("a.mp4", 25, 11, "quality"),
    ],
)
def test_what_makes_no_sense_is_named(tmp_path: Path, name: str, fps: float, quality: int, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        save_movie(tmp_path / name, Film(3), fps, quality)
    with pytest.raises(UsageError, match="at least one"):
        save_movie(tmp_path / "a.gif", [])


def test_odd_sides_are_made_even_without_moving_anything() -> None:
    frame = Film(1, (5, 6))[0]
    assert even(frame).shape == (6, 6, 3) and np.array_equal(even(frame)[:5], frame)
    assert np.array_equal(even(frame)[5], frame[4])


@pytest.mark.parametrize("name", ["gif", "saving", "video"])
def test_examples_in_docstrings_hold(name: str) -> None:
    done = doctest.testmod(importlib.import_module(f"nada.movies.{name}"))
    assert done.attempted and not done.failed


def test_quality_goes_the_right_way() -> None:
    assert video.constant_rate(10) < video.constant_rate(1)
