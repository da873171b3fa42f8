"""Exports to folders: what lies in them, what loads, what is refused, and that nothing of this machine is in them."""

from __future__ import annotations

import doctest
import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch
from checkpoint_makers import random_generator
from export_runs import TINY, make_adaptation

import nada.checkpoints.hub
import nada.sharing.api
import nada.sharing.folder
import nada.sharing.head
import nada.sharing.numbers
import nada.sharing.portable
from nada.checkpoints import hash_generator, load_generator, save_generator
from nada.checkpoints.native import read_adaptation
from nada.checkpoints.records import read_record
from nada.domains import load_pair
from nada.errors import NadaError, UsageError
from nada.evaluation.origin import origin_of
from nada.files import write_bytes
from nada.sharing import export
from nada.sharing.bundle import MANIFEST, Bundle
from nada.sharing.folder import write_folder


@pytest.fixture(name="run", scope="module")
def a_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_adaptation(tmp_path_factory.mktemp("somebody"))[0]


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("module", ["api", "portable", "numbers", "head"])
def test_the_examples_of_the_documentation(module: str) -> None:
    assert doctest.testmod(getattr(nada.sharing, module)).attempted
    assert not doctest.testmod(getattr(nada.sharing, module)).failed


def test_the_examples_of_addresses() -> None:
    assert doctest.testmod(nada.checkpoints.hub) == (0, 1)


def test_what_lies_in_an_export_and_that_it_loads(run: Path, tmp_path: Path) -> None:
    done = export(run, tmp_path / "out")
    files = bytes_below(tmp_path / "out")
    assert (
        set(files)
        == set(done.files)
        == {
            *("README.md", "config.json", "model.safetensors", "adaptation.safetensors"),
            *("before-after.png", "samples.png", "result.json", "results.json", "nada-export.json"),
        }
    )
    assert {name: len(data) for name, data in files.items()} == done.files
    assert hash_generator(load_generator(tmp_path / "out")) == hash_generator(load_generator(run)) == done.weights_sha256
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_whole_weights_need_no_base(run: Path, tmp_path: Path) -> None:
    """A half-hearted export would load only where the base still lies."""
    copy = shutil.copytree(run.parent, tmp_path / "copy")
    inside = copy / run.name
    for file in ("config.json", "adaptation.safetensors"):
        (inside / file).write_bytes((run / file).read_bytes())
    done = export(run, tmp_path / "out")
    os.rename(run.parent / "secret", run.parent / "gone")
    try:
        assert hash_generator(load_generator(tmp_path / "out")) == done.weights_sha256
    finally:
        os.rename(run.parent / "gone", run.parent / "secret")


def test_the_adaptation_alone(run: Path, tmp_path: Path) -> None:
    base = load_generator(run.parent / "secret" / "base")
    done = export(run, tmp_path / "out", only="adaptation")
    assert "model.safetensors" not in done.files and "config.json" not in done.files
    assert any("base, which others do not have" in remark for remark in done.remarks)
    tensors, metadata = read_adaptation(tmp_path / "out" / "adaptation.safetensors")
    assert metadata["base"] == "base" and metadata["base_sha256"] == hash_generator(base)
    assert torch.equal(tensors["b8.conv1.weight"], base.b8.conv1.weight + 1)
    with pytest.raises(NadaError, match="adapted from 'base', which cannot be loaded"):
        load_generator(tmp_path / "out")
    save_generator(tmp_path / "out" / "base", base)  # as the card says
    assert hash_generator(load_generator(tmp_path / "out")) == done.weights_sha256
    assert hash_generator(load_pair(tmp_path / "out").source) == hash_generator(base)


def test_nothing_of_this_machine_is_in_an_export(run: Path, tmp_path: Path) -> None:
    export(run, tmp_path / "out")
    for name, data in bytes_below(tmp_path / "out").items():
        assert str(run.parent).encode() not in data, name
        assert b"secret" not in data, name


def test_the_same_run_gives_the_same_bytes(run: Path, tmp_path: Path) -> None:
    export(run, tmp_path / "one")
    os.rename(run, run.with_name("00007-elsewhere"))
    try:
        export(run.with_name("00007-elsewhere"), tmp_path / "two" / "deep")
    finally:
        os.rename(run.with_name("00007-elsewhere"), run)
    assert bytes_below(tmp_path / "one") == bytes_below(tmp_path / "two" / "deep")


def test_a_base_by_another_name_is_compared(tmp_path: Path) -> None:
    run, base = make_adaptation(tmp_path)
    other = save_generator(tmp_path / "other", random_generator(**TINY, seed=5))
    same = save_generator(tmp_path / "same", base)
    with pytest.raises(NadaError, match="not the generator that was adapted"):
        export(run, tmp_path / "out", base=str(other))
    export(run, tmp_path / "out", base=str(same))
    assert read_adaptation(tmp_path / "out" / "adaptation.safetensors")[1]["base"] == str(same)


def test_an_older_export_is_replaced_whole(run: Path, tmp_path: Path) -> None:
    export(run, tmp_path / "out")
    export(run, tmp_path / "out", only="adaptation")
    assert "model.safetensors" not in bytes_below(tmp_path / "out")


def test_what_is_no_export_is_left_alone(run: Path, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("x")
    with pytest.raises(NadaError, match="holds mine.txt, no export of nada"):
        export(run, tmp_path / "notes", force=True)
    with pytest.raises(NadaError, match="no export of nada"):
        export(run, run, force=True)
    with pytest.raises(NadaError, match="is a file"):
        export(run, tmp_path / "notes" / "mine.txt")
    export(run, tmp_path / "out")
    (tmp_path / "out" / "mine.txt").write_text("x")
    with pytest.raises(NadaError, match="holds mine.txt beside an older export"):
        export(run, tmp_path / "out", force=True)
    assert (tmp_path / "out" / "mine.txt").read_text() == "x"


def test_an_edited_card_is_kept_without_force(run: Path, tmp_path: Path) -> None:
    export(run, tmp_path / "out")
    (tmp_path / "out" / "README.md").write_text("my own words")
    with pytest.raises(NadaError, match="README.md in .* was edited.*--force"):
        export(run, tmp_path / "out")
    assert (tmp_path / "out" / "README.md").read_text() == "my own words"
    export(run, tmp_path / "out", force=True)
    assert (tmp_path / "out" / "README.md").read_text().startswith("---\n")


def test_the_current_folder_is_not_replaced(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NadaError, match="folder you are in"):
        export(run, ".")


def test_a_failure_on_the_way_leaves_the_older_export(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export(run, tmp_path / "out", license="mit")
    before = bytes_below(tmp_path / "out")
    real = os.replace

    def fails_at_the_card(source: object, target: object) -> None:
        if str(target).endswith("README.md"):
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(os, "replace", fails_at_the_card)
    with pytest.raises(NadaError, match="the disk is full"):
        export(run, tmp_path / "out")
    assert bytes_below(tmp_path / "out") == before and list(tmp_path.iterdir()) == [tmp_path / "out"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_killed_export_never_looks_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed when its first file is written, it leaves no folder of that name; the next export works and cleans up."""
    bundle = Bundle("dots", {"a.txt": b"a", MANIFEST: b"{}"}, "")
    process = os.fork()
    if process == 0:
        monkeypatch.setattr(nada.sharing.folder, "write_bytes", lambda path, data: (write_bytes(path, data), time.sleep(60)))
        write_folder(bundle, tmp_path / "out")
        os._exit(0)
    while not list(tmp_path.glob(".out.*.export/*")):
        time.sleep(0.01)
    os.kill(process, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    write_folder(bundle, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert bytes_below(tmp_path / "out") == dict(bundle.files)


def test_what_other_exports_are_writing_is_left_alone(tmp_path: Path) -> None:
    """Fails where a name that begins alike, or is a pattern, is taken for what a killed export has left."""
    bundle = Bundle("dots", {"a.txt": b"a", MANIFEST: b"{}"}, "")
    for name in (".out.v2.0123abcd.export", ".other.0123abcd.export"):
        (tmp_path / name).mkdir()
    write_folder(bundle, tmp_path / "out")
    write_folder(bundle, tmp_path / "[o]*")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *(".other.0123abcd.export", ".out.v2.0123abcd.export", "[o]*", "out")
    ]


def test_an_older_export_comes_back_where_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(Bundle("one", {MANIFEST: b'{"format": "nada-export", "files": {}}'}, ""), tmp_path / "out")
    real = os.replace

    def fails_once(source: Path, target: Path) -> None:
        if Path(target) == tmp_path / "out" and not (tmp_path / "failed").exists():
            (tmp_path / "failed").touch()
            raise OSError(13, "Permission denied")
        real(source, target)

    monkeypatch.setattr(os, "replace", fails_once)
    with pytest.raises(NadaError, match="permission denied"):
        write_folder(Bundle("two", {MANIFEST: b"{}"}, ""), tmp_path / "out")
    assert (tmp_path / "out" / MANIFEST).read_bytes().startswith(b'{"format"')


def test_a_dry_run_writes_nothing(run: Path, tmp_path: Path) -> None:
    done = export(run, tmp_path / "out", dry_run=True)
    assert done.dry_run and done.files["model.safetensors"] > 1000 and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"only": "model"}, "--only can be adaptation"),
        ({"to": ""}, "--to is empty"),
        ({"public": True}, "--public is for the hub"),
        ({"license": " "}, "--license is empty"),
        ({"license": "\u8bb8\u53ef"}, "no Latin letter"),
        ({"to": "hf:owner"}, "hf:owner/name"),
        ({"to": "hf:owner/name/sub"}, "a whole repository"),
        ({"spec": "demo", "only": "adaptation"}, "a whole generator, not an adaptation"),
    ],
)
def test_options_that_make_no_sense(run: Path, tmp_path: Path, options: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        export(**{"spec": run, "to": tmp_path / "out", **options})
    assert not list(tmp_path.iterdir())


def test_a_results_file_of_something_else_is_named(tmp_path: Path) -> None:
    run, _ = make_adaptation(tmp_path)
    (run / "results.json").write_text(json.dumps({"scores": 3}))
    with pytest.raises(NadaError, match="results.json is not what nada evaluate writes"):
        export(run, tmp_path / "out")


def make_reviewed(run: Path) -> None:
    """Give the record of a run what an evaluation asks for beside words: who guided, and who chose the step."""
    record = json.loads((run / "config.json").read_text())
    record["guide"]["encoders"][0]["sha256"] = "of demo"
    record["judge"] = {"encoders": [{"name": "demo-judge", "sha256": "of demo-judge"}]}
    record["options"] |= {"method": "nada", "stop": None}
    (run / "config.json").write_text(json.dumps(record))


@pytest.mark.parametrize("only", [None, "adaptation"])
def test_an_export_knows_its_guides_prompts_and_base(tmp_path: Path, only: str | None) -> None:
    """Fails where a guide could judge what it guided, once that was exported, or a stranger's folder counts as the base."""
    run, _ = make_adaptation(tmp_path)
    make_reviewed(run)
    export(run, tmp_path / "out", only=only)
    shared = origin_of(str(tmp_path / "out"))
    assert shared.guides == {"of demo": "demo"} and shared.choosers == {"of demo-judge": "demo-judge"}
    assert (shared.option("source"), shared.option("target")) == ("image", "minimal | logo")
    assert shared.folder is None and not shared.is_run, "nothing is written into an export"
    assert shared.base_spec is None, "the base is a file of its author's"
    save_generator(tmp_path / "out" / "base", random_generator(**TINY))
    assert origin_of(str(tmp_path / "out")).base_spec == str(tmp_path / "out" / "base")
    export(run, tmp_path / "renamed", only=only, base=str(save_generator(tmp_path / "same", random_generator(**TINY))))
    assert origin_of(str(tmp_path / "renamed")).base_spec == str(tmp_path / "same")
    export(tmp_path / "renamed", tmp_path / "again", only=only)
    assert origin_of(str(tmp_path / "again")).guides == shared.guides, "an export of an export"
    assert read_record(run / "adaptation.safetensors") == json.loads((run / "config.json").read_text())
