"""The step: parts that add up, blocks computed again, buffers that stay, and what a GPU is spared."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from fake_encoder import FakeEncoder
from fakes import tiny_generator

from nada.adaptation import Adaptation, Settings, published_settings
from nada.adaptation.draw import Draw
from nada.clip import Guide
from nada.errors import UsageError

SETTINGS = Settings(layers="all", batch=5, lr=0.01, ema=0.5)


def make(settings: Settings = SETTINGS, augment: str = "independent", **changes: object) -> Adaptation:
    guide = Guide([FakeEncoder("one"), FakeEncoder("two", 0.5)], "photo", "sketch", augment=augment, views=2)
    return Adaptation(tiny_generator(16, classes=3), guide, dataclasses.replace(settings, **changes))


def gradients(adaptation: Adaptation, draw: Draw, parts: int = 1) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    measured = adaptation._step.take(draw.split(parts))
    return measured, {name: parameter.grad.clone() for name, parameter in adaptation.moving.items()}


@pytest.mark.parametrize("parts", [2, 3, 5])
def test_a_batch_in_parts_gives_the_gradients_of_the_whole_with_every_draw_where_it_belongs(parts: int) -> None:
    """Catches parts weighted alike though they differ in size, and noise, labels or views of another picture."""
    whole, parted = make(), make()
    draw = whole._draw()
    measured, wanted = gradients(whole, draw)
    in_parts, got = gradients(parted, draw, parts)
    torch.testing.assert_close(in_parts, measured, rtol=1e-4, atol=1e-5)
    for name, gradient in wanted.items():
        torch.testing.assert_close(got[name], gradient, rtol=1e-3, atol=1e-5 * max(1.0, float(gradient.abs().max())))


def test_parts_decide_nothing_that_is_drawn() -> None:
    reports = [[a.advance() for _ in range(3)] for a in (make(), make(accumulate=2))]
    for one, other in zip(*reports):
        assert one.loss == pytest.approx(other.loss, abs=1e-3) and one.scalars.keys() == other.scalars.keys()


def test_more_parts_than_pictures_are_refused() -> None:
    with pytest.raises(UsageError, match="batch of 5 cannot be computed in 6 parts"):
        make(accumulate=6)


@pytest.mark.parametrize("layers", ["all", "late:1", "mapping"])
def test_blocks_computed_again_give_the_same_gradients(layers: str) -> None:
    kept, again = make(layers=layers), make(layers=layers, checkpointing=True)
    draw = kept._draw()
    (measured, wanted), (same, got) = gradients(kept, draw), gradients(again, draw)
    torch.testing.assert_close(same, measured)
    for name, gradient in wanted.items():
        torch.testing.assert_close(got[name], gradient, rtol=1e-4, atol=1e-6)


def test_blocks_computed_again_keep_fewer_feature_maps() -> None:
    """Otherwise the option would cost time and bring nothing."""

    def kept_bytes(adaptation: Adaptation) -> int:
        stored: dict[int, int] = {}

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            stored[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        draw = adaptation._draw()
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            adaptation._step.pictures(draw)
        return sum(stored.values())

    settings = dataclasses.replace(SETTINGS, batch=8)
    assert kept_bytes(make(settings, checkpointing=True)) < 0.6 * kept_bytes(make(settings))


@pytest.mark.parametrize(
    "settings",
    [
        SETTINGS,
        dataclasses.replace(SETTINGS, layers="late:1", accumulate=2),
        dataclasses.replace(SETTINGS, noise="independent", precision="bf16"),
        dataclasses.replace(SETTINGS, precision="fp16", checkpointing=True),
        published_settings(layers="all", batch=2, lr=0.01),
    ],
    ids=["plain", "parts", "bf16", "fp16", "idle-decay"],
)
def test_the_step_on_buffers_that_stay_equals_the_plain_one_bit_by_bit(settings: Settings) -> None:
    """What a CUDA graph repeats, called instead of captured: catches a warm-up that leaves traces, an input that is
    not copied into its buffer, and work that only the first step does."""
    plain, static = make(settings), make(settings)
    static._static = static._looks_ahead = True
    for _ in range(4):
        assert plain.advance()[:3] == static.advance()[:3]
    one, other = plain.state_dict(), static.state_dict()
    assert torch.equal(one["rng"], other["rng"]) and one["scale"] == other["scale"]
    for name in one["weights"]:
        assert torch.equal(one["weights"][name], other["weights"][name])
    assert all(torch.equal(one["average"][name], other["average"][name]) for name in one["average"])
    for index, moments in one["optimizer"]["state"].items():
        assert all(torch.equal(value, other["optimizer"]["state"][index][key]) for key, value in moments.items())


def test_what_was_drawn_ahead_is_drawn_again_by_whoever_goes_on() -> None:
    plain, ahead = make(), make()
    ahead._static = ahead._looks_ahead = True
    losses = [plain.advance().loss for _ in range(4)]
    assert [ahead.advance().loss for _ in range(2)] == losses[:2]
    state = ahead.state_dict()
    for continued in (make(), ahead):  # another process, and one whose buffers and moments are from before
        continued.load_state_dict(state)
        assert [continued.advance().loss for _ in range(2)] == losses[2:]


@pytest.mark.parametrize("looks_ahead", [False, True])
def test_a_step_that_found_no_memory_is_drawn_again(looks_ahead: bool) -> None:
    plain, failing = make(), make()
    failing._looks_ahead = looks_ahead
    losses = [plain.advance().loss for _ in range(4)]
    assert [failing.advance().loss for _ in range(2)] == losses[:2]
    launch, failing._launch = failing._launch, lambda draw: _Unfinished()
    with pytest.raises(torch.OutOfMemoryError):
        failing.advance()
    failing._launch = launch
    continued = make()
    continued.load_state_dict(failing.state_dict())
    for adaptation in (failing, continued):
        assert [adaptation.advance().loss for _ in range(2)] == losses[2:]


class _Unfinished:
    """The result of a step whose error comes when it is waited for, after the next one was drawn."""

    def tolist(self) -> list[float]:
        raise torch.OutOfMemoryError("CUDA out of memory.")


@pytest.mark.parametrize(
    "changes, mapped, first, last",
    [
        ({"layers": "late:1"}, 1, 1, 2),
        ({"layers": "late:1", "mixing": 1.0}, 2, 1, 2),  # two styles, once each
        ({"layers": "all"}, 1, 2, 2),
        ({"layers": "late:1", "noise": "independent"}, 1, 2, 2),
        ({"layers": "late:1", "mixing": 1.0, "paired": False}, 4, 2, 2),
        ({"layers": "mapping"}, 2, 2, 2),
    ],
    ids=["late", "mixing", "all", "independent", "unpaired", "mapping"],
)
def test_what_both_copies_compute_alike_is_computed_once(
    changes: dict[str, object], mapped: int, first: int, last: int
) -> None:
    adaptation = make(**changes)
    calls: list[str] = []
    for copy in (adaptation.frozen, adaptation.trainable):
        for name in ("mapping", "b4", "b16"):
            getattr(copy, name).register_forward_hook(lambda *_, name=name: calls.append(name))
    adaptation.advance()
    assert [calls.count(name) for name in ("mapping", "b4", "b16")] == [mapped, first, last]


@pytest.mark.parametrize("settings", [Settings(layers="auto:2"), Settings(mixing=0.5)], ids=["auto", "mixing"])
def test_steps_that_differ_are_not_captured(settings: Settings) -> None:
    adaptation = make(settings, batch=2)
    adaptation._static = adaptation._static_allowed(on_gpu=True)
    assert not adaptation._static


def test_a_step_waits_for_the_device_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every number that is fetched stops a GPU; and in a captured step it is an error."""
    adaptation = make()
    adaptation.advance()
    waits = []
    for name in ("item", "tolist", "__bool__", "__float__", "__int__"):
        original = getattr(torch.Tensor, name)
        monkeypatch.setattr(torch.Tensor, name, lambda self, *a, _o=original, _n=name: (waits.append(_n), _o(self, *a))[1])
    draw = adaptation._draw()
    waits.clear()
    adaptation._take(draw)
    assert waits == ["tolist"]


def test_on_a_gpu_the_captured_step_goes_the_way_of_the_plain_one() -> None:
    if not torch.cuda.is_available():
        pytest.skip("a CUDA device is not on this machine: the graph is only run as plain calls")
    runs = []
    for graph in (False, True):
        guide = Guide([_OnDevice("one")], "photo", "sketch", augment="shared")
        settings = Settings(layers="late:2", batch=4, lr=0.002, graph=graph)
        adaptation = Adaptation(tiny_generator(32, width=16).cuda(), guide, settings)
        runs.append([adaptation.advance().loss for _ in range(10)])
        assert (adaptation._launch._graph is not None) if graph else not adaptation._static
    assert runs[0] == pytest.approx(runs[1], abs=1e-2)


class _OnDevice(FakeEncoder):
    """Its matrices are on the GPU from the start: what copies from the CPU in a step cannot be captured."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.parameters = [parameter.cuda() for parameter in self.parameters]

    def encode_text(self, texts: list[str]) -> torch.Tensor:
        return super().encode_text(texts).cuda()
