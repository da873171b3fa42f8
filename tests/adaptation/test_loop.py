"""The loop on tiny real networks: what moves, what is shared, what is random, and that it can be continued."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
import torch
from fake_encoder import FakeEncoder
from fakes import tiny_generator

from nada.adaptation import Adaptation, Settings, published_settings
from nada.adaptation.watch import Watch
from nada.clip import Guide
from nada.errors import NadaError, UsageError
from nada.models import Generator

GOLDEN_ALL = [1.00431, 1.018909, 1.062001, 0.718769, 0.68203, 0.452476]
GOLDEN_AUTO = [1.048476, 0.822546, 1.120827, 0.575229, 0.918721, 0.881696]


def make(settings: Settings | None = None, generator: Generator | None = None, **guide: object) -> Adaptation:
    settings = dataclasses.replace(settings or Settings(), batch=2, lr=0.01)
    prompts = ("photo", "sketch")
    return Adaptation(generator or tiny_generator(16, classes=3), Guide([FakeEncoder()], *prompts, **guide), settings)


def tensors(generator: Generator) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in generator.state_dict().items()}


@pytest.mark.parametrize(
    "policy", ["late:1", "early:1", "all", "conv@blocks:8", "torgb@all", "style-offset@all", "mapping", "const,noise@late:1"]
)  # fmt: skip
def test_exactly_the_selected_parameters_move(policy: str) -> None:
    adaptation = make(Settings(layers=policy))
    before = tensors(adaptation.frozen)
    for _ in range(3):
        adaptation.advance()
    after = tensors(adaptation.trainable)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == set(adaptation.selection.names)
    assert all(torch.equal(value, before[name]) for name, value in adaptation.frozen.state_dict().items())


def test_gradients_reach_only_the_selected_parameters() -> None:
    adaptation = make(Settings(layers="affine@late:1"))
    adaptation.advance()
    with_gradient = {name for name, p in adaptation.trainable.named_parameters() if p.grad is not None}
    assert with_gradient == set(adaptation.selection.names)
    assert all(p.grad is None for p in adaptation.frozen.parameters())


@pytest.mark.parametrize("policy", ["auto:1", "auto-official:2"])
def test_an_adaptive_policy_moves_only_the_layers_it_chose(policy: str) -> None:
    adaptation = make(Settings(layers=policy))
    for _ in range(4):
        before = tensors(adaptation.trainable)
        report = adaptation.advance()
        moved = {name for name, value in adaptation.trainable.state_dict().items() if not torch.equal(value, before[name])}
        assert moved and moved <= report.chosen


def test_the_first_loss_is_one_by_definition_and_falls() -> None:
    """With shared noise the copies start equal: no edit costs exactly 1."""
    adaptation = make(Settings(layers="all"))
    losses = [adaptation.advance().loss for _ in range(25)]
    assert losses[0] == pytest.approx(1.0, abs=1e-6)
    assert np.mean(losses[-5:]) < 0.8


@pytest.mark.parametrize("policy", ["late:1", "torgb@late:1", "all", "mapping"])
def test_sharing_the_first_blocks_does_not_change_the_pictures(policy: str) -> None:
    adaptation = make(Settings(layers=policy, mixing=0.5))
    for _ in range(2):
        adaptation.advance()
    draw = adaptation._draw()
    shared = adaptation._step.pictures(draw)
    adaptation._step._split = None
    for one, other in zip(shared, adaptation._step.pictures(draw)):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_style_mixing_keeps_the_copies_paired() -> None:
    """Before anything has moved, equal inputs must give equal pictures in every mixed step."""
    adaptation = make(Settings(mixing=1.0))
    for _ in range(8):
        draw = adaptation._draw()
        assert len(draw.latents) == 2 and 1 <= draw.crossovers[0] < adaptation.frozen.num_ws
        assert torch.equal(*adaptation._step.pictures(draw))


def test_the_published_method_breaks_the_pairing_as_published() -> None:
    adaptation = make(published_settings(mixing=1.0))
    draws = [adaptation._draw() for _ in range(20)]
    assert any(draw.crossovers[0] != draw.crossovers[1] for draw in draws)
    assert all(not torch.equal(*(noise["b16.conv1"] for noise in draw.noises)) for draw in draws)
    assert not torch.equal(*adaptation._step.pictures(draws[0]))


@pytest.mark.parametrize(
    "settings",
    [
        Settings(layers="late:2", ema=0.9),
        Settings(layers="auto:2", mixing=0.5),
        published_settings(layers="auto-official:2", mixing=0.9),
    ],
    ids=["late", "auto", "official"],
)
def test_an_interrupted_run_continued_equals_the_unbroken_one_bit_by_bit(settings: Settings) -> None:
    unbroken, broken = make(settings, augment="independent"), make(settings, augment="independent")
    reports = [unbroken.advance() for _ in range(6)]
    for _ in range(3):
        broken.advance()
    state = copy.deepcopy(broken.state_dict())
    torch.manual_seed(99)  # global random state must not matter
    continued = make(settings, augment="independent")
    continued.load_state_dict(state)
    again = [continued.advance() for _ in range(3)]
    assert [r.loss for r in again] == [r.loss for r in reports[3:]]
    assert [r.chosen for r in again] == [r.chosen for r in reports[3:]]
    for name, value in unbroken.weights().items():
        assert torch.equal(value, continued.weights()[name])
    first, second = (a._update.optimizer.state_dict()["state"] for a in (unbroken, continued))
    assert all(torch.equal(first[i]["exp_avg_sq"], second[i]["exp_avg_sq"]) for i in first)


@pytest.mark.parametrize(
    "settings, losses",
    [
        (Settings(layers="all", mixing=0.5, seed=3), GOLDEN_ALL),
        (Settings(layers="auto:2", seed=3), GOLDEN_AUTO),
    ],
    ids=["all", "auto"],
)
def test_the_losses_are_those_of_the_day_this_was_written(settings: Settings, losses: list[float]) -> None:
    """Catches a change of the order of draws, of the pairing, of the loss or of Adam that no other test names."""
    adaptation = make(settings, augment="independent")
    assert [adaptation.advance().loss for _ in losses] == pytest.approx(losses, abs=2e-3)


@pytest.mark.parametrize("policy", ["auto:2", "auto-official:1", "style-offset@all", "mapping"])
def test_all_policies_take_their_steps_on_the_same_draws(policy: str) -> None:
    """A policy that looks before it steps once shifted the stream, and was compared on latents of its own."""
    one, other = make(Settings(layers=policy, mixing=0.5), augment="shared"), make(Settings(mixing=0.5), augment="shared")
    for _ in range(3):
        one.advance(), other.advance()
    assert all(map(torch.equal, one._draw().tensors(), other._draw().tensors()))


def test_global_random_state_is_left_alone() -> None:
    adaptation = make(augment="shared")
    before = torch.get_rng_state()
    adaptation.advance()
    assert torch.equal(before, torch.get_rng_state())


def test_seeds_and_classes_decide_the_draws() -> None:
    first, second = make(Settings(seed=1)), make(Settings(seed=2))
    assert not torch.equal(first._draw().latents[0], second._draw().latents[0])
    labels = torch.cat([make(Settings(classes=(0, 2), seed=s))._draw().labels for s in range(20)])
    assert set(labels.argmax(dim=1).tolist()) == {0, 2}


def test_a_loss_that_is_not_finite_stops_before_it_does_harm() -> None:
    adaptation = make()
    adaptation.advance()
    before = tensors(adaptation.trainable)
    original = adaptation.guide.loss
    adaptation.guide.loss = lambda *a: original(*a)._replace(total=original(*a).total * float("nan"))
    with pytest.raises(NadaError, match=r"NaN at step 2; the weights of step 1 are kept\. Try a lower --lr"):
        adaptation.advance()
    assert adaptation.step == 1
    assert all(torch.equal(value, before[name]) for name, value in adaptation.trainable.state_dict().items())


def test_a_gradient_that_is_not_finite_stops_too() -> None:
    adaptation = make()
    adaptation.moving["b16.conv1.bias"].register_hook(lambda gradient: gradient * float("inf"))
    with pytest.raises(NadaError, match="A gradient became infinite"):
        adaptation.advance()
    assert torch.equal(adaptation.trainable.b16.conv1.weight, adaptation.frozen.b16.conv1.weight)


def test_the_average_trails_the_weights() -> None:
    adaptation = make(Settings(ema=0.5))
    name = adaptation.selection.names[0]
    expected = dict(adaptation.frozen.named_parameters())[name].clone()
    for _ in range(3):
        adaptation.advance()
        expected = expected.lerp(adaptation.moving[name].detach(), 0.5)
    assert torch.equal(adaptation.weights()[name], expected)


def test_weight_changes_are_relative_norms_per_block() -> None:
    adaptation = make(Settings(layers="conv@late:2"))
    with torch.no_grad():
        adaptation.trainable.b16.conv0.weight.mul_(1.1)
        adaptation.trainable.b16.conv1.weight.mul_(1.1)
    assert adaptation.weight_changes() == {"b8": 0.0, "b16": pytest.approx(0.1, rel=1e-4)}


def test_low_precision_goes_the_same_way() -> None:
    fine, coarse = make(Settings(layers="all")), make(Settings(layers="all", precision="bf16"))
    for adaptation in (fine, coarse):
        for _ in range(10):
            adaptation.advance()
    moves = [
        torch.cat([(value - dict(a.frozen.named_parameters())[n]).flatten() for n, value in a.weights().items()])
        for a in (fine, coarse)
    ]
    assert torch.nn.functional.cosine_similarity(*moves, dim=0) > 0.8


def test_a_state_of_other_layers_is_refused() -> None:
    with pytest.raises(NadaError, match="other layers"):
        make(Settings(layers="late:1")).load_state_dict(make(Settings(layers="late:2")).state_dict())


@pytest.mark.parametrize("wrong", [{"noise": "loud"}, {"precision": "int8"}, {"mixing": 2.0}, {"steps": 0}, {"lr": -1.0}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Settings(**wrong)


def test_guide_and_judge_are_moved_to_where_the_generator_is() -> None:
    """They are on the CPU unless somebody says otherwise, and a generator on a GPU would end in an error of torch."""

    class Moving(FakeEncoder):
        def to(self, device: torch.device) -> None:
            self.device = device

    guide, judge = (Guide([Moving(name)], "photo", "sketch") for name in ("guide", "judge"))
    adaptation = Adaptation(tiny_generator(16), guide, Settings(batch=2))
    Watch(adaptation, judge)
    assert [one.encoders[0].device for one in (guide, judge)] == [adaptation.device] * 2
