"""Walks as sequences of frames."""

from __future__ import annotations

import functools
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from domain_makers import adapted_run, save_base
from fakes import tiny_generator
from inversion_fakes import Coarse
from PIL import Image

from nada.checkpoints import load_generator
from nada.config.interpolate import InterpolateConfig
from nada.domains import at_strength, load_pair, read_domain
from nada.errors import NadaError, UsageError
from nada.images import to_uint8
from nada.interpolation import interpolate, interpolate_domains, photographs, run_interpolation
from nada.interpolation.keys import LatentKeys, StyleKeys
from nada.interpolation.paths import places_of
from nada.interpolation.sheets import strip, time_code
from nada.interpolation.walks import LatentWalk
from nada.inversion import read_photo, save_inversion
from nada.models import Generator, latents_from_seeds

FIRST, SECOND = ("b16.conv0.weight", "b16.conv1.weight"), ("b16.conv1.weight", "b8.conv1.bias")


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    base = save_base(tmp_path / "base", classes=2)
    one = adapted_run(tmp_path / "00000-logo", base, *FIRST)
    return one, adapted_run(tmp_path / "00001-sketch", base, *SECOND, seed=2, target="pencil sketch")


def made(generator: Generator, seeds: list[int], classes: list[int] | None = None) -> np.ndarray:
    return generator.sample(seeds, classes=classes)


def distance(one: np.ndarray, two: np.ndarray) -> float:
    return float(np.sqrt(np.square(one.astype(float) - two).mean()))


def close(one: np.ndarray, two: np.ndarray) -> bool:
    """Equal but for the last bit of sums, which the number of pictures at a time moves."""
    return one.shape == two.shape and np.abs(one.astype(int) - two).max() <= 1


@pytest.mark.parametrize("space", ["w", "z"])
def test_a_walk_passes_the_pictures_of_its_seeds(space: str) -> None:
    generator = tiny_generator()
    frames = interpolate(generator, [3, 1, 4], frames=9, space=space)
    assert len(frames) == 9 and frames[0].shape == (16, 16, 3)
    assert all(close(frames[4 * key], made(generator, [seed])[0]) for key, seed in enumerate([3, 1, 4]))
    assert close(frames[-1], frames[8])
    with pytest.raises(IndexError):
        frames[9]


@pytest.mark.parametrize("space", ["w", "z"])
def test_a_loop_has_no_jump(space: str) -> None:
    """Catches a film that stumbles where it repeats: no step is larger than the largest inside, and none is nothing."""
    frames = list(interpolate(tiny_generator(32), [3, 1, 4], frames=60, space=space, loop=True))
    steps = [distance(one, two) for one, two in zip(frames, frames[1:])]
    assert 0 < distance(frames[-1], frames[0]) <= max(steps)


def test_w_is_walked_in_straight_lines() -> None:
    w = torch.randn(2, 6, 8)
    styles = StyleKeys(w, ["a", "b"]).styles(places_of(2, 5))
    torch.testing.assert_close(styles.diff(dim=0), ((w[1] - w[0]) / 4).expand(4, -1, -1))


def test_z_is_walked_in_arcs_and_mixes_classes() -> None:
    """Catches a class that switches half way instead of changing by and by."""
    generator = tiny_generator(classes=2)
    z, rows = latents_from_seeds([0, 1], 8), torch.eye(2)
    middle = LatentKeys(generator, z, rows, ["a", "b"]).styles(places_of(2, 3))[1]
    half = torch.sin(torch.tensor(0.5) * torch.acos(torch.cosine_similarity(z[0], z[1], dim=0)))
    mean = z[0] / z[0].norm() + z[1] / z[1].norm()
    expected = generator.map_latents(mean[None] / (2 * half), torch.tensor([[0.5, 0.5]]))[0]
    torch.testing.assert_close(middle, expected, atol=1e-5, rtol=1e-4)


def test_texts_are_mixed_on_their_sphere() -> None:
    generator = tiny_generator(prompts=("a fox", "an owl"))
    rows = generator.known_conditions
    found = LatentKeys(generator, latents_from_seeds([0, 0], 8), rows, ["a", "b"]).styles(places_of(2, 3))[1]
    middle = (rows[0] + rows[1]) / (rows[0] + rows[1]).norm()
    torch.testing.assert_close(
        found, generator.map_latents(latents_from_seeds([0], 8), middle[None])[0], atol=1e-5, rtol=1e-4
    )


def test_one_seed_walks_through_classes() -> None:
    generator = tiny_generator(classes=3)
    frames = interpolate(generator, [5], frames=5, classes=["class2", "class0", "1"])
    assert all(close(frames[2 * key], made(generator, [5], [number])[0]) for key, number in enumerate([2, 0, 1]))
    by_seed = interpolate(generator, [5, 6], frames=2)
    assert close(by_seed[0], made(generator, [5], [2])[0])


def test_walks_side_by_side_take_the_seeds_in_turn() -> None:
    generator = tiny_generator()
    frames = interpolate(generator, [0, 1, 2, 7, 8, 9], frames=3, columns=2)
    assert frames[1].shape == (16, 36, 3)
    assert close(frames[1][:, :16], made(generator, [1])[0]) and close(frames[2][:, 20:], made(generator, [9])[0])
    with pytest.raises(UsageError, match="dealt out"):
        interpolate(generator, [0, 1, 2], columns=2)


@pytest.mark.parametrize("tiles", [1, 3, 20])
def test_a_frame_is_the_same_however_it_is_come_by(tiles: int) -> None:
    """Catches frames that depend on how many are computed at once."""
    frames = interpolate(tiny_generator(), range(2 * tiles), frames=11, columns=tiles)
    assert all(np.array_equal(frame, frames[index]) for index, frame in enumerate(frames))


def test_frames_are_computed_when_they_are_asked_for() -> None:
    """Catches a walk that makes all its frames first: 10,000 of them would take minutes and gigabytes."""
    generator, asked = tiny_generator(), []
    synthesize = generator.synthesize
    generator.synthesize = lambda *arguments: asked.append(0) or synthesize(*arguments)  # type: ignore[method-assign]
    frames = interpolate(generator, [0, 1], frames=10_000)
    assert not asked
    list(itertools.islice(frames, 20))
    assert len(asked) == 2


def test_from_the_source_into_the_domain_and_on_to_another(runs: tuple[Path, Path], tmp_path: Path) -> None:
    """Catches ends that are almost the source and the adapted generators, or a middle that is not half of each."""
    base, (logo, sketch) = load_generator(tmp_path / "base"), map(read_domain, runs)
    stops = [[], [(logo, 1.0)], [(sketch, 1.0)]]
    frames = interpolate_domains(base, stops, [3, 1, 4, 0], frames=5, columns=4)
    expected = [base, at_strength(load_pair(runs[0]), 0.5), load_generator(runs[0]), None, load_generator(runs[1])]
    for frame, generator in zip(frames, expected, strict=True):
        if generator is not None:
            pictures = generator.sample([3, 1, 4, 0], batch=4)
            assert all(np.array_equal(frame[:, 20 * tile : 20 * tile + 16], pictures[tile]) for tile in range(4))
    assert [frame.tobytes() for frame in frames] == [frames[index].tobytes() for index in range(5)]


def test_an_adaptation_of_the_mapping_moves_the_styles_too(tmp_path: Path) -> None:
    base = save_base(tmp_path / "base")
    run = adapted_run(tmp_path / "run", base, "mapping.fc0.weight")
    frames = interpolate_domains(load_generator(base), [[], [(read_domain(run), 1.0)]], [3, 1, 4, 5], frames=2, columns=4)
    assert np.array_equal(frames[1][:, :16], load_generator(run).sample([3, 1, 4, 5], batch=4)[0])


def test_inverted_noise_is_walked_along_an_arc() -> None:
    generator = tiny_generator()
    w, noise = (
        generator.map_latents(latents_from_seeds([0, 1], 8)),
        generator.make_noise(2, torch.Generator().manual_seed(0)),
    )
    keys = StyleKeys(w, ["a", "b"], noise)
    middle = keys.noise(places_of(2, 3))["b16.conv1"][1]
    assert float(middle.std()) == pytest.approx(float(noise["b16.conv1"].std()), rel=0.2)  # a mean would have 0.7 of it
    frames = LatentWalk(generator, [keys], places_of(2, 3))
    own = {name: maps[:1] for name, maps in noise.items()}
    assert np.array_equal(frames[0], to_uint8(generator.synthesize(w[:1], own)))


def film(name: Path, **options: object) -> Path:
    config = InterpolateConfig(**{"frames": 6, "device": "cpu", "out": str(name), **options})
    return run_interpolation(config, say=lambda line: None)


def stills(folder: Path) -> list[np.ndarray]:
    return [np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))]


def test_the_command_walks_strengths_and_keeps_its_settings(runs: tuple[Path, Path], tmp_path: Path) -> None:
    folder = film(tmp_path / "film", model=str(runs[0]), from_strength=0.0, seeds="3,1,4,0", columns=4, frames=3)
    first, middle, last = stills(folder)
    pair = load_pair(runs[0])
    for frame, strength in ((first, 0), (middle, 0.5), (last, 1)):
        expected = at_strength(pair, strength).sample([3, 1, 4, 0], batch=4)
        assert all(close(frame[:, 20 * tile : 20 * tile + 16], expected[tile]) for tile in range(4))
    told = json.loads((folder / "walk.json").read_text())
    assert told["options"]["seeds"] == "3,1,4,0" and told["options"]["upscale"] == "lanczos"
    gif = film(tmp_path / "film.gif", model=str(runs[0]), from_strength=0.0, seeds="3,1")
    with Image.open(gif) as picture:
        assert json.loads(picture.info["comment"])["command"] == "interpolate" and picture.n_frames == 6


def test_from_domain_to_domain_starts_at_the_first(runs: tuple[Path, Path], tmp_path: Path) -> None:
    folder = film(tmp_path / "film", model=str(runs[0]), to=(str(runs[1]),), seeds="3,1,4,0", columns=4, frames=2)
    for frame, run in zip(stills(folder), runs, strict=True):
        assert close(frame[:, :16], load_generator(run).sample([3, 1, 4, 0], batch=4)[0])
    base = film(tmp_path / "base-film", to=tuple(map(str, runs)), seeds="3,1,4,0", columns=4, frames=3)
    assert close(stills(base)[0][:, :16], load_generator(tmp_path / "base").sample([3, 1, 4, 0], batch=4)[0])


def test_before_stands_above_after(runs: tuple[Path, Path], tmp_path: Path) -> None:
    base = load_generator(tmp_path / "base")
    for name, options in (("latents", {"columns": 2}), ("domains", {"from_strength": 0.0, "columns": 4})):
        frame = stills(film(tmp_path / name, model=str(runs[0]), compare=True, seeds="0-3", **options))[-1]
        seeds = [1, 3] if name == "latents" else [0, 1, 2, 3]
        assert frame.shape == (36, 20 * len(seeds) - 4, 3)
        for tile, seed in enumerate(seeds):
            assert close(frame[:16, 20 * tile : 20 * tile + 16], made(base, [seed], [seed % 2])[0])
            assert close(frame[20:, 20 * tile : 20 * tile + 16], made(load_generator(runs[0]), [seed], [seed % 2])[0])


def test_rows_of_tiles_keep_before_and_after_together(runs: tuple[Path, Path], tmp_path: Path) -> None:
    folder = film(tmp_path / "film", model=str(runs[0]), compare=True, from_strength=0.0, seeds="0-4", columns=2, frames=2)
    frame = stills(folder)[-1]
    assert frame.shape == (6 * 20 - 4, 36, 3) and (frame[80:, 20:] == 255).all()
    assert close(frame[40:56, :16], made(load_generator(tmp_path / "base"), [2], [0])[0])
    assert close(frame[60:76, :16], made(load_generator(runs[0]), [2], [0])[0])


def test_a_photograph_is_found_and_walked_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches key frames that are not what the inversion found, and a photograph that is lost on the way to a domain."""
    quick = functools.partial(photographs.invert, samples=8, starts=1, perception=Coarse())
    monkeypatch.setattr(photographs, "invert", quick)
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path, picture in zip(paths, made(tiny_generator(), [0, 1]), strict=True):
        Image.fromarray(picture).save(path)
    base = save_base(tmp_path / "base")
    run = adapted_run(tmp_path / "run", base, *FIRST)
    options = {"from_picture": str(paths[0]), "to_picture": (str(paths[1]),), "invert_steps": 3}
    walked = stills(film(tmp_path / "one", model=str(base), **options))
    found = quick(load_generator(base), torch.cat([read_photo(path, 16) for path in paths]), steps=3)
    expected = to_uint8(found.pictures)
    assert len(walked) == 6 and close(walked[0], expected[0]) and close(walked[-1], expected[1])
    kept = found._replace(
        w=found.w[:1], noise={name: maps[:1] for name, maps in found.noise.items()}, losses=found.losses[:1]
    )
    save_inversion(tmp_path / "kept" / "inversion.safetensors", kept)
    changed = stills(film(tmp_path / "two", model=str(run), from_picture=str(tmp_path / "kept"), from_strength=0.0))
    assert close(changed[0], expected[0]) and not close(changed[-1], expected[0])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seeds": "5"}, "two key frames"),
        ({"seeds": "1,2", "frames": 1}, "frames"),
        ({"seeds": "x"}, "--seeds"),
        ({"seeds": "0-4294967295"}, "4294967296 seeds"),
        ({"classes": ("fox",)}, "fox"),
        ({"strength": 0.5}, "--strength"),
        ({"compare": True}, "--compare"),
        ({"from_strength": 0.0}, "whole generator"),
        ({"to_picture": ("a.png",)}, "--from-picture"),
        ({"from_picture": "a.png", "seeds": "1,2"}, "--seeds"),
        ({"from_picture": "missing.png", "to_picture": ("b.png",)}, "missing.png"),
        ({"from_picture": "a.png", "truncation": 0.5}, "--truncation"),
        ({"to_strength": 0.5, "space": "z"}, "--space z"),
        ({"size": 2}, "--size"),
        ({"columns": 0}, "0 walks"),
        ({"fps": 0.0}, "--fps|frames a second"),
        ({"truncation": float("nan")}, "--truncation"),
        ({"out": "walk.avi"}, ".avi"),
        ({"to": ("missing",)}, "missing"),
        ({"device": "tpu"}, "tpu"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_named_before_anything_is_written(tmp_path: Path, options: dict, words: str) -> None:
    base = save_base(tmp_path / "base", classes=2)
    (tmp_path / "out").mkdir()
    with pytest.raises(NadaError, match=words):
        film(tmp_path / "out" / "film.gif", **{"model": str(base), **options})
    assert not list((tmp_path / "out").iterdir())


def test_tiles_are_enlarged_by_the_filter_asked_for() -> None:
    generator = tiny_generator()
    small, blocks = (interpolate(generator, [0, 1], frames=2, size=size, upscale="nearest")[0] for size in (None, 48))
    assert np.array_equal(blocks, small.repeat(3, 0).repeat(3, 1))
    smooth = interpolate(generator, [0, 1], frames=2, size=48)[0]
    assert smooth.shape == blocks.shape and not np.array_equal(smooth, blocks)


def test_labels_leave_all_frames_of_one_size(runs: tuple[Path, Path], tmp_path: Path) -> None:
    folder = film(tmp_path / "film", to=tuple(map(str, runs)), seeds="0-2", label=True, size=64, loop=True, frames=12)
    frames = stills(folder)
    assert {frame.shape for frame in frames} == {(2 * (64 + 14) + 4 + 16, 132, 3)}
    assert not np.array_equal(frames[0][-16:], frames[1][-16:]), "the time stands still"
    assert (strip("a caption that never ends " * 9, 64, 7)[:, -2:] == 255).all() and time_code(0, 25) == "00:00.00"
