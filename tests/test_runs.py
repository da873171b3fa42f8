"""Run folders, saved state, devices and signals."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nada.errors import NadaError, UsageError
from nada.precision import compute_exactly
from nada.runs import (
    Interrupts,
    clean_termination,
    create_run,
    describe_environment,
    find_run,
    load_state,
    pick_device,
    save_tensors,
    slugify,
    write_json,
)


def test_names_are_plain() -> None:
    assert slugify("Image to Minimal  Logo!") == "image-to-minimal-logo"
    assert slugify("Ünïcode → ☃") == "unicode" and slugify("☃") == "run"
    assert len(slugify("long " * 50)) <= 60 and not slugify("long " * 50).endswith("-")


def test_runs_are_numbered_behind_the_highest(tmp_path: Path) -> None:
    (tmp_path / "00007-old").mkdir()
    (tmp_path / "notes").mkdir()
    assert [create_run(tmp_path, "a b").name for _ in range(2)] == ["00008-a-b", "00009-a-b"]


def _create(out: str) -> str:
    return create_run(out, "x").name


def test_processes_never_share_a_number(tmp_path: Path) -> None:
    with multiprocessing.get_context("fork").Pool(4) as pool:
        names = pool.map(_create, [str(tmp_path)] * 24, chunksize=1)
    assert sorted(int(name[:5]) for name in names) == list(range(24))
    assert len(list(tmp_path.iterdir())) == 24


def test_a_run_is_found_by_path_by_name_and_as_the_latest(tmp_path: Path) -> None:
    first, second = create_run(tmp_path, "a"), create_run(tmp_path, "b")
    (first / "last.ckpt").touch()
    assert find_run(first) == first and find_run("00001-b", tmp_path) == second
    assert find_run("latest", tmp_path) == second
    assert find_run("latest", tmp_path, containing="last.ckpt") == first
    with pytest.raises(NadaError, match="holds no last.ckpt"):
        find_run(second, tmp_path, containing="last.ckpt")
    with pytest.raises(NadaError, match="no run folder zzz"):
        find_run("zzz", tmp_path)
    with pytest.raises(NadaError, match="no run"):
        find_run("latest", tmp_path / "nowhere")


def test_only_runs_of_the_command_are_resumed(tmp_path: Path) -> None:
    """Catches `nada adapt --resume latest` on a training, which ends in "There is no option 'data'"."""
    runs = {command: create_run(tmp_path, command) for command in ("adapt", "train", "unknown")}
    for command, folder in runs.items():
        (folder / "last.ckpt").touch()
        write_json(folder / "config.json", {"command": command} if command != "unknown" else [])
    runs["unknown"].rename(tmp_path / "elsewhere")
    for command in ("adapt", "train"):
        assert find_run("latest", tmp_path, "last.ckpt", command) == runs[command]
        assert find_run(runs[command], tmp_path, "last.ckpt", command) == runs[command]
    assert find_run(tmp_path / "elsewhere", command="train") == tmp_path / "elsewhere"
    wanted = f"{runs['train']} is a run of nada train, not of nada adapt; go on with: nada train --resume {runs['train']}"
    for spec in (runs["train"], "00001-train"):
        with pytest.raises(UsageError) as raised:
            find_run(spec, tmp_path, "last.ckpt", "adapt")
        assert str(raised.value) == wanted
    with pytest.raises(NadaError, match="no run of nada mix with a last.ckpt"):
        find_run("latest", tmp_path, "last.ckpt", "mix")


def test_state_reads_back_and_equal_states_are_equal_files(tmp_path: Path) -> None:
    state = {"step": 3, "weights": {"a": torch.randn(3, 2)}, "losses": [0.5, 0.25], "none": None}
    for name in ("one.ckpt", "another.ckpt"):
        save_tensors(tmp_path / name, state)
    read = load_state(tmp_path / "one.ckpt")
    assert torch.equal(read["weights"]["a"], state["weights"]["a"]) and read["losses"] == state["losses"]
    assert (tmp_path / "one.ckpt").read_bytes() == (tmp_path / "another.ckpt").read_bytes()


def test_a_damaged_or_foreign_state_is_refused_and_not_executed(tmp_path: Path) -> None:
    save_tensors(tmp_path / "cut.ckpt", {"a": torch.zeros(1000)})
    (tmp_path / "cut.ckpt").write_bytes((tmp_path / "cut.ckpt").read_bytes()[:500])
    (tmp_path / "text.ckpt").write_text("hello")
    import pickle

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "executed"),)

    (tmp_path / "evil.ckpt").write_bytes(pickle.dumps(Evil()))
    for name in ("cut", "text", "evil"):
        with pytest.raises(NadaError, match="damaged or is not a saved state"):
            load_state(tmp_path / f"{name}.ckpt")
    assert not (tmp_path / "executed").exists()
    with pytest.raises(NadaError, match="none.ckpt"):
        load_state(tmp_path / "none.ckpt")


def test_devices() -> None:
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    for name in ("tpu", "cuda:x", "cuda:99"):
        with pytest.raises(UsageError, match=name):
            pick_device(name)


def test_the_first_signal_asks_and_the_second_insists() -> None:
    code = (
        "import os, signal\nfrom nada.runs import Interrupts\n"
        "with Interrupts() as interrupts:\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print(interrupts.requested, flush=True)\n"
        "    try: os.kill(os.getpid(), signal.SIGINT); print('went on')\n"
        "    except KeyboardInterrupt: print('stopped')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["True", "stopped"], done.stderr


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupts():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before


def test_a_clean_termination_is_an_interruption_and_nothing_after_it() -> None:
    """Catches halves of files that SIGTERM leaves, and a handler that outlives its block."""
    with pytest.raises(KeyboardInterrupt), clean_termination():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_the_environment_is_json_and_names_torch() -> None:
    facts = json.loads(json.dumps(describe_environment()))
    assert facts["packages"]["torch"] == torch.__version__


def test_the_environment_says_what_a_gpu_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where two records look alike whose float32 had 23 bits in one run and 10 in the other."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"GPU {index}")
    before = torch.get_float32_matmul_precision()
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=True, deterministic=False, allow_tf32=True):
            torch.set_float32_matmul_precision("high")
            assert describe_environment()["tf32"] == ["convolutions", "products"]
            compute_exactly(torch.device("cpu"))
            assert describe_environment()["tf32"] == ["convolutions", "products"], "what a CPU computes is no matter of GPUs"
            compute_exactly(torch.device("cuda"))
            assert describe_environment()["tf32"] == []
            assert torch.backends.cudnn.deterministic and not torch.backends.cudnn.benchmark
    finally:
        torch.set_float32_matmul_precision(before)
