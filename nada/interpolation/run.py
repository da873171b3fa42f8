"""`nada interpolate`: a walk, made into a film."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nada import __version__
from nada.config import to_json
from nada.config.interpolate import InterpolateConfig
from nada.interpolation.plan import plan_film
from nada.movies import check_movie, save_movie
from nada.runs import clean_termination


@clean_termination()
def run_interpolation(
    config: InterpolateConfig, say: Callable[[str], None], bar: Callable[[str], Callable[..., Any]] | None = None
) -> Path:
    """Make the film that `config` asks for; returns its file or folder, which is whole or, if it was there, the old one.

    Args:
        say: told in a line what is made on what, and in another where it is.
        bar: given a title, returns what shows progress, as of `save_movie`.

    Raises:
        UsageError: for options that make no sense, or not together.
        NadaError: for what cannot be read or written.
    """
    out = Path(config.out).expanduser()
    check_movie(out, (1, 1), config.fps, config.quality)  # before anything is loaded; its size is seen later
    film = plan_film(config)
    say(film.headline)
    facts = {"command": "interpolate", "version": __version__, "options": to_json(config)}
    note = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    save_movie(out, film.sheets, config.fps, config.quality, note, bar("frames") if bar else None)
    height, width = film.sheets[0].shape[:2]
    seconds = "" if out.is_dir() else f" of {len(film.sheets) / config.fps:.1f} s, {out.stat().st_size / 1e6:.1f} MB"
    say(f"{out}: {len(film.sheets)} frames of {width}x{height} pixels{seconds}")
    return out
