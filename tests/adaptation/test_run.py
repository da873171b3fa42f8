"""The run folder: what is in it, and what the options make of it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_adaptation import run

from nada import checkpoints
from nada.adaptation import plan as planning
from nada.adaptation import run as running
from nada.adaptation.run import run_adaptation
from nada.config.adapt import AdaptConfig
from nada.errors import NadaError
from nada.images import load_image, save_png
from nada.runs import load_state


def test_a_run_folder_is_complete(config: AdaptConfig) -> None:
    folder = run(config)
    assert folder.name == "00000-photo-to-ink-sketch"
    names = {path.name for path in folder.iterdir()}
    assert names >= {"config.json", "metrics.jsonl", "samples", "before-after.png", "adaptation.safetensors",
                     "last.ckpt", "result.json", "README.md"}  # fmt: skip
    assert {path.name for path in (folder / "samples").iterdir()} == {"step-000003.png", "step-000006.png"}
    assert not [name for name in names if name.endswith(".tmp")]
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    keys = {"loss/total", "loss/guide", "cosine/guide", "edit_length/guide", "projection/guide", "step/lr", "step/seconds"}
    assert all(keys <= set(line) for line in lines)
    assert {"weight_change/b16", "weight_change/b8", "judge/projection", "judge/diversity"} <= set(lines[-1])
    card = (folder / "README.md").read_text()
    assert "# photo to ink sketch" in card and "before-after.png" in card and "late:2" in card
    recorded = json.loads((folder / "config.json").read_text())
    assert recorded["options"]["seed"] == 0 and recorded["settings"]["layers"] == "late:2"
    assert recorded["guide"]["encoders"][0]["name"] == "guide"


def test_tensorboard_can_read_the_curves_and_pictures(config: AdaptConfig) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run(config)), size_guidance={"images": 0})
    events.Reload()
    assert {"loss/guide", "projection/guide", "weight_change/b16", "judge/projection"} <= set(events.Tags()["scalars"])
    assert [event.step for event in events.Images("samples")] == [3, 6]


def test_the_adaptation_is_only_what_moved_and_loads_onto_its_base(config: AdaptConfig) -> None:
    from safetensors.torch import load_file

    folder = run(dataclasses.replace(config, stop=False))
    tensors = load_file(folder / "adaptation.safetensors")
    base, adapted = checkpoints.load_generator(config.generator), checkpoints.load_generator(str(folder))
    before, after = base.state_dict(), adapted.state_dict()
    assert {name for name in before if not torch.equal(before[name], after[name])} == set(tensors)
    state = load_state(folder / "last.ckpt")["adaptation"]
    assert all(torch.equal(tensors[name], value) for name, value in state["average"].items())


def test_the_same_seed_gives_the_same_bytes(config: AdaptConfig) -> None:
    first, second = run(config), run(config)
    assert second.name.startswith("00001-")
    for name in ("adaptation.safetensors", "before-after.png"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    other = run(dataclasses.replace(config, seed=1))
    assert (first / "adaptation.safetensors").read_bytes() != (other / "adaptation.safetensors").read_bytes()


def test_the_first_line_says_what_auto_picked(config: AdaptConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "choose_precision", lambda device, method: "bf16" if method == "nada" else "fp32")
    for changes, wanted in (({}, "cpu bf16"), ({"method": "official"}, "cpu fp32"), ({"precision": "fp16"}, "cpu fp16")):
        changes = {"layers": "late:1", "steps": 1, **changes}
        lines: list[str] = []
        run_adaptation(dataclasses.replace(config, **changes), announce=lines.append)
        assert f", {wanted}, " in lines[0]


def test_a_run_looks_at_no_more_pictures_at_once_than_a_step_computes(
    config: AdaptConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fits into memory as a step must not fail at its first sample or at the judge's look."""
    counts = []
    monkeypatch.setattr(running, "LOOK_EVERY", 1)
    synthesize = running.Generator.synthesize

    def counted(self: running.Generator, w: torch.Tensor, *rest: object) -> torch.Tensor:
        counts.append(len(w))
        return synthesize(self, w, *rest)

    monkeypatch.setattr(running.Generator, "synthesize", counted)
    run(dataclasses.replace(config, batch=4, accumulate=2, steps=2))
    assert max(counts) == 2


def test_target_pictures_alone_and_with_words(config: AdaptConfig, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    for index in range(3):
        save_png(pictures / f"{index}.png", np.random.RandomState(index).randint(0, 255, (20, 24, 3), np.uint8))
    alone = dataclasses.replace(config, source=None, target=None, target_images=str(pictures))
    both = dataclasses.replace(config, target_images=str(pictures))
    results = [(run(c) / "adaptation.safetensors").read_bytes() for c in (alone, both, config)]
    assert len(set(results)) == 3
    (pictures / "notes.txt").write_text("not a picture")
    with pytest.raises(NadaError, match="notes.txt"):
        run(both)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"target": None, "source": None}, "--source"),
        ({"source": None}, "belong together"),
        ({"layers": "late:9"}, "3 blocks|has 3"),
        ({"classes": ("pear",)}, "class0, class1"),
        ({"target": "  "}, "target"),
        ({"generator": "no-such-file.pkl"}, "no-such-file.pkl"),
        ({"device": "tpu"}, "tpu"),
    ],
)
def test_bad_options_are_one_sentence_and_leave_no_folder(
    config: AdaptConfig, change: dict[str, object], message: str
) -> None:
    with pytest.raises(NadaError, match=message):
        run(dataclasses.replace(config, **change))
    assert not Path(config.out).exists()


def test_classes_by_name_and_the_picture_shows_them(config: AdaptConfig) -> None:
    folder = run(dataclasses.replace(config, classes=("class1",)))
    assert json.loads((folder / "config.json").read_text())["settings"]["classes"] == [1]
    assert load_image(folder / "before-after.png").shape[2] == 3
