// The first view: who leads, methods by cells, and accuracy against a cost.
const percent = value => (100 * value).toFixed(1);
const estimate = (mean, half) => mean === null ? "" : percent(mean) + (half === null ? "" : ` ± ${percent(half)}`);
const short = value => Number(value.toPrecision(3));
const bytes = value => {
  const power = Math.min(3, Math.max(0, Math.floor(Math.log10(value) / 3)));
  return `${short(value / 1000 ** power)} ${["B", "kB", "MB", "GB"][power]}`;
};
const seconds = value => value < 1 ? `${short(1000 * value)} ms` : value < 600 ? `${short(value)} s`
  : value < 7200 ? `${short(value / 60)} min` : `${short(value / 3600)} h`;
const COSTS = {
  storage_bytes: {name: "bytes of images and labels", of: row => row.storage_bytes, told: bytes},
  seconds: {name: "seconds to make the set, networks included", told: seconds,
    of: row => row.distil_seconds === null ? null : row.distil_seconds + row.teachers_seconds},
  peak_memory_bytes: {name: "peak memory", of: row => row.peak_memory_bytes, told: bytes},
};
const ranks = row => row.rank === null ? "" : row.rank === row.lowest_rank ? `${row.rank}` : `${row.rank}-${row.lowest_rank}`;
const controlOf = row => row.control + (row.control_labels ? ` with ${row.control_labels}` : "");
const byAccuracy = (a, b) => (b.accuracy ?? -1) - (a.accuracy ?? -1);
// Whether the interval of the difference from the control lies above or below 0.
function relation(row) {
  if (row.difference === null || row.difference_half_width === null) return "alike";
  if (Math.abs(row.difference) <= row.difference_half_width) return "alike";
  return row.difference > 0 ? "above" : "below";
}

const SHAPES = {
  o: "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0z", s: "M-4-4h8v8h-8z", D: "M0-5.6l5.6 5.6l-5.6 5.6l-5.6-5.6z",
  "^": "M0-5l5 9h-10z", v: "M0 5l5-9h-10z", "<": "M-5 0l9-5v10z", ">": "M5 0l-9-5v10z",
  P: "M-1.8-5h3.6v3.2h3.2v3.6h-3.2v3.2h-3.6v-3.2h-3.2v-3.6h3.2z",
  X: "M-5-2.6l2.4-2.4l2.6 2.6l2.6-2.6l2.4 2.4l-2.6 2.6l2.6 2.6l-2.4 2.4l-2.6-2.6l-2.6 2.6l-2.4-2.4l2.6-2.6z",
  "*": "M0-6l1.6 4.1l4.4.2l-3.4 2.8l1.1 4.3l-3.7-2.4l-3.7 2.4l1.1-4.3l-3.4-2.8l4.4-.2z",
};
function marker(method, x, y, parent) {
  const style = styles[method];
  const made = drawn("path", {d: SHAPES[style.marker], transform: `translate(${x} ${y})`, class: "style"}, parent);
  made.style.setProperty("--colour", style.colour);
  return made;
}
function swatch(method, parent) {
  const made = drawn("svg", {class: "mark", viewBox: "-7 -7 14 14", "aria-hidden": "true"}, parent);
  marker(method, 0, 0, made);
}

function leader() {
  const place = at("leader");
  place.textContent = "";
  const ranked = cell.rows.filter(row => row.rank !== null).sort(byAccuracy);
  const [first] = ranked.length ? ranked : [...cell.rows].sort(byAccuracy);
  element("strong", `${cell.dataset}, ipc ${cell.ipc}, ${cell.protocol}, budget ${cell.budget}: `, place);
  if (!first || first.accuracy === null) { place.append("nothing could be scored."); return; }
  swatch(first.method, place);
  element("strong", first.method, place);
  place.append(ranked.length ? " leads with " : " has the highest accuracy of the unranked ones: ",
    `${estimate(first.accuracy, first.accuracy_half_width)} %`);
  if (ranked.length > 1) {
    const beats = first.ranked - first.lowest_rank, alike = first.ranked - 1 - beats - (first.rank - 1);
    place.append(beats ? `, beats ${beats} of ${first.ranked - 1}` : "",
      alike ? ` and does not differ significantly from ${alike}` : "");
  }
  const making = ["seconds", "peak_memory_bytes"].filter(key => COSTS[key].of(first) !== null)
    .map(key => COSTS[key].told(COSTS[key].of(first)));
  place.append(`. It is ${bytes(first.storage_bytes)}`, making.length ? ` and took ${making.join(" and ")} to make.` : ".");
  if (first.control && first.control_accuracy !== null)
    place.append(` Its control, ${controlOf(first)}, has ${estimate(first.control_accuracy, first.control_accuracy_half_width)} %.`);
  if (cell.board.whole !== null) place.append(` All real training images give ${percent(cell.board.whole)} %.`);
}

function matrix() {
  const beside = cells.filter(one => ["protocol", "budget", "model"].every(key => one[key] === cell[key]))
    .sort((a, b) => numeric.compare(a.dataset, b.dataset) || a.ipc - b.ipc);
  const at_ = (one, method) => one.rows.find(row => row.method === method);
  const methods = [...new Set(beside.flatMap(one => one.rows.map(row => row.method)))];
  const own = method => at_(cell, method)?.accuracy ?? -1;
  methods.sort((a, b) => own(b) - own(a) || numeric.compare(a, b));
  const place = at("matrix");
  place.textContent = "";
  const table = element("table", null, place);
  at("matrix-title").textContent = `${cell.protocol}, budget ${cell.budget}, ${cell.model}: accuracy in %`;
  table.setAttribute("aria-labelledby", "matrix-title");
  const head = element("tr", null, element("thead", null, table));
  element("th", "method", head).scope = "col";
  for (const one of beside) {
    const heading = element("th", null, head);
    heading.scope = "col";
    if (one === cell) heading.className = "picked";
    const link = element("a", `${one.dataset}, ipc ${one.ipc}`, heading);
    const kept = cell;
    cell = one; link.href = address("overview"); cell = kept;
  }
  const body = element("tbody", null, table);
  const extents = beside.map(one => extent(one.rows));
  for (const method of methods) {
    const line = element("tr", null, body), name = element("th", null, line);
    name.scope = "row";
    swatch(method, name);
    const label = element("span", shortened(method, 24), name);
    label.title = method;
    beside.forEach((one, index) => {
      const row = at_(one, method);
      figure(row, extents[index], element("td", null, line)).classList.toggle("picked", one === cell);
    });
  }
  const picked = head.querySelector(".picked");  // brought beside the names where there is little room
  place.scrollLeft = picked.offsetLeft - head.firstChild.offsetWidth;
}
// From the lowest to the highest end of the intervals of a column.
function extent(rows) {
  const ends = rows.filter(row => row.accuracy !== null).flatMap(row =>
    [row.accuracy - (row.accuracy_half_width || 0), row.accuracy + (row.accuracy_half_width || 0)]);
  const low = Math.max(0, Math.min(...ends)), high = Math.min(1, Math.max(...ends));
  return {low, wide: high - low || 1};
}
function figure(row, {low, wide}, place) {
  if (!row || row.accuracy === null) return place;
  place.className = relation(row);
  const share = value => 100 * Math.min(1, Math.max(0, (value - low) / wide));
  element("span", percent(row.accuracy), place).className = "mean";
  if (row.accuracy_half_width !== null) element("small", ` ± ${percent(row.accuracy_half_width)}`, place);
  element("span", row.rank === null ? "unranked" : ranks(row), place).className = "ranks";
  const track = element("span", null, place), half = row.accuracy_half_width || 0;
  track.className = "track";
  const bar = (name, from, to) => {
    const made = element("i", null, track);
    made.className = name; made.style.left = `${from}%`;
    if (to !== undefined) made.style.width = `${to - from}%`;
  };
  bar("band", share(row.accuracy - half), share(row.accuracy + half));
  bar("tick", share(row.accuracy));
  if (row.control_accuracy !== null) bar("control", share(row.control_accuracy));
  place.title = `${row.method}: ${estimate(row.accuracy, row.accuracy_half_width)} %`
    + (row.difference === null ? "" : `; ${row.difference > 0 ? "+" : ""}${estimate(row.difference, row.difference_half_width)} beside ${controlOf(row)}`);
  return place;
}

// Accuracy against cost at every ipc of the board; what no cheaper one reaches is on the front.
function plot() {
  const {of, told, name} = COSTS[cost];
  const points = cell.board.rows.filter(row => row.accuracy !== null && of(row) !== null && of(row) > 0);
  const place = at("plot");
  place.textContent = "";
  at("cost").value = cost;
  if (!points.length) { element("p", `The ${name} are not known here.`, place); return; }
  const W = Math.max(300, place.clientWidth), H = Math.max(300, Math.min(460, .72 * W));
  const left = 40, right = W < 500 ? 92 : 130, top = 12, bottom = 42;
  const costs = points.map(of), {low, wide} = extent([...points, ...controls(points)]);
  const [least, most] = [Math.log10(Math.min(...costs)), Math.log10(Math.max(...costs))];
  const room = Math.max(.15, .06 * (most - least));
  const x = value => left + (W - left - right) * (Math.log10(value) - least + room) / (most - least + 2 * room);
  const y = value => top + (H - top - bottom) * (1 - (value - low + .03 * wide) / (1.06 * wide));
  const svg = drawn("svg", {viewBox: `0 0 ${W} ${H}`, role: "img",
    "aria-label": `Accuracy against ${name}, ${cell.board.title}; the numbers are in the board's table.`}, place);
  const words = (told, x, y, anchor = "start") => {
    const made = drawn("text", {x, y, "text-anchor": anchor}, svg);
    made.textContent = told;
    return made;
  };
  for (const value of ticks(100 * low, 100 * (low + wide))) {
    drawn("path", {class: "grid", d: `M${left} ${y(value / 100)}H${W - right}`}, svg);
    words(Number(value.toFixed(6)), left - 5, y(value / 100) + 4, "end");
  }
  for (const value of decades(10 ** (least - room), 10 ** (most + room))) {
    drawn("path", {class: "grid", d: `M${x(value)} ${top}V${H - bottom}`}, svg);
    words(told(value), x(value), H - bottom + 15, "middle");
  }
  words(name, left + (W - left - right) / 2, H - 6, "middle");
  words("accuracy %", 2, top - 2);
  const chosen = points.filter(row => String(row.ipc) === cell.ipc);
  for (const level of new Set(chosen.map(row => row.control_accuracy).filter(value => value !== null)))
    drawn("path", {class: "reference", d: `M${left} ${y(level)}H${W - right}`}, svg);
  const front = pareto(points, of);
  drawn("path", {class: "front", d: front.map((row, index) =>
    index ? `H${x(of(row))}V${y(row.accuracy)}` : `M${x(of(row))} ${y(row.accuracy)}`).join("") + `H${W - right}`}, svg);
  for (const row of points) {
    const group = drawn("g", {class: chosen.includes(row) ? "" : "faint"}, svg), half = row.accuracy_half_width || 0;
    drawn("title", {}, group).textContent =
      `${row.method}, ipc ${row.ipc}: ${estimate(row.accuracy, row.accuracy_half_width)} %, ${told(of(row))}`;
    const bar = drawn("path", {class: "style", d: `M${x(of(row))} ${y(row.accuracy - half)}V${y(row.accuracy + half)}`}, group);
    bar.style.setProperty("--colour", styles[row.method].colour);
    marker(row.method, x(of(row)), y(row.accuracy), group);
  }
  // Names in a column at the right, in the order of the points, none over another.
  const named = chosen.sort(byAccuracy).slice(0, Math.floor((H - top - bottom) / 14));
  let lowest = top - 4;
  const heights = named.map(row => lowest = Math.max(lowest + 14, y(row.accuracy) + 4));
  const over = Math.max(0, lowest - (H - bottom + 4));
  named.forEach((row, index) => {
    const height = Math.max(top + 8 + 14 * index, heights[index] - over), from = x(of(row)) + 7;
    drawn("path", {class: "lead", d: `M${from} ${y(row.accuracy)}L${W - right + 4} ${height - 4}`}, svg);
    marker(row.method, W - right + 12, height - 4, svg);
    const made = words(shortened(row.method, W < 500 ? 11 : 17), W - right + 22, height);
    if (front.includes(row)) made.setAttribute("font-weight", "600");
  });
  element("figcaption", `Every ipc of the board, ipc ${cell.ipc} in full colour. The line is the Pareto front: what nothing cheaper reaches. `
    + "Bars are 95% intervals; dashed: the control.", place);
}
const controls = rows => rows.filter(row => row.control_accuracy !== null)
  .map(row => ({accuracy: row.control_accuracy, accuracy_half_width: 0}));
const pareto = (rows, of) => [...rows].sort((a, b) => of(a) - of(b) || b.accuracy - a.accuracy)
  .reduce((front, row) => !front.length || row.accuracy > front[front.length - 1].accuracy ? [...front, row] : front, []);
function ticks(low, high) {
  const step = [.1, .2, .5, 1, 2, 5, 10, 20].find(one => (high - low) / one <= 7) || 50;
  const first = Math.ceil(low / step);
  return [...Array(Math.floor(high / step) - first + 1).keys()].map(index => (first + index) * step);
}
function decades(low, high) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1)
    for (const digit of [1, 2, 5]) found.push(digit * 10 ** power);
  const inside = found.filter(value => value >= low && value <= high);
  return inside.length > 6 ? inside.filter(value => Number.isInteger(Math.round(1e6 * Math.log10(value)) / 1e6)) : inside;
}
at("cost").addEventListener("change", event => { cost = event.target.value; location.hash = address("overview"); });
addEventListener("resize", () => { if (view === "overview" && cell) plot(); });
SHOWN.overview = () => { if (cell) { leader(); matrix(); plot(); } };
