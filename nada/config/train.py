"""The options of `nada train`. Importing this loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

from nada.config.fields import option


@dataclass(frozen=True)
class TrainConfig:
    """What to train on, how large, how long and how. A resumed run takes everything it had from its own folder."""

    data: str | None = option(
        None,
        section="Data",
        help="Pictures: a folder (its folders are classes), a .zip or a .parquet file (needs pip install pyarrow).",
    )
    size: int | None = option(
        None,
        help="Side in pixels, a power of two; pictures are cropped to a square and resized. If not given, that of --init, "
        "else that of data from nada data import, else 64.",
    )
    include: str | None = option(
        None,
        help="Glob pattern on a picture's name or its path in the data, as 'train-*' or 'train/*'.  [default: all]",
    )
    mirror: bool = option(
        False, help="Add the mirror image of every picture; not where left and right matter, as in writing."
    )
    cond: str = option(
        "auto",
        choices=("auto", "class", "text", "none"),
        help="What one can ask the generator for: a class, a caption, or nothing; auto: the first of these that the data have.",
    )
    text_guide: str = option("demo", help="Guide that reads the captions: demo (bundled), ViT-B-32/openai, NAME=FILE.")
    holdout: float = option(0.0, help="Keep this share of the pictures, as 0.05, out of training, and measure against it.")
    holdout_glob: str | None = option(
        None,
        help="Glob pattern on a picture's name or its path in the data, as 'test-*': keep these out, and measure against them.",
    )

    channels: str = option(
        "16384/512",
        section="Networks",
        help="Widths: one number, one per block (4 px first) as 128,128,64, or BASE/MAX.",
    )
    d_channels: str | None = option(None, help="Widths of the discriminator, written alike.  [default: as --channels]")
    z_dim: int = option(512, help="Length of a latent.")
    w_dim: int = option(512, help="Length of a style.")
    mapping_layers: int = option(2, help="Layers of the mapping network, and of the discriminator's for conditions.")
    mbstd_group: int = option(
        4, help="How many pictures the discriminator compares with one another to see whether they differ; 1 for none."
    )
    spectral_norm: bool = option(False, help="Bound how steep each layer of the discriminator can be; try it with hinge.")
    init: str | None = option(
        None,
        help="Fine-tune: start from this generator (any that nada reads; its sizes are kept), and from its "
        "discriminator where there is one.",
    )
    freeze_d: int = option(0, help="With --init, keep the discriminator's N finest blocks as they are (FreezeD).")

    batch: int = option(16, section="Training", help="Pictures per step, over all processes.")
    lr: float = option(0.0025, help="Adam's learning rate.")
    d_lr: float | None = option(None, help="That of the discriminator.  [default: as --lr]")
    schedule: str = option(
        "constant",
        choices=("constant", "linear", "cosine"),
        help="What becomes of the learning rate; linear and cosine end at 0.",
    )
    warmup_kimg: float = option(0.0, help="Let the learning rate rise from 0 over the first N kimg.")
    loss: str = option(
        "logistic",
        choices=("logistic", "hinge", "wgan-gp"),
        help="What the networks play for: logistic as in StyleGAN2, hinge, or wgan-gp (with --augment diff or none).",
    )
    gamma: float | None = option(
        None, help="Weight of the R1 penalty, 0 for none; more is steadier and blurrier.  [default: 0.1; 0 with wgan-gp]"
    )
    r1_interval: int = option(16, help="Apply R1 every N steps, N times as strong.")
    gradient_penalty: float = option(10.0, help="Weight of the penalty that is part of wgan-gp.")
    label_smoothing: float = option(
        0.0, help="Ask the discriminator for a little less than certainty of real pictures: 0.1."
    )
    path_length: float = option(
        0.0, help="Weight of path-length regularisation (2 as published): smoother latents, slower; 0 for none."
    )
    path_interval: int = option(4, help="Apply it every N steps, N times as strong.")
    mixing: float = option(0.0, help="Probability of mixing two styles in a step; 0.9 as published.")
    g_steps: int = option(1, help="Updates of the generator in a step.")
    d_steps: int = option(1, help="Updates of the discriminator in a step.")
    fresh_batch: bool = option(
        False, help="Make new pictures for the discriminator, as published, instead of reusing the generator's; slower."
    )
    clip_norm: float = option(0.0, help="Shorten gradients that are longer than this; 0 for never.")
    ema_kimg: float = option(5.0, help="Half-life of the average of the weights that is kept, in thousands of pictures.")
    ema_rampup: float | None = option(
        None,
        help="Shorter in the beginning: at most this share of what was shown.  [default: 0.05; 0, for not, with --init]",
    )

    augment: str = option(
        "ada",
        section="Augmentation, for little data",
        choices=("ada", "diff", "none"),
        help="Augment what the discriminator sees: as much as it needs (ada), always, never.",
    )
    augment_kinds: str = option(
        "flip,shift,colour,cutout", help="Which of flip, turn, shift, rotate, scale, stretch, colour, hue, cutout."
    )
    ada_kimg: float = option(100.0, help="Thousands of pictures in which the adaptive strength can go from 0 to 1.")

    kimg: float | None = option(
        None, section="Length and files", help="Length in kimg, thousands of pictures shown.  [default: 100]"
    )
    duration: float | None = option(
        None,
        help="Stop N minutes after the start, saved; --resume goes on exactly as if it had not stopped.  [default: never]",
    )
    snapshot_kimg: float = option(4.0, help="Save the state to resume from every N kimg (thousand pictures).")
    samples_kimg: float = option(20.0, help="Save a grid of samples, always of the same latents, every N kimg.")
    keep: int = option(0, help="Keep the last N states by number, beside last.ckpt, to go back to.")
    log_steps: int = option(10, help="Steps that one point of the curves is the mean of.")
    out: str = option("runs", help="Folder that the numbered run folder is made in.")
    resume: str | None = option(
        None,
        help="Go on with this run folder or .ckpt, or the latest run; only --kimg, --duration, --device and the place of "
        "the same --data may change.",
    )
    dry_run: bool = option(False, help="Say what would be done, and do nothing.")

    metrics: str = option(
        "demo-judge",
        alias="judge",
        section="Measuring",
        help="Guide whose features the samples are compared with the pictures on, or none: demo-judge (bundled), "
        "ViT-B-32/openai, NAME=FILE. The best generator is kept in best/.",
    )
    metrics_kimg: float = option(20.0, help="Measure every N kimg.")
    metrics_num: int = option(1000, help="Measure N samples against N pictures, or as many as there are.")

    device: str = option("auto", section="The machine", help="auto, cpu, cuda or cuda:1.")
    precision: str = option(
        "auto",
        choices=("auto", "fp32", "bf16"),
        help="auto: bf16 where the processor or GPU multiplies it, fp32 elsewhere.",
    )
    seed: int = option(0, help="Decides weights, order of the data and every draw.")
