"""The page: everything in it, nothing from elsewhere, no text that becomes code."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from study_fakes import BIRD, CAR, cell_of, made_up, setup_of, write_folders

from nada.study.curves import CURVES, Curve
from nada.study.report import make_page, write_report
from nada.study.results import Results, pair_of

HOSTILE = {"source": "</script><script>document.title='out'</script>", "target": '"><img src=x onerror=alert(1)> {{script}}',
           "classes": ["<b>bird</b>"]}  # fmt: skip
ERROR = "The loss is <not> finite & over."
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of hostile prompts with a failed cell, one that is missing, and a policy without one pair."""
    out = tmp_path_factory.mktemp("study")
    cells, setup = made_up(["late:2", "early:2", "all", "auto:4"], [HOSTILE, CAR], lrs=(0.002, 0.006), seeds=(0, 1))
    cells = [c for c in cells if not (c["cell"]["policy"] == "auto:4" and c["cell"]["target"] == CAR["target"])]
    cells[2] = cell_of("late:2", HOSTILE, 0.002, 0, error=ERROR)
    write_folders(out, cells, side=8, steps=5)
    write_report(out, cells, {**setup, "note": "<i>x</i>"})
    return out


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


class Reader(HTMLParser):
    """Counts elements, follows whether each is closed, and keeps the texts."""

    VOID = {"meta", "img", "br"}

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: dict[str, int] = {}
        self.texts: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[tag] = self.seen.get(tag, 0) + 1
        self.attributes.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_no_text_becomes_an_element(page: str) -> None:
    """Prompts, classes, errors and setup are written by people; a page is opened by others."""
    found = Reader(page)
    assert found.open == [] and found.seen["script"] == 1 and found.seen.get("b", 0) and "i" in found.seen
    assert all(attributes.get("src", "").startswith("data:image/") for tag, attributes in found.attributes if tag == "img")
    assert not any(name.startswith("on") for _, attributes in found.attributes for name in attributes)
    words = "".join(found.texts)
    assert HOSTILE["source"] in words and HOSTILE["target"] in words and "<i>x</i>" in words and ERROR in words


def test_the_page_asks_nobody_for_anything(page: str) -> None:
    assert not re.search(r"https?://", page) and not re.search(r"<(link|iframe|script src|object|embed)|@import|url\(", page)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy.startswith("default-src 'none'; img-src data:;") and "script-src 'sha256-" in policy


def test_every_policy_stands_in_every_part(page: str) -> None:
    sections = {re.search("<h2>(.*?)</h2>", part)[1]: part for part in page.split("<section")[2:] if "<h2>" in part}
    for name in (
        "Ranking",
        "Target reached against content kept",
        "Every measure",
        "The same latents under every policy",
        "Curves",
    ):
        for policy in ("late:2", "early:2", "all", "auto:4"):
            assert policy in sections[name], f"{policy} is not in {name}"


def test_what_failed_and_what_is_missing_is_shown(page: str) -> None:
    assert "What is not there" in page and "The loss is &lt;not&gt; finite &amp; over." in page
    assert "4 cells that were not run" in page and "1 failed" in page and "Not ranked, for want of numbers" in page


def test_every_view_is_there_and_one_is_shown(page: str) -> None:
    views = re.findall(r'<div class="view" data-pair="(\w+)" data-lr="(\w+)"( hidden)?', page)
    tables = len(views) // 3
    assert tables == 9 and {(pair, lr) for pair, lr, _ in views} == {
        (p, lr) for p in ("all", "0", "1") for lr in ("best", "0", "1")
    }
    assert [(pair, lr) for pair, lr, hidden in views if not hidden] == 3 * [("all", "best")]


def test_pictures_of_one_pair_and_seed_at_each_best_rate_are_shown_first(page: str) -> None:
    strips = re.findall(
        r'<figure class="strip[^"]*" data-pair="(\d)" data-lr="(\w+)" data-seed="(\w+)"([^>]*)>.*?<b>(.*?)</b>', page
    )
    assert len(strips) == 29, "a row for every cell that has pictures"
    shown = [(pair, seed, name) for pair, _, seed, rest, name in strips if "hidden" not in rest]
    assert shown == [
        ("0", "any", "before"),
        ("0", "0", "late:2"),
        ("0", "0", "early:2"),
        ("0", "0", "all"),
        ("0", "0", "auto:4"),
    ]


def test_it_is_said_which_pair_the_pictures_and_the_curves_are_of(page: str) -> None:
    """With all pairs chosen there are still those of one only."""
    titles = re.findall(
        r'<div class="of-pair" data-pair="(\d)"( hidden)?><p class="which"><b>(.*?)</b><span[^>]*>(.*?)</span>', page
    )
    assert [(pair, hidden) for pair, hidden, *_ in titles] == [("0", ""), ("1", " hidden")] * 2
    assert titles[1][2:] == ("photo → pencil sketch (automobile)", "1 more pair can be chosen above")


def test_what_collapsed_is_marked_and_curves_end_with_the_study() -> None:
    cells, setup = made_up(["late:2", "early:2"], [BIRD], lrs=(0.002, 0.006, 0.02), seeds=(0, 1))
    text = make_page(Results(cells, setup), {}, {})
    assert "100% collapsed</span>" in text and "with half of them or more a policy has no part in the front" in text
    curve = Curve((2.0, 58.0), (1.0, 0.5), (1.0, 0.5), (1.0, 0.5))
    where = (pair_of(BIRD), "late:2", 0.002)
    assert ">60 steps<" in make_page(Results(cells, setup), {}, {where: dict.fromkeys(CURVES, curve)})


def test_equal_cells_give_equal_pages(folder: Path) -> None:
    cells, setup = made_up(["late:2", "all"], [BIRD], seeds=(0, 1))
    first = make_page(Results(cells, setup), {}, {})
    assert make_page(Results(reversed(cells), setup), {}, {}) == first
    assert "have left no pictures" in first and "have left no curves" in first


@pytest.mark.parametrize("seeds, lrs", [((0,), (0.002,)), ((0, 1, 2), (0.002,)), ((0,), (0.002, 0.006))])
def test_the_smallest_studies(seeds: tuple[int, ...], lrs: tuple[float, ...]) -> None:
    """One seed: no interval anywhere. One rate or pair: nothing to choose from, so one entry that is the default."""
    cells, setup = made_up(["late:2"], [BIRD], lrs, seeds)
    text = make_page(Results(cells, setup), {}, {})
    assert Reader(text).open == [] and "nan" not in re.sub("<(style|script)>.*?</", "", text, flags=re.S)
    assert ("±" in re.sub("± reaches", "", text)) == (len(seeds) > 1)
    assert text.count('value="best"') == 1 and text.count('value="all"') == 1


def test_nothing_is_good_and_nothing_is_there() -> None:
    failed = [cell_of("all", BIRD, 0.002, 0, error="no")]
    text = make_page(Results(failed, setup_of(["all"], [BIRD], [0.002], [0])), {}, {})
    assert "nothing can be ranked" in text and "No policy has both numbers." in text
    assert "There are no cells yet." in make_page(Results([], {}), {}, {})


@pytest.fixture(scope="module")
def browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no chromium is on this machine: the script of the page cannot be run")
    return found


def test_choosing_and_sorting(browser: str, page: str, tmp_path: Path) -> None:
    """The script as the page carries it, then choices as a reader makes them; what is hidden must follow."""
    act = """
      const seen = (node) => !node.hidden && !node.closest(".view[hidden]");
      const shown = (what) => [...document.querySelectorAll(what)].filter(seen);
      const set = (name, value) => { const box = document.querySelector(`select[name=${name}]`); box.value = value;
        box.dispatchEvent(new Event("change", { bubbles: true })); };
      const name = (row) => row.querySelector("th").firstChild.nextSibling.textContent;
      const names = () => shown(".ranked tbody tr").map(name).join(" ");
      const before = names();
      const buttons = [...shown(".view")[0].querySelectorAll("thead button")];
      const button = buttons.find((node) => node.textContent.startsWith("content"));
      button.click(); const down = names(); button.click(); const up = names();
      set("pair", "1"); set("lr", "0"); set("seed", "1");
      const strips = shown(".strip").map((node) => [node.dataset.pair, node.dataset.lr, node.dataset.seed].join());
      const titles = shown(".of-pair").map((node) => node.querySelector(".which b").textContent).join("");
      document.documentElement.dataset.seen = [before, down, up, shown(".view").length, titles, strips.join(" ")].join("|");
    """
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    (tmp_path / "page.html").write_text(text.replace("</body>", f"<script>{act}</script></body>"), encoding="utf-8")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
               "--dump-dom", f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=3000",
               (tmp_path / "page.html").as_uri()]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert not [line for line in done.stderr.splitlines() if "CONSOLE" in line] and 'data-ready="yes"' in done.stdout
    before, down, up, views, titles, strips = re.search('data-seen="([^"]*)"', done.stdout)[1].split("|")
    assert before == "late:2 all early:2 auto:4 none", "auto:4 is not ranked"
    assert down.split() != up.split() and down.split()[0] == "none" and up.split()[-1] == "none"
    assert (views, titles) == ("3", "photo → pencil sketch (automobile)" * 2)
    assert strips.split() == ["1,any,any", "1,0,1", "1,0,1", "1,0,1"]
