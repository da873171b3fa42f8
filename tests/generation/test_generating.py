"""Files of pictures: their names, what is made again and what is kept, strengths, tables of mixed styles."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from domain_makers import adapted_run, save_base

from nada.checkpoints import load_generator
from nada.config.generate import GenerateConfig
from nada.errors import NadaError, UsageError
from nada.files import locked
from nada.generation import generate, mix_styles, read_settings
from nada.generation.run import Outcome, run_generation
from nada.images import load_image, save_png


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of the test's own, with a base `base` of three classes and a run `run` that moved some of it."""
    torch.set_num_threads(1)
    monkeypatch.chdir(tmp_path)
    save_base(Path("base"), classes=3)
    adapted_run(Path("run"), Path("base"), "b16.conv1.weight", "mapping.fc0.weight")


def make(**options: object) -> Outcome:
    return run_generation(
        GenerateConfig(**{"model": "base", "device": "cpu", "out": "out", **options}), say=lambda line: None
    )


def files(folder: str = "out") -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def test_one_file_a_seed_in_turn_of_the_classes() -> None:
    """Fails where classes go by the place in the list, so that a seed's picture depends on the others."""
    assert make(seeds="3,10000,3").made == 2
    assert list(files()) == ["seed0003.png", "seed10000.png"]
    whole = load_generator("base").sample([3, 10000])
    assert np.array_equal(load_image("out/seed10000.png"), whole[1])
    assert [read_settings(path)[0].condition for path in sorted(Path("out").iterdir())] == ["class0", "class1"]
    make(seeds="3,10000", classes=("2",), out="two")
    assert np.array_equal(load_image("two/seed0003.png"), load_generator("base").sample([3], classes=2)[0])


@pytest.mark.parametrize("noise", ["const", "random"])
def test_bytes_of_files_do_not_depend_on_the_batch_or_on_an_interruption(noise: str) -> None:
    make(num=40, noise=noise, batch=1)
    make(num=40, noise=noise, batch=100, out="other")
    make(seeds="5,21", noise=noise, out="third")
    make(num=40, noise=noise, out="third", batch=32)
    assert files() == files("other") == files("third")


def test_what_is_there_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where a second call computes everything again; the grid shows those that were there, too."""
    first = make(num=20, grid=True)
    sheet = files()["grid.png"]
    kept = {name: os.stat(f"out/{name}").st_mtime_ns for name in files() if name != "grid.png"}
    os.remove("out/seed0007.png")
    again = make(num=20, grid=True)
    assert (first.made, again.made, again.kept) == (20, 1, 19)
    assert sum(os.stat(f"out/{name}").st_mtime_ns != when for name, when in kept.items()) == 1
    assert files()["grid.png"] == sheet


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"truncation": 0.5}, "other settings .truncation 1.0, not 0.5"),
        ({"classes": ("class1",)}, "other settings .condition class0, not class1"),
        ({"precision": "bf16"}, "precision fp32, not bf16"),
        ({"model": "run"}, "was made with base, whose weights differ"),
    ],
)
def test_other_settings_in_the_folder_are_refused_before_anything_is_written(change: dict, words: str) -> None:
    make(seeds="9")
    before = files()
    with pytest.raises(NadaError, match=f"seed0009.png .*{words}.*--out"):
        make(**{"seeds": "0-12", **change})
    assert files() == before


def test_another_generator_of_the_same_name_is_said_so() -> None:
    make(seeds="1")
    kept = files()
    save_base(Path("base"), seed=5, classes=3)
    with pytest.raises(NadaError, match="another generator called base"):
        make(seeds="1")
    with pytest.raises(NadaError, match="base is another generator than the base that out/seed0001.png was made with"):
        make(model=None, like="out/seed0001.png", out="again")
    make(like="out/seed0001.png", out="on-purpose")  # with the model named it is a person's own wish
    assert files() == kept


def test_pictures_of_others_are_not_overwritten() -> None:
    save_png("out/seed0002.png", np.zeros((4, 4, 3), np.uint8))
    Path("out/seed0001.png").write_text("notes")
    before = files()
    with pytest.raises(NadaError, match="seed000[12].png is in the way"):
        make(num=4)
    assert files() == before


def test_the_first_of_many_files_in_the_way_is_named_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where the file that the system happens to list first is named, as if it were the only one."""
    make(num=4)
    listed = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path=".": sorted(listed(path), reverse=True))
    said = r"^out/seed0000.png was made with other settings \(truncation 1.0, not 0.5\), and 3 other files there"
    with pytest.raises(NadaError, match=said):
        make(num=4, truncation=0.5)
    with pytest.raises(NadaError, match=r"not 0.5\); choose another folder with --out.$"):
        make(num=1, truncation=0.5)


def test_one_command_at_a_time_in_a_folder() -> None:
    Path("out").mkdir()
    with locked(Path("out/pictures"), "busy"), pytest.raises(NadaError, match="another nada generate is writing to out"):
        make(num=2)


@pytest.mark.parametrize(
    "asked",
    [
        {"seeds": "4"},
        {"seeds": "4", "truncation": 0.5, "truncation_cutoff": 2, "noise": "random"},
        {"seeds": "4", "classes": ("class2",), "precision": "bf16"},
        {"model": "run", "strength": (0.25,), "seeds": "4"},
    ],
)
def test_a_picture_is_made_again_from_its_own_file(asked: dict) -> None:
    """Byte for byte, though the last time it was one of many."""
    make(**{**asked, "seeds": "0-6"})
    make(model=None, like="out/seed0004.png", out="again", batch=3)
    assert files("again") == {"seed0004.png": files()["seed0004.png"]}


def test_options_win_over_the_settings_of_a_file() -> None:
    make(model="run", seeds="4", truncation=0.5, strength=(0.5,))
    make(model=None, like="out/seed0004.png", strength=(1.0,), seeds="4-5", out="again")
    first, second = (read_settings(f"again/seed000{seed}.png")[0] for seed in (4, 5))
    assert (first.strength, first.truncation, first.condition) == (1.0, 0.5, "class1")
    assert (second.seed, second.condition) == (5, "class1")  # like the picture in all but what was asked for


def test_a_generator_is_found_from_the_folder_of_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    make(seeds="4", out="deep/er")
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    make(model=None, like="../deep/er/seed0004.png", out="again")
    assert np.array_equal(load_image("again/seed0004.png"), load_image("../deep/er/seed0004.png"))


@pytest.mark.parametrize("spec", ["hf:someone/thing", "//host/share", "\\\\host\\share"])
def test_a_strange_picture_makes_nobody_fetch_anything(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make(seeds="4")
    text = read_settings("out/seed0004.png")[1]
    save_png("strange.png", np.zeros((4, 4, 3), np.uint8), {"nada": json.dumps({**text, "model": spec})})
    monkeypatch.setattr("nada.checkpoints.loading.find", lambda spec: pytest.fail("it was looked for"))
    with pytest.raises(NadaError, match="if you trust that"):
        make(model=None, like="strange.png", out="again")


def test_strength_0_is_the_source_and_1_the_adapted_generator() -> None:
    """To the byte, mapping included; and between them it is neither."""
    outcome = make(model="run", num=5, strength=(0.0, 0.5, 1.0))
    source, adapted = load_generator("base").sample(range(5)), load_generator("run").sample(range(5))
    for seed in range(5):
        low, half, high = (load_image(f"out/seed{seed:04d}-strength{name}.png") for name in ("0", "0.5", "1"))
        assert np.array_equal(low, source[seed]) and np.array_equal(high, adapted[seed])
        assert not np.array_equal(half, low) and not np.array_equal(half, high)
    assert [path.name for path in outcome.sheets] == ["strengths.png"]


def test_strengths_that_are_almost_the_same_have_files_of_their_own() -> None:
    """Catches names rounded to six digits, under which the second is lost."""
    assert make(model="run", seeds="1", strength=(0.5, 0.50000001)).made == 2 and len(files()) == 3


def test_before_and_after() -> None:
    outcome = make(model="run", num=3, paired=True)
    assert len(files()) == 7 and outcome.made == 6
    assert np.array_equal(load_image("out/seed0002-before.png"), load_generator("base").sample([2])[0])
    assert np.array_equal(load_image("out/seed0002-after.png"), load_generator("run").sample([2])[0])
    sheet = load_image("out/before-after.png")
    tile = load_image("out/seed0000-after.png").repeat(6, axis=0).repeat(6, axis=1)
    found = np.lib.stride_tricks.sliding_window_view(sheet[:, 12:108], (96, 96, 3))[:, 0, 0]
    assert np.flatnonzero((found == tile).all(axis=(1, 2, 3))).min() > sheet.shape[0] // 2  # in the lower row


def test_the_diagonal_of_a_table_is_its_sources() -> None:
    """Fails where the wrong one of the two gives the layers, or a class goes with the wrong seed."""
    seeds = [0, 5, 7]
    table = mix_styles("base", seeds, seeds, "coarse")
    for index, source in enumerate(generate("base", seeds)):
        assert np.array_equal(table.pictures[index, index], source.pixels)
        assert np.array_equal(table.rows[index], source.pixels) and np.array_equal(table.columns[index], source.pixels)
    everything = mix_styles("base", [0], [5, 7], "0-5")  # all layers of the column are the column's picture
    assert np.array_equal(everything.pictures[0], table.columns[1:])


def test_files_of_a_table_can_be_made_again() -> None:
    made = make(mix_rows="0,5", mix_cols="5,7", mix_layers="1-2")
    assert (len(files()), made.made) == (4 + 3 + 1, 7)
    make(model=None, like="out/mix-r0000-c0007.png", out="again")
    assert files("again")["seed0000.png"] == files()["mix-r0000-c0007.png"]
    before = files()
    assert make(mix_rows="0,5", mix_cols="5,7", mix_layers="1-2").kept == 7 and files() == before


def test_many_pictures_get_several_sheets() -> None:
    outcome = make(num=230, grid=True)
    assert [path.name for path in outcome.sheets] == ["grid-001.png", "grid-002.png", "grid-003.png"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"seeds": "1", "num": 2},
        {"num": 0},
        {"batch": 0},
        {"strength": (0.5,)},
        {"paired": True},
        {"classes": ("pear",)},
        {"truncation": float("nan")},
        {"truncation_cutoff": 9},
        {"mix_rows": "1"},
        {"mix_rows": "1", "mix_cols": "2", "num": 3},
        {"mix_rows": "1", "mix_cols": "2", "prompt": "x"},
        {"mix_rows": "0-99", "mix_cols": "0-99"},
        {"mix_rows": "0-4294967295", "mix_cols": "1"},
        {"source": "photo"},
        {"optimise": 9},
        {"best": 2},
        {"clip": "x"},
        {"mix_layers": "fine"},
        {"prompt": "x", "of": 9, "seeds": "1-3"},
        {"model": "run", "strength": (float("inf"),)},
        {"model": "run", "strength": (0.5, 1.0), "paired": True},
    ],
    ids=str,
)
def test_options_that_make_no_sense(wrong: dict) -> None:
    with pytest.raises(UsageError):
        make(**wrong)
    assert not Path("out").exists()


def test_a_folder_that_cannot_be_written() -> None:
    Path("file").write_text("")
    for out in ("file", "file/below"):
        with pytest.raises(NadaError, match="cannot write file"):
            make(num=2, out=out)
