"""Uploads, to a hub of our own: one commit, private by default, nothing of others overwritten, clear refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from export_runs import make_adaptation
from fake_hub import FakeHub
from fake_hub import fake_hub as fake_hub

from nada.checkpoints import hash_generator, load_generator, native
from nada.checkpoints.loading import find_adaptation
from nada.errors import NadaError
from nada.evaluation.origin import origin_of
from nada.sharing import Exported, export

NAME = "someone/logo"


@pytest.fixture(name="run", scope="module")
def a_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_adaptation(tmp_path_factory.mktemp("somebody"))[0]


def uploaded(run: Path, to: str = f"hf:{NAME}", **options: Any) -> Exported:
    return export(run, to, **options)


def test_what_was_uploaded_loads_with_the_same_bytes(hub: FakeHub, run: Path, tmp_path: Path) -> None:
    done = uploaded(run, license="mit")
    assert done.url == f"{hub.url}/{NAME}"
    repository = hub.repositories[NAME]
    assert set(repository.files()) - {".gitattributes"} == set(done.files)
    assert repository.private and len(repository.commits) == 2, "one commit beside the hub's own"
    export(run, tmp_path / "out", license="mit")
    for name in ("model.safetensors", "config.json", "adaptation.safetensors", "samples.png"):
        assert repository.files()[name] == (tmp_path / "out" / name).read_bytes()
    assert f'nada.load_generator("hf:{NAME}")' in repository.files()["README.md"].decode()
    loaded = load_generator(f"hf:{NAME}")
    assert hash_generator(loaded) == done.weights_sha256
    written = native.encode_generator(loaded)["model.safetensors"]
    assert written == repository.files()["model.safetensors"]


def test_an_adaptation_alone_loads_onto_its_base_on_the_hub(hub: FakeHub, run: Path) -> None:
    base = run.parent / "secret" / "base"
    uploaded(base, "hf:someone/base", license="mit")
    done = uploaded(run, only="adaptation", base="hf:someone/base")
    assert not [remark for remark in done.remarks if "--base" in remark]
    card = hub.repositories[NAME].files()["README.md"].decode()
    assert "\nbase_model: someone/base\n" in card and "\nbase_model_relation: adapter\n" in card
    assert hash_generator(load_generator(f"hf:{NAME}")) == done.weights_sha256 == hash_generator(load_generator(run))
    assert find_adaptation(f"hf:{NAME}")[1] == "hf:someone/base"


@pytest.mark.parametrize("only", [None, "adaptation"])
def test_what_was_uploaded_knows_where_it_came_from(hub: FakeHub, run: Path, only: str | None) -> None:
    """Fails where an evaluation of a place on the hub has no prompts, or writes into the cache of the hub."""
    uploaded(run.parent / "secret" / "base", "hf:someone/base", license="mit")
    uploaded(run, only=only, base="hf:someone/base")
    shared = origin_of(f"hf:{NAME}")
    assert shared.option("target") == "minimal | logo" and set(shared.guides.values()) == {"demo"}
    assert shared.base_spec == "hf:someone/base" and shared.folder is None
    del hub.repositories["someone/base"]
    assert origin_of(f"hf:{NAME}").option("target") == "minimal | logo"


def test_nothing_is_sent_without_being_asked(hub: FakeHub, run: Path, tmp_path: Path) -> None:
    uploaded(run, dry_run=True)
    export(run, tmp_path / "out")
    assert hub.asked == []


def test_public_is_asked_for(hub: FakeHub, run: Path) -> None:
    uploaded(run, public=True)
    assert not hub.repositories[NAME].private
    with pytest.raises(NadaError, match="can be seen by everybody; say --public"):
        uploaded(run, license="mit")
    uploaded(run, public=True, license="mit")
    hub.add("someone/hidden", {}, private=True)
    done = uploaded(run, "hf:someone/hidden", public=True)
    assert hub.repositories["someone/hidden"].private and "stays so" in done.remarks[-1]


def test_a_second_export_replaces_the_first_and_nothing_else(hub: FakeHub, run: Path) -> None:
    uploaded(run)
    repository = hub.repositories[NAME]
    repository.commit({**repository.files(), "notes.txt": b"mine"})
    uploaded(run, only="adaptation")
    files = repository.files()
    assert files["notes.txt"] == b"mine" and "model.safetensors" not in files and "adaptation.safetensors" in files


def test_the_same_export_again_makes_no_commit(hub: FakeHub, run: Path) -> None:
    uploaded(run)
    count = len(hub.repositories[NAME].commits)
    uploaded(run)
    assert len(hub.repositories[NAME].commits) == count


def test_a_branch(hub: FakeHub, run: Path) -> None:
    done = uploaded(run, f"hf:{NAME}@sketch")
    repository = hub.repositories[NAME]
    assert set(repository.files()) == {".gitattributes"} and "model.safetensors" in repository.files("sketch")
    assert hash_generator(load_generator(f"hf:{NAME}@sketch")) == done.weights_sha256


def test_what_is_no_export_is_left_alone(hub: FakeHub, run: Path) -> None:
    repository = hub.add(NAME, {"pytorch_model.bin": b"x"}, private=True)
    with pytest.raises(NadaError, match="holds pytorch_model.bin, no export of nada"):
        uploaded(run, force=True)
    assert set(repository.files()) == {".gitattributes", "pytorch_model.bin"}


def test_a_card_edited_on_the_hub_is_kept_without_force(hub: FakeHub, run: Path) -> None:
    uploaded(run)
    repository = hub.repositories[NAME]
    repository.commit({**repository.files(), "README.md": b"my words"})
    with pytest.raises(NadaError, match="card of hf:someone/logo was edited on the hub.*--force"):
        uploaded(run)
    assert repository.files()["README.md"] == b"my words"
    uploaded(run, force=True)
    assert repository.files()["README.md"] != b"my words"


def test_a_change_in_between_is_not_overwritten(hub: FakeHub, run: Path) -> None:
    uploaded(run)
    repository = hub.repositories[NAME]
    hub.before["POST .*/commit/"] = lambda: repository.commit({**repository.files(), "README.md": b"just now"})
    with pytest.raises(NadaError, match="somebody changed the repository meanwhile"):
        uploaded(run, license="mit")
    assert repository.files()["README.md"] == b"just now"


def test_without_a_token(hub: FakeHub, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(NadaError, match="no token of the Hugging Face hub.*settings/tokens.*hf auth login.*HF_TOKEN"):
        uploaded(run)
    assert hub.asked == []


def test_a_token_that_is_refused(hub: FakeHub, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_old")
    with pytest.raises(NadaError, match="hf:someone/logo: the hub does not accept the token"):
        uploaded(run)


def test_a_name_that_belongs_to_others(hub: FakeHub, run: Path) -> None:
    with pytest.raises(NadaError, match="the token may not write there"):
        uploaded(run, "hf:nvidia/logo")


@pytest.mark.parametrize(
    ("where", "status", "words"),
    [
        ("POST /api/models/someone/logo/commit", 403, "the token may not write there"),
        ("POST /someone/logo.git/info/lfs", 403, "the token may not write there"),
        ("PUT /objects/", 403, "the token may not write there"),
        ("POST /api/models/someone/logo/preupload", 413, "too large.*--only adaptation"),
        ("GET /api/whoami-v2", 429, "too many requests"),
        ("POST /api/repos/create", 402, "wants to be paid"),
        ("POST /api/models/someone/logo/commit", 418, r"error 418 \(no tea here\)"),
    ],
)
def test_refusals_say_what_to_do(hub: FakeHub, run: Path, where: str, status: int, words: str) -> None:
    hub.refuse[where] = (status, "no tea here")
    with pytest.raises(NadaError, match=words) as info:
        uploaded(run)
    assert str(info.value).startswith("hf:someone/logo: ") and "\n" not in str(info.value)
    assert NAME not in hub.repositories or set(hub.repositories[NAME].files()) == {".gitattributes"}


def test_a_file_that_the_store_refuses(hub: FakeHub, run: Path) -> None:
    hub.full = True
    with pytest.raises(NadaError, match="the hub refuses this .*no room.*nothing was published"):
        uploaded(run)


def test_a_card_that_the_hub_refuses(hub: FakeHub, run: Path) -> None:
    hub.strict = True
    with pytest.raises(NadaError, match="the hub refuses this .*Invalid metadata.*nothing was published"):
        uploaded(run)


def test_without_a_network(hub: FakeHub, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(NadaError, match="the hub cannot be reached .*nothing was published"):
        uploaded(run)
