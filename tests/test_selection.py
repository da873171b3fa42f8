"""Policies in words against the names they stand for, and the adaptive choice against a known answer."""

from __future__ import annotations

import pytest
import torch
from fakes import tiny_generator

from nada.errors import UsageError
from nada.models import Generator, GeneratorConfig, default_channels
from nada.selection import choose_layers, first_moving_block, select_parameters


def names(policy: str, resolution: int = 32) -> set[str]:
    return set(select_parameters(tiny_generator(resolution, classes=2), policy).names)


def test_late_blocks_move_as_styled_convolutions_without_their_noise() -> None:
    layer = ("weight", "bias", "affine.weight", "affine.bias")
    expected = {f"b{size}.{conv}.{part}" for size in (16, 32) for conv in ("conv0", "conv1") for part in layer}
    assert names("late:2") == expected == names("blocks:16-32") == names("blocks:b16-b32")


def test_early_blocks_hold_the_constant_and_one_convolution_less() -> None:
    assert {"b4.const", "b4.conv1.weight", "b8.conv0.weight"} < names("early:2")
    assert not any(name.startswith(("b16", "b32", "mapping")) or "torgb" in name for name in names("early:2"))


def test_groups_join_and_policies_add() -> None:
    assert names("affine@late:1") == {f"b32.conv{i}.affine.{part}" for i in (0, 1) for part in ("weight", "bias")}
    assert names("conv+noise@blocks:8") == {f"b8.conv{i}.{part}" for i in (0, 1) for part in ("weight", "noise_strength")}
    assert all(name.startswith("mapping.") for name in names("mapping")) and "mapping.embed.weight" in names("mapping")
    assert names("mapping,torgb@late:1") == names("mapping") | {
        f"b32.torgb.{part}" for part in ("weight", "bias", "affine.weight", "affine.bias")
    }
    assert names("const@all") == {"b4.const"} == names("const")
    assert names("all") == names("early:4") and not any("torgb" in name for name in names("all"))


def test_style_offset_is_one_number_per_input_map() -> None:
    with torch.device("meta"):
        generator = Generator(GeneratorConfig(1024, default_channels(1024, 32768)))
    selection = select_parameters(generator, "style-offset@all")
    assert sum(dict(generator.named_parameters())[name].numel() for name in selection.names) == 6048


@pytest.mark.parametrize(
    "policy", ["", "late", "late:0", "late:9", "blocks:64-8", "blocks:7", "colour@all", "last:2", "auto:0", "auto:99",
               "auto:x", "auto:2,late:1", "const@late:1", "conv@", "@late:2"]
)  # fmt: skip
def test_a_policy_that_cannot_be_read_or_selects_nothing_names_what_there_is(policy: str) -> None:
    with pytest.raises(UsageError, match="b4, b8, b16, b32|1 to 7 layers|stands alone|conv, affine|smaller one first"):
        select_parameters(tiny_generator(32), policy)


def test_a_range_with_an_end_that_is_not_there_is_no_shorter_range() -> None:
    """Fails where blocks:64-256 on a generator of 32 px, or 16-256, quietly moves what happens to be inside."""
    with pytest.raises(UsageError, match="names b64 and b256; this generator's blocks are b4, b8, b16, b32"):
        names("blocks:64-256")
    with pytest.raises(UsageError, match="'conv@blocks:16-64' names b64; "):
        names("conv@blocks:16-64")
    with pytest.raises(UsageError, match="write blocks:8-16, the smaller one first"):
        names("blocks:16-8")


def test_an_unreadable_policy_is_answered_with_all_there_are() -> None:
    """Fails where a policy that the README offers is missing in the error, or `late` is not taken for late:2."""
    offered = "late:N, early:N, all, blocks:A-B, auto:K, auto-official:K or mapping"
    with pytest.raises(UsageError, match=f"did you mean late:2\\? Or use {offered}"):
        names("late")
    with pytest.raises(UsageError, match="did you mean auto-official:4"):
        names("auto-official", 16)
    with pytest.raises(UsageError, match=f"'auto:x'; use {offered}"):
        names("auto:x")


def test_official_map_is_one_convolution_late_and_the_corrected_one_is_not() -> None:
    generator = tiny_generator(16)
    corrected, official = (select_parameters(generator, policy) for policy in ("auto:2", "auto-official:2"))
    first = [layer[0].rsplit(".", 1)[0].removesuffix(".affine") for layer in corrected.layer_names]
    assert first == ["b4.conv1", "b8.conv0", "b8.conv1", "b16.conv0", "b16.conv1"]
    published = [layer[0].rsplit(".", 1)[0].removesuffix(".affine") for layer in official.layer_names]
    assert published == ["b4.conv1", "b4.torgb", "b8.conv0", "b8.conv1", "b16.conv0", "b16.conv1"]
    assert len(official.layer_names) == generator.num_ws


@pytest.mark.parametrize("layer", ["b4.conv1", "b8.conv0", "b8.conv1", "b16.conv0", "b16.conv1"])
def test_the_layer_with_all_the_pull_is_chosen(layer: str) -> None:
    """Only one affine layer listens to its style, so only that style can have a gradient."""
    generator = tiny_generator(16)
    for name, parameter in generator.named_parameters():
        if name.endswith("affine.weight"):
            parameter.data *= float(name == f"{layer}.affine.weight")
    selection = select_parameters(generator, "auto:1")
    w = generator.map_latents(torch.randn(2, 8))
    chosen = choose_layers(selection, generator, w, lambda images: images.square().mean(), "none")
    assert {name.removeprefix(f"{layer}.") for name in chosen} >= {"weight", "bias", "affine.weight"}
    assert all(name.startswith(f"{layer}.") for name in chosen)


def test_what_lies_before_the_first_moving_block_is_known() -> None:
    generator = tiny_generator(32)
    for policy, block in [("late:1", "b32"), ("conv@late:2", "b16"), ("all", "b4"), ("torgb@blocks:8", "b8")]:
        assert first_moving_block(generator, select_parameters(generator, policy)) == block
    assert first_moving_block(generator, select_parameters(generator, "mapping,late:1")) is None
