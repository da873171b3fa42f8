"""An import that was interrupted, by whatever, goes on where it was and ends with the same bytes."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from import_cases import gradients as gradients
from import_cases import run
from inspect_pictures import encoded
from PIL import Image

import nada
from nada.errors import NadaError


class Stopped(Exception):
    """Stands for Ctrl-C, a full disk, a lost network drive."""


def stop_after(count: int) -> Callable[..., Iterator[Any]]:
    def progress(records: Iterable[Any], total: int, done: int) -> Iterator[Any]:
        yield from itertools.islice(records, count)
        raise Stopped

    return progress


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads take two pictures at a time, so that an early end is not before the first result."""
    monkeypatch.setattr("nada.data.decoding._CHUNK", 2)


@pytest.mark.usefixtures("small_steps")
def test_a_result_inside_the_source_is_no_part_of_it(gradients: Path, tmp_path: Path) -> None:
    """Catches files of an interrupted import, and the older result, counted among what is no picture."""
    out = gradients / "out.zip"
    run(gradients, out)
    first = out.read_bytes()
    with pytest.raises(Stopped):
        run(gradients, out, progress=stop_after(30), workers=1)
    (gradients / ".out.zip.part.lock").touch()  # as after a kill
    assert run(gradients, out).ignored == () and out.read_bytes() == first


@pytest.mark.usefixtures("small_steps")
def test_an_interrupted_import_goes_on_where_it_was(gradients: Path, tmp_path: Path) -> None:
    """Catches a result that tells where it was interrupted, and pictures decoded twice."""
    run(gradients, tmp_path / "whole.zip")
    out = tmp_path / "out.zip"
    seen = []
    for count in (9, 9, 9):
        with pytest.raises(Stopped):
            run(gradients, out, progress=stop_after(count), workers=1)
        assert not out.exists()
        lines = (tmp_path / "out.zip.part.log").read_text().splitlines()
        seen.append(len(lines) - 1)
    assert seen == sorted(set(seen)) and seen[0] > 0
    report = run(gradients, out)
    assert report.resumed == seen[-1]
    assert out.read_bytes() == (tmp_path / "whole.zip").read_bytes()
    assert sorted(path.name for path in tmp_path.glob("out.zip*")) == ["out.zip"]


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("damage", ["log cut", "part cut", "log garbage", "part longer", "log gone"])
def test_a_part_damaged_by_a_crash_is_used_as_far_as_it_is_whole(gradients: Path, tmp_path: Path, damage: str) -> None:
    run(gradients, tmp_path / "whole.zip")
    out, part, log = (tmp_path / name for name in ("out.zip", "out.zip.part", "out.zip.part.log"))
    with pytest.raises(Stopped):
        run(gradients, out, progress=stop_after(36), workers=1)
    file, change = {
        "log cut": (log, lambda data: data[:-5]),
        "part cut": (part, lambda data: data[:-5]),
        "log garbage": (log, lambda data: data + b"\x80\xff garbage"),
        "part longer": (part, lambda data: data + b"PK more"),
        "log gone": (log, lambda data: b""),
    }[damage]
    file.write_bytes(change(file.read_bytes()))
    report = run(gradients, out)
    assert out.read_bytes() == (tmp_path / "whole.zip").read_bytes()
    assert (report.resumed > 20) == (damage != "log gone")


@pytest.mark.usefixtures("small_steps")
def test_a_part_of_something_else_is_not_gone_on_with(gradients: Path, tmp_path: Path) -> None:
    """Other options, or an input that has changed in between."""
    out = tmp_path / "out.zip"
    for change in ("size", "input"):
        with pytest.raises(Stopped):
            run(gradients, out, progress=stop_after(30), workers=1)
        assert len((tmp_path / "out.zip.part.log").read_text().splitlines()) > 20
        if change == "input":
            (gradients / "a/02.png").write_bytes(encoded(Image.new("RGB", (30, 20), "red")))
        size = 8 if change == "size" else 16
        assert run(gradients, out, size).resumed == 0
        run(gradients, tmp_path / "whole.zip", size)
        assert out.read_bytes() == (tmp_path / "whole.zip").read_bytes()
        out.unlink()


def test_two_imports_to_one_place_do_not_mix(gradients: Path, tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="Windows has no advisory locks")

    def second(records: Iterable[Any], total: int, done: int) -> Iterable[Any]:
        with pytest.raises(NadaError, match="another process is importing to"):
            run(gradients, tmp_path / "out.zip")
        return records

    run(gradients, tmp_path / "out.zip", progress=second)


KILLED = """
import itertools, os, signal, sys
sys.path.insert(0, {root!r})
from nada.data import decoding, importing, journal
decoding._CHUNK, journal._EVERY = 2, 0
def progress(records, total, done):
    yield from itertools.islice(records, {count})
    os.kill(os.getpid(), signal.SIGKILL)
importing.import_pictures({source!r}, {out!r}, importing.Fit(16), workers=1, progress=progress)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_sigkill_loses_next_to_nothing(gradients: Path, tmp_path: Path) -> None:
    run(gradients, tmp_path / "whole.zip")
    values = {"root": str(Path(nada.__file__).parent.parent), "source": str(gradients), "out": str(tmp_path / "out.zip")}
    done = subprocess.run([sys.executable, "-c", KILLED.format(count=23, **values)], capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    assert not (tmp_path / "out.zip").exists()
    report = run(gradients, tmp_path / "out.zip")
    assert 15 <= report.resumed <= 23
    assert (tmp_path / "out.zip").read_bytes() == (tmp_path / "whole.zip").read_bytes()
