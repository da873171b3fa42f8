"""`nada mix`: recipes, what is written, and that everything reads it."""

from __future__ import annotations

import doctest
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from domain_makers import adapted_run, save_base
from fakes import tiny_generator
from PIL import Image

import nada.mixing.recipe
from nada.checkpoints import load_generator, read_generator, save_adaptation, save_generator
from nada.checkpoints.converting import convert
from nada.checkpoints.native import read_metadata
from nada.config.mix import MixConfig
from nada.domains import blend, load_pair, read_domain
from nada.errors import NadaError, UsageError
from nada.evaluation.origin import origin_of
from nada.files import write_json
from nada.mixing import mix, parse_weights, run_mix
from nada.models import Generator, GeneratorConfig, default_channels
from nada.selection import select_parameters

FIRST, SECOND = ("b16.conv0.weight", "b16.conv1.weight"), ("b16.conv1.weight", "b8.conv1.bias")


@pytest.fixture
def runs(tmp_path: Path) -> tuple[str, str]:
    base = save_base(tmp_path / "base")
    one = adapted_run(tmp_path / "00000-logo", base, *FIRST)
    two = adapted_run(tmp_path / "00001-sketch", base, *SECOND, seed=2, target="pencil sketch")
    return str(one), str(two)


def run(runs: tuple[str, ...], out: Path, **options: object) -> Path:
    return run_mix(MixConfig(out=str(out), **{"seeds": "0-1", **options}), runs, say=lambda line: None)


def same(one: Generator, two: Generator) -> bool:
    values = two.state_dict()
    return all(torch.equal(value, values[name]) for name, value in one.state_dict().items())


@pytest.mark.parametrize("text", ["0.7", "0.7,x", "", "1,2,3", "0,0"])
def test_weights_that_make_no_sense_are_named(text: str) -> None:
    with pytest.raises(UsageError, match="--weights"):
        parse_weights(text, 2)


def test_examples_in_docstrings_hold() -> None:
    assert doctest.testmod(nada.mixing.recipe).failed == 0 < doctest.testmod(nada.mixing.recipe).attempted


def test_a_mix_is_a_run_that_everything_reads(runs: tuple[str, str], tmp_path: Path) -> None:
    """Catches a mix that generate, evaluate, adapt or convert cannot take up, and one that forgets what it is made of."""
    folder = run(runs, tmp_path / "out", weights="0.7,0.3")
    parts = [(read_domain(runs[0]), 0.7), (read_domain(runs[1]), 0.3)]
    expected = blend(load_generator(tmp_path / "base"), parts)
    assert same(load_generator(folder), expected)
    assert same(load_generator(folder / "adaptation.safetensors"), expected)
    assert same(load_generator(shutil.copy(folder / "adaptation.safetensors", tmp_path / "lone.safetensors")), expected)
    pair = load_pair(folder)
    assert (
        same(pair.source, load_generator(tmp_path / "base")) and pair.domain.name == "0.7 minimal logo + 0.3 pencil sketch"
    )
    told = json.loads(pair.domain.metadata["parts"])
    assert [(part["name"], part["weight"], part["layers"]) for part in told] == [
        ("minimal logo", 0.7, "late:2"),
        ("pencil sketch", 0.3, "late:2"),
    ]
    assert read_generator(folder).kind == "adaptation" and origin_of(str(folder)).base_spec == str(tmp_path / "base")
    converted = convert(str(folder), tmp_path / "converted")
    assert same(load_generator(converted.path), expected)
    assert "adaptation" in read_metadata(converted.path)


def test_a_mix_of_mixes_and_of_one_domain(runs: tuple[str, str], tmp_path: Path) -> None:
    half = run(runs[:1], tmp_path / "half", weights="0.5")
    twice = run((str(half), runs[1]), tmp_path / "twice", weights="2,1")
    whole = run(runs, tmp_path / "whole", weights="1,1")
    for name, value in load_generator(whole).state_dict().items():
        torch.testing.assert_close(load_generator(twice).state_dict()[name], value)
    one = mix(runs[:1], [1.0])
    assert same(one.generator, load_generator(runs[0]))


def test_a_mix_as_a_whole_generator(runs: tuple[str, str], tmp_path: Path) -> None:
    folder = run(runs, tmp_path / "out", to="generator", weights="1,-0.5")
    assert same(load_generator(folder), mix(runs, [1, -0.5]).generator)
    metadata = read_metadata(folder)
    assert [part["weight"] for part in metadata["mix"]] == [1, -0.5] and metadata["base"] == str(tmp_path / "base")
    assert origin_of(str(folder)).command == "mix" and origin_of(str(folder)).base_spec == str(tmp_path / "base")
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "config.json", "model.safetensors", "preview.png"]


def test_the_preview_shows_base_domains_and_mix(runs: tuple[str, str], tmp_path: Path) -> None:
    """Catches rows in another order than their captions, by the four rows of pictures in it."""
    folder = run(runs, tmp_path / "out", seeds="0-1", truncation=1.0)
    picture = np.asarray(Image.open(folder / "preview.png"))
    made = [load_generator(tmp_path / "base"), *map(load_generator, runs), load_generator(folder)]
    places = []
    for generator in made:
        tile = generator.sample([0], batch=16)[0].repeat(8, 0).repeat(8, 1)
        rows = [top for top in range(picture.shape[0] - 127) if np.array_equal(picture[top : top + 128, 12:140], tile)]
        places.append(rows[0])
    assert places == sorted(places)
    alone = run(runs[:1], tmp_path / "alone", weights="1")
    assert np.asarray(Image.open(alone / "preview.png")).shape[0] < 0.6 * picture.shape[0], "a domain beside itself"


def test_a_folder_is_written_over_only_when_asked(runs: tuple[str, str], tmp_path: Path) -> None:
    out = run(runs, tmp_path / "out")
    with pytest.raises(NadaError, match="--replace"):
        run(runs, out)
    run((str(out), runs[1]), out, replace=True, to="generator", preview=False)  # even onto one of its own parts
    assert sorted(path.name for path in out.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    run(runs, out, replace=True)
    assert not (out / "model.safetensors").exists() and load_pair(out).domain is not None
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("my only copy")
    write_json(tmp_path / "other" / "config.json", {"model": "other"})
    for taken in (tmp_path / "mine", tmp_path / "other", Path(runs[0])):
        with pytest.raises(NadaError, match="something else"):
            run(runs, taken, replace=True)


def test_what_an_interrupted_mix_left_is_no_hindrance(runs: tuple[str, str], tmp_path: Path) -> None:
    out = run(runs, tmp_path / "out")
    (out / "config.json").unlink()
    assert run(runs, out) == out and load_pair(out).domain is not None


def test_mistakes_leave_nothing_behind(runs: tuple[str, str], tmp_path: Path) -> None:
    wrong = (
        {"weights": "1"},
        {"seeds": "x"},
        {"seeds": "0-4294967295"},
        {"truncation": float("nan")},
        {"classes": ("fox",)},
        {"base": "nowhere.pkl"},
        {"device": "tpu"},
    )
    for options in wrong:
        with pytest.raises(NadaError):
            run(runs, tmp_path / "out", **options)
        assert not (tmp_path / "out").exists(), options
    (tmp_path / "file").write_text("")
    with pytest.raises(NadaError, match="cannot write .*file"):
        run(runs, tmp_path / "file" / "below")
    with pytest.raises(UsageError, match="whole generator"):
        run((str(tmp_path / "base"),), tmp_path / "out")


def test_domains_of_different_bases_need_force(runs: tuple[str, str], tmp_path: Path) -> None:
    sibling = save_base(tmp_path / "sibling", seed=4)
    theirs = str(adapted_run(tmp_path / "theirs", sibling, "b8.conv1.bias", target="neon"))
    with pytest.raises(NadaError, match="'neon' was made from another generator"):
        run((runs[0], theirs), tmp_path / "out")
    folder = run((runs[0], theirs), tmp_path / "out", force=True, weights="1,1")
    expected = blend(load_generator(tmp_path / "base"), [(read_domain(runs[0]), 1), (read_domain(theirs), 1)], force=True)
    assert same(load_generator(folder), expected)
    carried = run((runs[0],), tmp_path / "carried", base=str(sibling), force=True, weights="1")
    assert load_pair(carried).domain.base == str(sibling)
    assert same(load_pair(carried).source, load_generator(sibling))


def test_a_style_offset_at_1024_px_is_small_and_can_be_carried_over(tmp_path: Path) -> None:
    """Catches a file that holds more than the offsets. The sizes are those of FFHQ at 1024 px; nothing is drawn."""
    with torch.device("meta"):
        large = Generator(GeneratorConfig(1024, default_channels(1024, 32768)))
        names = select_parameters(large, "style-offset@all").names
    shapes = {name: tuple(large.state_dict()[name].shape) for name in names}
    tensors = {name: torch.randn(shape) for name, shape in shapes.items()}
    facts = {"base": "ffhq-1024", "base_sha256": "a" * 64, "layers": "style-offset@all", "target": "pencil sketch"}
    path = save_adaptation(tmp_path / "style.safetensors", tensors, facts)
    assert path.stat().st_size < 100_000 and sum(value.numel() for value in tensors.values()) == 6048
    found = read_domain(path)
    assert all(torch.equal(value, tensors[name]) for name, value in found.tensors.items()) and len(found.tensors) == len(
        names
    )


def test_a_style_offset_moves_a_sibling_as_it_moved_its_base(tmp_path: Path) -> None:
    base = save_base(tmp_path / "base")
    names = select_parameters(load_generator(base), "style-offset@all").names
    style = adapted_run(tmp_path / "style", base, *names)
    sibling = save_generator(tmp_path / "sibling", tiny_generator(16, seed=4))
    folder = run((str(style),), tmp_path / "out", base=str(sibling), force=True)
    before, after, own = (load_generator(spec).state_dict() for spec in (sibling, folder, base))
    for name, value in read_domain(style).tensors.items():
        torch.testing.assert_close(after[name] - before[name], value - own[name], atol=1e-6, rtol=0)
    assert {name for name in before if not torch.equal(before[name], after[name])} == set(names)
