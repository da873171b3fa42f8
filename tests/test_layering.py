"""Who may import whom, held by reading the sources. A change here is a change of design, made on purpose."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "nada"
LEAVES = {"errors", "files", "_lazy"}  # anyone may say what is wrong, write a file whole, and import names late
TABLE = {
    "errors": "",
    "files": "",
    "_lazy": "",
    "_compat": "",
    "allocator": "",
    "losses": "",
    "config": "",
    "durations": "",
    "images": "",
    "metrics": "",
    "track": "",
    "ops": "",
    "runs": "",
    "web": "",
    "processes": "runs",
    "precision": "",
    "pages": "",
    "data": "images web checkpoints pages",
    "models": "ops images",
    "movies": "images",
    "clip": "images _compat",
    "features": "images clip _compat web",
    "selection": "models",
    "checkpoints": "models ops web",
    "cards": "checkpoints",
    "domains": "models checkpoints",
    "mixing": "config cards runs precision images models checkpoints domains generation",
    "generation": "config runs images models checkpoints domains clip ops precision",
    "inversion": "config cards runs ops precision images models checkpoints domains clip features data",
    "interpolation": "config runs precision ops images movies models checkpoints domains generation inversion",
    "adaptation": "config cards runs track images models checkpoints clip selection ops precision",
    "training": "processes config durations runs track images models checkpoints data losses clip metrics ops precision",
    "evaluation": "config runs models checkpoints data clip features metrics ops processes generation",
    "study": (
        "config allocator durations runs ops metrics images data models clip features selection pages checkpoints processes "
        "adaptation evaluation generation"
    ),
    "sharing": "cards runs images metrics models checkpoints adaptation evaluation",
    # Commands are thin: at the top they import options only, everything else inside the handler.
    "cli": (
        "config allocator inversion generation mixing interpolation checkpoints adaptation evaluation training ops "
        "data web sharing study"
    ),
    "__main__": "cli",
    "__init__": "",
}
MAY_IMPORT: dict[str, set[str]] = {name: set(lower.split()) for name, lower in TABLE.items()}
SOURCES = sorted(ROOT.rglob("*.py"))


def part_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def home(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {part_of(alias.name) for alias in node.names if alias.name.split(".")[0] == "nada"}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "nada":
            names = [f"nada.{alias.name}" for alias in node.names] if node.module == "nada" else [node.module]
            found |= {part_of(name) for name in names if not name.endswith("__version__")}
    return found


def top_level(tree: ast.Module) -> ast.Module:
    return ast.Module([node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))], [])


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_downwards_only(path: Path) -> None:
    layer = home(path)
    assert layer in MAY_IMPORT, f"{layer} has no place in the table"
    forbidden = imported(ast.parse(path.read_text())) - MAY_IMPORT[layer] - LEAVES - {layer}
    assert not forbidden, f"{path.relative_to(ROOT)} imports {sorted(forbidden)}"


def test_the_table_has_no_circle_and_no_row_too_many() -> None:
    done: set[str] = set()
    left = {name: set(lower) for name, lower in MAY_IMPORT.items()}
    while left:
        free = {name for name, lower in left.items() if lower <= done}
        assert free, f"a circle among {sorted(left)}"
        done |= free
        left = {name: lower for name, lower in left.items() if name not in free}
    assert {home(path) for path in SOURCES} == set(MAY_IMPORT)


def test_a_row_of_the_table_that_nobody_uses_is_taken_out() -> None:
    used: dict[str, set[str]] = {}
    for path in SOURCES:
        used.setdefault(home(path), set()).update(imported(ast.parse(path.read_text())))
    unused = {name: sorted(lower - used[name]) for name, lower in MAY_IMPORT.items() if lower - used[name]}
    assert not unused


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.pyi")), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_package_offers_is_its_own_and_no_command(path: Path) -> None:
    offered = imported(ast.parse(path.read_text()))
    allowed = {path.parent.name} if path.parent != ROOT else set(MAY_IMPORT) - {"cli", "config", "__main__"}
    assert offered <= allowed, f"{path.relative_to(ROOT)} offers names of {sorted(offered - allowed)}"


@pytest.mark.parametrize("path", sorted((ROOT / "cli").glob("*.py")), ids=lambda path: path.name)
def test_commands_import_only_options_at_the_top(path: Path) -> None:
    assert imported(top_level(ast.parse(path.read_text()))) <= {"config", "errors", "cli", "__init__"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_commands_print(path: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    printed = [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]
    assert not printed, f"{path.name} prints in lines {printed}"
