"use strict";
// The data, the selection, and what both say together. Text of the data set only ever becomes text nodes and attributes.
const data = JSON.parse(document.getElementById("payload").textContent);
const NONE = 255;
const bytesOf = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
const number = new Intl.NumberFormat("en");
const count = (value) => number.format(value);
const share = (part, whole) => {
  const percent = whole ? (100 * part) / whole : 0;
  return percent && percent < 0.05 ? "<0.1%" : `${percent >= 9.95 || !percent ? percent.toFixed(0) : percent.toFixed(1)}%`;
};
const fileSize = (bytes) => {
  const units = ["bytes", "KB", "MB", "GB"];
  let unit = 0;
  while (bytes >= 1024 && unit < 3) { bytes /= 1024; unit += 1; }
  return `${unit && bytes < 10 ? bytes.toFixed(1) : bytes.toFixed(0)} ${units[unit]}`;
};

function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "g", "rect", "line", "circle", "text"].includes(tag);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== false && value != null) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

const charts = data.charts.map((chart, index) => ({ ...chart, index, column: bytesOf(data.table.columns[index]) }));
const chartOf = Object.fromEntries(charts.map((chart) => [chart.key, chart]));
const words = data.words.map((word, index) => ({ ...word, index, uses: word.bits ? bytesOf(word.bits) : null }));
const pictures = data.pictures;
const pictureOfRow = new Map(pictures.map((picture) => [picture.row, picture]));
const sampled = data.table.rows < data.total;

// What is chosen: bins of charts (any of one chart, all of several), one word, and a text to look for.
const chosen = { bins: new Map(), word: null, text: "" };
const isFiltered = () => chosen.bins.size > 0 || chosen.word !== null;
const views = [];
const onChange = (draw) => views.push(draw);

function changed() {
  document.body.classList.toggle("filtered", isFiltered());
  const now = isFiltered() ? countChosen() : null;
  for (const draw of views) draw(now);
}

function toggleBins(chart, bins, keep) {
  const set = keep ? new Set(chosen.bins.get(chart.index)) : new Set();
  const before = chosen.bins.get(chart.index);
  const remove = bins.every((bin) => before?.has(bin)) && (keep || bins.length === before.size);
  for (const bin of bins) remove ? set.delete(bin) : set.add(bin);
  if (set.size) chosen.bins.set(chart.index, set);
  else chosen.bins.delete(chart.index);
  changed();
}

function chooseWord(word) {
  chosen.word = chosen.word === word.index ? null : word.index;
  changed();
}

function clearChosen() {
  chosen.bins.clear();
  chosen.word = null;
  changed();
}

// Every chart counts the pictures that fit all choices but its own, so that its other bins stay comparable.
function countChosen() {
  const counts = charts.map((chart) => new Float64Array(chart.labels.length));
  const filters = [...chosen.bins].map(([index, set]) => [index, set, charts[index].column]);
  const uses = chosen.word === null ? null : words[chosen.word].uses;
  let total = 0;
  for (let row = 0; row < data.table.rows; row += 1) {
    if (uses && !((uses[row >> 3] >> (row & 7)) & 1)) continue;
    let missed = -1, misses = 0;
    for (const [index, set, column] of filters) {
      if (!set.has(column.length === 1 ? column[0] : column[row])) { missed = index; misses += 1; if (misses > 1) break; }
    }
    if (misses > 1) continue;
    if (!misses) total += 1;
    for (const chart of charts) {
      if (misses && chart.index !== missed) continue;
      const bin = chart.column.length === 1 ? chart.column[0] : chart.column[row];
      if (bin !== NONE) counts[chart.index][bin] += 1;
    }
  }
  const scale = sampled ? data.total / data.table.rows : 1;
  return { total: Math.round(total * scale), counts: counts.map((bins) => bins.map((value) => value * scale)) };
}

function fits(picture) {
  for (const [index, set] of chosen.bins) if (!set.has(picture.bins[index])) return false;
  return chosen.word === null || picture.words.includes(chosen.word);
}

// One bubble of text beside the pointer, or beside what the keyboard is on.
const tip = make("div", { class: "tip", role: "status", hidden: true });
function showTip(text, x, y) {
  tip.textContent = text;
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(6, Math.min(x + 14, innerWidth - box.width - 6))}px`;
  tip.style.top = `${y + 18 + box.height > innerHeight ? y - box.height - 10 : y + 18}px`;
}
function withTip(node, text) {
  node.addEventListener("pointermove", (event) => showTip(text(), event.clientX, event.clientY));
  node.addEventListener("pointerleave", () => { tip.hidden = true; });
  node.addEventListener("focus", () => {
    if (!node.matches(":focus-visible")) return;
    const box = node.getBoundingClientRect();
    showTip(text(), box.left + box.width / 2, box.bottom);
  });
  node.addEventListener("blur", () => { tip.hidden = true; });
  return node;
}
addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });

function onPress(node, act) {
  node.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); act(event); }
  });
  return node;
}
