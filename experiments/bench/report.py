"""Write the tables of README.md from result files: nothing in them is typed by hand.

    python experiments/bench/report.py experiments/bench/results/*.json

Without files it takes all of `results/`.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
Result = dict[str, Any]


def markdown(head: list[str], rows: list[list[str]]) -> list[str]:
    """Return a table, its first column aligned left and the others right."""
    return [
        "| " + " | ".join(head) + " |",
        "|" + "|".join(["---", *["---:"] * (len(head) - 1)]) + "|",
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def where(result: Result) -> str:
    """Return one sentence on the machine and the versions."""
    facts = result["machine"]
    processor = facts["processor"]
    device = facts["gpu"] or f"{processor['name']} (family {processor['family']}), {processor['cores']} cores"
    flags = ", ".join(processor["flags"])
    threads = result["rows"][0].get("threads", facts["threads"]) if result["rows"] else facts["threads"]
    loads = facts["load"], result["load_after"]
    busy = f", load {loads[0][0]} before and {loads[1][0]} after" if all(loads) else ""
    return (
        f"{facts['date'][:10]}, commit {facts['commit']}, {device}, {threads} threads, {flags}; "
        f"torch {facts['torch']}{busy}."
    )


def step_table(result: Result) -> list[str]:
    """Seconds of every variant, and how many times faster the fast mode is than the published arrangement."""
    protocol, rows = result["protocol"], result["rows"]
    about = f"`{protocol['layers']}`, guide {protocol['guide']}; medians" if "guide" in protocol else "Medians"
    lines = [f"{about} of {protocol['rounds']} processes with {protocol['steps']} calls each, in seconds."]
    for part, title in protocol["parts"].items():
        found = {(row["size"], row["variant"]): row for row in rows if row["part"] == part}
        variants = list(protocol["variants"])
        body = []
        for size in dict.fromkeys(row["size"] for row in rows):
            times = [f"{found[size, variant]['seconds']:.3f}" for variant in variants]
            body.append([f"{size} px, batch {found[size, variants[0]]['batch']}", *times, *ratios(found, size)])
        head = [title, *(protocol["variants"][variant] for variant in variants), "plain / fast", "plain tuned / fast"]
        if "plain_tuned" not in variants:
            head, body = head[:-1], [cells[:-1] for cells in body]
        lines += ["", *markdown(head, body)]
    return lines


def ratios(found: dict[tuple[int, str], Result], size: int) -> list[str]:
    """Return both ratios of a resolution; a dash where a variant was not measured."""
    fast = found.get((size, "fast"))
    twins = [found.get((size, variant)) for variant in ("plain", "plain_tuned")]
    return [f"{twin['seconds'] / fast['seconds']:.1f}" if twin and fast else "–" for twin in twins]


def ops_table(result: Result) -> list[str]:
    """For each operator and direction, type and order: how it compares over all sizes, and with a copy where large."""
    protocol, rows = result["protocol"], result["rows"]
    groups: dict[tuple[str, ...], list[Result]] = {}
    for row in rows:
        key = tuple(row[name] for name in ("op", "direction", "dtype", "layout"))
        groups.setdefault(key, []).append(row)
    body = [
        [f"`{op}`", direction, dtype, layout.replace("_", " "), *summary(group)]
        for (op, direction, dtype, layout), group in groups.items()
    ]
    head = ["operator", "", "type", "order", "twin / ours, least", "median", "largest", "ours / ideal over 8 MB, worst"]
    return [
        f"Batch {protocol['batch']}, {protocol['kernels']}, {protocol['allocator']} allocator, copy "
        f"{protocol['copy_gb_per_s']:.1f} GB/s read and written. {len(result['missed'])} of {len(rows)} rows miss a promise.",
        "",
        *markdown(head, body),
    ]


def summary(group: list[Result]) -> list[str]:
    """Return the spread of the ratio to the twin over the sizes, and the worst ratio to a copy of large tensors."""
    faster = [row["twin_over_ours"] for row in group]
    large = [row["ours_over_ideal"] for row in group if row["largest_tensor"] > 8 * 2**20]
    shown = [f"{value:.1f}" for value in (min(faster), statistics.median(faster), max(faster))]
    return [*shown, f"{max(large):.2f}" if large else "–"]


def memory_table(result: Result) -> list[str]:
    """Peak memory of a step, case by case."""
    protocol = result["protocol"]
    body = [
        [
            f"{row['size']} px",
            str(row["batch"]),
            row["variant"],
            row["precision"],
            row["checkpointing"],
            f"{row['peak_of_loading'] / 1e9:.2f}",
            "–" if row["before"] is None else f"{row['before'] / 1e9:.2f}",
            f"{row['peak'] / 1e9:.2f}",
        ]
        for row in result["rows"]
    ]
    head = ["", "batch", "variant", "precision", "checkpointing", "GB, peak of loading"]
    head += ["before the first step", "peak of the steps"]
    return [f"`{protocol['layers']}`, guide {protocol['guide']}; {protocol['peak']}.", "", *markdown(head, body)]


def import_table(result: Result) -> list[str]:
    """Time and memory of each import."""
    names = ("pictures", "seconds", "cpu_seconds", "peak_gb", "megabytes")
    body = [[f"`{row['source']}`, {row['size']} px", *(f"{row[name]:g}" for name in names)] for row in result["rows"]]
    head = ["", "pictures", "seconds", "seconds of the processors", "GB at the peak", "MB written"]
    return ["The start of Python is part of the time.", "", *markdown(head, body)]


def metrics_table(result: Result) -> list[str]:
    """Time and memory of each metric."""
    names = ("seconds", "cpu_seconds", "peak_gb")
    body = [
        [f"`{row['metric']}`", *(f"{row[name]:.1f}" for name in names), "" if row["finished"] else "ended at the time limit"]
        for row in result["rows"]
    ]
    head = ["", "seconds", "seconds of the processors", "GB at the peak", ""]
    count = "{pictures:,} pictures in each of two sets, {width} numbers each, the interval included.".format(
        **result["protocol"]
    )
    return [count, "", *markdown(head, body)]


TABLES: dict[str, tuple[str, Callable[[Result], list[str]]]] = {
    "step": ("One adaptation step", step_table),
    "training": ("One training step", step_table),
    "ops": ("Operators", ops_table),
    "memory": ("Memory of a step", memory_table),
    "importing": ("Importing data", import_table),
    "evaluating": ("Metrics", metrics_table),
}


def section(name: str, result: Result) -> str:
    """Return the section of one result file."""
    title, table = TABLES[result["kind"]]
    return "\n".join([f"### {title} (`{name}`)", "", where(result), "", *table(result)])


def insert(text: str, sections: list[str]) -> str:
    """Return a README with `sections` between its markers. Raises SystemExit if it has none."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"README.md has lost its markers {BEGIN} and {END}; put them back where the tables go.")
    return before + BEGIN + "\n\n" + "\n\n".join(sections) + "\n\n" + END + after


def main(words: list[str]) -> None:
    """Read the files, write the README."""
    paths = [Path(word) for word in words] or sorted((HERE / "results").glob("*.json"))
    results = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in paths}
    order = list(TABLES)
    names = sorted(results, key=lambda name: (order.index(results[name]["kind"]), name))
    readme = HERE / "README.md"
    text = insert(readme.read_text(encoding="utf-8"), [section(name, results[name]) for name in names])
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
