"use strict";
// State, its address, and what all views share. The fragment is a view and the choices of the
// picker: #board&dataset=digits&ipc=10, or #record-RUN.
const at = id => document.getElementById(id);
const {boards, styles} = JSON.parse(at("boards").textContent);
const data = JSON.parse(at("data").textContent);
const KEYS = {dataset: 16, protocol: 8, ipc: 4, budget: 2, model: 1};
const VIEWS = [...document.querySelectorAll("nav a")].map(link => link.dataset.view);
const numeric = new Intl.Collator("en", {numeric: true});
const shortened = (told, longest) => told.length > longest ? `${told.slice(0, longest - 1)}…` : told;
const element = (name, text, parent) => {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = text;
  if (parent) parent.append(made);
  return made;
};
const SVG = (() => { const made = element("div"); made.innerHTML = "<svg></svg>"; return made.firstChild.namespaceURI; })();
const drawn = (name, attributes, parent) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (parent) parent.append(made);
  return made;
};

// A cell is one ipc of one board.
const cells = boards.flatMap(board => [...new Set(board.rows.map(row => row.ipc))].map(ipc => ({
  board, dataset: board.dataset, ipc: String(ipc), protocol: board.protocol, budget: board.budget,
  model: board.model, rows: board.rows.filter(row => row.ipc === ipc),
})));
const fullness = cell => (cell.board.warning ? 0 : 1e6)
  + 1000 * cell.rows.filter(row => row.rank !== null).length + cell.rows.length;
// The cell that has most of what is wanted, above all what was changed last; of several the fullest.
function nearest(wanted, changed) {
  const fit = cell => Object.entries(KEYS).reduce((sum, [key, weight]) =>
    sum + (wanted[key] === cell[key] ? (key === changed ? 1000 : weight) : 0), 0);
  return cells.reduce((best, cell) =>
    !best || fit(cell) > fit(best) || (fit(cell) === fit(best) && fullness(cell) > fullness(best)) ? cell : best, null);
}

const SHOWN = {};  // what a view does when it is shown
let view = "overview", record = null, cell = null, cost = "storage_bytes", seed = "";
function address(other) {
  const chosen = {...Object.fromEntries(Object.keys(KEYS).map(key => [key, cell ? cell[key] : ""])), cost, seed};
  if (chosen.cost === "storage_bytes") delete chosen.cost;
  if (!chosen.seed) delete chosen.seed;
  return `#${other}&${new URLSearchParams(chosen)}`;
}
function follow() {
  const [head, ...rest] = location.hash.slice(1).split("&");
  const wanted = Object.fromEntries(new URLSearchParams(rest.join("&")));
  const run = head.startsWith("record-") ? head.slice("record-".length) : null;
  record = run && data.records.find(one => one.run === run) || null;
  view = record ? "record" : VIEWS.includes(head) ? head : "overview";
  if (record) Object.assign(wanted, {...whole(record.place), ipc: String(record.task.ipc)}, {protocol: cell && cell.protocol});
  if (rest.length || !cell || record) cell = nearest(wanted, record ? "dataset" : null);
  cost = wanted.cost || cost; seed = wanted.seed || "";
  show();
}
addEventListener("hashchange", () => { follow(); scrollTo(0, 0); });

function show() {
  for (const section of document.querySelectorAll(".view")) section.hidden = section.id !== `view-${view}`;
  for (const link of document.querySelectorAll("nav a")) {
    link.href = address(link.dataset.view);
    if (link.dataset.view === view) {
      link.setAttribute("aria-current", "page");
      link.parentNode.scrollLeft = link.offsetLeft - link.parentNode.offsetLeft;
    } else link.removeAttribute("aria-current");
  }
  at("picker").hidden = !cell || ["record", "over", "about"].includes(view);
  for (const choice of choices) {
    choice.parentNode.hidden = view === "published";
    if (cell) choice.value = cell[choice.dataset.name];
  }
  const warned = cell && view === "overview" ? cell.board.warning : "";
  at("warning").hidden = !warned; at("warning").textContent = warned;
  (SHOWN[view] || (() => {}))();
  filter();
}

const choices = [...document.querySelectorAll("#picker select")];
for (const choice of choices) {
  const values = [...new Set(cells.map(one => one[choice.dataset.name]))].sort(numeric.compare);
  for (const value of values) {
    const option = element("option", shortened(value, 40), choice);
    option.value = value; option.title = value;
  }
  choice.addEventListener("change", () => {
    cell = nearest({...cell, [choice.dataset.name]: choice.value}, choice.dataset.name);
    location.hash = address(view);
  });
}
at("picker").addEventListener("submit", event => event.preventDefault());

// Rows of the chosen place that hold all words.
const text = at("contains");
text.addEventListener("input", () => { if (view === "records") SHOWN.records(); filter(); });
const sought = () => text.value.toLowerCase().split(/\s+/).filter(Boolean);
const contains = (own, words) => words.every(word => own.toLowerCase().includes(word));
const placed = (part, names) => !cell || names.every(name =>
  part.dataset[name] === undefined || part.dataset[name] === cell[name]);
function filter() {
  const words = sought();
  for (const part of document.querySelectorAll(`#view-${view} .board`)) {
    part.hidden = !placed(part, ["dataset", "model", "budget", "protocol"]);
    if (part.hidden) continue;
    for (const row of part.querySelectorAll("tbody tr"))
      row.hidden = !((view === "more" || placed(row, ["ipc"])) && contains(row.textContent, words));
  }
  for (const row of document.querySelectorAll("#table-published tbody tr, #matrix tbody tr"))
    row.hidden = !contains(row.textContent, words);
}

function sort(button) {
  const head = button.closest("th"), body = head.closest("table").tBodies[0];
  const column = head.cellIndex, up = head.getAttribute("aria-sort") !== "ascending";
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const key = row => {
    const own = row.cells[column];
    return own.dataset.key === undefined ? own.textContent : Number(own.dataset.key);
  };
  const order = (a, b) => {
    const x = key(a), y = key(b);
    if (x === "" || y === "") return (x === "") - (y === "");
    const less = typeof x === "number" && typeof y === "number" ? x - y : numeric.compare(String(x), String(y));
    return up ? less : -less;
  };
  body.append(...[...body.rows].sort(order));
}
document.addEventListener("click", event => {
  const button = event.target.closest("th button");
  if (button) sort(button);
});
