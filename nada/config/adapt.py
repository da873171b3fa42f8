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
    target: str | None = option(None, help='What it should show, in words: "minimal logo", "pencil sketch".')
    target_images: str | None = option(None, help="Folder of example pictures of the target, with or instead of words.")
    generator: str = option(
        "demo", alias="model", help="demo or demo-cifar10 (bundled), a known name (nada models list), a file, a run folder."
    )
    classes: tuple[str, ...] = option(
        (), flag="class", help="Adapt on this class or known prompt only, by name or number. Repeatable.  [default: all]"
    )
    clip: tuple[str, ...] = option(
        ("demo",),
        section="The guide",
        help="Guide: demo (bundled), ViT-B-32/openai, NAME=FILE, local-dir:DIR; @WEIGHT behind. Repeatable.",
    )
    text_weight: float = option(1.0, help="Share of the words, where target pictures are given too.")
    image_weight: float = option(1.0, help="Share of the target pictures, where words are given too.")
    augment: str | None = option(
        None,
        choices=("none", "shared", "independent"),
        help="Random views for the guide, alike for both copies or not.  [default: shared; none with --method official]",
    )
    views: int = option(1, help="Random views averaged per step; ignored with --augment none.")
    hinge: float | None = option(None, help="Weight of a term that asks for larger edits still, such as 1.  [default: 0]")
    resize: str | None = option(
        None,
        choices=("bicubic", "bilinear", "area"),
        help="Filter that brings pictures to the guide's size.  [default: the guide's own; bicubic with --method official]",
    )
    antialias: bool | None = option(
        None, help="Whether that filter is antialiased.  [default: as the guide's own; no with --method official]"
    )
    method: str = option(
        "nada",
        section="The adaptation",
        choices=("nada", "official"),
        help="official: as the published code, bugs included.",
    )
    layers: str | None = option(
        None,
        help="What may move: late:N, early:N, all, blocks:A-B, auto:K, auto-official:K, mapping; before @ which parts of it: "
        "conv, affine, bias, noise, const, torgb, style-offset, joined by +, as affine+bias@late:3.  "
        "[default: late:2; auto-official of two thirds of the layers with --method official]",
    )
    steps: int | None = option(None, help="Steps.  [default: 200; 300 with --method official]")
    batch: int | None = option(None, help="Pictures per step.  [default: 8; 2 with --method official]")
    lr: float | None = option(
        None,
        help="Adam's learning rate.  [default: 0.0016 x 512 / channels of the widest block (at most 512), 0.0085 for demo; "
        "0.0016 with --method official]",
    )
    noise: str | None = option(
        None,
        choices=("shared", "independent"),
        help="Per-layer noise of the two copies.  [default: shared; independent with --method official]",
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
        None,
        help="Let the judge end the run and keep the weights it liked best.  [default: yes; no with --method official]",
    )
    device: str = option("auto", section="The machine", help="auto, cpu, cuda or cuda:1.")
    precision: str = option(
        "auto",
        choices=("auto", "fp32", "bf16", "fp16"),
        help="Of the generator; auto: 16 bits where the processor or GPU is fast with them, fp32 elsewhere.",
    )
    accumulate: int = option(1, help="Split each batch into N parts: about 1/N of the memory, the same step.")
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
