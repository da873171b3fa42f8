"""The judge: what it measures, when it stops, and that it keeps the best."""

from __future__ import annotations

import copy

import pytest
import torch
from fake_encoder import FakeEncoder
from fakes import tiny_generator

from nada.adaptation import Adaptation, Settings, Watch
from nada.adaptation.api import adapt
from nada.adaptation.watch import pairwise_distance
from nada.clip import Guide
from nada.errors import UsageError

PROMPTS = ("photo", "sketch")


def make(patience: int = 2, layers: str = "all") -> tuple[Adaptation, Watch]:
    guide, judge = Guide([FakeEncoder("guide")], *PROMPTS), Guide([FakeEncoder("judge")], *PROMPTS)
    adaptation = Adaptation(tiny_generator(16, classes=2), guide, Settings(layers=layers, batch=2, lr=0.01))
    return adaptation, Watch(adaptation, judge, patience)


def test_pairwise_distance_is_the_mean_over_pairs() -> None:
    rows = torch.nn.functional.normalize(torch.randn(5, 3, dtype=torch.float64), dim=1)
    pairs = [1 - rows[i] @ rows[j] for i in range(5) for j in range(i)]
    assert pairwise_distance(rows) == pytest.approx(float(sum(pairs) / len(pairs)))
    assert pairwise_distance(rows[:1].repeat(4, 1)) == pytest.approx(0.0, abs=1e-9)


def test_before_the_first_step_nothing_has_moved() -> None:
    _, watch = make()
    measures = watch.look()
    assert measures["judge/projection"] == pytest.approx(0.0, abs=1e-6)
    assert measures["judge/content"] == pytest.approx(1.0, abs=1e-5)
    assert measures["judge/diversity"] == pytest.approx(1.0, abs=1e-4)
    assert not watch.best_weights


def test_the_best_look_is_kept_and_patience_ends_the_run() -> None:
    adaptation, watch = make(patience=2)
    values = iter([0.1, 0.3, 0.2, 0.301])
    watch.judge.compare = lambda *a: _scored(next(values))
    kept = []
    for _ in range(4):
        adaptation.advance()
        kept.append({name: value.clone() for name, value in adaptation.weights().items()})
        assert not watch.should_stop
        watch.look()
    assert watch.should_stop and watch.best_step == 2 and watch.measures["judge/projection"] == pytest.approx(0.3)
    assert all(torch.equal(value, kept[1][name]) for name, value in watch.best_weights.items())


def _scored(value: float) -> object:
    from nada.clip.guide import GuideLoss

    return GuideLoss(torch.zeros(()), {"projection/judge": torch.tensor(value), "cosine/judge": torch.tensor(0.0)})


def test_a_collapsed_generator_is_never_the_best() -> None:
    adaptation, watch = make(layers="all,torgb")
    watch.judge.compare = lambda *a: _scored(0.9)
    with torch.no_grad():
        for name, parameter in adaptation.trainable.named_parameters():
            if name.endswith("affine.weight"):
                parameter.zero_()  # every latent gives one picture
    assert watch.look()["judge/diversity"] < 0.1
    assert not watch.best_weights and watch.misses == 1


def test_state_continues() -> None:
    adaptation, watch = make()
    adaptation.advance()
    watch.look()
    _, other = make()
    other.load_state_dict(copy.deepcopy(watch.state_dict()))
    assert (other.best_score, other.best_step, other.misses) == (watch.best_score, watch.best_step, watch.misses)
    assert set(other.best_weights) == set(watch.best_weights) and other.measures == watch.measures


def test_adapt_in_memory_returns_the_best_and_leaves_the_source_alone() -> None:
    generator = tiny_generator(16)
    before = copy.deepcopy(generator.state_dict())
    seen = []
    result = adapt(
        generator, Guide([FakeEncoder()], *PROMPTS), layers="late:1", steps=4, batch=2, seed=1, on_step=seen.append,
        judge=Guide([FakeEncoder("judge")], *PROMPTS), look_every=2,
    )  # fmt: skip
    assert [report.loss for report in seen] == result.losses and len(result.losses) == 4
    assert result.best_step in (2, 4)
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())
    moved = {n for n, v in result.generator.state_dict().items() if not torch.equal(v, before[n])}
    assert moved == set(result.selected)
    assert result.generator.sample(range(2)).shape == (2, 16, 16, 3)


def test_adapt_names_an_unknown_setting_or_method() -> None:
    generator, guide = tiny_generator(16), Guide([FakeEncoder()], *PROMPTS)
    with pytest.raises(UsageError, match="'step'.*steps"):
        adapt(generator, guide, step=3)
    with pytest.raises(UsageError, match="nada or official"):
        adapt(generator, guide, method="fast")
