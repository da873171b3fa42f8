"""The group: what it imports, what it says, how it fails."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
import torch
from click.testing import CliRunner, Result

import nada
from nada import cli
from nada.errors import NadaError, UsageError


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_help_imports_nothing_heavy() -> None:
    """An import of torch would cost a second and a half before the first line of help."""
    code = (
        "import sys; from nada.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'torch', 'numpy', 'PIL', 'open_clip', 'tensorboard', 'tqdm'} & set(sys.modules)))"
    )
    output = python(code)
    assert output.splitlines()[-1] == "[]"
    assert 'nada adapt --source "image" --target "minimal logo"' in output


@pytest.mark.parametrize("name", ["adapt", "generate", "train", "data", "models", "convert"])
def test_help_of_a_command_needs_no_torch(name: str) -> None:
    code = (
        "import sys; from nada.cli import main\n"
        f"try: main(['{name}', '--help'])\nexcept SystemExit: pass\n"
        "print('torch' in sys.modules)"
    )
    assert python(code).splitlines()[-1] == "False"


def test_every_listed_command_exists_and_is_listed_once() -> None:
    context = click.Context(cli.main)
    for name in cli.COMMANDS:
        assert isinstance(cli.main.get_command(context, name), click.Command)
    listed = CliRunner().invoke(cli.main, ["--help"]).output
    assert all(f"  {name} " in listed for name in cli.COMMANDS)


def test_version() -> None:
    assert nada.__version__ in CliRunner().invoke(cli.main, ["--version"]).output


@pytest.mark.parametrize(
    "error, code, words",
    [
        (UsageError("The policy is odd."), 2, "nada: The policy is odd."),
        (NadaError("The file is bad."), 1, "nada: The file is bad."),
        (FileNotFoundError(2, "No such file", "x.pkl"), 1, "x.pkl"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_errors_are_one_line_and_an_exit_code(
    error: BaseException, code: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @click.command()
    def failing() -> None:
        raise error

    monkeypatch.setattr(type(cli.main), "get_command", lambda self, context, name: failing)
    result = CliRunner().invoke(cli.main, ["adapt"])
    assert result.exit_code == code and words in result.stderr and len(result.stderr.splitlines()) == 1
    if not isinstance(error, KeyboardInterrupt):
        monkeypatch.setenv("NADA_TRACEBACK", "1")
        assert CliRunner().invoke(cli.main, ["adapt"]).exception is error


def failing_with(error: BaseException, name: str, monkeypatch: pytest.MonkeyPatch) -> Result:
    command = cli.main.get_command(click.Context(cli.main), name)

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(command, "make_context", fail)
    return CliRunner().invoke(cli.main, [name])


@pytest.mark.parametrize(
    "name, options",
    [
        ("adapt", "a larger --accumulate, --checkpointing, --no-graph, a smaller --batch, another --device, "),
        ("freeze-study", "a smaller --batch, another --device, "),
        ("evaluate", "a smaller --batch, another --device, "),
        ("generate", "a smaller --batch, another --device, "),
        ("interpolate", "another --device, "),
        ("invert", "a smaller --batch, another --device, "),
        ("mix", "another --device, "),
        ("train", "a smaller --batch, another --device, "),
        ("doctor", ""),
    ],
)
def test_too_little_memory_is_a_line_that_names_the_options_which_help(
    name: str, options: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the usual failure on a GPU; catches a traceback, and advice that the command would refuse."""
    error = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 8 GiB.\n")
    result = failing_with(error, name, monkeypatch)
    start = "nada: the GPU has too little memory (another 2.00 GiB was asked for); what helps: "
    assert result.stderr == f"{start}{options}ending other programs that use it.\n" and result.exit_code == 1
    monkeypatch.setenv("NADA_TRACEBACK", "1")
    assert CliRunner().invoke(cli.main, [name]).exception is error


@pytest.mark.parametrize(
    "error, words",
    [
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), "too little memory"),
        (torch.AcceleratorError("CUDA error: out of memory\nCompile with ..."), "too little memory"),
        (
            torch.AcceleratorError("CUDA error: an illegal access\nCompile with ..."),
            "the GPU failed (CUDA error: an illegal",
        ),
    ],
)
def test_other_failures_of_a_gpu_are_a_line_as_well(
    error: RuntimeError, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = failing_with(error, "generate", monkeypatch)
    assert result.exit_code == 1 and words in result.stderr and len(result.stderr.splitlines()) == 1


def test_a_mistake_of_our_own_is_not_taken_for_a_failure_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    error = RuntimeError("shapes cannot be multiplied")
    assert failing_with(error, "generate", monkeypatch).exception is error


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["adpat"], "No such command 'adpat'. Did you mean 'adapt'? (see nada --help)"),
        (["--bogus"], "(see nada --help)"),
        (["adapt", "--bogus", "1"], "(see nada adapt --help)"),
        (["adapt", "--steps", "many"], "'many' is not a valid integer. (see nada adapt --help)"),
        (["adapt", "--method", "foo"], "'foo' is not one of 'nada', 'official'. (see nada adapt --help)"),
    ],
)
def test_bad_usage_is_one_line(arguments: list[str], words: str) -> None:
    """click itself prints the usage, a hint, an empty line and only then what was wrong."""
    result = CliRunner().invoke(cli.main, arguments)
    assert result.exit_code == 2 and not result.stdout
    assert result.stderr.startswith("nada: ") and words in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_nothing_asked_for_shows_the_help() -> None:
    result = CliRunner().invoke(cli.main, [])
    assert result.exit_code == 2 and "Try this first" in result.stderr
