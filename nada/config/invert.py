"""The options of `nada invert`. Importing this loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

from nada.config.fields import option


@dataclass(frozen=True)
class InvertConfig:
    """Into which generator, how photographs are framed, how they are found there, and where they go from there."""

    model: str = option(
        "demo",
        alias="generator",
        section="The generator",
        help="demo or demo-cifar10 (bundled), a known name (nada models list), a file, a run folder. It can only show "
        "what it was trained on.",
    )
    through: tuple[str, ...] = option(
        (),
        alias="adapted",
        help="A run of nada adapt on --model, or an adaptation.safetensors, to show the photographs in. Repeatable.",
    )
    strength: float = option(1.0, help="Of --through: 0 is the generator before, 1 the adapted one, 0.5 half of the way.")
    force: bool = option(False, alias="any-base", help="Take adaptations of siblings of --model too, if their tensors fit.")
    classes: tuple[str, ...] = option(
        (),
        flag="class",
        help="Class or known prompt of all photographs, by name or number, or one for each, in their order. Found by "
        "trying all if not given.",
    )

    fit: str = option(
        "crop",
        section="The photographs",
        choices=("crop", "pad"),
        help="crop: the largest square; pad: the whole photograph inside borders.",
    )
    centre: str | None = option(
        None, help="Where the middle of the crop should be: shares of width and height, as 0.5,0.4; 0.5,0.5 if not given."
    )
    box: str | None = option(None, help="Look only at this part: left,top,width,height in pixels, as 40,0,200,200.")
    background: str = option("white", help="Colour of borders and of what is transparent.")

    space: str = option(
        "w+",
        section="The search",
        choices=("w", "w+"),
        help="w+: one style for each layer, nearer to a photograph; w: one for all, which edits keep better. Pictures of "
        "demo-cifar10 are found again to an RMSE of 6.7 of 255 levels in w+ and 3.5 in w at worst (ten, with the defaults).",
    )
    noise: str = option(
        "optimised",
        choices=("optimised", "const"),
        help="Whether the noise maps are fitted too, or stay as they are stored.",
    )
    steps: int = option(400, help="At most; less where nothing is gained any more.")
    samples: int = option(1000, help="Random pictures that are looked at for a start.")
    starts: int = option(
        16, help="How many of the best of them are tried; every tenth of the steps the better half goes on."
    )
    lr: float = option(0.2, help="Adam's learning rate, in standard deviations of the styles.")
    jitter: float = option(
        0.0, help="Noise on the styles in the first part, in the same units, as published; none was best where we measured."
    )
    pixels: float = option(1.0, help="Weight of the difference of pixels, beside that of what is perceived.")
    prior: float = option(0.01, help="Weight of what keeps styles as near their mean as random ones are.")
    noise_regularisation: float = option(100.0, help="Weight of what keeps the picture out of the noise maps.")
    patience: int = option(60, help="Steps without gain after which a photograph is brought to its end.")
    perception: str = option(
        "demo", help="What compares: a guide such as demo or ViT-B-32/openai, or lpips-vgg=FILE, lpips-alex=FILE."
    )
    seed: int = option(0, help="Decides every draw; the same seed gives the same bytes on a CPU.")

    tune: int = option(
        0,
        section="Tuning of the generator",
        help="Steps of pivotal tuning for each photograph: the generator itself is moved until it shows it. 0 for none.",
    )
    tune_lr: float | None = option(
        None, help="Adam's learning rate of that; if not given, by a rule on the generator's width."
    )
    locality: float = option(0.1, help="Weight of what keeps all other pictures as they were.")

    out: str = option("inverted", section="Output", help="Folder of the results. Photographs finished there are kept.")
    overwrite: bool = option(False, help="Replace photographs in --out that were inverted with other settings.")
    judge: str = option("auto", help="A guide that only measures: auto (a bundled one that did not compare), or a SPEC.")
    batch: int | None = option(
        None,
        section="The machine",
        help="Photographs at a time; 4 up to 256 px, fewer beyond if not given.",
    )
    device: str = option("auto", help="auto, cpu, cuda or cuda:1.")
    precision: str = option(
        "fp32",
        choices=("auto", "fp32", "bf16"),
        help="Of the generator's feature maps during the search; auto: bf16 where the machine is fast with it.",
    )
