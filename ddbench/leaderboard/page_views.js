// The views behind the first one: exports of a board, pictures beside the control's, and records.
const quoted = value => {
  const told = value === null ? "" : String(value);
  return /[",\n]/.test(told) ? `"${told.replaceAll('"', '""')}"` : told;
};
function asCsv(board) {
  const rows = board.rows.map(row => ({...board.fields, ...row}));
  return [Object.keys(rows[0]), ...rows.map(Object.values)].map(row => row.map(quoted).join(",")).join("\n") + "\n";
}
const SIGNS = {"\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}"};
const escaped = told => told.replace(/[\\~^&%$#_{}]/g, sign => SIGNS[sign] || `\\${sign}`);
// Methods by ipc, for the package booktabs.
function asLatex(board) {
  const ipcs = [...new Set(board.rows.map(row => row.ipc))];
  const methods = [...new Set(board.rows.map(row => row.method))];
  const told = row => !row || row.accuracy === null ? "" : "$" + percent(row.accuracy)
    + (row.accuracy_half_width === null ? "" : ` \\pm ${percent(row.accuracy_half_width)}`) + "$";
  const lines = methods.map(method => [escaped(method), ...ipcs.map(ipc =>
    told(board.rows.find(row => row.method === method && row.ipc === ipc)))].join(" & ") + " \\\\");
  return [`% ${board.title}; accuracy in %, 95% t intervals`, `\\begin{tabular}{l${"r".repeat(ipcs.length)}}`,
    "\\toprule", ["method", ...ipcs.map(ipc => `ipc ${ipc}`)].join(" & ") + " \\\\", "\\midrule", ...lines,
    "\\bottomrule", "\\end{tabular}", ""].join("\n");
}
SHOWN.board = () => {
  at("exports").hidden = !cell;
  if (!cell) return;
  at("as-csv").href = `data:text/csv;charset=utf-8,${encodeURIComponent(asCsv(cell.board))}`;
  at("as-latex").href = `data:text/plain;charset=utf-8,${encodeURIComponent(asLatex(cell.board))}`;
};

// Each picture beside that of its control, of the same seed where there is one.
SHOWN.gallery = () => {
  const words = sought(), place = at("beside");
  place.textContent = "";
  at("galleries").hidden = true;
  const here = [...document.querySelectorAll(".gallery")].filter(part => placed(part, ["dataset", "model", "budget", "ipc"]));
  const seeds = [...new Set(here.map(part => part.dataset.seed))].sort(numeric.compare);
  const shown = seeds.includes(seed) ? seed : seeds[0];
  if (seeds.length > 1) {
    const line = element("p", "Seed: ", place);
    line.style.gridColumn = "1 / -1";
    for (const one of seeds) {
      seed = one;
      const link = element("a", one, line);
      link.href = address("gallery");
      if (one === shown) link.setAttribute("aria-current", "page");
      line.append(" ");
    }
    seed = shown;
  }
  for (const part of here.filter(one => one.dataset.seed === shown)) {
    const {method, name, control} = part.dataset;
    if (name === (control || "random") || !contains(part.textContent, words)) continue;
    const pair = element("div", null, place);
    pair.className = "pair";
    const beside = here.filter(one => one.dataset.name === (control || "random"))
      .sort((a, b) => (b.dataset.seed === shown) - (a.dataset.seed === shown))[0];
    for (const one of [part, beside]) {
      if (!one) { element("p", "There is no picture of the control here.", pair); continue; }
      const copy = one.cloneNode(true);
      copy.removeAttribute("id");
      pair.append(copy);
    }
  }
  if (!here.length) element("p", "There are no pictures here.", place);
};

const whole = value => value && value.shared !== undefined ? data.shared[value.shared] : value;
const told = value => typeof value === "string" ? value : JSON.stringify(value);
const ipcOf = task => task.class_counts ? `${Math.min(...task.class_counts)} to ${task.ipc}` : task.ipc;
const titleOf = one => `${whole(one.place).method} on ${one.task.dataset.name}, ipc ${ipcOf(one.task)}, seed ${one.task.seed} (${one.name})`;
const MOST = 300;
SHOWN.records = () => {
  const words = sought(), list = at("record-list");
  list.textContent = "";
  const found = data.records.filter(one => {
    const place = whole(one.place), labels = whole(one.protocols);
    return (!cell || (["dataset", "model", "budget"].every(key => place[key] === cell[key]) && String(one.task.ipc) === cell.ipc
      && labels.includes(cell.protocol.split(",")[0]))) && contains(titleOf(one), words);
  });
  for (const one of found.slice(0, MOST)) element("a", titleOf(one), element("li", null, list)).href = `#record-${one.run}`;
  at("status").textContent = `${found.length} of ${data.records.length} records`
    + (found.length > MOST ? `; the first ${MOST} are listed` : "");
};

function list(values, parent) {
  const made = element("dl", null, parent);
  for (const [name, value] of Object.entries(values)) {
    element("dt", name, made);
    const place = element("dd", null, made), full = whole(value);
    if (full && typeof full === "object" && !Array.isArray(full)) list(full, place);
    else place.textContent = told(full);
  }
}
function plainTable(caption, headers, rows, parent) {
  const frame = element("div", null, parent);
  frame.className = "scroll"; frame.tabIndex = 0;
  frame.setAttribute("role", "region"); frame.setAttribute("aria-label", caption);
  const table = element("table", null, frame);
  element("caption", caption, table);
  const head = element("tr", null, element("thead", null, table));
  for (const header of headers) element("th", header, head).scope = "col";
  const body = element("tbody", null, table);
  for (const row of rows) {
    const line = element("tr", null, body);
    for (const own of row) element("td", own, line);
  }
}
SHOWN.record = () => {
  const place = at("view-record");
  place.textContent = "";
  const {settings, control_settings, control, measurements, costs, networks, place: where, ...rest} = record;
  element("h2", titleOf(record), place);
  const picture = document.getElementById(`gallery-${record.run}`);
  if (picture) { const copy = picture.cloneNode(true); copy.removeAttribute("id"); copy.style.maxWidth = "28rem"; place.append(copy); }
  plainTable(`Settings of ${whole(where).method}`, ["setting", "value", "source"],
    Object.entries(whole(settings)).map(([name, entry]) => [name, told(entry.value), entry.source]), place);
  if (control) {
    const own = Object.entries(whole(control_settings)).map(([name, entry]) => `${name}=${told(entry.value)}`);
    element("p", `Control: ${control.name}/${control.version} ${own.join(", ")}`, place);
  }
  plainTable("Measurements", ["metric", "value", "unit", "values", "at", "note"], measurements.map(m => [
    m.metric, m.value === null ? "n/a" : m.value.toPrecision(6), m.unit,
    m.values.map(v => v.toPrecision(4)).join(", "),
    Object.entries(m.coordinates).map(([name, v]) => `${name}=${v}`).join(", "), m.note]), place);
  plainTable("Costs", ["phase", "stage", "seconds", "resident peak, bytes", "allocated peak, bytes"],
    costs.map(one => [one.phase, one.stage, one.wall_seconds.toPrecision(4),
      one.resident_peak_bytes, one.allocated_peak_bytes ?? ""]), place);
  element("p", at("costs").textContent, place).className = "key";
  if (networks.length) plainTable("Networks", ["stream", "networks", "bytes"],
    networks.map(pool => [pool.stream, pool.networks, pool.bytes]), place);
  list(rest, place);
};
follow();
