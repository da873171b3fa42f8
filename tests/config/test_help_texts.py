"""What the helps of the options say: defaults that the code has, one thing in one wording, names that a user may guess."""

from __future__ import annotations

import dataclasses
import importlib
import re

import click
import pytest

from nada.adaptation.plan import DEFAULT_AUGMENT, DEFAULT_HINGE
from nada.adaptation.settings import PUBLISHED_LR, Settings, default_learning_rate, published_settings, resolve
from nada.checkpoints.registry import bundled_path
from nada.cli import COMMANDS
from nada.config.adapt import AdaptConfig
from nada.config.data import ReadingConfig
from nada.config.train import TrainConfig
from nada.files import read_json
from nada.models import GeneratorConfig
from nada.selection import _GROUPS


def helps(cls: type) -> dict[str, str]:
    return {field.name: field.metadata["help"] for field in dataclasses.fields(cls)}


def test_the_defaults_of_an_adaptation_are_told_as_they_are() -> None:
    """Fails where a default that depends on the method or the generator is changed in the code alone, or not told."""
    demo = GeneratorConfig.from_dict(read_json(bundled_path("demo") / "config.json")["config"])
    own, published = resolve(Settings(), demo), resolve(published_settings(), demo)
    expected = {
        "layers": (own.layers, str(published.layers).partition(":")[0]),
        "steps": (own.steps, published.steps),
        "batch": (own.batch, published.batch),
        "noise": (own.noise, published.noise),
        "augment": (DEFAULT_AUGMENT, "none"),
    }
    told = helps(AdaptConfig)
    for name, (ours, theirs) in expected.items():
        assert re.search(rf"\[default: {ours}; {theirs}\b.* with --method official\]$", told[name]), told[name]
    assert told["hinge"].endswith(f"[default: {DEFAULT_HINGE:g}]")
    assert f"{default_learning_rate(demo):.4f} for demo; {PUBLISHED_LR:g} with --method official]" in told["lr"]


def test_the_policies_of_layers_are_all_offered() -> None:
    """Fails where the help of the option that matters most leaves out what the policies are made of."""
    told = helps(AdaptConfig)["layers"]
    written = ("late:N", "early:N", "all", "blocks:A-B", "auto:K", "auto-official:K", "mapping", *_GROUPS)
    assert not [word for word in written if word not in told]


def test_patterns_are_described_alike() -> None:
    """Fails where one command says that a pattern fits the name alone, though all try the path, too."""
    train = helps(TrainConfig)
    for told in (helps(ReadingConfig)["include"], train["include"], train["holdout_glob"]):
        assert told.startswith("Glob pattern on a picture's name or its path in the data, as '")


@pytest.mark.parametrize("name", COMMANDS)
def test_helps_speak_plain_english(name: str) -> None:
    """Fails for "every so many steps" and "what it shall show", at which newcomers stumble."""
    command = importlib.import_module(f"nada.cli.{name.replace('-', '_')}").command
    texts = [command.help, *(getattr(parameter, "help", None) for parameter in command.params)]
    assert not [text for text in texts if text and re.search(r"\bso many\b|\bshall\b", text)]


@pytest.mark.parametrize(
    ("module", "arguments", "value"),
    [
        ("mix", ["a", "--as", "generator"], "generator"),
        ("mix", ["a", "--to", "generator"], "generator"),
        ("export", ["a", "--to", "folder"], "folder"),
        ("export", ["a", "--out", "folder"], "folder"),
    ],
)
def test_the_old_name_of_an_option_and_the_new_one_are_the_same(module: str, arguments: list[str], value: str) -> None:
    """Fails where an old command line breaks, or export has no --out as every other command has."""
    command: click.Command = importlib.import_module(f"nada.cli.{module}").command
    assert command.make_context(module, arguments).params["to"] == value


@pytest.mark.parametrize("name", ["adapt", "freeze_study", "evaluate", "generate", "interpolate", "invert"])
def test_a_generator_is_named_alike_everywhere(name: str) -> None:
    """Fails where --generator or --model, learnt from one command, is unknown to another."""
    command: click.Command = importlib.import_module(f"nada.cli.{name}").command
    (option,) = [one for one in command.params if {"--generator", "--model"} & set(one.opts)]
    assert {"--generator", "--model"} == set(option.opts)


@pytest.mark.parametrize("name", ["data_import", "convert", "export", "mix", "invert"])
def test_what_replaces_files_is_called_overwrite_everywhere(name: str) -> None:
    """In mix, --force takes adaptations of other bases: whoever learnt it from convert would get the wrong thing."""
    command: click.Command = importlib.import_module(f"nada.cli.{name}").command
    (option,) = [one for one in command.params if "--overwrite" in one.opts]
    assert option.is_flag and "eplace" in option.help or "over an earlier" in option.help
