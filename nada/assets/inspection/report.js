// The page from top to bottom.
function heading(title, text) {
  return [make("h2", {}, title), make("p", { class: "lead small" }, text)];
}

function drawHeader() {
  const name = data.data.replace(/[/\\]+$/, "").split(/[/\\]/).pop() || data.data;
  return make("header", {}, make("div", {}, make("h1", {}, name), make("p", { class: "muted small" }, data.data)), makeThemeButton());
}

function drawTiles() {
  const sum = (chart) => chart.counts.reduce((total, value) => total + value, 0);
  const facts = [[count(data.total), "pictures"]];
  const sizes = chartOf.size;
  facts.push(sizes.labels.length === 1 ? [sizes.labels[0], "px, all of them"] : [count(sizes.labels.length), "different sizes"]);
  if (chartOf.class) facts.push([count(chartOf.class.labels.length), "classes"]);
  const grey = chartOf.colour.labels.indexOf("black and white");
  facts.push([share(grey < 0 ? 0 : chartOf.colour.counts[grey], data.total), "black and white"]);
  if (chartOf.words) facts.push([count(sum(chartOf.words)), "captions"]);
  facts.push([count(data.duplicates.identical), data.duplicates.identical === 1 ? "exact copy" : "exact copies"]);
  facts.push([count(data.duplicates.near), data.duplicates.near === 1 ? "near duplicate" : "near duplicates"]);
  facts.push([count(data.brokenCount), data.brokenCount === 1 ? "broken picture" : "broken pictures"]);
  return make("div", { class: "tiles" }, ...facts.map(([value, name]) => make("div", { class: "card tile" }, make("b", {}, value), make("span", {}, name))));
}

function drawFindings() {
  if (!data.findings.length) return null;
  return make("ul", { class: "card findings" }, ...data.findings.map((finding) => make("li", { class: finding.level === "look" ? "look" : null }, make("i"), make("span", {}, finding.text))));
}

function drawCharts() {
  const draw = { bars: drawBars, histogram: drawHistogram, bubbles: drawSizes };
  const varied = charts.filter((chart) => chart.labels.length > 1 && chart.key !== "words");
  const equal = charts.filter((chart) => chart.labels.length === 1 && chart.key !== "side");
  const same = equal.length ? [card("The same for all", "", make("dl", { class: "same" },
    ...equal.flatMap((chart) => [make("dt", {}, chart.title), make("dd", {}, chart.labels[0])])))] : [];
  const rows = sampled ? ` What is chosen is counted on ${count(data.table.rows)} random pictures.` : "";
  return [...heading("Distributions", `Click a bar to see its pictures and what they share; drag over several; shift adds. ${rows}`),
    make("div", { class: "charts" }, ...varied.map((chart) => draw[chart.kind](chart)), ...same)];
}

function drawCloud() {
  const { placed } = data.cloud;
  const top = Math.min(...placed.map(([, , y, , size]) => y - size * 0.6)), bottom = Math.max(...placed.map(([, , y, , size]) => y + size * 0.6));
  const left = Math.min(...placed.map(([, x, , wide]) => x - wide / 2)), right = Math.max(...placed.map(([, x, , wide]) => x + wide / 2));
  const svg = make("svg", { viewBox: `${left} ${top} ${right - left} ${bottom - top}`, role: "group", "aria-label": "word cloud" });
  const holder = make("div", { class: "cloud" }, svg);
  const nodes = placed.map(([index, x, y, wide, size]) => {
    const word = words[index];
    const node = make("text", { x, y: y + size * 0.33, "text-anchor": "middle", textLength: wide, lengthAdjust: "spacingAndGlyphs",
      class: word.adjective ? "adjective" : null, tabindex: 0, role: "button", onclick: () => chooseWord(word) }, word.word);
    node.style.fontSize = `${size}px`;
    svg.append(onPress(withTip(node, () => describeWord(word)), () => chooseWord(word)));
    return [node, word];
  });
  onChange(() => {
    holder.classList.toggle("chosen", chosen.word !== null);
    for (const [node, word] of nodes) node.setAttribute("aria-pressed", String(chosen.word === word.index));
  });
  return card("Word cloud", "The area of a word follows how often it occurs. Adjectives are in the second colour.", holder);
}

const describeWord = (word) => `${word.word}\n${count(word.count)} times\nin ${count(word.captions)} captions, ${share(word.captions, data.total)} of all`;

function drawWordBars(title, note, list) {
  const holder = make("div");
  let all = false;
  const more = make("button", { type: "button", class: "more", onclick: () => { all = !all; fill(); } });
  function fill() {
    more.textContent = all ? "show fewer" : `show all ${list.length}`;
    holder.replaceChildren(...list.slice(0, all ? list.length : FIRST_BARS).map((word) => {
      const full = make("i", { class: "all" });
      full.style.width = `${(100 * word.count) / list[0].count}%`;
      const node = make("button", { type: "button", class: `bar${word.adjective ? " adjective" : ""}`,
        "aria-pressed": String(chosen.word === word.index), onclick: () => chooseWord(word) },
        make("span", { class: "name" }, word.word), make("span", { class: "track" }, full), make("span", { class: "value" }, count(word.count)));
      return withTip(node, () => describeWord(word));
    }));
  }
  onChange(fill);
  return card(title, note, holder, list.length > FIRST_BARS ? more : null);
}

function drawWords() {
  if (!words.length) return [];
  const byCount = (a, b) => b.count - a.count || a.index - b.index;
  const adjectives = words.filter((word) => word.adjective).sort(byCount).slice(0, 40);
  const lengths = chartOf.words && chartOf.words.labels.length > 1 ? drawHistogram(chartOf.words) : null;
  return [...heading("Captions", "Click a word for the pictures whose captions have it."), drawCloud(),
    make("div", { class: "pair" }, drawWordBars("Words", "The most frequent ones; words such as \u201cthe\u201d and \u201cof\u201d are left out.",
      words.slice(0, data.frequent).sort(byCount)),
      adjectives.length ? drawWordBars("Adjectives", "By a list of common English adjectives and by endings such as -ful and -ous; no grammar is looked at, so that "
        + "some are missing and some are names.", adjectives) : null, lengths)];
}

function drawDuplicates() {
  const found = data.duplicates;
  if (!found.count) return [];
  const groups = found.groups.map(drawGroup), holder = make("div", { class: "groups" }, ...groups.slice(0, 9));
  const more = make("button", { type: "button", class: "plain", onclick: () => { holder.append(...groups.slice(9)); more.remove(); } }, `show all ${groups.length}`);
  const cut = found.count > groups.length ? ` The ${groups.length} largest of ${count(found.count)} groups; --json lists all.` : "";
  return [...heading("Duplicates", `Alike: perceptual hashes at most ${found.distance} of 64 bits apart, and the same shapes and colours on a small copy. Every picture of a `
    + `group is near its first one.${cut}`), holder, groups.length > 9 ? make("p", { class: "more" }, more) : null];
}

function drawFiles() {
  const parts = [];
  if (data.brokenCount) {
    parts.push(...heading("Broken pictures", "They cannot be decoded; nada data import and nada train leave them out."),
      make("div", { class: "card" }, make("table", {}, ...data.broken.map(([name, reason]) => make("tr", {}, make("td", {}, name), make("td", { class: "muted" }, reason)))),
        data.brokenCount > data.broken.length ? make("p", { class: "note" }, `and ${count(data.brokenCount - data.broken.length)} more; --json lists all`) : null));
  }
  if (data.ignoredCount) {
    parts.push(make("details", {}, make("summary", {}, `${count(data.ignoredCount)} other files`),
      make("ul", { class: "names" }, ...data.ignored.map((name) => make("li", {}, name)))));
  }
  return parts;
}

const parts = [drawHeader(), drawTiles(), drawFindings(), ...drawCharts(), ...drawWords(),
  ...heading("Pictures", "Random ones, or those that fit what is chosen. Click one to see it large."), ...drawGallery(), ...drawDuplicates(), ...drawFiles(),
  make("footer", {}, "Made by nada data inspect. This page holds everything it shows and loads nothing from elsewhere.")];
document.getElementById("page").append(...parts.filter((part) => part != null));
document.body.append(drawDock(), tip, large);
changed();
document.documentElement.dataset.ready = "yes";
