"""`nada models`: list, show, fetch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from checkpoint_makers import random_generator
from click.testing import CliRunner, Result

from nada.checkpoints import registry, save_generator
from nada.cli.models import command
from nada.errors import UsageError

GOLDEN = Path(__file__).parents[1] / "golden"


def run(*args: str) -> Result:
    return CliRunner().invoke(command, list(args))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NADA_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_list_is_a_table_and_is_what_no_subcommand_shows() -> None:
    result = run("list")
    assert result.exit_code == 0 and result.output == run().output
    row = next(line for line in result.output.splitlines() if line.startswith("ffhq "))
    assert row.split()[1:3] == ["1024", "no"]


def test_the_list_for_programs_has_addresses_and_what_is_cached() -> None:
    path = registry.cache_path("cifar10")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    rows = {row["name"]: row for row in json.loads(run("list", "--json").output)}
    assert rows["cifar10"]["cached"] and not rows["ffhq"]["cached"]
    assert rows["ffhq"]["url"] == registry.KNOWN["ffhq"].url and "non-commercial" not in rows["ffhq"]["name"]


def test_bundled_generators_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"resolution": 8, "channels": (4, 2), "z_dim": 4, "w_dim": 4, "mapping_layers": 1}
    names = ("apple", "lemon")
    save_generator(tmp_path / "demo", random_generator(**sizes, num_classes=2, class_names=names))
    monkeypatch.setattr(registry, "bundled_path", lambda name: tmp_path / name)
    first = run("list").output.splitlines()[1]
    assert first.split()[:3] == ["demo", "8", "yes"] and "apple, lemon" in first


def test_show_tells_the_address_of_what_is_not_here_yet() -> None:
    output = run("show", "ffhq").output
    assert registry.KNOWN["ffhq"].url in output and "nada models fetch ffhq" in output
    assert "commercial" in output and "not published" in output


def test_show_tells_what_is_in_a_file() -> None:
    result = json.loads(run("show", str(GOLDEN / "stylegan2-ada-64-cond.pkl"), "--json").output)
    assert result["kind"] == "nvlabs" and result["resolution"] == 64 and result["num_classes"] == 10
    assert result["channels"] == [32, 32, 32, 32, 16] and result["parameters"] > 50_000
    assert "parameters" in run("show", str(GOLDEN / "stylegan2-rosinality-64.pt")).output


def test_fetch_prints_the_file_and_the_licence(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    def arrive(url: str, target: Path, *_: object, **__: object) -> Path:
        target.parent.mkdir(parents=True)
        target.write_bytes(url.encode())
        return target

    monkeypatch.setattr(registry, "save_file", arrive)
    result = run("fetch", "metfaces")
    assert result.stdout.strip() == str(cache / "generators" / "metfaces.pkl")
    assert "NVIDIA Source Code License" in result.stderr


def test_an_unknown_name_is_a_usage_error() -> None:
    assert isinstance(run("fetch", "nothing").exception, UsageError)


def test_a_bundled_generator_needs_no_fetching_and_a_misspelt_one_is_guessed(cache: Path) -> None:
    """Fails where `fetch demo` says that there is no such generator, although `list` shows it."""
    bundled, misspelt = run("fetch", "demo"), run("fetch", "metface")
    assert bundled.exit_code == 0 and bundled.output == "demo is bundled; there is nothing to fetch.\n"
    assert isinstance(misspelt.exception, UsageError) and "did you mean 'metfaces'?" in str(misspelt.exception)
    assert isinstance(run("show", "nothing").exception, UsageError)
