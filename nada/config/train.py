"""The options of `nada train`. Importing this loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

from nada.config.fields import option


@dataclass(frozen=True)
class TrainConfig:
    """What to train on, how large, how long and how. A resumed run takes everything it had from its own folder."""

    data: str | None = option(None, help="Pictures: a folder (its folders are classes), a .zip or a .parquet file.")
    size: int = option(64, help="Side in pixels, a power of two; pictures are cropped to a square and resized.")
    include: str | None = option(None, help="Glob pattern: take only pictures whose name fits, as 'train-*'.")
    cond: str = option("auto", choices=("auto", "class", "none"), help="Class conditions; auto: where there are classes.")
    kimg: float | None = option(None, help="Thousands of pictures to show in all; 100 if not given.")
    batch: int = option(16, help="Pictures per step.")
    lr: float = option(0.0025, help="Adam's learning rate, of both networks.")
    gamma: float = option(0.1, help="Weight of the R1 penalty; 0 for none. More is steadier and blurrier.")
    r1_interval: int = option(16, help="Apply R1 every so many steps, so many times as strong.")
    channels: str = option("16384/512", help="Widths: one number, one per block (4 px first) 128,128,64, or BASE/MAX.")
    d_channels: str | None = option(None, help="Widths of the discriminator, written alike; as --channels if not given.")
    z_dim: int = option(512, help="Length of a latent.")
    w_dim: int = option(512, help="Length of a style.")
    mapping_layers: int = option(2, help="Layers of the mapping network (and of the discriminator's, for classes).")
    augment: str = option(
        "ada", choices=("ada", "diff", "none"), help="Augment what the discriminator sees: adaptively, always, never."
    )
    augment_kinds: str = option("flip,shift,colour,cutout", help="Which transforms, separated by commas.")
    ada_kimg: float = option(100.0, help="Thousands of pictures in which the adaptive strength can go from 0 to 1.")
    ema_kimg: float = option(5.0, help="Half-life of the average of the weights, in thousands of pictures.")
    mixing: float = option(0.0, help="Probability of mixing two styles in a step.")
    precision: str = option("auto", choices=("auto", "fp32", "bf16"), help="auto: bf16 on a GPU, else fp32.")
    snapshot_kimg: float = option(4.0, help="Save the state and a grid of samples every so many thousand pictures.")
    init: str | None = option(None, help="Start from this generator instead of from nothing (its sizes are kept).")
    seed: int = option(0, help="Decides weights, order of the data and every draw.")
    device: str = option("auto", help="auto, cpu, cuda or cuda:1.")
    out: str = option("runs", help="Folder that the numbered run folder is made in.")
    resume: str | None = option(None, help="Go on with this run folder, or the latest one; only --kimg may change.")
    dry_run: bool = option(False, help="Say what would be done, and do nothing.")
