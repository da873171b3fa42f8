"""The options of `nada evaluate`. Importing this loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

from nada.config.fields import option

NUM = 1000  # pictures, where --num is not given


@dataclass(frozen=True)
class EvaluateConfig:
    """What is judged, against what, by which numbers, through whose eyes."""

    model: str = option(
        "latest",
        alias="generator",
        section="What is judged",
        help="A run of nada adapt or nada train (latest: the newest below runs/), any generator that nada adapt takes, "
        "or pictures: a folder, a .zip or a .parquet file.",
    )
    num: int | None = option(
        None,
        alias="pictures",  # torchrun takes --num for an option of its own
        help=f"So many pictures are made, {NUM} if not given; published FIDs are of 50000. With torchrun write --pictures.",
    )
    classes: tuple[str, ...] = option(
        (), flag="class", help="Make pictures of this class or known prompt only, by name or number. Repeatable."
    )
    truncation: float | None = option(
        None, help="Psi; 1 if not given, which is the generator as it is, and what published numbers are of."
    )
    seed: int = option(0, help="Chooses the latents, and every draw of the metrics.")

    reference: str | None = option(
        None,
        section="Against what",
        help="Pictures to be close to: a folder, .zip or .parquet file, or another generator. A training's own data "
        "if not given.",
    )
    include: str | None = option(
        None, help="Glob pattern on a picture's name or its path in the reference, as 'test-*' or 'test/*'."
    )
    against: str | None = option(
        None,
        help="Another generator on the same latents, before and after: what is kept, and where it went. The base of an "
        "adaptation if not given; none for not.",
    )
    prompt: str | None = option(
        None, help="What the pictures should show, in words. The target of an adaptation if not given."
    )
    source: str | None = option(
        None, help="What those of --against show, in words. The source of an adaptation if not given."
    )

    metrics: str = option(
        "auto",
        section="By which numbers",
        help="auto: what fits; all; or a list of fid, kid, is, frechet, kernel, infinity, precision, density, cmmd, "
        "sliced, clip-i, clip-t, quality, diversity, directional, content, neighbours, kept, lpips, intra-lpips, "
        "lpips-change.",
    )
    features: tuple[str, ...] = option(
        (),
        help="Whose features the distances are of: inception (the published FID's), demo, demo-judge, clip:NAME/TAG, "
        "dinov2=FILE. Repeatable; the judge's if not given. lpips-vgg=FILE adds LPIPS of a thousand pictures.",
    )
    judge: str = option(
        "auto",
        help="The guide that compares pictures with words and with one another: auto takes a bundled one that had no part "
        "in the training; or demo, demo-judge, ViT-B-32/openai, NAME=FILE.",
    )
    resize: str | None = option(
        None,
        choices=("legacy", "clean", "pytorch-fid", "torchmetrics"),
        help="How --features inception brings pictures to its size, to compare with numbers made so; legacy if not given.",
    )
    size: int = option(256, help="Side in pixels that all pictures are brought to before anyone looks.")

    json: str | None = option(None, section="Output", help="Write the results with their whole protocol to this file, too.")
    record: bool = option(
        True, help="Write results.json, curves and a section of the model card into the run that is judged."
    )
    batch: int = option(
        16, section="The machine", help="Pictures at a time, 4 or more: a matter of memory, not of the numbers."
    )
    device: str = option("auto", help="auto, cpu, cuda or cuda:1.")
