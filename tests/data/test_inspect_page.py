"""The page: nothing from elsewhere, nothing of the data becomes code, and its script runs."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from inspect_pictures import encoded, noise

from nada.data.inspection import Inspection, inspect_data
from nada.data.inspection.page import MAX_BYTES, make_page, write_page

HOSTILE = [
    "</script><script>document.title='broken out'</script>",
    '"><img src=x onerror=alert(1)>',
    "{{script}} {{data}} \\u003c \\",
    "<!-- <script> ]]> &lt;b&gt; \u2028 \u2029 \0 '\"`",
    "a smiling face \U0001f600 \u82f9\u679c \u202eright to left",
]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="module")
def inspection(tmp_path_factory: pytest.TempPathFactory) -> Inspection:
    """Pictures with hostile captions, class names and file names; one copy, one broken."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    pictures = [encoded(noise(n, 30 + n, 40)) for n in range(len(HOSTILE))]
    cells = [{"bytes": data, "path": f"{n}<i>.png"} for n, data in enumerate([b"broken", *pictures, pictures[0]])]
    labels = ["plain", "</script>", "<b>x</b>", "</script>", "plain", "plain", "plain"]
    table = pyarrow.table({"image": cells, "text": ["none", *HOSTILE, "an orange"], "label": labels})
    path = tmp_path_factory.mktemp("page") / "<img src=x>.parquet"
    parquet.write_table(table, path)
    return inspect_data(path)


@pytest.fixture(scope="module")
def page(inspection: Inspection) -> str:
    return make_page(inspection)


def payload_of(page: str) -> dict[str, object]:
    return json.loads(re.search(r'<script type="application/json" id="payload">(.*?)</script>', page, re.S)[1])


def test_the_page_asks_nobody_for_anything(page: str) -> None:
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)
    assert not re.search(r"<(link|iframe|script src|object|embed)|@import|url\(", page)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy.startswith("default-src 'none'; img-src data:;") and "script-src 'sha256-" in policy


def test_no_text_of_the_data_ends_its_element(page: str) -> None:
    assert page.count("<script") == 2 and page.count("</script>") == 2 and "<img" not in page
    assert page.count("{{script}}") <= 2, "a mark inside a caption was filled in"


def test_the_data_comes_through_unchanged(page: str, inspection: Inspection) -> None:
    payload = payload_of(page)
    assert {picture["text"] for picture in payload["pictures"]} == {*HOSTILE, "an orange"}
    assert payload["total"] == 6 and payload["brokenCount"] == 1
    assert sorted(payload["charts"][0]["labels"]) == ["</script>", "<b>x</b>", "plain"]
    assert {picture["row"]: picture["text"] for picture in payload["pictures"]}[5] == "an orange"
    assert payload["duplicates"]["groups"][0]["rows"] == [0, 5] and payload["duplicates"]["groups"][0]["differ"]


def test_the_bins_of_all_pictures_are_in_the_page(page: str, inspection: Inspection) -> None:
    """The charts are filtered by them; a column too short would count wrong without an error."""
    payload = payload_of(page)
    for chart, column in zip(inspection.charts, payload["table"]["columns"], strict=True):
        values = base64.b64decode(column)
        assert list(values) in (chart.rows.tolist(), chart.rows[:1].tolist())
        assert len(values) == 6 or len(set(chart.rows.tolist())) == 1
    words = {word["word"]: base64.b64decode(word["bits"]) for word in payload["words"]}
    assert words["orange"] == bytes([0b100000]) and words["smiling"] == bytes([0b010000])


def test_a_page_stays_small_and_keeps_what_is_most_wanted(inspection: Inspection, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = len(make_page(inspection))
    monkeypatch.setattr("nada.data.inspection.page.MAX_BYTES", whole - 100)
    smaller = make_page(inspection)
    kept = [picture["row"] for picture in payload_of(smaller)["pictures"]]
    assert len(smaller) <= whole - 100 < MAX_BYTES and kept == list(inspection.samples)[:5]


def test_examples_of_every_bin_are_there(tmp_path: Path) -> None:
    for n in range(60):
        noise(n, 64, 64 + 30 * (n % 5)).save(tmp_path / f"{n:02}.png")
    inspection = inspect_data(tmp_path, samples=3)
    pictures = payload_of(make_page(inspection))["pictures"]
    for number, chart in enumerate(inspection.charts):
        shown = {picture["bins"][number] for picture in pictures}
        assert shown == set(chart.rows.tolist()), chart.key


@pytest.fixture(scope="module")
def browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no chromium is on this machine: the script of the page cannot be run")
    return found


def rendered(browser: str, page: Path) -> tuple[str, str]:
    """The page as the browser has it after its script, and what the script complained about."""
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom",
               f"--user-data-dir={page.parent / 'profile'}", "--virtual-time-budget=3000", page.as_uri()]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


def test_the_script_runs_without_errors(browser: str, inspection: Inspection, tmp_path: Path) -> None:
    dom, complaints = rendered(browser, write_page(tmp_path / "page.html", inspection))
    assert 'data-ready="yes"' in dom and not complaints
    assert "broken out" not in re.search("<title>(.*?)</title>", dom)[1] and "&lt;/script&gt;" in dom
    assert dom.count('class="picture"') == 6 and dom.count('class="card group"') == 1


def test_choosing_counts_and_shows_what_fits(browser: str, inspection: Inspection, tmp_path: Path) -> None:
    """A class is chosen by its bar, then a word; counts, chips and pictures must be those of both."""
    page = make_page(inspection)
    act = """
      const bar = [...document.querySelectorAll(".bar")].find((node) => node.textContent.startsWith("plain"));
      bar.click();
      const first = document.querySelector(".dock b").textContent;
      chooseWord(words.find((word) => word.word === "orange"));
      document.documentElement.dataset.seen = [first, document.querySelector(".dock b").textContent,
        document.querySelectorAll(".chip").length, document.querySelectorAll(".strip img").length,
        document.querySelectorAll(".picture").length].join("|");
      chooseWord(words[chosen.word]);
      toggleBins(chartOf.size, [chartOf.size.labels.indexOf("31 \u00d7 40")]);
      const sums = countChosen().counts.map((bins) => bins.reduce((sum, value) => sum + value, 0));
      document.documentElement.dataset.sums = [sums[chartOf.class.index], sums[chartOf.size.index], sums[chartOf.format.index]];
    """
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    (tmp_path / "page.html").write_text(page.replace("</body>", f"<script>{act}</script></body>"))
    dom, complaints = rendered(browser, tmp_path / "page.html")
    assert re.search('data-seen="([^"]*)"', dom)[1] == "3 of 6|1 of 6|2|1|1" and not complaints
    # Two choices that exclude each other: each chart counts what fits the other one, every further chart nothing.
    assert re.search('data-sums="([^"]*)"', dom)[1] == "1,3,0"
