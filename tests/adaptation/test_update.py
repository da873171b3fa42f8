"""The update: a guard that leaves no trace, and a loss scale that finds its height."""

from __future__ import annotations

import copy

import pytest
import torch
from fake_encoder import FakeEncoder
from fakes import tiny_generator

from nada.adaptation import Adaptation, Settings
from nada.adaptation import update as updating
from nada.clip import Guide
from nada.errors import NadaError


def make(precision: str = "fp32", **settings: object) -> Adaptation:
    settings = Settings(layers="all", batch=2, lr=0.01, ema=0.5, precision=precision, **settings)
    return Adaptation(tiny_generator(16), Guide([FakeEncoder()], "photo", "sketch"), settings)


@pytest.fixture
def low_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first scale that the tiny generator's gradients can bear."""
    monkeypatch.setattr(updating, "FIRST_SCALE", 8.0)


def too_large(times: int) -> object:
    """A hook that makes the first gradients that it sees infinite."""

    def hook(gradient: torch.Tensor) -> torch.Tensor:
        hook.seen += 1
        return gradient * float("inf") if hook.seen <= times else gradient

    hook.seen = 0
    return hook


def test_a_step_that_is_skipped_leaves_no_trace() -> None:
    """Adam's count and moments and the average must stay, or the next step is another one than without the accident."""
    adaptation = make()
    adaptation.advance()
    before = copy.deepcopy(adaptation._update.state_dict())
    handle = adaptation.moving["b16.conv1.bias"].register_hook(lambda gradient: gradient * float("nan"))
    with pytest.raises(NadaError, match="A gradient became infinite or NaN at step 2"):
        adaptation.advance()
    handle.remove()
    after = adaptation._update.state_dict()
    for kind in ("weights", "average"):
        assert all(torch.equal(value, after[kind][name]) for name, value in before[kind].items())
    for index, moments in before["optimizer"]["state"].items():
        assert moments["step"] == 1
        assert all(torch.equal(value, after["optimizer"]["state"][index][key]) for key, value in moments.items())
    assert adaptation.advance().step == 2


def test_an_overflow_is_tried_again_with_half_the_scale_and_the_same_draw(low_scale: None) -> None:
    smooth, rough = make("fp16"), make("fp16")
    rough.moving["b16.conv1.bias"].register_hook(too_large(3))
    one, other = smooth.advance(), rough.advance()
    assert float(rough._update.scale) == float(smooth._update.scale) / 8 == 1.0
    assert other.step == 1 and other.loss == pytest.approx(one.loss, abs=1e-6)
    assert torch.equal(smooth.rng.get_state(), rough.rng.get_state())
    for name, parameter in smooth.moving.items():  # the scale must not be in the step that is taken
        torch.testing.assert_close(rough.moving[name], parameter, rtol=1e-2, atol=2e-2)


def test_an_overflow_without_end_is_an_error() -> None:
    adaptation = make("fp16")
    adaptation.moving["b16.conv1.bias"].register_hook(too_large(1000))
    with pytest.raises(NadaError, match="A gradient became infinite .* at step 1; the weights of step 0 are kept"):
        adaptation.advance()
    assert torch.equal(adaptation.trainable.b16.conv1.weight, adaptation.frozen.b16.conv1.weight)


def test_a_loss_that_overflows_is_not_helped_by_a_scale() -> None:
    adaptation = make("fp16")
    original, calls = adaptation.guide.loss, []

    def loss(*arguments: object) -> object:
        calls.append(1)
        result = original(*arguments)
        return result._replace(total=result.total * float("inf"))

    adaptation.guide.loss = loss
    with pytest.raises(NadaError, match="The loss became infinite"):
        adaptation.advance()
    assert len(calls) == 1


def test_the_scale_grows_after_a_while_and_is_resumed(low_scale: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updating, "GROW_AFTER", 2)
    adaptation = make("fp16")
    scales = []
    for _ in range(5):
        adaptation.advance()
        scales.append(float(adaptation._update.scale) / 8)
    assert scales == [1, 2, 2, 4, 4]
    continued = make("fp16")
    continued.load_state_dict(copy.deepcopy(adaptation.state_dict()))
    assert continued.advance().loss == adaptation.advance().loss
    assert float(continued._update.scale) == float(adaptation._update.scale) == 64.0


def test_fused_adam_is_adam() -> None:
    """The published optimiser settings, spelled out on one step after another."""
    adaptation = make()
    name = "b16.conv1.weight"
    weight = adaptation.moving[name].detach().clone().double()
    second = torch.zeros_like(weight)
    for step in range(1, 4):
        adaptation.advance()
        gradient = adaptation.moving[name].grad.double()
        second = 0.99**0.8 * second + (1 - 0.99**0.8) * gradient.square()
        weight -= 0.01 * gradient / ((second / (1 - 0.99 ** (0.8 * step))).sqrt() + 1e-8)
        torch.testing.assert_close(adaptation.moving[name].detach().double(), weight, rtol=1e-4, atol=1e-5)


def test_a_state_of_the_time_before_is_read() -> None:
    """Runs saved with torch's plain Adam and without a scale go on."""
    adaptation = make()
    adaptation.advance()
    state = copy.deepcopy(adaptation.state_dict())
    del state["scale"]
    for group in state["optimizer"]["param_groups"]:
        group["fused"] = None
    continued = make()
    continued.load_state_dict(state)
    assert continued.advance().loss == adaptation.advance().loss
