"""Run every command of this folder's README and put the pictures that it shows beside it.

    python experiments/tutorial/tutorial.py [FOLDER]

The commands work in FOLDER (`build/tutorial` if not given), which should be new. What would go to the hub stays here.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PHOTOS = "photos"
# The pictures of the page, and which command's file each of them is.
PICTURES = {
    "before-after.png": "runs/00000-image-to-minimal-logo/before-after.png",
    "strengths.png": "strengths/strengths.png",
    "found.png": "found/best.png",
    "mixed.png": "mixed/preview.png",
    "walk.gif": "walk.gif",
    "domains.gif": "domains.gif",
    "mine.png": "mine/sheet.png",
    "photos.gif": "photos.gif",
}


def read_commands() -> list[list[str]]:
    """The words behind `nada` of every command of the page, in their order."""
    blocks = re.findall(r"```bash\n(.*?)```", (HERE / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines() if line.strip()]
    strange = [" ".join(words) for words in lines if words[0] != "nada"]
    if strange:
        raise SystemExit(f"only commands of nada can be run, not: {strange[0]}")
    return [words[1:] for words in lines]


def read_python() -> str:
    """The code of the page."""
    return re.search(r"```python\n(.*?)```", (HERE / "README.md").read_text(encoding="utf-8"), re.DOTALL)[1]


def needs_hub(words: list[str]) -> bool:
    """Whether a command asks the hub for something."""
    return any(word.startswith("hf:") for word in words) and "--dry-run" not in words


def main() -> None:
    """Run the page."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/tutorial").resolve()
    folder.mkdir(parents=True)
    shutil.copytree(HERE / PHOTOS, folder / PHOTOS)
    for words in read_commands():
        if not needs_hub(words):
            print("$ nada", shlex.join(words), flush=True)
            subprocess.run([sys.executable, "-m", "nada", *words], cwd=folder, check=True)
    subprocess.run([sys.executable, "-c", read_python()], cwd=folder, check=True)
    for name, made in PICTURES.items():
        shutil.copyfile(folder / made, HERE / name)


if __name__ == "__main__":
    main()
