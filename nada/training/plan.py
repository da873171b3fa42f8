"""From options and data to everything else that a training is made of: network sizes, recipe, lengths."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch

from nada import ops
from nada.config.train import TrainConfig
from nada.errors import UsageError
from nada.models import DiscriminatorConfig, GeneratorConfig
from nada.precision import fast_precision
from nada.training.captions import some_prompts
from nada.training.material import Material
from nada.training.options import parse_channels, parse_kinds
from nada.training.recipe import Recipe

DEFAULT_KIMG = 100.0


@dataclass(frozen=True)
class Plan:
    """What is going to be trained, on what, how and for how many steps."""

    config: TrainConfig
    material: Material
    generator: GeneratorConfig
    discriminator: DiscriminatorConfig
    recipe: Recipe
    device: torch.device
    steps: int

    def due(self, interval_kimg: float, step: int) -> bool:
        """Whether what is done every so many thousand pictures is due after `step`; at the last step it always is."""
        before, now = (int((step - past) * self.recipe.batch / (interval_kimg * 1000) + 1e-9) for past in (1, 0))
        return now > before or step >= self.steps

    def kimg(self, step: int) -> float:
        """How many thousand pictures have been shown after so many steps."""
        return step * self.recipe.batch / 1000


def make_plan(
    config: TrainConfig,
    material: Material,
    device: torch.device,
    given: tuple[GeneratorConfig, DiscriminatorConfig | None] | None = None,
    world: int = 1,
) -> Plan:
    """Bring options and data together.

    Args:
        given: sizes of the networks that --init gives.
        world: how many processes work together.

    Raises:
        UsageError: where they do not fit.
    """
    if config.batch % world:
        raise UsageError(f"--batch {config.batch} cannot be shared out among {world} processes; give a multiple.")
    generator = _tuned_generator(config, material, given[0]) if given else _new_generator(config, material)
    discriminator = (given and given[1]) or _new_discriminator(config, generator)
    if config.init and given and given[1]:
        _check_given_discriminator(config, given[1])
    kimg = DEFAULT_KIMG if config.kimg is None else config.kimg
    recipe = _recipe(config, device, kimg)
    return Plan(config, material, generator, discriminator, recipe, device, steps_of(kimg, config.batch))


def recorded_networks(record: dict[str, Any]) -> tuple[GeneratorConfig, DiscriminatorConfig]:
    """The networks of a run that is resumed are those of its `config.json`, whatever --init is by now."""
    return GeneratorConfig.from_dict(record["generator"]), DiscriminatorConfig.from_dict(record["discriminator"])


def describe_plan(plan: Plan, parameters: tuple[int, int], size_from: str = "") -> list[str]:
    """Sentences that say what is going to be trained, for people; `parameters` of generator and discriminator.

    `size_from` says why it is of this size where nobody asked for it.
    """
    material, data = plan.material, plan.material.data
    reason = f" ({size_from})" if size_from else ""
    lines = [
        f"generator {plan.generator.resolution} px{reason}, {parameters[0]:,} parameters, discriminator {parameters[1]:,}; "
        f"{plan.device} {plan.recipe.dtype}, {ops.describe(plan.device.type)}",
        f"data: {len(data)} pictures, {data.images.shape[1]} px, {_conditions(material)}",
    ]
    if plan.config.mirror:
        lines[-1] += ", and their mirror images"
    if data.note and plan.config.cond != "none":
        lines.append(f"note: {data.note}")
    if material.held_out:
        lines.append(f"held out: {len(material.reference)} pictures, measured against and not trained on")
    if data.skipped:
        lines.append(f"left out: {len(data.skipped)} pictures that cannot be decoded: {_some(data.skipped)}")
    if data.ignored:
        lines.append(f"left out: {len(data.ignored)} files that are not pictures: {_some(data.ignored)}")
    lines.append(f"training: {plan.steps} steps of {plan.recipe.batch} pictures, {plan.kimg(plan.steps):g} thousand in all")
    return lines


def steps_of(kimg: float, batch: int) -> int:
    """Steps that show `kimg` thousand pictures, at least one."""
    return max(1, round(kimg * 1000 / batch))


def _conditions(material: Material) -> str:
    if material.captions is not None:
        return f"{len(material.captions.texts)} different captions, read by {material.captions.guide}"
    counts = material.data.class_counts()
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "no classes"


def _some(names: tuple[str, ...], count: int = 5) -> str:
    return ", ".join(names[:count]) + (", …" if len(names) > count else "")


def _new_generator(config: TrainConfig, material: Material) -> GeneratorConfig:
    channels, names = parse_channels(config.channels, config.size), material.data.class_names
    sizes = GeneratorConfig(config.size, channels, config.z_dim, config.w_dim, config.mapping_layers, len(names), names)
    return _with_captions(sizes, material)


def _with_captions(sizes: GeneratorConfig, material: Material) -> GeneratorConfig:
    captions = material.captions
    if captions is None:
        return sizes
    prompts = some_prompts(material.data.texts or ())
    return replace(sizes, text_dim=captions.width, text_guide=captions.guide, prompts=prompts)


def _new_discriminator(config: TrainConfig, generator: GeneratorConfig) -> DiscriminatorConfig:
    widths = parse_channels(config.d_channels, config.size) if config.d_channels else generator.channels
    return DiscriminatorConfig(
        config.size,
        widths,
        generator.num_classes,
        text_dim=generator.text_dim,
        mbstd_group=config.mbstd_group,
        mbstd_channels=int(config.mbstd_group > 1),
        mapping_layers=config.mapping_layers,
        spectral_norm=config.spectral_norm,
    )


def _check_given_discriminator(config: TrainConfig, given: DiscriminatorConfig) -> None:
    """Raise UsageError for an option that a discriminator from --init cannot follow."""
    default = TrainConfig()
    widths = parse_channels(config.d_channels, config.size) if config.d_channels else given.channels
    fits = {
        "spectral-norm": config.spectral_norm in (default.spectral_norm, given.spectral_norm),
        "mbstd-group": config.mbstd_group in (default.mbstd_group, given.mbstd_group if given.mbstd_channels else 1),
        "d-channels": widths == given.channels,
    }
    for flag, fitting in fits.items():
        if not fitting:
            raise UsageError(f"--{flag} cannot change the discriminator that --init brings; leave it out.")


def _tuned_generator(config: TrainConfig, material: Material, given: GeneratorConfig) -> GeneratorConfig:
    """The sizes of --init with the captions of the data. Raises UsageError where it cannot be trained on these data."""
    classes = len(material.data.class_names)
    if given.resolution != config.size:
        raise UsageError(
            f"--init is a generator of {given.resolution} px; leave --size out, or give --size {given.resolution}."
        )
    if given.num_classes != classes:
        raise UsageError(f"--init has {given.num_classes} classes and the data {classes}; use other data or another --cond.")
    width = material.captions.width if material.captions else 0
    if given.text_dim != width:
        raise UsageError(
            f"--init takes captions of {given.text_dim} numbers and the data have {width}; "
            f"use {'--text-guide ' + given.text_guide if given.text_guide and width else 'another --cond'}."
        )
    return _with_captions(given, material)


def _recipe(config: TrainConfig, device: torch.device, kimg: float) -> Recipe:
    same = (
        *("batch", "lr", "d_lr", "schedule", "warmup_kimg", "loss", "gradient_penalty", "label_smoothing"),
        *("r1_interval", "path_length", "path_interval", "mixing", "g_steps", "d_steps", "fresh_batch"),
        *("clip_norm", "augment", "ada_kimg", "ema_kimg", "seed"),
    )
    precision = config.precision
    if precision == "auto":
        precision = "bf16" if fast_precision(device) == "bf16" else "fp32"
    return Recipe(
        **{name: getattr(config, name) for name in same},
        gamma=config.gamma if config.gamma is not None else 0.0 if config.loss == "wgan-gp" else 0.1,
        ema_rampup=_rampup(config),
        total_kimg=kimg,
        augment_kinds=parse_kinds(config.augment_kinds),
        dtype=precision,
    )


def _rampup(config: TrainConfig) -> float:
    """Fresh weights are soon better than their average; those of --init are worth remembering from the start."""
    if config.ema_rampup is not None:
        return config.ema_rampup
    return 0.0 if config.init else 0.05
