"""Files that are broken or of another kind: one sentence that names the file."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path

import pytest
from checkpoint_makers import (
    SMALL,
    nvlabs_file,
    nvlabs_generator,
    random_generator,
    refusal,
    repacked,
    rosinality_state,
    torch_file,
)

from nada.checkpoints import load_discriminator, load_generator
from nada.errors import NadaError

GOLDEN = Path(__file__).parents[1] / "golden"


def test_a_flipped_bit_in_the_weights_is_noticed(tmp_path: Path) -> None:
    made = random_generator(**SMALL)
    data = bytearray(torch_file({"g_ema": rosinality_state(made)}))
    data[data.index(made.b8.conv1.weight.detach().numpy().tobytes()) + 2] ^= 1
    assert "damaged" in refusal(tmp_path / "x.pt", bytes(data))


def test_missing_entries_of_the_archive_are_named(tmp_path: Path) -> None:
    data, buffer = torch_file({"g_ema": rosinality_state(random_generator(**SMALL))}), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            if not name.endswith("data/3"):
                new.writestr(name, old.read(name))
    other = repacked(data, lambda *_: b"").replace(b"data.pkl", b"data.txt")
    assert "data/3 is missing" in refusal(tmp_path / "x.pt", buffer.getvalue())
    assert "not one that torch.save wrote" in refusal(tmp_path / "y.pt", other)


PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(40)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (PICTURE, "picture"),
        (b"\xff\xd8\xff\xe0" + bytes(30), "picture"),
        (b"<!DOCTYPE html><html>quota exceeded</html>", "web page"),
        (b"\n <html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"\x1f\x8b" + bytes(30), "archive"),
        (b"hello, this is a text\n", "no generator file"),
        (b'{"a": 1}', "no generator file"),
        (bytes(5000), "no generator file"),
        (b"\x40" + bytes(7) + b'{"a":1}' + bytes(64), "safetensors"),
        (b"\x80\x04N.", "no StyleGAN2 network"),
    ],
)
def test_files_of_another_kind_are_named(tmp_path: Path, data: bytes, words: str) -> None:
    assert words in refusal(tmp_path / "x.pkl", data)
    refusal(tmp_path / "x.pkl", data, load_discriminator)


@pytest.mark.parametrize("name", ["stylegan2-ada-32.pkl", "stylegan2-rosinality-64.pt"])
def test_every_cut_is_an_error_and_never_a_traceback(tmp_path: Path, name: str) -> None:
    data = (GOLDEN / name).read_bytes()
    for end in (1, 2, 10, 100, 5_000, len(data) // 2, len(data) - 1000, len(data) - 1):
        refusal(tmp_path / name, data[:end])


@pytest.mark.parametrize("kind", ["zip", "legacy", "pickle"])
def test_random_damage_is_an_error_or_harmless(tmp_path: Path, kind: str) -> None:
    made = random_generator(**SMALL)
    if kind == "pickle":
        data = nvlabs_file(G_ema=nvlabs_generator(made))
    else:
        data = torch_file({"g_ema": rosinality_state(made)}, legacy=kind == "legacy")
    rng, path = random.Random(0), tmp_path / "x.bin"
    for _ in range(60):
        damaged = bytearray(data)
        for _ in range(rng.choice((1, 5, 50))):
            damaged[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(damaged)
        try:
            load_generator(path)
        except NadaError as error:
            assert str(path) in str(error) and "\n" not in str(error)
