"""Whole evaluations: what a run is asked without a word, what is written, and what moves no digit."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluation_fakes import Guide, load_fake, make_generator, small
from fakes import tiny_generator
from tiny_runs import make_dots

from nada.checkpoints import load_generator, save_generator
from nada.config.evaluate import EvaluateConfig
from nada.config.fields import from_json, read_options
from nada.data.fitting import fit_square
from nada.errors import NadaError, UsageError
from nada.evaluation import Evaluation, run_evaluation
from nada.features import LpipsFeatures
from nada.generation import draw_pictures
from nada.ops import bodies

TESTS = Path(__file__).parents[1]

# Two processes by forking one, which saves loading torch twice.
PAIR = """
import os, sys
import nada.evaluation.plan
from evaluation_fakes import load_fake, small
from nada.evaluation import run_evaluation
nada.evaluation.plan.load_features = load_fake
ranks = []
for rank in "01":
    ranks.append(os.fork())
    if ranks[-1] == 0:
        os.environ |= {"RANK": rank, "LOCAL_RANK": rank}
        result = run_evaluation(eval(os.environ["ASKED"]), lambda line: None)
        os._exit(0 if (result is None) == (rank == "1") else 3)
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) for number in ranks))
"""


def evaluate(config: EvaluateConfig) -> Evaluation:
    result = run_evaluation(config, lambda line: None)
    assert result is not None
    return result


def values(result: Evaluation) -> dict[str, float]:
    return {f"{s.key} {n}": getattr(s.estimate, n) for s in result.scores for n in ("value", "low", "high")}


def test_a_run_is_held_against_its_base_and_its_prompt(run: Path) -> None:
    """Fails where the run's own source, target or base are not found, or the guide of the training is let judge it."""
    result = evaluate(small(run))
    keys = {score.key for score in result.scores}
    assert keys >= {"clip_t_demo_judge", "directional_demo_judge", "content_demo_judge", "neighbours_demo_judge"}
    assert result.protocol["prompt"] == "ink sketch" and result.protocol["source"] == "photo"
    assert result.protocol["guides"] == ["demo"] and not result.left_out
    assert [doubt.text for doubt in result.doubts] == [
        "demo-judge had no part in the loss, but it chose the step that these weights are of."
    ]


def test_the_guide_of_the_training_as_a_judge_is_marked(run: Path) -> None:
    result = evaluate(small(run, judge="demo", prompt="ink zebra"))
    told = " ".join(result.lines())
    assert "demo guided this adaptation" in told and "demo never saw the words zebra" in told
    assert "CLIP-T [1]" in told  # words are a doubt of some numbers, the guide of all


def test_an_adaptation_that_moved_nothing_keeps_everything(base: Path) -> None:
    """Fails where before and after are not of the same latents or conditions."""
    found = values(evaluate(small(base, against=str(base))))
    assert found["content_demo_judge value"] == pytest.approx(1) and found["neighbours_demo_judge value"] == 1


def test_what_a_run_keeps_is_whole_and_replaced_by_the_next(run: Path) -> None:
    evaluate(small(run, num=24))
    second = evaluate(small(run, json="copy.json"))
    stored = json.loads((run / "results.json").read_text())
    assert stored == json.loads(Path("copy.json").read_text()) == second.to_dict()
    card = (run / "README.md").read_text()
    assert card.startswith("# photo to ink sketch") and card.count("## Evaluation") == 1 and "| 26 |" in card
    assert values(evaluate(from_json(EvaluateConfig, read_options(EvaluateConfig, run / "results.json")))) == values(second)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = EventAccumulator(str(run)).Reload()
    # By time: two files of one second are read in the order of a counter in their names, in which 10 is before 9.
    last = max(board.Scalars("evaluation/clip_t_demo_judge"), key=lambda event: event.wall_time)
    assert last.step == 30 and last.value == pytest.approx(values(second)["clip_t_demo_judge value"])


def test_the_batch_moves_no_digit(run: Path, tmp_path: Path) -> None:
    """Fails where a latent or condition depends on the batch, or a block is lost or doubled at its end."""
    pictures = make_dots(tmp_path / "dots", 25)
    first = values(evaluate(small(run, reference=str(pictures), record=False)))
    for batch in (1, 7, 64):
        other = values(evaluate(small(run, reference=str(pictures), record=False, batch=batch)))
        assert other == pytest.approx(first, rel=1e-6, abs=2e-7)


def test_two_processes_find_what_one_finds(run: Path, tmp_path: Path) -> None:
    """Fails where a process takes the other's pictures, or they come together in another order."""
    import torch

    if not (torch.distributed.is_available() and torch.distributed.is_gloo_available()):
        pytest.skip("this torch was built without gloo")
    pictures = make_dots(tmp_path / "dots", 25)
    (pictures / "a/broken.png").write_text("no picture")
    asked = f"small({str(run)!r}, reference={str(pictures)!r}, batch=4, json='pair.json')"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    loopback = next((name for _, name in socket.if_nameindex() if name.startswith("lo")), "lo")
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2", "GLOO_SOCKET_IFNAME": loopback}
    shared |= {"PYTHONPATH": os.pathsep.join(map(str, (TESTS, TESTS.parent))), "OMP_NUM_THREADS": "1"}
    shared |= {"NADA_OPS": "reference"}  # the cache of this test has no operators, and building them takes a minute
    environment = {**os.environ, **shared, "ASKED": asked}
    pair = subprocess.run([sys.executable, "-W", "ignore", "-c", PAIR], env=environment, timeout=100)
    assert pair.returncode == 0
    with bodies("reference"):
        alone = evaluate(small(run, reference=str(pictures), batch=4)).to_dict()
    together = json.loads(Path("pair.json").read_text())
    assert together["scores"] == alone["scores"] and together["doubts"] == alone["doubts"]
    assert any("a/broken.png" in doubt["text"] for doubt in alone["doubts"])


def test_other_latents_of_a_generator_are_its_reference(base: Path) -> None:
    """Fails where the reference has the latents that are judged, which would make every distance too small."""
    result = evaluate(small(base, reference=str(base)))
    assert result.protocol["model"]["seeds"] == [0, 25] and result.protocol["reference"]["seeds"] == [26, 51]
    assert values(result)["fd_demo_judge value"] > 1e-4


def test_pictures_in_files_are_judged_like_a_generators(tmp_path: Path) -> None:
    pictures = make_dots(tmp_path / "dots", 25)
    found = values(evaluate(small(pictures, num=None, reference=str(pictures))))
    assert found["fd_demo_judge value"] == pytest.approx(0, abs=1e-6) and found["recall_demo_judge value"] == 1


def test_a_metric_that_cannot_be_had_is_left_out_or_refused(run: Path, base: Path) -> None:
    few = small(run, num=20)
    assert "needs 22 pictures" in evaluate(few).left_out["neighbours (demo-judge)"]
    with pytest.raises(NadaError, match="neighbours .demo-judge. cannot be had: it needs 22 pictures"):
        evaluate(replace(few, metrics="neighbours"))
    with pytest.raises(UsageError, match="--metrics fid cannot be had: give pictures"):
        evaluate(small(base, metrics="fid"))
    assert Guide.shown == 40  # twenty before and twenty after; none for what was refused


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metrics": "fidd"}, "did you mean fid"),
        ({"num": 1}, "--num is between 2"),
        ({"size": 0}, "size is between 1"),
        ({"seed": 4001}, "--seed is between"),
        ({"classes": ("class7",)}, "no such class"),
        ({"source": "photo"}, "--source needs a --prompt"),
        ({"prompt": "  "}, "--prompt is empty"),
        ({"judge": "inception"}, "reads no words"),
        ({"resize": "clean"}, "is for the features inception"),
        ({"features": ("lpips-alex=x.pth", "lpips-vgg=y.pth")}, "Give one of"),
        ({"metrics": "intra-lpips"}, "add --features lpips"),
        ({"include": "*", "reference": "base"}, "--include chooses among files"),
    ],
)
def test_options_that_make_no_sense_cost_a_sentence(base: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        evaluate(small(base, **changes))
    assert not Guide.shown


def test_generators_with_other_latents_have_no_pairs(base: Path, tmp_path: Path) -> None:
    other = make_generator(tmp_path / "other", classes=0)
    with pytest.raises(UsageError, match="0 conditions, the model 8 and 2, so no two pictures belong together"):
        evaluate(small(base, against=str(other)))


def test_lpips_is_of_the_pictures_and_of_those_before(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where pictures and those before are not of the same latents, a pair is lost, or a picture is made twice."""
    shown, made = [], []
    monkeypatch.setattr(
        "nada.evaluation.pictures.draw_pictures",
        lambda which, seeds, *rest: (made.extend(seeds), draw_pictures(which, seeds, *rest))[1],
    )

    class Lpips(LpipsFeatures):
        def __init__(self) -> None:
            self.name, self.tag, self.width, self.size = "lpips-alex=x", "lpips_alex", 1, 4

        def lpips_distance(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
            shown.extend((a, b))
            return np.full(len(a), 0.25)

        def lpips_matrix(self, images: np.ndarray, memory: int = 0) -> np.ndarray:
            return 0.5 - 0.5 * np.eye(len(images))

        def describe(self) -> dict[str, object]:
            return {"name": self.name, "sha256": "some"}

    load = lambda spec, *rest: Lpips() if spec.startswith("lpips") else load_fake(spec)  # noqa: E731
    monkeypatch.setattr("nada.evaluation.plan.load_features", load)
    found = values(evaluate(small(run, features=("lpips-alex=x",), batch=7)))
    names = ("pairwise", "intra_cluster", "change")
    assert [found[f"{name}_lpips_alex value"] for name in names] == pytest.approx([0.5, 0.5, 0.25])
    before = load_generator(run.parents[1] / "base").sample(range(26))
    assert np.array_equal(shown[0], np.stack([fit_square(picture, 24) for picture in before]))
    assert len(shown[1]) == 26 and not np.array_equal(*shown)
    assert sorted(made) == sorted([*range(26), *range(26)]), "once each, before and after"
    again = values(evaluate(small(run, features=("lpips-alex=x",), batch=7)))
    assert again == found, "also where what was seen before comes from the cache"


def test_pictures_made_to_order_are_held_against_their_own_captions(tmp_path: Path) -> None:
    """Fails where a picture is compared with another's caption."""
    generator = tiny_generator(16, prompts=("red fox", "blue owl", "green hat"))
    save_generator(tmp_path / "text", generator)
    judge = load_fake("demo-judge")
    shown = generator.sample(range(26), classes=[index % 3 for index in range(26)])
    pictures = judge.features(np.stack([fit_square(picture, 24) for picture in shown]))
    words = judge.text_features(["red fox", "blue owl", "green hat"])[np.arange(26) % 3]
    found = evaluate(small(tmp_path / "text"))
    assert values(found)["clip_t_demo_judge value"] == pytest.approx(float((pictures * words).sum(1).mean()), abs=1e-5)
    assert found.protocol["prompt"] == "each picture's own" and "fox" in found.doubts[0].text
    assert "quality_demo_judge value" not in values(found)
    assert "quality_demo_judge value" in values(evaluate(small(tmp_path / "text", prompt="ink")))
