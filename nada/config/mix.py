"""The options of `nada mix`. Importing this loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

from nada.config.fields import option


@dataclass(frozen=True)
class MixConfig:
    """How adaptations are put together, on what, and in which form the result is kept."""

    weights: str | None = option(
        None,
        section="The mix",
        help="How much of each domain, in their order: 0.7,0.3. 1 is a domain as it is, 0.5 half of the way to it, 1.5 "
        "beyond it, -0.5 away from it; they need not add up to 1. Equal shares of 1 if not given.",
    )
    base: str | None = option(
        None,
        help="Put the domains on this generator instead of the one they were made from: with --force a sibling, such as "
        "another fine-tuning of the same generator.",
    )
    force: bool = option(
        False,
        alias="any-base",
        help="Also take domains of other bases whose tensors fit: what they changed there is changed here.",
    )

    to: str = option(
        "adaptation",
        flag="as",
        alias="to",
        section="What is kept",
        choices=("adaptation", "generator"),
        help="adaptation: a small adaptation.safetensors that needs its base; generator: a folder with all weights.",
    )
    out: str | None = option(None, help="The folder to write. The next numbered one in runs/ if not given.")
    replace: bool = option(False, alias="overwrite", help="Write over an earlier mix in --out.")

    preview: bool = option(
        True, section="The preview", help="Draw preview.png: the base, each domain and the mix, of the same latents."
    )
    seeds: str = option("0-7", help="Latents of the preview, as 0-7 or 1,5,9.")
    classes: tuple[str, ...] = option(
        (),
        flag="class",
        help="Preview this class or known prompt only, by name or number. Repeatable, in turn.  [default: all]",
    )
    truncation: float | None = option(
        None, help="Psi of the preview. 1 for a generator with conditions and 0.7 for one without if not given."
    )
    device: str = option("auto", section="The machine", help="auto, cpu, cuda or cuda:1.")
