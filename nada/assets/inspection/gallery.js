// Pictures: the gallery, the strip below the page, one picture large, and groups of duplicates.
const PAGE = 60;

function classOf(picture) {
  const bin = chartOf.class ? picture.bins[chartOf.class.index] : NONE;
  return bin === NONE ? "" : chartOf.class.labels[bin];
}

// Captions made from a template say what is special of them behind the words that all begin with.
function shortText(text) {
  const opening = data.opening;
  return opening && text.toLowerCase().startsWith(opening) && text.length > opening.length ? `\u2026${text.slice(opening.length)}` : text;
}

function frame(picture) {
  const small = Math.max(picture.width, picture.height) <= 64;
  return make("span", { class: "frame" }, make("img", { src: picture.src, alt: picture.text || picture.name, class: small ? "pixels" : null,
    decoding: "async" }));
}

function thumb(picture, list, caption) {
  const label = [picture.name, classOf(picture), picture.text].filter(Boolean).join("\n");
  const button = make("button", { type: "button", class: caption ? "picture" : null, onclick: () => openLarge(picture, list()) }, frame(picture),
    caption ? make("span", {}, shortText(picture.text) || classOf(picture) || picture.name) : null);
  return withTip(button, () => label);
}

const large = make("dialog", { "aria-label": "picture" });
large.addEventListener("click", (event) => { if (event.target === large) large.close(); });
function openLarge(picture, list) {
  const facts = [["size", `${count(picture.width)} \u00d7 ${count(picture.height)} px, ${fileSize(picture.bytes)}`]];
  for (const chart of charts) {
    if (["size", "side", "bytes"].includes(chart.key) || picture.bins[chart.index] === NONE) continue;
    facts.push([chart.title.toLowerCase(), chart.labels[picture.bins[chart.index]]]);
  }
  const place = list.indexOf(picture);
  const turn = (by) => openLarge(list[(place + by + list.length) % list.length], list);
  large.onkeydown = (event) => { if (event.key === "ArrowLeft") turn(-1); if (event.key === "ArrowRight") turn(1); };
  large.replaceChildren(
    make("div", { class: "large" }, frame(picture), make("div", {}, make("h3", {}, picture.name),
      picture.text ? make("p", { class: "text" }, picture.text) : null,
      make("dl", { class: "same" }, ...facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])))),
    make("div", { class: "turn" }, make("button", { type: "button", class: "plain", onclick: () => turn(-1) }, "\u2190 previous"),
      make("button", { type: "button", class: "plain", onclick: () => turn(1) }, "next \u2192"),
      make("button", { type: "button", class: "plain", onclick: () => large.close() }, "close")));
  if (!large.open) large.showModal();
}

function drawGallery() {
  const grid = make("div", { class: "pictures" }), status = make("p", { class: "small muted", role: "status" });
  const search = make("input", { type: "search", placeholder: "search captions and names", "aria-label": "search captions and names",
    oninput: () => { chosen.text = search.value.trim().toLowerCase(); shown = PAGE; fill(); } });
  const more = make("button", { type: "button", class: "plain", onclick: () => { shown += PAGE; fill(); } }, "show more");
  let shown = PAGE, now = null;
  const matches = (picture) => !chosen.text || `${picture.name}\n${picture.text}\n${classOf(picture)}`.toLowerCase().includes(chosen.text);
  function fill() {
    const open = isFiltered() || chosen.text;
    const random = data.samples.map((row) => pictureOfRow.get(row)).filter(Boolean);
    const list = open ? pictures.filter((picture) => fits(picture) && matches(picture)) : random;
    grid.replaceChildren(...list.slice(0, shown).map((picture) => thumb(picture, () => list, true)));
    more.hidden = list.length <= shown;
    status.textContent = !open ? `${count(random.length)} pictures drawn at random (seed ${data.seed})`
      : `${count(list.length)} of the ${count(pictures.length)} pictures in this page`
        + (isFiltered() && !chosen.text ? `; ${sampled ? "about " : ""}${count(now.total)} in the data set` : "");
  }
  const classes = chartOf.class && make("select", { "aria-label": "class", onchange: () => {
    chosen.bins.delete(chartOf.class.index);
    if (classes.value) chosen.bins.set(chartOf.class.index, new Set([Number(classes.value)]));
    changed();
  } }, make("option", { value: "" }, "all classes"), ...chartOf.class.labels.map((label, bin) => make("option", { value: bin }, label)));
  onChange((counted) => {
    now = counted;
    shown = PAGE;
    if (classes) { const set = chosen.bins.get(chartOf.class.index); classes.value = set?.size === 1 ? [...set][0] : ""; }
    fill();
  });
  return [make("div", { class: "tools" }, search, classes, status), grid, make("p", { class: "more" }, more)];
}

function drawDock() {
  const chips = make("div", { class: "chips" }), strip = make("div", { class: "strip" });
  const dock = make("aside", { class: "dock", hidden: true, "aria-label": "chosen pictures" }, make("div", {}, chips, strip));
  onChange((now) => {
    dock.hidden = !now;
    if (!now) return;
    const list = pictures.filter(fits);
    const parts = [...chosen.bins].map(([index, set]) => {
      const bins = [...set].sort((a, b) => a - b), chart = charts[index];
      const name = bins.length === 1 ? chart.labels[bins[0]] : `${chart.labels[bins[0]]} \u2026 (${bins.length})`;
      return make("button", { type: "button", class: "chip", onclick: () => { chosen.bins.delete(index); changed(); } }, `${chart.title}: ${name}`);
    });
    if (chosen.word !== null) {
      parts.push(make("button", { type: "button", class: "chip", onclick: () => chooseWord(words[chosen.word]) }, `word: ${words[chosen.word].word}`));
    }
    chips.replaceChildren(make("b", {}, `${sampled ? "about " : ""}${count(now.total)} of ${count(data.total)}`), ...parts,
      make("button", { type: "button", class: "clear", onclick: clearChosen }, "clear"));
    strip.replaceChildren(...list.slice(0, 40).map((picture) => thumb(picture, () => list, false)),
      list.length ? "" : make("span", { class: "small muted" }, "no picture in this page fits"));
    tip.hidden = true;
  });
  addEventListener("keydown", (event) => { if (event.key === "Escape" && !large.open && isFiltered()) clearChosen(); });
  return dock;
}

function drawGroup(group) {
  const list = group.rows.map((row) => pictureOfRow.get(row)).filter(Boolean);
  const title = group.identical ? `${count(group.count)} identical files` : `${count(group.count)} alike`;
  return make("div", { class: "card group" }, make("div", {}, make("b", {}, title), group.differ ? make("span", { class: "badge look" }, "classes differ") : null),
    make("div", { class: "row" }, ...list.map((picture) => thumb(picture, () => list, false))),
    make("details", {}, make("summary", {}, "names"), make("ul", { class: "names" }, ...group.names.map((name) => make("li", {}, name)),
      group.count > group.names.length ? make("li", {}, `and ${count(group.count - group.names.length)} more`) : null)));
}
