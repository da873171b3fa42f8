"""The CUDA sources compile for every GPU from Turing to Blackwell, and their library loads where there is no GPU."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from nada.ops._recipe import LIBRARY, cuda_recipe, portable_level
from nada.ops._toolchain import Unbuildable, find_nvcc

ARCHITECTURES = ("75", "80", "86", "89", "90", "120")
# Warnings are errors; ptxas says what every kernel takes; no conversion or operator of 16-bit types may be implicit, as in
# the builds of torch's own extensions.
_STRICT = (
    "-Werror all-warnings -Xptxas -v -D__CUDA_NO_HALF_OPERATORS__ -D__CUDA_NO_HALF_CONVERSIONS__ "
    "-D__CUDA_NO_BFLOAT16_CONVERSIONS__ -D__CUDA_NO_HALF2_OPERATORS__"
)
_KERNEL = re.compile(
    r"Function properties for (\S+)\s+(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads"
)
# Both keys of every operator; -1 where something is missing.
_TRY = """
import sys, torch
torch.ops.load_library(sys.argv[1])
names = [name for name in torch._C._dispatch_get_all_op_names() if name.startswith("nada::")]
for name in names:
    for key in ("CPU", "CUDA"):
        assert torch._C._dispatch_has_kernel_for_dispatch_key(name, key), f"{name} has no kernel for {key}"
print(*sorted(names))
x = torch.randn(2, 4, 4, 4)
assert torch.allclose(torch.ops.nada.bias_act(x, None, 1, 0, 0.0, 2.0, -1.0), 2 * x)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of the library, and all that the compilers have said."""
    try:
        find_nvcc()
    except Unbuildable as missing:
        pytest.skip(f"nvcc is not on this machine: {missing}")
    try:
        recipe = cuda_recipe(ARCHITECTURES, None, level=portable_level())
    except Unbuildable as missing:
        pytest.skip(f"the operators cannot be built on this machine: {missing}")
    folder = tmp_path_factory.mktemp("cuda")
    (folder / "build.ninja").write_text(recipe.ninja_file(), encoding="utf-8")
    environment = {**os.environ, "NVCC_APPEND_FLAGS": _STRICT}
    command = [*recipe.ninja.command, "-C", str(folder), "-j", str(min(os.cpu_count() or 1, 8))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"the CUDA sources do not compile:\n{done.stdout[-6000:]}"
    return folder, done.stdout + done.stderr


def test_no_kernel_spills(built):
    kernels = _KERNEL.findall(built[1])
    assert len(kernels) > 50 * len(ARCHITECTURES), "ptxas has not told of all kernels: is -Xptxas -v lost?"
    spilling = sorted({name for name, *sizes in kernels if any(int(size) for size in sizes)})
    assert not spilling, f"kernels that keep registers in memory: {spilling}"


def test_every_architecture_is_compiled(built):
    for name in ARCHITECTURES:
        assert f"for 'sm_{name}'" in built[1], f"nothing was compiled for sm_{name}"


def test_library_has_both_backends_without_a_gpu(built):
    # In a process of its own: the operators of one name can be loaded only once.
    command = [sys.executable, "-c", _TRY, str(built[0] / LIBRARY)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    expected = "bias_act bias_act_backward epilogue epilogue_backward fir_epilogue fir_epilogue_backward "
    expected += "torgb torgb_backward upfirdn2d"
    assert done.stdout.split() == [f"nada::{name}" for name in expected.split()]
