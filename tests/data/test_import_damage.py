"""Whatever is changed in a file, it is read or refused in one sentence: no other error, and no endless reading."""

from __future__ import annotations

import io
import json
import random
import zipfile
from pathlib import Path

import cifar_maker
import numpy as np
import pytest
from PIL import Image

from nada.data import load_dataset
from nada.errors import NadaError

CHANGES = 60


def png(value: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (value, value, value)).save(buffer, "PNG")
    return buffer.getvalue()


def a_zip() -> bytes:
    buffer = io.BytesIO()
    names = [f"{'ab'[number % 2]}/{number}.png" for number in range(4)]
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, name in enumerate(names):
            archive.writestr(name, png(number))
        content = {"labels": [[name, number % 2] for number, name in enumerate(names)], "texts": [[names[0], "x"]]}
        archive.writestr("dataset.json", json.dumps(content))
    return buffer.getvalue()


def a_parquet() -> bytes:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")

    cells = [{"bytes": png(row), "path": str(row)} for row in range(6)]
    table = pyarrow.table({"image": cells, "text": ["a"] * 6, "label": [0, 1] * 3})
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, row_group_size=3)
    return buffer.getvalue()


def changed(data: bytes, chance: random.Random) -> bytes:
    """A few bytes replaced, removed or added; half of the changes near the beginning."""
    result = bytearray(data)
    for _ in range(chance.choice((1, 2, 8))):
        place = chance.randrange(chance.choice((min(200, len(result)), len(result))))
        kind = chance.random()
        if kind < 0.7:
            result[place] = chance.randrange(256)
        elif kind < 0.85:
            del result[place : place + chance.randrange(1, 50)]
        else:
            result[place:place] = chance.randbytes(4)
    return bytes(result)


@pytest.mark.parametrize("kind", ["zip", "parquet", "pickle"])
def test_damage_is_survived(tmp_path: Path, kind: str) -> None:
    whole = {
        "zip": a_zip,
        "parquet": a_parquet,
        "pickle": lambda: cifar_maker.batch(np.zeros((2, 32, 32, 3), np.uint8), [1, 2]),
    }[kind]()
    refused = 0
    for number in range(CHANGES):
        data = changed(whole, random.Random(number))
        if kind == "pickle":
            files = {"data_batch_1": data, "batches.meta": cifar_maker.meta()}
            path = cifar_maker.archive(tmp_path / "a.tar.gz", files)
        else:
            path = tmp_path / f"a.{kind}"
            path.write_bytes(data)
        try:
            load_dataset(path, 8)
        except NadaError as error:
            refused += 1
            assert "\n" not in str(error) and path.name in str(error)
    assert refused > CHANGES // 4
