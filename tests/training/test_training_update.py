"""One step: penalties, averages, rates, what learns and what stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from training_fakes import RECIPE, make_data, make_state

from nada.data import ImageDataset
from nada.errors import UsageError
from nada.training import Recipe, train
from nada.training.loop import group_by_class, train_step, update_average
from nada.training.recipe import average_memory, rate_factor
from nada.training.update import judge_both


def test_the_average_follows_its_formula() -> None:
    state = make_state()
    average, network = state.average.b4.const.clone(), torch.randn_like(state.generator.b4.const)
    with torch.no_grad():
        state.generator.b4.const.copy_(network)
    update_average(state.average, state.generator, 0.75)
    assert torch.allclose(state.average.b4.const, 0.75 * average + 0.25 * network, atol=1e-6)


def test_the_average_warms_up_then_halves_after_its_half_life() -> None:
    recipe = Recipe(batch=16, ema_kimg=1.0)
    assert average_memory(recipe, seen=10**9) == pytest.approx(0.5 ** (16 / 1000))
    assert average_memory(recipe, seen=3200) == pytest.approx(0.5 ** (16 / 160))
    assert average_memory(replace(recipe, ema_rampup=0.0), seen=3200) == pytest.approx(0.5 ** (16 / 1000))
    assert average_memory(replace(recipe, ema_kimg=0.0), seen=3200) == 0.0


def test_r1_is_lazy_and_as_strong_as_its_interval() -> None:
    """Without the factor, a lazy penalty would be weaker the rarer it is."""
    norms = {}
    for interval in (1, 16):
        state = make_state()
        recipe = replace(RECIPE, gamma=1e6, r1_interval=interval)
        norms[interval] = train_step(state, make_data(), recipe)["gradient/discriminator"]
        second = train_step(state, make_data(), recipe)
        assert ("loss/r1" in second) == (interval == 1)
    assert norms[16] / norms[1] == pytest.approx(16, rel=1e-3)


def test_adaptive_augmentation_rises_while_reals_are_recognised() -> None:
    state = train(make_state(), make_data(), RECIPE, 1)
    assert 0 <= state.augment_probability <= 0.8
    state.real_sign = 1.0
    before = state.augment_probability
    train_step(state, make_data(), RECIPE)
    assert state.augment_probability > before


def test_groups_of_the_minibatch_statistic_hold_one_class() -> None:
    """The statistic takes samples i, i + N / group, …: with every class 4 times, each group is one class."""
    labels = np.random.default_rng(0).permutation(np.arange(16) % 4)
    order = group_by_class(labels, 4)
    assert sorted(order) == list(range(16))
    assert all(len(set(labels[order][first::4])) == 1 for first in range(4))


def test_groups_that_do_not_divide_the_batch_hold_one_class_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six pictures make two groups of three, where the settings ask for four: each is a class of three."""
    seen: list[list[int]] = []

    def note(data: ImageDataset, indices: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        seen.append(data.labels[indices].tolist())
        return original(data, indices)

    original = ImageDataset.batch
    monkeypatch.setattr(ImageDataset, "batch", note)
    train_step(make_state(), make_data(count=6), replace(RECIPE, batch=6))
    assert seen == [[0, 1] * 3]


def test_classes_that_the_generator_does_not_have_are_refused_before_anything_is_computed() -> None:
    """Catches numbers that are looked up unseen: on a GPU that ends the process without a sentence."""
    state, data = make_state(), make_data()
    with pytest.raises(UsageError, match="Classes go from 0 to 1; got"):
        train_step(state, replace(data, labels=data.labels + 1), RECIPE)
    assert state.step == 0


def test_frozen_parameters_of_the_discriminator_stay() -> None:
    names = ("b8.fromrgb.weight", "b8.conv0.bias")
    state = train(make_state(), make_data(), replace(RECIPE, frozen=names), 3)
    start = dict(make_state().discriminator.named_parameters())
    stayed = {name for name, value in state.discriminator.named_parameters() if torch.equal(value, start[name])}
    assert stayed == set(names)


def test_no_gradient_is_computed_for_what_stays() -> None:
    """Catches work for nothing: gradients of frozen layers, and of the discriminator while the generator learns."""
    names, computed, state = ("b8.fromrgb.weight", "b8.conv0.bias"), [], make_state()
    for name, parameter in state.discriminator.named_parameters():
        parameter.register_hook(lambda gradient, name=name: computed.append(name))
    train_step(state, make_data(), replace(RECIPE, gamma=0.0, frozen=names))
    assert sorted(computed) == sorted({name for name, _ in state.discriminator.named_parameters()} - set(names))


@pytest.mark.parametrize("broken", ["generator_loss", "discriminator_loss"])
def test_an_error_in_a_step_leaves_both_networks_able_to_learn(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a discriminator that stays without gradients where a step ends early, as for lack of memory."""
    state, recipe = make_state(), replace(RECIPE, frozen=("b8.conv0.bias",))

    def fail(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch, pytest.raises(MemoryError):
        patch.setattr(f"nada.training.update.{broken}", fail)
        train_step(state, make_data(), recipe)
    assert all(p.requires_grad for network in (state.generator, state.discriminator) for p in network.parameters())


def test_clipping_bounds_the_gradient_that_adam_sees() -> None:
    """The norm that is plotted is the one before; Adam's second moment tells what it was given."""
    state = make_state()
    norm = train_step(state, make_data(), replace(RECIPE, clip_norm=0.01))["gradient/generator"]
    moments = [one["exp_avg_sq"].sum() for one in state.generator_optimizer.state_dict()["state"].values()]
    assert norm > 0.01
    assert (torch.stack(moments).sum() / 0.01).sqrt().item() == pytest.approx(0.01, rel=1e-3)


def test_rates_follow_their_schedule() -> None:
    recipe = Recipe(total_kimg=2.0, warmup_kimg=0.5)
    assert [rate_factor(recipe, seen) for seen in (0, 250, 500, 2000)] == [0.0, 0.5, 1.0, 1.0]
    for schedule, half in (("linear", 0.5), ("cosine", 0.5)):
        decaying = replace(recipe, schedule=schedule, warmup_kimg=0.0)
        assert rate_factor(decaying, 1000) == pytest.approx(half) and rate_factor(decaying, 3000) == pytest.approx(0.0)
    state = make_state()
    scalars = train_step(state, make_data(), replace(recipe, lr=0.1, d_lr=0.2))
    assert scalars["lr"] == pytest.approx(0.1 * 8 / 500)
    assert state.discriminator_optimizer.param_groups[0]["lr"] == pytest.approx(0.2 * 8 / 500)


def test_the_mean_path_length_is_followed_and_penalised() -> None:
    state = make_state()
    scalars = train_step(state, make_data(), replace(RECIPE, path_length=2.0))
    assert scalars["loss/path_length"] > 0 and state.path_mean > 0
    assert "loss/path_length" not in train_step(state, make_data(), replace(RECIPE, path_length=2.0, path_interval=4))


def test_judging_both_kinds_at_once_equals_two_passes() -> None:
    """Catches minibatch statistics that mix real and generated pictures, and logits given back in another order."""
    judge = make_state().discriminator.eval()
    real, fake = torch.randn(2, 8, 3, 8, 8)
    labels = torch.tensor([0, 1] * 4)
    with torch.no_grad():
        together = judge_both(judge, real, fake, labels)
        apart = judge(real, labels), judge(fake, labels)
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(together, apart))
