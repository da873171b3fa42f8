"""`nada doctor`: what this machine has, and whether the fused operators work on it."""

from __future__ import annotations

import json
import os
import platform
import sys
import textwrap
from typing import Any

import click


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--rebuild", is_flag=True, help="Build the fused operators again, also if that has failed before.")
def command(as_json: bool, rebuild: bool) -> None:
    """Tell what this machine has, and whether the fused operators work.

    Loads or builds them as the first use of a generator would. Ends with code 0 if they work, or if
    NADA_OPS=reference asks for torch's own operators, else with 1.
    """
    from nada.ops import _report

    if rebuild:
        _report.rebuild()
    report = {**_machine(), **_report.library_report()}
    report["checks"] = _checks(report["devices"])
    report["healthy"] = _is_healthy(report)
    click.echo(json.dumps(report, indent=2) if as_json else _page(report))
    if not report["healthy"]:
        sys.exit(1)


def _is_healthy(report: dict[str, Any]) -> bool:
    if report["mode"] == "reference" or not report["supported"]:
        return True
    return not report["reason"] and all(check["agrees"] for check in report["checks"])


def _machine() -> dict[str, Any]:
    """What does not depend on the operators."""
    import torch

    from nada import __version__

    libc = " ".join(platform.libc_ver()).strip()
    return {
        "nada": __version__,
        "python": f"{platform.python_version()} ({sys.executable})",
        "platform": " ".join(filter(None, (platform.system(), platform.release(), platform.machine(), libc))),
        "torch": f"{torch.__version__}, {f'CUDA {torch.version.cuda}' if torch.version.cuda else 'without CUDA'}",
        "vectors": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }


def _checks(devices: list[str]) -> list[dict[str, Any]]:
    """Run the operators on every device; the graphs last, since one that fails harms what comes after it."""
    from nada.ops import _checks

    checks = [check for device in devices for check in _checks.check_device(device)]
    return checks + [_checks.check_graph(device) for device in devices if device != "cpu"]


def _page(report: dict[str, Any]) -> str:
    """The report for people: one line for each thing, what failed at the end."""
    why = f"; {report['reason']}" if report["reason"] else ""
    for failure in report["failures"]:
        why = why.replace(f": {failure['command']}", " (see below)")
    origin = f" ({report['origin']})" if report["origin"] else ""
    rows = [(name, report[name]) for name in ("nada", "python", "platform", "torch")]
    rows += [
        ("cpu", "{cpu}, {vectors}, cores: {cores}, threads: {threads}".format(**report)),
        *((name, report[name]) for name in ("compiler", "ninja", "nvcc")),
        ("gpu", ", ".join(report["gpus"]) or "none that torch can use"),
        ("sources", report["sources"]),
        ("prebuilt", report["prebuilt"]),
        ("cache", report["cache"]),
        ("library", f"{report['library'] or 'none'}{origin}"),
        ("NADA_OPS", report["mode"]),
        ("in use", f"{report['kernels']}{why}"),
        *(("check", _describe_check(check)) for check in report["checks"]),
    ]
    lines = [f"{name:10}{value}" for name, value in rows]
    for failure in report["failures"]:
        lines += ["", *_describe_failure(failure)]
    if not report["healthy"]:
        lines += ["", "Where the fused operators do not work, torch's own stand in for them, more slowly."]
    return "\n".join(lines)


def _describe_check(check: dict[str, Any]) -> str:
    where = f"{check['name']} on {'the CPU' if check['device'] == 'cpu' else check['device']}"
    if "problem" in check:
        return f"{where} fails ({check['case']}): {check['problem'].splitlines()[0]}"
    largest = ", ".join(f"{value:.1g} in {name}" for name, value in check["differences"].items())
    verb, case = ("agrees", "") if check["agrees"] else ("DISAGREES", f"; {check['case']}")
    return f"{where} {verb} with torch's own (largest difference {largest}{case})"


def _describe_failure(failure: dict[str, str]) -> list[str]:
    return [
        f"A build has failed: {failure['problem']}. The command:",
        textwrap.indent(failure["command"], "  "),
        "Its last lines:",
        textwrap.indent(failure["output"], "  "),
        f"All of it: {failure['log']}",
        "After mending that, run 'nada doctor --rebuild'.",
    ]
