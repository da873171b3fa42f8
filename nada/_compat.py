"""Makes open_clip importable beside a CPU build of torch, and finds what lies in torchmetrics without importing it.

The registry's torchvision wheel is linked against CUDA. Beside a CPU torch its C++ half cannot load, the
operators it would define are missing, and `import torchvision` dies with ``RuntimeError: operator
torchvision::nms does not exist``, which takes down everything that imports it. Declaring the two operators
(without a body) is all that its Python half needs; calling them still says that the C++ ones are missing.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from nada.errors import NadaError

_declared: list[object] = []  # torch forgets an operator when its Library object is collected


def _declare_torchvision_operators() -> None:
    import torch

    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "FRAGMENT")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _declared.append(library)


def _ensure_torchvision() -> None:
    """Import torchvision, mending it once where it is broken; where it is not installed, do nothing."""
    try:
        importlib.import_module("torchvision")
    except ModuleNotFoundError:
        return  # its importers handle absence, or report it by name
    except RuntimeError as error:
        if "torchvision::" not in str(error) or _declared:
            raise
        _declare_torchvision_operators()
        importlib.import_module("torchvision")


def import_open_clip() -> ModuleType:
    """Return the `open_clip` module, with torchvision mended first where it needs to be."""
    _ensure_torchvision()
    return importlib.import_module("open_clip")


def lpips_heads(net: str) -> Path:
    """Return the file of the linear heads of LPIPS for "alex" or "vgg", which torchmetrics' wheel carries.

    Raises NadaError where torchmetrics is not installed or has them no more.
    """
    spec = importlib.util.find_spec("torchmetrics")
    folders = (spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        path = Path(folder) / "functional" / "image" / "lpips_models" / f"{net}.pth"
        if path.is_file():
            return path
    raise NadaError(f"The heads of LPIPS for {net} are missing; install torchmetrics, whose package they are in.")
