"""`nada convert`: any readable generator as our folder, or as a .pt for the official StyleGAN-NADA."""

from __future__ import annotations

import click


@click.command("convert")
@click.argument("source", metavar="IN")
@click.argument("out", metavar="OUT")
def command(source: str, out: str) -> None:
    """Convert the generator IN (file, run folder or name) to OUT.

    OUT is a folder with model.safetensors and config.json, which every nada command reads; or, if it ends in
    .pt, a file in the layout of rosinality/stylegan2-pytorch, which the official StyleGAN-NADA loads.
    """
    import io
    from pathlib import Path

    from nada.checkpoints import hash_generator, read_generator, save_generator
    from nada.files import write_bytes

    loaded = read_generator(source)
    if loaded.note:
        click.echo(f"nada: note: {loaded.note}", err=True)
    if out.endswith(".pt"):
        import torch

        from nada.checkpoints.rosinality import export_generator, losses_of_export

        buffer = io.BytesIO()
        torch.save(export_generator(loaded.generator), buffer)
        write_bytes(out, buffer.getvalue())
        for loss in losses_of_export(loaded.generator.config):
            click.echo(f"nada: warning: {loss}", err=True)
    else:
        metadata = {
            "converted_from": loaded.path.name,
            "kind": loaded.kind,
            "weights_sha256": hash_generator(loaded.generator),
        }
        save_generator(Path(out), loaded.generator, metadata)
    config = loaded.generator.config
    classes = f", {config.num_classes} classes" if config.num_classes else ""
    click.echo(f"{out}: {config.resolution} px{classes}, from {loaded.path} ({loaded.kind})")
