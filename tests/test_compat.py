"""The torchvision remedy, in processes of their own: what is imported once stays imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run(code: str, *path: Path) -> str:
    prelude = f"import sys; sys.path[:0] = {[str(item) for item in (*path, ROOT)]!r}\n"
    done = subprocess.run([sys.executable, "-c", prelude + code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def broken_torchvision(folder: Path, message: str) -> Path:
    """A torchvision that fails until the operator it looks for is declared, as the real wheel does."""
    package = folder / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text(
        f"import torch\nif not hasattr(torch.ops.torchvision, 'nms'):\n    raise RuntimeError({message!r})\n"
    )
    return folder


def test_open_clip_imports_beside_whatever_torchvision_is_installed() -> None:
    assert (
        run(
            "from nada._compat import import_open_clip\n"
            "module = import_open_clip()\n"
            "assert import_open_clip() is module\n"
            "print(module.__name__, 'torchvision' in sys.modules)"
        )
        == "open_clip True"
    )


def test_a_broken_torchvision_is_mended_and_stays_mended(tmp_path: Path) -> None:
    folder = broken_torchvision(tmp_path, "operator torchvision::nms does not exist")
    assert (
        run(
            "from nada import _compat\n"
            "_compat._ensure_torchvision(); _compat._ensure_torchvision()\n"
            "import gc, torch; gc.collect()\n"
            "print(hasattr(torch.ops.torchvision, 'nms'), len(_compat._declared))",
            folder,
        )
        == "True 1"
    )


def test_another_failure_of_torchvision_is_not_hidden(tmp_path: Path) -> None:
    folder = broken_torchvision(tmp_path, "out of luck")
    assert (
        run(
            "from nada import _compat\n"
            "try:\n    _compat._ensure_torchvision()\n"
            "except RuntimeError as error:\n    print(error)",
            folder,
        )
        == "out of luck"
    )


def test_importing_the_guides_imports_no_clip_library() -> None:
    assert (
        run(
            "import nada.clip\n"
            "heavy = ('open_clip', 'torchvision', 'timm', 'huggingface_hub', 'tensorboard')\n"
            "print([name for name in heavy if name in sys.modules])"
        )
        == "[]"
    )
