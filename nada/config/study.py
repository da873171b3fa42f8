"""The options of `nada freeze-study`. Importing this loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

from nada.config.fields import option


@dataclass(frozen=True)
class StudyConfig:
    """Which adaptations are made, how they are judged, and on what they run."""

    source: str | None = option(None, section="The grid", help="What the generator shows now, in words: photo, face, image.")
    target: str | None = option(None, help='What it should show, in words: "minimal logo", "pencil sketch".')
    pairs: str | None = option(
        None,
        help="File with a pair of prompts in every line: photo -> pencil sketch @ bird. The class behind @ may be left out.",
    )
    classes: tuple[str, ...] = option(
        (),
        flag="class",
        help="Adapt on this class or known prompt, by name or number; each is a cell. Repeatable.  [default: all together]",
    )
    layers: tuple[str, ...] = option(
        (),
        help="A policy of nada adapt --layers, or none for the generator as it is. Repeatable. If not given: every block alone, "
        "early:N and late:N, all, auto and auto-official of two thirds of the layers, affine@all, style-offset@all.",
    )
    lr: tuple[str, ...] = option(
        (),
        help="Learning rates: auto is nada adapt's rule, x0.5 half of that. Repeatable, or a list; x0.25,auto,x4 if not given.",
    )
    seeds: str | None = option(None, help="Seeds of the adaptations, as 0-4 or 0,1,7; 0,1,2 if not given.")
    generator: str = option(
        "demo", alias="model", help="demo or demo-cifar10 (bundled), a known name (nada models list), a file, a run folder."
    )
    quick: bool = option(
        False,
        help="A small study to look at, in minutes: four policies, one learning rate, two seeds, 60 steps, 64 pictures.",
    )

    steps: int | None = option(None, section="An adaptation", help="Steps of every adaptation; 200 if not given.")
    batch: int = option(8, help="Pictures per step.")
    clip: tuple[str, ...] = option(
        ("demo",), help="Guide: demo (bundled), ViT-B-32/openai, NAME=FILE, local-dir:DIR; @WEIGHT behind. Repeatable."
    )
    precision: str = option(
        "auto", choices=("auto", "fp32", "bf16", "fp16"), help="Of the generator while it is adapted; as of nada adapt."
    )

    judge: str = option(
        "auto",
        section="How it is judged",
        help="The guide that measures: auto takes a bundled one that did not guide; or demo, demo-judge, ViT-B-32/openai, "
        "NAME=FILE.",
    )
    num: int | None = option(None, help="Pictures measured in every cell, always of the same latents; 128 if not given.")
    style_reference: str | None = option(
        None, help="Pictures in the target's style, a folder, .zip or .parquet file: adds the kernel distance to them."
    )

    jobs: int = option(1, section="The machine", help="Cells worked on at the same time, each in a process of its own.")
    threads: int | None = option(
        None,
        help="Processor threads of each; if not given, as many as there are, divided by --jobs. They stay as a study began.",
    )
    device: str = option("auto", help="auto, cpu, cuda or cuda:1; with auto and cuda the jobs share all GPUs.")
    shard: str | None = option(
        None,
        help="Do only part i of N, written i/N with i from 0: one job of an array. Without a disk in common, "
        "give each its own --out and copy the cells folders of all into one before --report-only.",
    )
    ray: str | None = option(
        None,
        help="Hand the cells to Ray (pip install 'ray>=2.40'): local, auto, or the address of a cluster that shares "
        "--out, as head:6379 or ray://head:10001.",
    )

    out: str = option("study", section="The study's folder", help="Where the study lies; the same command goes on with it.")
    retry_failed: bool = option(False, help="Make cells that failed before again.")
    weights: bool = option(
        True, help="Keep what every cell adapted; --no-weights saves the space and keeps pictures and numbers."
    )
    report_only: bool = option(False, help="Make no cell; write tables and report of what is in --out.")
    dry_run: bool = option(False, help="Say what would be done and how long it might take; make nothing.")
