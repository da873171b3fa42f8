"""Generators of the Hugging Face hub, on a hub of our own: addresses, what is fetched, the cache, and clear refusals."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from checkpoint_makers import random_generator
from fake_hub import FakeHub
from fake_hub import fake_hub as fake_hub

from nada.checkpoints import hash_generator, load_generator, native
from nada.checkpoints.hub import HubAddress, parse_address
from nada.checkpoints.loading import find_adaptation
from nada.errors import NadaError, UsageError

SMALL = {"resolution": 8, "channels": (6, 4), "z_dim": 5, "w_dim": 5, "mapping_layers": 2}
GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return native.encode_generator(random_generator(**SMALL))


def adaptation_of(base: object, name: str) -> bytes:
    generator = load_generator(base)
    tensors = {"b8.conv1.weight": generator.state_dict()["b8.conv1.weight"] + 1}
    return native.encode_adaptation(tensors, {"base": name, "base_sha256": hash_generator(generator)})


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("hf:a/b", HubAddress("a/b")),
        ("hf:a/b-1.0_x@v1.2", HubAddress("a/b-1.0_x", "v1.2")),
        ("hf:a/b@refs%2Fpr%2F1/x/y.pkl", HubAddress("a/b", "refs/pr/1", "x/y.pkl")),
        ("hf:a/b/sub/", HubAddress("a/b", None, "sub")),
    ],
)
def test_addresses(text: str, address: HubAddress) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["hf:", "hf:a", "hf:/a", "hf:a/", "hf:a b/c", "hf:a/b@", "hf:a/b@ /c", "hf:a/b/../c", "hf:../b"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError, match="hf:owner/name"):
        parse_address(text)


def test_only_weights_and_config_are_fetched(hub: FakeHub, files: dict[str, bytes]) -> None:
    hub.add("someone/model", {**files, "README.md": b"card", "adaptation.safetensors": b"small", "samples.png": b"big"})
    generator = load_generator("hf:someone/model")
    assert native.encode_generator(generator)["model.safetensors"] == files["model.safetensors"]
    assert sorted(hub.downloads()) == ["config.json", "model.safetensors"]


def test_all_files_are_of_one_commit(hub: FakeHub, files: dict[str, bytes]) -> None:
    """Somebody uploads another generator while this one is fetched; its weights would not fit the older config."""
    other = native.encode_generator(random_generator(**{**SMALL, "channels": (4, 4)}))
    repository = hub.add("someone/model", files)
    hub.before["HEAD .*/model.safetensors"] = lambda: repository.commit(other)
    assert load_generator("hf:someone/model").config.channels == (6, 4)
    assert not hub.before
    assert load_generator("hf:someone/model").config.channels == (4, 4)


def test_the_cache_serves_without_the_network(hub: FakeHub, files: dict[str, bytes]) -> None:
    hub.add("someone/model", files)
    before = hash_generator(load_generator("hf:someone/model"))
    hub.repositories.clear()
    hub.refuse["HEAD "] = hub.refuse["GET "] = (503, "down")
    assert hash_generator(load_generator("hf:someone/model")) == before


def test_revisions_and_folders(hub: FakeHub, files: dict[str, bytes]) -> None:
    other = native.encode_generator(random_generator(**{**SMALL, "channels": (4, 4)}))
    repository = hub.add("someone/model", files)
    first = repository.branches["main"]
    repository.commit({f"deep/er/{name}": data for name, data in other.items()})
    repository.commit({f"generator/{name}": data for name, data in other.items()}, "run")
    assert load_generator(f"hf:someone/model@{first}").config.channels == (6, 4)
    assert load_generator("hf:someone/model/deep/er").config.channels == (4, 4)
    assert load_generator("hf:someone/model@run").config.channels == (4, 4)


def test_a_checkpoint_of_others_is_named_by_its_file(hub: FakeHub) -> None:
    name = "stylegan2-ada-32.pkl"
    hub.add("someone/pickles", {"nets/face.pkl": (GOLDEN / name).read_bytes()})
    with pytest.raises(NadaError, match="holds no generator of nada.*as in hf:someone/pickles/nets/face.pkl"):
        load_generator("hf:someone/pickles")
    found = hash_generator(load_generator("hf:someone/pickles/nets/face.pkl"))
    assert found == hash_generator(load_generator(GOLDEN / name))


def test_an_adaptation_is_put_onto_its_base(hub: FakeHub, files: dict[str, bytes], tmp_path: Path) -> None:
    hub.add("someone/base", files)
    base = load_generator("hf:someone/base")
    hub.add("someone/style", {"adaptation.safetensors": adaptation_of("hf:someone/base", "hf:someone/base")})
    adapted = load_generator("hf:someone/style")
    assert torch.equal(adapted.b8.conv1.weight, base.b8.conv1.weight + 1)
    assert torch.equal(adapted.b8.conv0.weight, base.b8.conv0.weight)
    assert hash_generator(load_generator("hf:someone/style/adaptation.safetensors")) == hash_generator(adapted)
    assert find_adaptation("hf:someone/style")[1] == "hf:someone/base"
    assert find_adaptation("hf:someone/base") is None
    hub.add("someone/base", native.encode_generator(random_generator(**SMALL, seed=7)))
    with pytest.raises(NadaError, match="another generator than hf:someone/base"):
        load_generator("hf:someone/style")


def test_that_there_is_no_adaptation_is_remembered_offline(hub: FakeHub, files: dict[str, bytes]) -> None:
    hub.add("someone/base", files)
    assert find_adaptation("hf:someone/base") is None
    hub.refuse["HEAD "] = hub.refuse["GET "] = (503, "down")
    assert find_adaptation("hf:someone/base") is None


def test_a_base_may_lie_beside_its_adaptation(tmp_path: Path, files: dict[str, bytes]) -> None:
    (tmp_path / "base").mkdir()
    for name, data in files.items():
        (tmp_path / "base" / name).write_bytes(data)
    (tmp_path / "adaptation.safetensors").write_bytes(adaptation_of(tmp_path / "base", "base"))
    assert hash_generator(load_generator(tmp_path)) != hash_generator(load_generator(tmp_path / "base"))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("hf:someone/missing", "shows no such repository.*hf auth login"),
        ("hf:someone/notes@v9", "no such revision"),
        ("hf:someone/notes/x.pkl", "no such file"),
        ("hf:someone/notes", "holds no generator of nada .*only .gitattributes, notes.txt"),
        ("hf:someone/not--this", "cannot be a name"),
    ],
)
def test_refusals_say_what_to_do(hub: FakeHub, spec: str, words: str) -> None:
    hub.add("someone/notes", {"notes.txt": b"x"})
    with pytest.raises(NadaError, match=words) as info:
        load_generator(spec)
    assert str(info.value).startswith(spec) and "\n" not in str(info.value)


def test_private_needs_a_token(hub: FakeHub, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add("someone/secret", files, private=True)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(NadaError, match="if it is private run 'hf auth login' or set HF_TOKEN"):
        load_generator("hf:someone/secret")
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_test")
    assert load_generator("hf:someone/secret").config.resolution == 8


def test_without_a_network(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(NadaError, match="hf:someone/model: not on this machine yet, and the hub cannot be reached"):
        load_generator("hf:someone/model")
