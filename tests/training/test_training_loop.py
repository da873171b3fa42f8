from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import torch

from nada.data import ImageDataset
from nada.errors import NadaError, UsageError
from nada.models import DiscriminatorConfig, GeneratorConfig
from nada.processes import Share
from nada.training import Recipe, TrainingDiverged, TrainingState, create_state, train
from nada.training.draw import Draw
from nada.training.loop import group_by_class, train_step, update_average
from nada.training.recipe import average_memory, rate_factor
from nada.training.update import judge_both

RECIPE = Recipe(batch=4, ema_kimg=0.1, r1_interval=2, mixing=0.5, ada_kimg=0.05, seed=3)


def make_data(classes: int = 2, count: int = 11) -> ImageDataset:
    images = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    names = tuple("abcd"[:classes])
    return ImageDataset(images, np.arange(count) % classes if classes else None, names)


def make_state(classes: int = 2) -> TrainingState:
    names = tuple("abcd"[:classes])
    generator = GeneratorConfig(8, (6, 5), 4, 6, 2, classes, names)
    return create_state(generator, DiscriminatorConfig(8, (6, 4), classes, mapping_layers=1), 0.01, 1, torch.device("cpu"))


def content(state: TrainingState) -> dict[str, bytes | str]:
    """The bytes of every tensor, and every other value, by the path to it."""
    found: dict[str, bytes | str] = {}

    def collect(path: str, value: object) -> None:
        if isinstance(value, torch.Tensor):
            found[path] = value.detach().numpy().tobytes()
        elif isinstance(value, dict):
            for key, one in value.items():
                collect(f"{path}/{key}", one)
        else:
            found[path] = repr(value)

    collect("", state.state_dict())
    return found


def saved_and_loaded(state: TrainingState) -> TrainingState:
    buffer = io.BytesIO()
    torch.save(state.state_dict(), buffer)
    buffer.seek(0)
    loaded = make_state()
    loaded.load_state_dict(torch.load(buffer, weights_only=True))
    return loaded


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


def test_steps_draw_independently_of_each_other() -> None:
    draws = [Draw(seed, step, 3).uniform(2).tolist() for seed, step in ((0, 0), (0, 1), (1, 0), (0, 0))]
    assert draws[0] == draws[3] and draws[0] != draws[1] and draws[0] != draws[2] and draws[1] != draws[2]


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


def test_rows_of_all_processes_are_the_batch_and_keep_its_groups() -> None:
    for world in (1, 2, 4):
        parts = [Share(rank, world).rows(32, 4) for rank in range(world)]
        assert torch.cat(parts).sort().values.tolist() == list(range(32))
        groups = {tuple(column) for part in parts for column in part.view(4, -1).T.tolist()}
        assert groups == {(k, k + 8, k + 16, k + 24) for k in range(8)}
    uneven = [Share(rank, 2).rows(5, 4) for rank in range(2)]
    assert torch.cat(uneven).sort().values.tolist() == list(range(5))


def test_a_process_draws_its_rows_of_what_one_process_draws() -> None:
    rows = Share(1, 2).rows(8, 4)
    whole, mine = Draw(0, 5, 8), Draw(0, 5, 8, rows=rows)
    for name, arguments in (("normal", (3,)), ("uniform", (1, 1)), ("integers", (0, 9))):
        assert torch.equal(getattr(mine, name)(*arguments), getattr(whole, name)(*arguments)[rows])
    assert mine.chance() == whole.chance() and mine.choice(0, 99) == whole.choice(0, 99)
    assert rows[mine.first_half()[0]].tolist() == [row for row in rows.tolist() if row < 4]


@pytest.mark.parametrize(("batch", "group", "world"), [(8, 4, 2), (8, 1, 2), (12, 3, 2), (4, 4, 4), (7, 1, 1), (1, 1, 1)])
def test_means_over_halves_of_the_processes_are_those_over_the_half_of_the_batch(batch: int, group: int, world: int) -> None:
    """Catches processes that have other parts of the first half than the rest of them, or none of it."""
    values, parts = torch.arange(float(batch)).square(), []
    for rank in range(world):
        rows = Share(rank, world).rows(batch, group)
        half, weight = Draw(0, 0, batch, rows=rows).first_half()
        parts.append(values[rows][half].mean().item() * weight)
    assert np.mean(parts) == pytest.approx(values[: max(batch // 2, 1)].mean().item())
