"""The options of `nada generate`. Importing this loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

from nada.config.fields import option


@dataclass(frozen=True)
class GenerateConfig:
    """Which pictures of which generator, in which look, and where to. What is None may come from `--like`."""

    model: str | None = option(
        None,
        alias="generator",
        section="Which pictures",
        help="demo or demo-cifar10 (bundled), a run folder, an adaptation.safetensors, a known name, a file; latest: the "
        "newest run below runs/. demo if not given.",
    )
    seeds: str | None = option(None, help="Seeds and ranges of them: 0-99,200. Each seed is a picture; 0-15 if not given.")
    num: int | None = option(None, help="N pictures: the seeds 0 to N - 1.")
    classes: tuple[str, ...] = option(
        (),
        flag="class",
        help="This class or known prompt, by name or number, or any text for a generator that reads text. Repeatable; "
        "several, and all of them if none is given, go in turn by the seed.",
    )
    like: str | None = option(
        None,
        help="Make the picture in this PNG of nada generate again, from the settings inside; other options win over them.",
    )

    truncation: float | None = option(
        None, section="How they look", help="Psi: 1 (if not given) is the generator as it is, 0.5 calmer and more alike."
    )
    truncation_cutoff: int | None = option(None, help="Truncate N layers only, counted from 4 px.  [default: all]")
    truncation_centre: str | None = option(
        None,
        choices=("global", "condition"),
        help="Towards which mean: of all pictures (if not given), or of each one's own class, which keeps it.",
    )
    noise: str | None = option(
        None,
        choices=("const", "random", "none"),
        help="Fine grain: the stored one (const, if not given), the seed's own, or none.",
    )
    strength: tuple[float, ...] = option(
        (),
        help="Of an adaptation: 0 is the source, 1 (if not given) the adapted generator, between is between, 1.5 beyond. "
        "Repeatable: a column each.",
    )
    paired: bool = option(False, help="Of an adaptation: each picture before and after, in two files, and on a sheet.")

    mix_rows: str | None = option(
        None, section="Style mixing", help="Seeds whose pictures give the styles of the layers that are not mixed in."
    )
    mix_cols: str | None = option(None, help="Seeds whose pictures give the styles of --mix-layers.")
    mix_layers: str = option(
        "coarse", help="coarse (layers 0-3), middle (4-7), fine (8 on), or layers such as 0-6 or 2,5-7."
    )

    prompt: str | None = option(None, section="Search", help='Find pictures of what this says: "red apple".')
    source: str | None = option(
        None, help="Score by the direction from this text to the prompt, not by likeness to the prompt alone."
    )
    of: int = option(200, help="How many pictures are looked at.")
    best: int = option(5, help="How many of them are kept.")
    optimise: int = option(
        0, bare=100, help="Move the best ones' latents towards the prompt, N steps; 100 if given without a number."
    )
    clip: str = option("demo", help="The guide that scores: demo (bundled), ViT-B-32/openai, NAME=FILE, local-dir:DIR.")
    judge: str = option(
        "auto", help="A guide that had no part in it and says what it sees: auto (demo-judge for demo), none, or a SPEC."
    )

    out: str | None = option(
        None,
        section="Output",
        help="Folder for the pictures; one below generated/ that is named by the settings if not given.",
    )
    grid: bool = option(False, help="Contact sheets of all pictures, too; several where there are many.")
    json: str | None = option(None, help="Write what was done to this file, for programs.")
    batch: int = option(
        16, section="The machine", help="Pictures handed on at a time: a matter of memory. No picture changes with it."
    )
    device: str = option("auto", help="auto, cpu, cuda or cuda:1.")
    precision: str | None = option(
        None,
        choices=("auto", "fp32", "bf16", "fp16"),
        help="Of the feature maps; fp32 if not given. 16 bits are faster where the machine multiplies them; "
        "colours move a little.",
    )
