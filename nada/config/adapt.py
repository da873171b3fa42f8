"""The options of `nada adapt`. Importing this loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

from nada.config.fields import option


@dataclass(frozen=True)
class AdaptConfig:
    """From what, to what, on which generator, how. A resumed run takes everything it had from its own folder."""

    source: str | None = option(
        None, section="From what, to what", help="What the generator shows now, in words: photo, face, image."
    )
    target: str | None = option(None, help='What it shall show, in words: "minimal logo", "pencil sketch".')
    target_images: str | None = option(None, help="Folder of example pictures of the target, with or instead of words.")
    generator: str = option(
        "demo", help="demo or demo-cifar10 (bundled), a known name (nada models list), a file, a run folder."
    )
    classes: tuple[str, ...] = option(
        (), flag="class", help="Adapt on this class or known prompt only, by name or number. Repeatable."
    )
    clip: tuple[str, ...] = option(
        ("demo",),
        section="The guide",
        help="Guide: demo (bundled), ViT-B-32/openai, NAME=FILE, local-dir:DIR; @WEIGHT behind. Repeatable.",
    )
    text_weight: float = option(1.0, help="Share of the words, where target pictures are given too.")
    image_weight: float = option(1.0, help="Share of the target pictures, where words are given too.")
    augment: str | None = option(
        None, choices=("none", "shared", "independent"), help="Random views for the guide, alike for both copies or not."
    )
    views: int = option(1, help="Random views averaged per step, where the guide gets any.")
    hinge: float | None = option(None, help="Weight of a term that asks for a visible edit; see the README.")
    resize: str | None = option(
        None, choices=("bicubic", "bilinear", "area"), help="Filter that brings pictures to the guide's size."
    )
    antialias: bool | None = option(None, help="Whether that filter is antialiased; the guide's own habit if not given.")
    method: str = option(
        "nada",
        section="The adaptation",
        choices=("nada", "official"),
        help="official: as the published code, bugs included.",
    )
    layers: str | None = option(
        None, help="What may move: late:2 (default), early:2, all, blocks:64-256, auto:9, affine@late:3, style-offset@all."
    )
    steps: int | None = option(None, help="Steps; 200 if not given (300 for the official method).")
    batch: int | None = option(None, help="Pictures per step; 8 if not given (2 for the official method).")
    lr: float | None = option(None, help="Adam's learning rate; if not given, by a rule on the generator's width.")
    noise: str | None = option(
        None, choices=("shared", "independent"), help="Per-layer noise of the two copies; shared if not given."
    )
    mixing: float = option(0.0, help="Probability of mixing two styles in a step.")
    ema: float = option(0.0, help="Decay of an average of the moving weights that becomes the result; 0 for none.")
    seed: int = option(0, help="Decides every draw; the same seed gives the same bytes on a CPU.")
    judge: str = option(
        "auto",
        section="When to stop",
        help="A guide that only looks: auto (demo-judge for the demo guide), none, or a SPEC.",
    )
    stop: bool | None = option(
        None, help="Let the judge end the run and keep the weights it liked best; on, but off for the official method."
    )
    device: str = option("auto", section="The machine", help="auto, cpu, cuda or cuda:1.")
    precision: str = option(
        "auto",
        choices=("auto", "fp32", "bf16", "fp16"),
        help="Of the generator; auto: 16 bits where the processor or GPU is fast with them, fp32 elsewhere.",
    )
    accumulate: int = option(1, help="Compute a batch in so many parts: as many times less memory, the same step.")
    checkpointing: bool = option(
        False, help="Compute feature maps again in the backward pass instead of keeping them: less memory, slower."
    )
    graph: bool = option(True, help="On a GPU, run each step as one CUDA graph; --no-graph launches every kernel alone.")
    sample_every: int = option(
        50, section="The run folder", help="Steps between two pictures of the same latents, source above adapted."
    )
    checkpoint_every: int = option(50, help="Steps between two saved states to resume from.")
    out: str = option("runs", help="Folder that the numbered run folder is made in.")
    resume: str | None = option(
        None,
        help="Go on with this run folder, or the latest one; only --steps, --device and what saves memory may change.",
    )
    dry_run: bool = option(False, help="Say what would be done, and do nothing.")
