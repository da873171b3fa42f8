"""Domains read from runs and files, and laid on generators."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest
import torch
from domain_makers import adapted_run, moved, save_base
from fakes import tiny_generator

from nada.checkpoints import hash_generator, load_generator, save_adaptation, save_generator
from nada.domains import Domain, at_strength, blend, load_pair, read_domain
from nada.errors import NadaError, UsageError
from nada.models import Generator

FIRST = ("b16.conv0.weight", "b16.conv1.weight", "b16.conv1.affine.bias")
SECOND = ("b16.conv1.weight", "b8.conv1.bias")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return save_base(tmp_path / "base")


@pytest.fixture
def run(base: Path, tmp_path: Path) -> Path:
    return adapted_run(tmp_path / "00000-logo", base, *FIRST)


@pytest.fixture
def other(base: Path, tmp_path: Path) -> Path:
    return adapted_run(tmp_path / "00001-sketch", base, *SECOND, seed=2, target="pencil sketch")


def same(one: Generator, two: Generator) -> bool:
    values = two.state_dict()
    return all(torch.equal(value, values[name]) for name, value in one.state_dict().items())


def test_a_run_and_its_file_are_the_same_domain(run: Path, base: Path) -> None:
    """Catches a reader that needs the run folder, or loses what a domain is called and where it came from."""
    whole, file = read_domain(run), read_domain(str(run / "adaptation.safetensors"))
    assert whole.name == file.name == "minimal logo" and whole.base == file.base == str(base)
    assert set(whole.tensors) == set(FIRST) and whole.metadata["layers"] == "late:2"
    assert whole.base_sha256 == hash_generator(load_generator(base))
    assert whole.numbers == sum(value.numel() for value in moved(base, *FIRST).values())


def test_a_file_on_its_own_knows_its_base(run: Path, base: Path, tmp_path: Path) -> None:
    """Catches a small file that can be sent to nobody: it must load wherever its base is at hand."""
    lone = tmp_path / "sent" / "my-logo.safetensors"
    lone.parent.mkdir()
    shutil.copy(run / "adaptation.safetensors", lone)
    assert read_domain(lone).name == "my-logo" and read_domain(lone).base == str(base)
    assert same(load_generator(lone), load_generator(run))
    shutil.copy(base / "config.json", lone.parent)  # even where a config.json of something else lies beside it
    assert same(load_generator(lone), load_generator(run))


def test_what_is_no_adaptation_is_named(base: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="whole generator"):
        read_domain(base)
    with pytest.raises(NadaError, match="There is no generator"):
        read_domain(tmp_path / "missing.safetensors")
    lone = save_adaptation(tmp_path / "x.safetensors", moved(base, *FIRST), {"base_sha256": "0" * 64})
    with pytest.raises(NadaError, match="does not say which generator"):
        read_domain(lone)


def test_a_pair_is_the_base_and_the_adapted_generator(run: Path, base: Path) -> None:
    pair = load_pair(run)
    assert same(pair.source, load_generator(base)) and same(pair.adapted, load_generator(run))
    assert pair.domain is not None and pair.domain.name == "minimal logo" and pair.spec == str(run)


def test_a_pair_of_any_other_generator_is_that_generator_twice(base: Path) -> None:
    pair = load_pair(base)
    assert pair.source is pair.adapted and pair.domain is None
    assert at_strength(pair, 0.3) is pair.source


def test_strength_0_is_the_source_and_1_the_adapted_one_to_the_bit(run: Path, base: Path) -> None:
    pair = load_pair(run)
    assert same(at_strength(pair, 0), load_generator(base)) and same(at_strength(pair, 1), load_generator(run))
    assert same(blend(pair.source, [(pair.domain, 1.0)]), pair.adapted)
    assert same(blend(pair.source, [(pair.domain, 0.0)]), pair.source)


def test_a_full_domain_is_taken_and_not_computed() -> None:
    """Catches `base + 1 * (adapted - base)`, which loses what is small beside the base, in any precision."""
    base = tiny_generator(16)
    small = torch.full_like(base.b16.conv1.bias, 1e-20)
    found = blend(base, [(Domain("small", {"b16.conv1.bias": small}, "base", hash_generator(base)), 1.0)])
    assert torch.equal(found.b16.conv1.bias, small)


@pytest.mark.parametrize("strength", [0.25, 1.5, -0.5])
def test_other_strengths_lie_on_the_line_between(run: Path, base: Path, strength: float) -> None:
    pair = load_pair(run)
    before, after, found = (g.state_dict() for g in (pair.source, pair.adapted, at_strength(pair, strength)))
    for name, value in found.items():
        if name in FIRST:
            torch.testing.assert_close(value, before[name] + strength * (after[name] - before[name]))
        else:
            assert torch.equal(value, before[name])


def test_domains_add_up_tensor_by_tensor(run: Path, other: Path, base: Path) -> None:
    """Catches an average over domains where only one of them moves a tensor."""
    one, two, start = read_domain(run), read_domain(other), load_generator(base)
    found, before = blend(start, [(one, 0.7), (two, 0.3)]).state_dict(), start.state_dict()
    shared, alone, only = "b16.conv1.weight", "b16.conv0.weight", "b8.conv1.bias"
    step = 0.7 * (one.tensors[shared] - before[shared]) + 0.3 * (two.tensors[shared] - before[shared])
    torch.testing.assert_close(found[shared], before[shared] + step)
    torch.testing.assert_close(found[alone], before[alone].lerp(one.tensors[alone], 0.7))
    torch.testing.assert_close(found[only], before[only].lerp(two.tensors[only], 0.3))
    assert same(start, load_generator(base)), "the base itself was changed"


def test_a_full_domain_beside_one_without_weight_stays_whole(run: Path, other: Path, base: Path) -> None:
    parts = [(read_domain(run), 1.0), (read_domain(other), 0.0)]
    assert same(blend(load_generator(base), parts), load_generator(run))


def test_another_base_is_refused_and_a_sibling_can_be_forced(run: Path, base: Path) -> None:
    """Catches adapted tensors copied onto a sibling, which would undo what makes it another one."""
    domain, sibling = read_domain(run), tiny_generator(16, seed=5)
    with pytest.raises(NadaError, match="another generator.*--force"):
        blend(sibling, [(domain, 1.0)])
    own, before = load_generator(base).state_dict(), sibling.state_dict()
    found = blend(sibling, [(domain, 1.0)], force=True).state_dict()
    for name in FIRST:
        torch.testing.assert_close(found[name], before[name] + domain.tensors[name] - own[name])
    assert same(blend(sibling, [(domain, 0.0)], force=True), sibling)


def test_force_needs_the_base_and_tensors_that_fit(run: Path, base: Path) -> None:
    domain = read_domain(run)
    with pytest.raises(NadaError, match=r"b16\.conv0\.weight.*does not have"):
        blend(tiny_generator(8), [(domain, 1.0)], force=True)
    save_generator(base, tiny_generator(16, seed=9))
    with pytest.raises(NadaError, match="another generator now"):
        blend(tiny_generator(16, seed=5), [(domain, 1.0)], force=True)
    shutil.rmtree(base)
    with pytest.raises(NadaError, match="minimal logo was adapted from .* which cannot be loaded"):
        blend(tiny_generator(16, seed=5), [(domain, 1.0)], force=True)
    with pytest.raises(NadaError, match="cannot be loaded"):
        load_pair(run)


def test_a_base_that_has_changed_is_refused(run: Path, base: Path) -> None:
    save_generator(base, tiny_generator(16, seed=9))
    with pytest.raises(NadaError, match="hashes differ"):
        load_pair(run)


def test_a_run_of_a_run_is_a_pair_of_both(run: Path, tmp_path: Path) -> None:
    """Catches a base that is loaded without what was adapted before."""
    second = adapted_run(tmp_path / "00002-second", run, "b8.conv0.bias", seed=3)
    pair = load_pair(second)
    assert same(pair.source, load_generator(run)) and same(pair.adapted, load_generator(second))


@pytest.mark.parametrize("weight", [math.nan, math.inf])
def test_weights_are_finite(run: Path, weight: float) -> None:
    pair = load_pair(run)
    for attempt in (lambda: at_strength(pair, weight), lambda: blend(pair.source, [(pair.domain, weight)])):
        with pytest.raises(UsageError, match="finite"):
            attempt()


def test_damaged_domains_are_named(run: Path) -> None:
    file = run / "adaptation.safetensors"
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(NadaError, match="damaged"):
        read_domain(run)
    nothing = Domain("empty", {"b4.const": torch.full((8, 4, 4), math.nan)}, "base", "0" * 64)
    with pytest.raises(NadaError, match="'empty' holds NaN"):
        blend(tiny_generator(16), [(nothing, 1.0)], force=True)
    (run / "config.json").write_text(json.dumps({}))
    with pytest.raises(NadaError, match="which generator"):
        read_domain(run)
