"""The rules of the house that a program can check."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

REPOSITORY = Path(__file__).parent.parent
SOURCES = sorted((REPOSITORY / "nada").rglob("*.py"))
CONFIGS = sorted(path for path in (REPOSITORY / "nada/config").glob("*.py") if path.stem not in ("__init__", "fields"))


def name_of(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def option_classes() -> list[type]:
    modules = [importlib.import_module(f"nada.config.{path.stem}") for path in CONFIGS]
    return [
        value
        for module in modules
        for value in vars(module).values()
        if dataclasses.is_dataclass(value) and value.__module__ == module.__name__
    ]


@pytest.mark.parametrize("order", [["check", "--quiet"], ["format", "--check"]], ids=lambda order: order[0])
def test_the_linter_has_nothing_to_say(order: list[str]) -> None:
    """Dead imports, unused names, import order, one layout for all: as `pyproject.toml` has it."""
    pytest.importorskip("ruff", reason="ruff is not installed: the sources are not linted")
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *order, "--no-cache", "."], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("cls", option_classes(), ids=lambda cls: cls.__name__)
def test_every_option_is_read_somewhere(cls: type) -> None:
    """An option that nobody reads is a promise that is not kept; the field's best known code has eleven."""
    read: set[str] = set()
    for path in SOURCES:
        if path not in CONFIGS:
            tree = ast.parse(path.read_text())
            read |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not {field.name for field in dataclasses.fields(cls)} - read


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_and_functions_stay_small(path: Path) -> None:
    assert path.read_text().count("\n") <= 300
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno - node.lineno < 60, f"{node.name} has more than 60 lines"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_what_is_public_is_documented(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "the module says nothing of itself"
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    bodies = [tree.body, *(node.body for node in nodes if not node.name.startswith("_"))]
    for node in (node for body in bodies for node in body):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            assert ast.get_docstring(node) or node.name in INHERITED, f"{node.name} has no docstring"


# Methods whose contract stands where they are first declared.
INHERITED = {"encode_image", "encode_text", "unknown_words", "describe", "list_commands", "get_command", "format_commands"}


@pytest.mark.parametrize("path", [*SOURCES, *sorted((REPOSITORY / "experiments").rglob("*.py"))], ids=name_of)
def test_nothing_is_left_behind(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HACK)\b", text)
    assert not re.search(r"except( Exception)?:\s*(#.*)?\n?\s*pass", text)
    assert not re.search(r"(?<![\w.])/(work|home|root|farm)/\w", text), "a path of one machine"


def readme_commands() -> list[list[str]]:
    blocks = re.findall(r"```bash\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.S)
    lines = [part.strip() for block in blocks for line in block.splitlines() for part in line.split("&&")]
    import shlex

    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("nada ")]


@pytest.mark.parametrize("words", readme_commands(), ids=" ".join)
def test_commands_of_the_readme_exist(words: list[str]) -> None:
    from nada.cli import main

    command: click.Command = main
    while isinstance(command, click.Group) and words:
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, f"there is no command {words[0]}"
        command, words = found, words[1:]
    known = {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= known
    command.make_context("nada", list(words), resilient_parsing=False)


def test_python_of_the_readme_runs() -> None:
    """Two steps instead of two hundred; everything else as it stands there."""
    code = re.search(r"```python\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.S)[1]
    scope: dict[str, object] = {}
    exec(code.replace("steps=200", "steps=2"), scope)
    assert scope["pictures"].shape == (16, 64, 64, 3)
