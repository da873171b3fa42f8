"""Style mixing: tables in which rows give some layers' styles and columns the others' (arXiv:1812.04948, figure 3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from nada.errors import UsageError
from nada.generation.layers import parse_layers
from nada.generation.painter import Painter
from nada.generation.plan import Plan
from nada.generation.recipe import Recipe, StyleMix
from nada.generation.seeds import parse_seeds
from nada.generation.sheets import contact_sheet
from nada.generation.writing import Writer, own_folder, survey
from nada.images import save_png

MOST = 1000  # pictures in a table


class MixTable(NamedTuple):
    """Pictures `(R, C, H, W, 3)` and their sources `(R, H, W, 3)` and `(C, H, W, 3)`, all uint8."""

    pictures: np.ndarray
    rows: np.ndarray
    columns: np.ndarray


def mixed(row: Recipe, column: Recipe, layers: tuple[int, ...]) -> Recipe:
    """The recipe of a cell: that of its row, with `layers` of its column's styles."""
    return dataclasses.replace(row, mix=StyleMix(column.seed, column.condition, layers), offset="")


def check_table(rows: Sequence[int], columns: Sequence[int]) -> None:
    """Raise UsageError for seeds of a table without pictures, or of one with too many."""
    if not len(rows) or not len(columns):
        raise UsageError("A table has a row and a column or more.")
    if len(rows) * len(columns) > MOST:
        raise UsageError(f"A table of {len(rows)} times {len(columns)} pictures is too large; {MOST} are the most.")


def paint_table(painter: Painter, rows: Sequence[Recipe], columns: Sequence[Recipe], layers: tuple[int, ...]) -> MixTable:
    """Paint every row's picture with `layers` of every column's styles, and the pictures alone."""
    cells = [mixed(row, column, layers) for row in rows for column in columns]
    pictures = painter.paint(cells)
    shape = (len(rows), len(columns), *pictures.shape[1:])
    return MixTable(pictures.reshape(shape), painter.paint(rows), painter.paint(columns))


def run_mixing(plan: Plan) -> dict[str, Any]:
    """Write a file for every cell, `mix-r0001-c0002.png`, one for every source, and the sheet `mixing.png`."""
    config, painter = plan.config, plan.painter
    layers = parse_layers(config.mix_layers, painter.generator.num_ws)
    asked = (config.mix_rows, "--mix-rows"), (config.mix_cols, "--mix-cols")
    seeds = [parse_seeds(str(text), flag).unique() for text, flag in asked]
    check_table(*seeds)
    plain = dataclasses.replace(plan, look=dataclasses.replace(plan.look, mix=None, offset=""))
    rows, columns = ([plain.recipe(seed) for seed in some] for some in seeds)
    with own_folder(plan.out):
        files = dict(_files(rows, columns, layers))
        kept = survey(plan.out, files.get)
        done = set(kept)
        table = paint_table(painter, rows, columns, layers)
        pixels = [*table.pictures.reshape(-1, *table.rows.shape[1:]), *table.rows, *table.columns]
        with Writer() as writer:
            for (name, recipe), picture in zip(_files(rows, columns, layers), pixels):
                if name not in done:
                    writer.write(plan.out / name, picture, recipe, plan.notes())
                    done.add(name)
        sheet = save_png(plan.out / "mixing.png", draw_table(table, rows, columns))
    return {"made": len(files) - len(kept), "kept": len(kept), "sheets": (sheet,)}


def _files(rows: Sequence[Recipe], columns: Sequence[Recipe], layers: tuple[int, ...]) -> Iterator[tuple[str, Recipe]]:
    """Names and recipes of all files, in the order of a table's pictures; a source in both margins comes twice."""
    for row in rows:
        for column in columns:
            yield f"mix-r{row.seed:04d}-c{column.seed:04d}.png", mixed(row, column, layers)
    for source in (*rows, *columns):
        yield f"seed{source.seed:04d}.png", source


def draw_table(table: MixTable, rows: Sequence[Recipe], columns: Sequence[Recipe]) -> np.ndarray:
    """The table as one picture: the rows' sources on the left, the columns' above, a blank corner."""
    blank = np.full_like(table.rows[0], 255)
    pictures, captions = [blank, *table.columns], ["", *(f"column {column.seed}" for column in columns)]
    for index, row in enumerate(rows):
        pictures += [table.rows[index], *table.pictures[index]]
        captions += [f"row {row.seed}", *[""] * len(columns)]
    return contact_sheet(pictures, captions, len(columns) + 1)
