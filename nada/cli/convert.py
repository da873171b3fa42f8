"""`nada convert`: any readable generator as our folder, as a .pt for the official StyleGAN-NADA, or as ONNX."""

from __future__ import annotations

import click

_LAYOUTS = {
    "folder": "a folder for every nada command",
    "pt": "a .pt of rosinality/stylegan2-pytorch",
    "onnx": "an ONNX graph",
}


@click.command("convert")
@click.argument("source", metavar="IN")
@click.argument("out", metavar="OUT")
@click.option("--half", is_flag=True, help="For folders: 16-bit weights, half the size. All computing stays in 32 bits.")
@click.option(
    "--onnx-input",
    type=click.Choice(["z", "w"]),
    default="z",
    show_default=True,
    help="For .onnx: start from latents z, or from styles w, for those who edit these.",
)
@click.option("--force", "--overwrite", is_flag=True, help="Replace OUT if it exists.")
def command(source: str, out: str, half: bool, onnx_input: str, force: bool) -> None:
    """Write the generator IN in another format; the end of the name OUT says which.

    \b
      OUT                what is written                      who reads it
      my-generator       a folder: model.safetensors and      every nada command; nothing is lost
                         config.json
      my-generator.pt    the layout of                        the official StyleGAN-NADA and tools
                         rosinality/stylegan2-pytorch         for that code; no classes, no text
      my-generator.onnx  one ONNX graph, opset 18             onnxruntime: Python, C++, C#, browsers;
                                                              needs pip install onnx onnxscript onnxruntime

    \b
      IN                 is whatever nada reads
      network.pkl        of stylegan2-ada-pytorch or stylegan3 (its StyleGAN2 networks)
      550000.pt          of rosinality/stylegan2-pytorch or the official StyleGAN-NADA
      runs/00003-logo    a run of nada adapt (its adapted generator) or of nada train
      demo, my-generator, hf:owner/name, or a name of 'nada models list'

    A discriminator in IN goes along into folders and .pt files, where it can be read and fits.

    \b
    The ONNX graph, all float32 but for the classes:
      z (N, z_dim)         standard normal numbers
      truncation ()        1 for none, smaller for more usual pictures
      class (N,)           int64; only if the generator has classes
      condition (N, D)     only if it follows text: the guide's embeddings, at unit length
      images (N, 3, H, W)  the result: made for [-1, 1], not clipped to it
    With --onnx-input w it takes w (N, layers, w_dim) instead of all these. N is free. The noise is the stored
    one, so that equal inputs give equal pictures. Its metadata names the weights' hash, opset and sizes.

    \b
    Try:
      nada convert demo demo.onnx
    """
    from nada.checkpoints.converting import convert

    done = convert(source, out, half, onnx_input, force)
    if done.source.note:
        click.echo(f"nada: note: {done.source.note}", err=True)
    for remark in done.remarks:
        click.echo(f"nada: note: {remark}", err=True)
    config = done.source.generator.config
    parts = [f"{config.resolution} px"]
    parts += filter(None, [config.describe_conditions()])
    parts += ["with its discriminator"] if done.discriminator else []
    parts += [f"{done.bytes / 1e6:.1f} MB", f"weights {done.weights_sha256}"]
    click.echo(f"{done.path}: {_LAYOUTS[done.layout]}, {', '.join(parts)}")
