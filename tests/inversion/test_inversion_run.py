"""`run_inversion`: the folder, what is kept, what goes on, and what is refused."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from evaluation_fakes import load_fake
from inversion_fakes import Coarse, levels, noisy_generator, save_photos, saved_generator
from PIL import Image

import nada.inversion.plan
import nada.inversion.run
from nada.checkpoints import hash_generator, load_generator, save_adaptation
from nada.config.invert import InvertConfig
from nada.errors import NadaError, UsageError
from nada.images import load_image, save_png
from nada.inversion import load_inversion
from nada.inversion.api import Inverter
from nada.inversion.result import read_facts
from nada.inversion.run import Outcome, run_inversion


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A base generator in `base`, photographs in `photos`, no guide."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(nada.inversion.plan, "load_perception", lambda spec, device: Coarse())
    monkeypatch.setattr(nada.inversion.plan, "load_features", load_fake)
    saved_generator(tmp_path / "base")
    save_photos(tmp_path / "photos", noisy_generator(2), 3)


def work(*photos: str, lines: list[str] | None = None, **changes: Any) -> Outcome:
    options = {"model": "base", "device": "cpu", "steps": 8, "samples": 8, "starts": 2, "batch": 2, **changes}
    said: list[str] = [] if lines is None else lines
    return run_inversion(InvertConfig(**options), photos or ("photos",), said.append)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def logo(**metadata: str) -> None:
    generator = noisy_generator(2)
    moved = {name: 2 * value for name, value in generator.state_dict().items() if name.startswith("b16.torgb")}
    base = {"base": str(Path("base").resolve()), "base_sha256": hash_generator(generator)}
    save_adaptation("logo.safetensors", moved, {**base, "target": "minimal logo", **metadata})


def test_everything_that_was_asked_for_is_there() -> None:
    """Fails where a picture is missing, a file cannot be read back, or numbers do not belong to the pictures."""
    logo()
    lines: list[str] = []
    outcome = work(tune=3, through=("logo.safetensors",), lines=lines)
    assert outcome == (Path("inverted"), 3, 3, {}, True)
    files = {"photo.png", "reconstruction.png", "tuned.png", "after-minimal-logo.png", "inversion.safetensors"}
    one = Path("inverted/photo1")
    assert {path.name for path in one.iterdir()} == files | {"projected_w.npz", "adaptation.safetensors"}
    inversion = load_inversion(one)
    assert np.array_equal(np.load(one / "projected_w.npz")["w"], inversion.w.numpy())
    with torch.no_grad():
        made = load_generator("base").synthesize(inversion.w, inversion.noise)
    with Image.open(one / "reconstruction.png") as stored:
        assert nada.images.to_uint8(made)[0].tobytes() == np.asarray(stored).tobytes()
        assert json.loads(stored.text["nada"])["settings"]["space"] == "w+"
    assert hash_generator(load_generator(str(one))) != hash_generator(load_generator("base"))
    record = json.loads(Path("inverted/results.json").read_text())["photographs"]["photo1"]
    assert set(record["errors"]) == {"reconstruction", "tuned"} and record["steps"] == 8
    card = Path("inverted/README.md").read_text()
    assert f"| photo1 | class{inversion.classes[0]} | tuned | {record['errors']['tuned']['pixel_rmse']:.4f}" in card
    assert lines[0].startswith("generator ") and any(line.startswith("photo1: class") for line in lines)
    assert load_image("inverted/sheet.png").shape[0] > 4 * 112


def test_a_second_run_keeps_what_is_finished_and_shows_it_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where finished work is done again, or an adaptation named later is not shown."""
    work()
    before = snapshot(Path("inverted"))
    monkeypatch.setattr(Inverter, "invert", lambda *given: pytest.fail("it was inverted again"))
    logo()
    work(through=("logo.safetensors",))
    after = snapshot(Path("inverted"))
    changed = {name for name in after if before.get(name) != after[name]}
    reports = {"README.md", "results.json", "sheet.png"}
    assert changed == reports | {f"photo{index}/after-minimal-logo.png" for index in range(3)}


def test_tuning_can_be_added_later_and_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where tuning throws the inversion away, or is done twice."""
    work("photos/photo0.png")
    first = load_inversion("inverted/photo0").w
    monkeypatch.setattr(Inverter, "invert", lambda *given: pytest.fail("it was inverted again"))
    work("photos/photo0.png", tune=2)
    assert torch.equal(load_inversion("inverted/photo0").w, first)
    monkeypatch.setattr(nada.inversion.run, "tune", lambda *given, **named: pytest.fail("it was tuned again"))
    work("photos/photo0.png", tune=2)
    with pytest.raises(pytest.fail.Exception, match="tuned again"):
        work("photos/photo0.png", tune=3)


def test_other_settings_or_another_photograph_do_not_replace_what_is_there() -> None:
    """Fails where hours of work are overwritten by a flag that was forgotten."""
    work("photos/photo0.png")
    before = snapshot(Path("inverted"))
    with pytest.raises(NadaError, match=r"inverted/photo0 holds an inversion .* --overwrite"):
        work("photos/photo0.png", steps=9)
    save_png("other/photo0.png", levels(0, 16, 16))
    with pytest.raises(NadaError, match="another photograph"):
        work("other/photo0.png")
    assert snapshot(Path("inverted")) == before
    work("photos/photo0.png", steps=9, overwrite=True)
    assert read_facts(Path("inverted/photo0/inversion.safetensors"))["settings"]["steps"] == 9


def test_what_an_older_inversion_led_to_goes_with_it() -> None:
    """Fails where a film or a mix would take the tuning of one inversion for that of another."""
    logo()
    work("photos/photo0.png", tune=2, through=("logo.safetensors",))
    derived = {"adaptation.safetensors", "tuned.png", "after-minimal-logo.png"}
    assert derived <= {path.name for path in Path("inverted/photo0").iterdir()}
    work("photos/photo0.png", steps=9, overwrite=True)
    assert not derived & {path.name for path in Path("inverted/photo0").iterdir()}


def test_a_signal_keeps_what_is_finished_and_the_rest_comes_out_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where a batch is half kept, the sheet is missing, or going on gives other bytes than not having stopped."""
    work(out="whole", batch=1)
    steps = iter(range(1000))
    original = nada.inversion.run._Run._on_step

    def interrupt(self: Any, bar: Any, report: Any) -> None:
        if next(steps) == 11:  # in the middle of the second photograph
            signal.raise_signal(signal.SIGINT)
        original(self, bar, report)

    with monkeypatch.context() as patched:
        patched.setattr(nada.inversion.run._Run, "_on_step", interrupt)
        outcome = work(out="parts", batch=1)
    assert (outcome.done, outcome.photos, outcome.finished) == (1, 3, False)
    assert Path("parts/sheet.png").is_file() and not Path("parts/photo1").exists()
    assert work(out="parts", batch=1).finished
    whole, parts = snapshot(Path("whole")), snapshot(Path("parts"))
    assert whole.keys() == parts.keys()
    assert all(whole[name] == parts[name] for name in whole if name.startswith("photo") or name == "sheet.png")


def test_bad_photographs_are_left_out_and_told() -> None:
    Path("photos/photo1.png").write_text("broken")
    Path("photos/notes.txt").write_text("no picture, and not meant to be one")
    outcome = work(classes=("class0", "1", "1"))
    assert list(outcome.skipped) == ["photos/photo1.png"] and outcome.photos == 2
    assert [load_inversion(f"inverted/photo{index}").classes for index in (0, 2)] == [(0,), (1,)]
    assert "## Left out" in Path("inverted/README.md").read_text()
    with pytest.raises(NadaError, match="none of the 1 photographs can be read, as photos/photo1.png is not a picture"):
        work("photos/photo1.png")


def test_names_that_come_again_have_folders_of_their_own() -> None:
    """Fails where the second `photo0` replaces the first."""
    save_png("other/Photo0.png", levels(0, 20, 30))
    assert work("photos/photo0.png", "other/Photo0.png", "photos/photo0.png").photos == 2
    assert {path.name for path in Path("inverted").iterdir() if path.is_dir()} == {"photo0", "photo0-2"}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"classes": ("class9",)}, "there is no such class"),
        ({"classes": ("0", "1")}, "--class is given 2 times for 3"),
        ({"box": "1,2,3"}, "--box is 4 numbers"),
        ({"centre": "left"}, "--centre is 2 numbers"),
        ({"batch": 0}, "--batch must be at least 1"),
        ({"tune": -1}, "--tune must be 0 or more"),
        ({"steps": 0}, "steps must be a positive number"),
    ],
)
def test_options_that_make_no_sense_are_refused_before_anything_is_written(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        work(**wrong)
    assert not Path("inverted").exists()


@pytest.mark.parametrize("fast, wanted", [("fp16", "fp32"), ("bf16", "bf16")])
def test_a_gpu_from_before_bf16_searches_in_float32(fast: str, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its fast type loses the gradients of single pixels, and the search would stand still without a word."""
    monkeypatch.setattr("nada.precision.fast_precision", lambda device: fast)
    config = InvertConfig(model="base", device="cpu", precision="auto")
    assert nada.inversion.plan.make_plan(config, ["photos"]).precision == wanted


def test_an_adaptation_of_the_mapping_is_said_not_to_reach_styles() -> None:
    """Fails where a person would look for the reason why nothing has changed."""
    generator = noisy_generator(2)
    moved = {name: 2 * value for name, value in generator.state_dict().items() if name.startswith("mapping.fc0")}
    base = {"base": str(Path("base").resolve()), "base_sha256": hash_generator(generator)}
    save_adaptation("moved.safetensors", moved, {**base, "target": "ink"})
    lines: list[str] = []
    work("photos/photo0.png", through=("moved.safetensors",), lines=lines)
    assert any("ink moved in the mapping network does not reach" in line for line in lines)
    same = [Path(f"inverted/photo0/{name}.png") for name in ("reconstruction", "after-ink")]
    assert np.array_equal(*map(load_image, same))


def test_damaged_results_are_named() -> None:
    work("photos/photo0.png")
    Path("inverted/photo0/inversion.safetensors").write_bytes(b"half")
    with pytest.raises(NadaError, match="inverted/photo0/inversion.safetensors is damaged"):
        work("photos/photo0.png")
    save_adaptation("a.safetensors", {"w": torch.zeros(1)}, {"base_sha256": "0" * 64})
    with pytest.raises(NadaError, match="a.safetensors is no inversion"):
        load_inversion("a.safetensors")
    with pytest.raises(NadaError, match="cannot read nowhere"):
        load_inversion("nowhere")
