// Shows what is chosen and sorts tables. Everything it shows stands in the page already.
const controls = document.querySelector(".controls");
document.querySelector("header").append(makeThemeButton());

function choose() {
  const chosen = Object.fromEntries([...controls.querySelectorAll("select")].map((select) => [select.name, select.value]));
  const pair = chosen.pair === "all" ? "0" : chosen.pair; // pictures and curves are of one pair at a time
  for (const view of document.querySelectorAll(".view")) {
    view.hidden = view.dataset.pair !== chosen.pair || view.dataset.lr !== chosen.lr;
  }
  for (const curves of document.querySelectorAll(".of-pair")) curves.hidden = curves.dataset.pair !== pair;
  for (const strip of document.querySelectorAll(".strip")) {
    const own = strip.dataset;
    const rate = own.lr === "any" || (chosen.lr === "best" ? own.best === "yes" : own.lr === chosen.lr);
    strip.hidden = !(own.pair === pair && rate && (own.seed === "any" || own.seed === chosen.seed));
  }
}

function valueOf(row, column) {
  const text = row.children[column].dataset.sort;
  const number = Number(text);
  return text === undefined ? null : Number.isNaN(number) ? text : number;
}

// Rows without a value stay last either way.
function compare(first, second, sign) {
  if (first === null || second === null) return (first === null) - (second === null);
  return sign * (typeof first === "string" ? first.localeCompare(second) : first - second);
}

function sortBy(head) {
  const table = head.closest("table"), column = [...head.parentNode.children].indexOf(head);
  const rows = [...table.tBodies[0].rows];
  if (!rows.some((row) => valueOf(row, column) !== null)) return;
  const upwards = head.getAttribute("aria-sort") === "descending" || (!head.hasAttribute("aria-sort") && column < 3);
  for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", upwards ? "ascending" : "descending");
  rows.sort((a, b) => compare(valueOf(a, column), valueOf(b, column), upwards ? 1 : -1));
  table.tBodies[0].append(...rows);
}

if (controls) {
  controls.hidden = false;
  controls.addEventListener("change", choose);
  choose(); // browsers keep what was chosen before a page was loaded anew
}
for (const button of document.querySelectorAll(".ranked thead button")) {
  button.addEventListener("click", () => sortBy(button.closest("th")));
}
document.documentElement.dataset.ready = "yes";
