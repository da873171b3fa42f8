// Charts: bars, histograms and sizes. Each draws itself anew when the selection changes.
const FIRST_BARS = 12;
const SWATCHES = { white: "#fff", grey: "#8d939c", black: "#111", red: "#d6393c", orange: "#ee8a2a", brown: "#8a5a33", yellow: "#f2cf3a",
  green: "#3f9c53", cyan: "#35b5c4", blue: "#3566d6", purple: "#8450c7", pink: "#e573b0", colour: "linear-gradient(120deg,#d6393c,#f2cf3a,#3f9c53,#3566d6)",
  "black and white": "linear-gradient(120deg,#111 50%,#fff 50%)", "not plain": "repeating-linear-gradient(45deg,#8d939c 0 2px,#fff 2px 4px)",
  transparent: "repeating-conic-gradient(#bbb 0 25%,#fff 0 50%) 0/6px 6px" };

function describe(chart, bin, now) {
  const all = chart.counts[bin];
  const lines = [chart.labels[bin], `${count(all)} pictures, ${share(all, data.total)}`];
  if (chart.kind === "histogram" && chart.labels.length > 2) {
    const above = chart.counts.slice(bin).reduce((sum, value) => sum + value, 0);
    lines.push(`this or more: ${share(above, data.total)}`);
  }
  if (now) lines.push(`chosen: ${sampled ? "about " : ""}${count(Math.round(now.counts[chart.index][bin]))}`);
  return lines.join("\n");
}

function card(title, note, ...content) {
  return make("section", { class: "card" }, make("div", { class: "head" }, make("h3", {}, title)), ...content,
    note ? make("p", { class: "note" }, note) : null);
}

function drawBars(chart) {
  const list = make("div");
  let order = chart.labels.map((_, bin) => bin), byName = false, all = false, now = null;
  const sort = make("button", { type: "button", onclick: () => { byName = !byName; fill(); } });
  const more = make("button", { type: "button", class: "more", onclick: () => { all = !all; fill(); } });
  function fill() {
    const collator = new Intl.Collator("en", { numeric: true });
    order.sort((a, b) => (byName ? collator.compare(chart.labels[a], chart.labels[b]) : chart.counts[b] - chart.counts[a] || a - b));
    sort.textContent = byName ? "by name" : "by count";
    more.textContent = all ? "show fewer" : `show all ${chart.labels.length}`;
    const highest = Math.max(...chart.counts);
    list.replaceChildren(...(all ? order : order.slice(0, FIRST_BARS)).map((bin) => bar(bin, highest)));
  }
  function bar(bin, highest) {
    const swatch = ["background", "colour"].includes(chart.key) ? make("span", { class: "swatch" }) : null;
    if (swatch) swatch.style.background = SWATCHES[chart.labels[bin]] || "none";
    const full = make("i", { class: "all" }), part = make("i", { class: "now" });
    full.style.width = `${(100 * chart.counts[bin]) / highest}%`;
    part.style.width = now ? `${(100 * now.counts[chart.index][bin]) / highest}%` : "0";
    part.hidden = !now || !now.counts[chart.index][bin];
    const value = now ? now.counts[chart.index][bin] : chart.counts[bin];
    const node = make("button", { type: "button", class: "bar", "aria-pressed": String(!!chosen.bins.get(chart.index)?.has(bin)),
      onclick: (event) => toggleBins(chart, [bin], event.shiftKey || event.ctrlKey || event.metaKey) },
      make("span", { class: "name" }, swatch, chart.labels[bin]), make("span", { class: "track" }, full, part),
      make("span", { class: "value" }, now ? count(Math.round(value)) : share(value, data.total)));
    return withTip(node, () => describe(chart, bin, now));
  }
  const node = card(chart.title, chart.note, list, chart.labels.length > FIRST_BARS ? more : null);
  if (chart.labels.length > 3) node.firstChild.append(sort);
  onChange((counted) => { now = counted; fill(); });
  return node;
}

// Round numbers for the lines of a scale, four or five of them.
function ticksTo(highest) {
  const rough = highest / 4, power = 10 ** Math.floor(Math.log10(rough || 1));
  const step = Math.max(1, [1, 2, 5, 10].find((factor) => factor * power >= rough) * power);
  return Array.from({ length: Math.floor(highest / step) + 1 }, (_, place) => place * step);
}

function drawHistogram(chart) {
  const holder = make("div"), height = 190, base = 158;
  let now = null, from = null;
  function columns(width) {
    const left = 34, step = (width - left) / chart.labels.length, highest = Math.max(...chart.counts, 1);
    const up = (value) => (value / highest) * (base - 12);
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "group", "aria-label": chart.title });
    for (const tick of ticksTo(highest)) {
      const y = base - up(tick);
      svg.append(make("line", { class: "grid", x1: left, x2: width, y1: y, y2: y }),
        make("text", { x: left - 6, y: y + 4, "text-anchor": "end" }, tick >= 10000 ? `${tick / 1000}k` : count(tick)));
    }
    const longest = Math.max(...chart.labels.map((label) => shortLabel(label).length)) * 6.2 + 12;
    const every = Math.ceil(longest / step);
    chart.labels.forEach((label, bin) => {
      const x = left + bin * step, gap = Math.min(3, step * 0.15);
      const bar = (value, kind) => make("rect", { class: kind, x: x + gap / 2, width: Math.max(1, step - gap), rx: Math.min(2.5, step / 6),
        y: base - Math.max(value ? 1.5 : 0, up(value)), height: Math.max(value ? 1.5 : 0, up(value)) });
      const group = make("g", { class: "col", tabindex: 0, role: "button", "aria-label": describe(chart, bin, null),
        "aria-pressed": String(!!chosen.bins.get(chart.index)?.has(bin)), "data-bin": bin },
        make("rect", { class: "hit", x, width: step, y: 4, height: base - 4, rx: 3 }), bar(chart.counts[bin], "all"),
        now ? bar(now.counts[chart.index][bin], "now") : null,
        make("rect", { class: "foot", x: x + gap / 2, width: Math.max(1, step - gap), y: base + 2, height: 3, rx: 1.5 }));
      svg.append(onPress(withTip(group, () => describe(chart, bin, now)), (event) => toggleBins(chart, [bin], event.shiftKey)));
      if (bin % every === 0 && (bin + every <= chart.labels.length || bin + 1 === chart.labels.length || every === 1)) {
        svg.append(make("text", { x: x + step / 2, y: base + 20, "text-anchor": "middle" }, shortLabel(label)));
      }
    });
    return svg;
  }
  const binAt = (event) => {
    const group = document.elementFromPoint(event.clientX, event.clientY)?.closest?.(".col");
    return group && holder.contains(group) ? Number(group.dataset.bin) : null;
  };
  // A click takes a bin, dragging takes a range, with shift either adds to what is taken.
  holder.addEventListener("pointerdown", (event) => { from = binAt(event); });
  holder.addEventListener("pointerup", (event) => {
    const to = binAt(event);
    if (from === null || to === null) return;
    const low = Math.min(from, to), high = Math.max(from, to);
    toggleBins(chart, Array.from({ length: high - low + 1 }, (_, place) => low + place), event.shiftKey || event.ctrlKey || event.metaKey);
    from = null;
  });
  drawToWidth(holder, columns, (counted) => { now = counted; });
  return card(chart.title, chart.note, holder);
}

const shortLabel = (label) => label.replace(/(\u2013.*| and more)$/, "").replace(/ (px|B|KB|MB)$/, (unit) => (unit === " px" ? "" : unit));

function drawToWidth(holder, paint, remember) {
  let width = 0;
  const draw = () => {
    if (!width) return;
    const focused = holder.contains(document.activeElement) ? document.activeElement.dataset.bin : null;
    holder.replaceChildren(paint(width));
    if (focused !== null) holder.querySelector(`[data-bin="${focused}"]`)?.focus();
  };
  new ResizeObserver(([entry]) => {
    const next = Math.round(entry.contentRect.width);
    if (next !== width) { width = next; requestAnimationFrame(draw); }
  }).observe(holder);
  onChange((counted) => { remember(counted); draw(); });
}

function drawSizes(chart) {
  const holder = make("div");
  let now = null;
  function plot(width) {
    const left = 40, bottom = 26, height = Math.min(320, Math.max(230, width * 0.8));
    const sides = chart.points.flat();
    const low = Math.log2(Math.max(1, Math.min(...sides))) - 0.4, high = Math.log2(Math.max(...sides)) + 0.4;
    const x = (value) => left + ((Math.log2(value) - low) / (high - low)) * (width - left - 6);
    const y = (value) => height - bottom - ((Math.log2(value) - low) / (high - low)) * (height - bottom - 8);
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "group", "aria-label": chart.title });
    const lines = scaleBetween(2 ** low, 2 ** high);
    for (const side of lines) {
      svg.append(make("line", { class: "grid", x1: left, x2: width - 6, y1: y(side), y2: y(side) }),
        make("line", { class: "grid", x1: x(side), x2: x(side), y1: 8, y2: height - bottom }),
        make("text", { x: left - 6, y: y(side) + 4, "text-anchor": "end" }, String(side)),
        make("text", { x: x(side), y: height - bottom + 16, "text-anchor": "middle" }, String(side)));
    }
    svg.append(make("line", { class: "diagonal", x1: x(2 ** low), y1: y(2 ** low), x2: x(2 ** high), y2: y(2 ** high) }));
    const highest = Math.max(...chart.counts);
    chart.points.forEach(([wide, tall], bin) => {
      const dot = make("circle", { class: `dot${now && now.counts[chart.index][bin] ? " live" : ""}`, cx: x(wide), cy: y(tall),
        r: 3 + 15 * Math.sqrt(chart.counts[bin] / highest), tabindex: 0, role: "button", "data-bin": bin,
        "aria-label": describe(chart, bin, null), "aria-pressed": String(!!chosen.bins.get(chart.index)?.has(bin)),
        onclick: (event) => toggleBins(chart, [bin], event.shiftKey || event.ctrlKey || event.metaKey) });
      svg.append(onPress(withTip(dot, () => describe(chart, bin, now)), (event) => toggleBins(chart, [bin], event.shiftKey)));
    });
    return svg;
  }
  drawToWidth(holder, plot, (counted) => { now = counted; });
  return card(chart.title, `${chart.note} Square pictures lie on the dashed line.`, holder);
}

function scaleBetween(low, high) {
  const nice = [];
  for (let side = 1; side <= high; side *= 2) if (side >= low) nice.push(side);
  if (nice.length >= 2) return nice.length > 6 ? nice.filter((_, place) => place % 2 === 0) : nice;
  const step = ticksTo(high - low)[1] || 1;
  for (let side = Math.ceil(low / step) * step; side <= high; side += step) if (!nice.includes(side)) nice.push(side);
  return nice;
}
