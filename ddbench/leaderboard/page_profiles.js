// Performance profiles: the share of a method's cells in which it is at most so many points of
// accuracy below the best, for each table over datasets and ipc.
function profiles(of) {
  const beside = cells.filter(one => ["protocol", "budget", "model"].every(key => one[key] === of[key]))
    .map(one => one.rows.filter(row => row.rank !== null)).filter(rows => rows.length > 1);
  const behind = {};
  for (const rows of beside) {
    const best = Math.max(...rows.map(row => row.accuracy));
    for (const row of rows) (behind[row.method] ??= []).push(100 * (best - row.accuracy));
  }
  return Object.entries(behind).map(([method, points]) => [method, points.sort((a, b) => a - b)]);
}
function drawProfiles(place) {
  place.textContent = "";
  const found = profiles(place.dataset);
  if (!found.length) return;
  const W = Math.max(300, Math.min(720, place.clientWidth)), H = Math.min(360, .75 * W);
  const left = 40, right = 120, top = 12, bottom = 38;
  const most = Math.max(1, ...found.map(([, points]) => points[points.length - 1]));
  const x = points => left + (W - left - right) * points / most;
  const y = share => H - bottom - (H - top - bottom) * share;
  const svg = drawn("svg", {viewBox: `0 0 ${W} ${H}`, role: "img", width: W,
    "aria-label": "Share of cells within so many points of the best; the numbers are in the table."}, place);
  const words = (told, x, y, anchor = "start") => {
    drawn("text", {x, y, "text-anchor": anchor}, svg).textContent = told;
  };
  for (const share of [0, .25, .5, .75, 1]) {
    drawn("path", {class: "grid", d: `M${left} ${y(share)}H${W - right}`}, svg);
    words(`${100 * share}%`, left - 4, y(share) + 4, "end");
  }
  for (const points of ticks(0, most)) {
    drawn("path", {class: "grid", d: `M${x(points)} ${top}V${H - bottom}`}, svg);
    words(points, x(points), H - bottom + 15, "middle");
  }
  words("points below the best", left + (W - left - right) / 2, H - 4, "middle");
  const area = points => points.reduce((sum, own) => sum + own, 0) / points.length;
  found.sort((a, b) => area(a[1]) - area(b[1])).forEach(([method, points], index) => {
    const steps = points.map((own, rank) => `H${x(own)}V${y((rank + 1) / points.length)}`).join("");
    const line = drawn("path", {class: "curve style", d: `M${x(0)} ${y(0)}${steps}H${W - right}`}, svg);
    line.style.setProperty("--colour", styles[method].colour);
    drawn("title", {}, line).textContent = method;
    for (const [rank, own] of points.entries()) marker(method, x(own), y((rank + 1) / points.length), svg);
    if (top + 14 * index > H - bottom) return;
    marker(method, W - right + 12, top + 4 + 14 * index, svg);
    words(shortened(method, 15), W - right + 22, top + 8 + 14 * index);
  });
}
SHOWN.over = () => document.querySelectorAll(".profile").forEach(drawProfiles);
