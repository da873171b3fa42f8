"""`python -m nada` is the command `nada`."""

from nada.cli import main

main(prog_name="nada")
