"""Many steps: seeds, stopping and going on, every switch, and what ends a training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from training_fakes import RECIPE, content, make_data, make_state, saved_and_loaded

from nada.errors import NadaError
from nada.training import TrainingDiverged, TrainingState, train


@pytest.mark.parametrize("policy", ["ada", "diff", "none"])
def test_stopping_and_going_on_equals_an_unbroken_run_byte_for_byte(policy: str) -> None:
    recipe = replace(RECIPE, augment=policy)
    unbroken = content(train(make_state(), make_data(), recipe, 7))
    assert len(unbroken) > 100
    for stop in (1, 4):
        half = saved_and_loaded(train(make_state(), make_data(), recipe, stop))
        torch.rand(5)  # the global generator must not matter
        assert content(train(half, make_data(), recipe, 7)) == unbroken


def test_seed_decides_everything_and_something() -> None:
    runs = [content(train(make_state(), make_data(), replace(RECIPE, seed=seed), 2)) for seed in (3, 3, 4)]
    assert runs[0] == runs[1] != runs[2]


def test_every_parameter_of_both_networks_is_trained() -> None:
    """Catches a discriminator left frozen by the generator's step, and a part that gets no gradient."""
    before, state = make_state(), make_state()
    train(state, make_data(), RECIPE, 3)
    for part in ("generator", "discriminator", "average"):
        start = dict(getattr(before, part).named_parameters())
        moved = {name: not torch.equal(value, start[name]) for name, value in getattr(state, part).named_parameters()}
        assert all(moved.values()), [name for name, value in moved.items() if not value]
    assert not torch.equal(state.average.mapping.w_avg, before.average.mapping.w_avg)


def test_it_trains_without_classes_and_in_bf16() -> None:
    state = train(make_state(classes=0), make_data(classes=0), replace(RECIPE, dtype="bf16"), 2)
    assert all(p.dtype == torch.float32 and p.isfinite().all() for p in state.generator.parameters())


@pytest.mark.parametrize(
    ("part", "what"), [("generator", "The generator's loss"), ("discriminator", "The generator's loss")]
)
def test_a_loss_that_is_no_number_stops_before_the_update(part: str, what: str) -> None:
    state = train(make_state(), make_data(), RECIPE, 2)
    with torch.no_grad():
        next(getattr(state, part).parameters()).fill_(float("nan"))
    before = {name: value.clone() for name, value in state.discriminator.state_dict().items()}
    centre = state.generator.mapping.w_avg.clone()
    with pytest.raises(TrainingDiverged, match=f"{what} is not a finite number at step 3.*--lr") as caught:
        train(state, make_data(), RECIPE, 5)
    assert caught.value.step == 3 and state.step == 2
    after = state.discriminator.state_dict()
    assert all(torch.equal(after[name], value) or value.isnan().any() for name, value in before.items())
    assert torch.equal(state.generator.mapping.w_avg, centre)


def test_on_step_sees_every_step_and_can_stop() -> None:
    seen = []

    def on_step(state: TrainingState, scalars: dict[str, float]) -> bool:
        seen.append(state.step)
        assert all(np.isfinite(value) for value in scalars.values())
        return state.step == 2

    assert train(make_state(), make_data(), RECIPE, 5, on_step).step == 2
    assert seen == [1, 2]


def test_states_of_other_networks_and_other_files_are_refused() -> None:
    state = make_state(classes=0)
    with pytest.raises(NadaError, match="other networks"):
        state.load_state_dict(make_state(classes=2).state_dict())
    with pytest.raises(NadaError, match="not of a training run"):
        state.load_state_dict({"step": 3})


@pytest.mark.parametrize(
    "change",
    [
        {"loss": "hinge"},
        {"loss": "wgan-gp", "gamma": 0.0},
        {"label_smoothing": 0.1},
        {"path_length": 2.0, "path_interval": 2},
        {"g_steps": 2},
        {"d_steps": 2},
        {"fresh_batch": True},
        {"clip_norm": 0.01},
        {"frozen": ("b8.conv0.weight",)},
        {"ema_rampup": 0.0},
        {"schedule": "cosine", "total_kimg": 0.02},
        {"schedule": "linear", "total_kimg": 0.02},
        {"warmup_kimg": 0.02},
        {"d_lr": 0.001},
        {"augment": "diff", "augment_kinds": ("scale", "hue")},
        {"mixing": 0.0},
    ],
    ids=lambda change: "-".join(change),
)
def test_every_switch_changes_the_weights_and_resumes_exactly(change: dict[str, object]) -> None:
    """Catches an option that nobody reads, and one whose effect depends on more than the saved state."""
    recipe = replace(RECIPE, **change)
    unbroken = content(train(make_state(), make_data(), recipe, 4))
    assert unbroken != content(train(make_state(), make_data(), RECIPE, 4))
    half = saved_and_loaded(train(make_state(), make_data(), recipe, 2))
    assert content(train(half, make_data(), recipe, 4)) == unbroken
