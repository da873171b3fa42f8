"""The options of `nada interpolate`. Importing this loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

from nada.config.fields import option


@dataclass(frozen=True)
class InterpolateConfig:
    """From where to where, in how many frames, and in which film they are kept."""

    model: str | None = option(
        None,
        alias="generator",
        section="The generator",
        help="demo (bundled), a run folder, an adaptation.safetensors, a known name, a file; latest: the newest run below "
        "runs/. If not given, demo, or the base of the first --to.",
    )
    strength: float | None = option(
        None, help="Of an adaptation: 0 is the source, 1 (if not given) the adapted generator, 1.5 beyond."
    )
    compare: bool = option(False, help="Of an adaptation: the same walk by the source above, before and after.")

    seeds: str | None = option(
        None,
        section="From latent to latent",
        help="Key frames: 1,2,3 or 0-5; 0-3 if not given. In a walk between domains, the latents to show, a tile each.",
    )
    space: str = option(
        "w", choices=("w", "z"), help="w: straight lines between styles; z: arcs between latents, with conditions mixed."
    )
    classes: tuple[str, ...] = option(
        (),
        flag="class",
        help="Class or known prompt of the key frames, by name or number, or any text for a generator that reads text. "
        "Several go in turn: --seeds 5 --class apple --class lemon is a walk. By the seed if not given.",
    )
    truncation: float = option(1.0, help="Psi: 1 is the generator as it is, 0.5 calmer and more alike.")
    truncation_centre: str = option(
        "global", choices=("global", "condition"), help="Towards which mean: of all pictures, or of each one's own class."
    )

    to: tuple[str, ...] = option(
        (),
        section="From domain to domain",
        help="Walk to this adaptation of the same base, with the same latents. Repeatable: one after the other.",
    )
    from_strength: float | None = option(
        None, help="Where the walk begins: 0 (if not given) is the source of --model or --to; of an adaptation with --to, 1."
    )
    to_strength: float = option(
        1.0, help="How far it goes into each domain; with --from-strength alone, into that of --model."
    )
    force: bool = option(False, alias="any-base", help="Also take adaptations of siblings of the base, whose tensors fit.")

    from_picture: str | None = option(
        None,
        section="From picture to picture",
        help="A photograph to begin at, which is looked for in the generator, also one inside of data: "
        "photos.zip:apple/1.jpg. Or the folder that nada invert wrote for one; where the generator was tuned for it, the "
        "tuned one is walked through.",
    )
    to_picture: tuple[str, ...] = option((), help="Where to go from there. Repeatable: one after the other.")
    invert_steps: int = option(300, help="Steps of the search for each photograph.")

    frames: int = option(120, section="The film", help="Of the whole walk: 20 to 500 are usual, 2 to 10000 possible.")
    fps: float = option(25.0, help="Frames a second: up to 50 in a GIF, 120 in an MP4.")
    loop: bool = option(False, help="Go back to the beginning, so that the film repeats without a jump.")
    easing: str = option("linear", choices=("linear", "smooth"), help="smooth slows down at every key frame.")
    columns: int | None = option(
        None,
        help="Several walks side by side: the seeds are dealt out to N of them, as 0-5 to two: 0,1,2 and 3,4,5. In a walk "
        "between domains, tiles beside one another.  [default: 1; about a square of tiles]",
    )
    size: int | None = option(None, help="Side of a tile in pixels; the generator's own if not given.")
    upscale: str = option(
        "lanczos", choices=("lanczos", "nearest"), help="How tiles become larger: lanczos smooths, nearest shows the pixels."
    )
    label: bool = option(False, help="Write seeds, classes and domains above the pictures, and the time below.")
    out: str = option(
        "walk.gif", help="walk.gif, walk.mp4 (needs pip install imageio-ffmpeg), or a folder for PNGs. Replaced if there."
    )
    quality: int = option(8, help="Of an MP4, 1 to 10; 8 looks like the pictures themselves.")

    device: str = option("auto", section="The machine", help="auto, cpu, cuda or cuda:1.")
    precision: str = option(
        "fp32",
        choices=("auto", "fp32", "bf16", "fp16"),
        help="Of the feature maps. 16 bits are faster where the machine multiplies them; colours move a little.",
    )
