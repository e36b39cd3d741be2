// The report's own script: charts by uPlot, tables that sort. All data is in the page.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const dark = matchMedia("(prefers-color-scheme: dark)");
let printing = false;

// ---- who is drawn how: ours, the strongest others and the references stand out, the rest is a background ----

// Okabe and Ito's colours, which the colour-blind tell apart; lighter where the page is dark.
const light = { ours: "#0072b2", others: ["#d55e00", "#009e73", "#cc79a7", "#e69f00", "#8c6bb1"], rest: "#a4abb6", ink: "#1a1c20" };
const night = { ours: "#4aa8e0", others: ["#f08442", "#2fc79a", "#e3a0c4", "#f0b93a", "#b399d6"], rest: "#5d6470", ink: "#e6e8ec" };
const dashes = [[], [8, 4], [3, 3], [10, 3, 2, 3], [5, 2]];
const colours = () => (dark.matches && !printing ? night : light);

const names = data.strategies.map((one) => one.name);
const oracles = new Set(data.strategies.filter((one) => one.oracle).map((one) => one.name));
const of = (load, name) => load.strategies.find((one) => one.name === name);
const mean = (estimate) => estimate?.mean ?? null;
const shareOfBound = (one) => mean(one.share_of_flow) ?? mean(one.share_of_fluid) ?? mean(one.share_of_offered);

function groupsOf() {
  const sum = (name) => data.loads.reduce((all, load) => all + (shareOfBound(of(load, name)) ?? 0), 0);
  const ablations = names.filter((name) => name.startsWith("mirror-"));
  const others = names.filter((name) => name !== "mirror" && !oracles.has(name) && !ablations.includes(name)).sort((a, b) => sum(b) - sum(a));
  return [
    { title: "Headroom", members: names.filter((name) => name === "mirror"), look: () => ({ stroke: colours().ours, width: 3, dash: [] }) },
    { title: "Reference", members: [...oracles], look: () => ({ stroke: colours().ink, width: 1.4, dash: [2, 3] }) },
    { title: "Strongest others", members: others.slice(0, 5), look: (i) => ({ stroke: colours().others[i], width: 1.8, dash: dashes[i] }) },
    { title: "Others", members: others.slice(5), look: (i) => ({ stroke: colours().rest, width: 1, dash: dashes[i % dashes.length] }) },
    { title: "Headroom without a part", members: ablations, hidden: true, look: (i) => ({ stroke: colours().ours, width: 1.2, dash: dashes[1 + (i % 4)] }) },
  ].filter((group) => group.members.length > 0);
}
const groups = groupsOf();
const shown = new Set(groups.filter((group) => !group.hidden).flatMap((group) => group.members));

function look(name) {
  const group = groups.find((one) => one.members.includes(name));
  return group.look(group.members.indexOf(name));
}

// What is drawn later lies above.
const drawn = () => [...groups].reverse().flatMap((group) => group.members).filter((name) => shown.has(name));

function swatch({ stroke, width, dash }) {
  return `<svg viewBox="0 0 22 8" aria-hidden="true"><line x1="0" y1="4" x2="22" y2="4" stroke="${stroke}" stroke-width="${Math.max(width, 1.6)}" stroke-dasharray="${dash}"/></svg>`;
}

// ---- charts ----

const charts = new Map();
const percent = (value, digits = 0) => `${(value * 100).toFixed(digits)}%`;

function axes(x, y, valuesX, valuesY) {
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const [fore, line] = printing ? ["#000", "#ccc"] : [style("--soft"), style("--line")];
  const common = { stroke: fore, grid: { stroke: line, width: 1 }, ticks: { stroke: line, size: 5 }, labelSize: 16, labelGap: 0, font: "11px system-ui", labelFont: "11px system-ui" };
  const words = (write) => write && ((_, at) => at.map((value) => (value === null ? "" : write(value))));
  return [{ ...common, label: x, size: 30, values: words(valuesX) }, { ...common, label: y, size: 48, values: words(valuesY) }];
}

// Says what is under the pointer: the line nearest to it, else ours.
function tell(plot, list, output, writeX, writeY) {
  const at = plot.cursor.idx;
  if (at === null || at === undefined) {
    output.textContent = "";
    return;
  }
  const focused = plot.series.findIndex((one, i) => i > 0 && one._focus);
  const which = focused > 0 ? focused : list.indexOf("mirror") + 1;
  const value = which > 0 ? plot.data[which][at] : null;
  output.textContent = value === null || value === undefined ? "" : `${list[which - 1]} at ${writeX(plot.data[0][at])}: ${writeY(value)}`;
}

function chart(id, list, columns, series, { x, y, writeX, writeY, range }) {
  charts.get(id)?.destroy();
  const place = byId(id);
  const output = place.parentElement.querySelector("output");
  // Paper is not laid out yet when it is asked for its width.
  const width = printing ? (id === "utilisation" ? 940 : 450) : place.clientWidth || 520;
  charts.set(id, new uPlot({
    width, height: printing ? 200 : 250, series: [{}, ...series], axes: axes(x, y, writeX, writeY), scales: { x: { time: false }, y: { range } },
    legend: { show: false }, cursor: { y: false, drag: { x: true, y: false }, focus: { prox: 24 } }, focus: { alpha: 0.25 }, padding: [8, 22, 0, 0],
    hooks: output ? { setCursor: [(plot) => tell(plot, list, output, writeX, writeY)] } : {},
  }, columns, place));
}

const lines = (list, points) => list.map((name) => ({ label: name, ...look(name), points: { show: points && (look(name).width > 1 || data.loads.length === 1), size: 5 }, spanGaps: true }));

function byLoad(id, value, { y, writeY, range }) {
  const list = drawn();
  const columns = [data.loads.map((load) => load.load), ...list.map((name) => data.loads.map((load) => value(of(load, name))))];
  chart(id, list, columns, lines(list, true), { x: "offered load, of the sum of the quotas", y, writeX: percent, writeY, range });
}

function waits() {
  const load = data.loads[byId("waitload").selectedIndex];
  const list = drawn();
  const steps = load.strategies[0].waits.length - 1;
  const marks = [...new Set(list.flatMap((name) => of(load, name).waits))].filter((v) => v !== null).sort((a, b) => a - b);
  const share = (wait, at) => {
    let count = 0;
    while (count < wait.length && wait[count] !== null && wait[count] <= at) count += 1;
    return Math.max(0, count - 1) / steps;
  };
  chart("waits", list, [marks, ...list.map((name) => marks.map((at) => share(of(load, name).waits, at)))], lines(list, false),
    { x: "seconds", y: "of the served", writeX: (v) => `${+v.toFixed(1)} s`, writeY: (v) => percent(v), range: [0, 1.02] });
}

// Of many backends the least, the median and the most used at each time.
function usedShares(run) {
  const { at, used } = run.utilisation;
  if (used.length <= 14) return { names: data.backends, used };
  const sorted = at.map((_, i) => used.map((one) => one[i]).sort((a, b) => a - b));
  const places = [0, Math.floor(used.length / 2), used.length - 1];
  return { names: ["the least used", "the median", "the most used"].map((name) => `${name} of ${used.length}`), used: places.map((place) => sorted.map((one) => one[place])) };
}

function utilisation() {
  const load = data.loads[byId("load").selectedIndex];
  const run = of(load, byId("strategy").value);
  const { ours, others, rest } = colours();
  const lookOf = (i) => ({ stroke: [ours, ...others, rest][i % 7], dash: dashes[Math.floor(i / 7) % dashes.length], width: 1.4 });
  const shares = usedShares(run);
  const series = shares.names.map((name, i) => ({ label: name, ...lookOf(i) }));
  chart("utilisation", shares.names, [run.utilisation.at, ...shares.used], series,
    { x: "seconds", y: "of the quota", writeX: (v) => String(v), writeY: (v) => percent(v), range: [0, 1.05] });
  byId("backends").replaceChildren();
  shares.names.forEach((name, i) => {
    const item = document.createElement("li");
    item.innerHTML = swatch(lookOf(i));
    item.append(name);
    byId("backends").append(item);
  });
}

function draw() {
  const fromZero = (_, low, high) => [0, high * 1.05 || 1];
  const zoomed = (_, low, high) => [Math.max(0, Math.floor((low - 0.02) * 10) / 10), Math.max(high, 1) + 0.01];
  byLoad("goodput", shareOfBound, { y: "of the bound", writeY: (v) => percent(v, 1), range: zoomed });
  byLoad("client429", (one) => mean(one.figures.client_429_rate), { y: "per request", writeY: (v) => String(+v.toFixed(3)), range: fromZero });
  byLoad("upstream429", (one) => mean(one.figures.upstream_429_rate), { y: "per request", writeY: (v) => String(+v.toFixed(3)), range: fromZero });
  waits();
  utilisation();
}

// ---- the legend: a click shows or hides a line, pointing at it or tabbing to it lets the others fade ----

function focusOn(name) {
  for (const [id, plot] of charts) {
    if (id === "utilisation") continue;
    const at = name === null ? null : plot.series.findIndex((one) => one.label === name);
    plot.setSeries(at === -1 ? null : at, { focus: true });
  }
}

function legend() {
  const place = byId("legend");
  place.replaceChildren();
  for (const group of groups) {
    const title = document.createElement("h3");
    title.textContent = group.title;
    const list = document.createElement("div");
    for (const name of group.members) {
      const button = document.createElement("button");
      button.innerHTML = swatch(look(name));
      button.append(name);
      button.title = data.strategies.find((one) => one.name === name).summary;
      button.setAttribute("aria-pressed", shown.has(name));
      button.addEventListener("click", () => {
        if (!shown.delete(name)) shown.add(name);
        button.setAttribute("aria-pressed", shown.has(name));
        draw();
      });
      for (const event of ["pointerenter", "focus"]) button.addEventListener(event, () => focusOn(name));
      for (const event of ["pointerleave", "blur"]) button.addEventListener(event, () => focusOn(null));
      list.append(button);
    }
    // Paper shows only what is drawn.
    for (const part of [title, list]) part.className = group.members.some((name) => shown.has(name)) ? "" : "hidden";
    place.append(title, list);
  }
}

// ---- tables ----

function text(value, unit) {
  if (value === null || value === undefined) return "–";
  if (unit === "share") return `${(value * 100).toFixed(1)}%`;
  const size = Math.abs(value);
  return value.toLocaleString("en", { maximumFractionDigits: size >= 100 ? 0 : size >= 10 ? 1 : 3 });
}

const columns = (() => {
  const extra = [
    { name: "share_of_fluid", title: "of the fluid bound", unit: "share", more_is_better: true, value: (one) => one.share_of_fluid },
    { name: "share_of_flow", title: "of the flow bound", unit: "share", more_is_better: true, value: (one) => one.share_of_flow },
    { name: "share_of_clairvoyant", title: "of clair\u00advoyant", unit: "share", more_is_better: true, value: (one) => one.share_of_clairvoyant },
    { name: "gain", title: "against mirror", unit: "tokens/min", more_is_better: true, value: (one) => one.goodput_against_mirror },
  ];
  const all = [...data.figures.slice(0, 1), ...extra, ...data.figures.slice(1)].filter((column) => column.name !== "offered");
  return all.map((column) => ({ value: (one) => one.figures[column.name], ...column }));
})();

// The best of each column, of those that a proxy can be; null where most are equally good.
function bestOf(load, column) {
  const values = load.strategies.filter((one) => !oracles.has(one.name)).map((one) => mean(column.value(one))).filter((v) => v !== null);
  const best = column.more_is_better ? Math.max(...values) : Math.min(...values);
  return values.filter((value) => value === best).length * 2 > values.length ? null : best;
}

function fill(body, order, best) {
  body.replaceChildren();
  for (const one of order) {
    const row = body.insertRow();
    row.className = oracles.has(one.name) ? "oracle" : one.name === "mirror" ? "ours" : "";
    const name = document.createElement("th");
    name.scope = "row";
    name.textContent = one.name;
    row.append(name);
    columns.forEach((column, i) => {
      const cell = row.insertCell();
      const value = column.value(one);
      cell.textContent = text(mean(value), column.unit);
      if (value?.half_width > 0) cell.insertAdjacentHTML("beforeend", ` <small>±${text(value.half_width, column.unit)}</small>`);
      if (best[i] !== null && mean(value) === best[i] && !oracles.has(one.name)) cell.className = "best";
    });
  }
}

function table(load) {
  const element = document.createElement("table");
  const head = element.createTHead().insertRow();
  const body = element.createTBody();
  const best = columns.map((column) => bestOf(load, column));
  const sortBy = (cell, value, ascending) => {
    for (const other of head.cells) other.removeAttribute("aria-sort");
    cell.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const sign = ascending ? 1 : -1;
    fill(body, [...load.strategies].sort((a, b) => {
      const [x, y] = [value(a) ?? -Infinity, value(b) ?? -Infinity];
      return x === y ? 0 : x < y ? -sign : sign;
    }), best);
  };
  for (const column of [{ title: "strategy", value: (one) => ({ mean: one.name }), unit: "" }, ...columns]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    const button = document.createElement("button");
    button.type = "button";
    button.innerHTML = `${column.title}<br><small>${column.unit}</small>`;
    button.addEventListener("click", () => sortBy(cell, (one) => mean(column.value(one)), cell.getAttribute("aria-sort") === "descending"));
    cell.append(button);
    head.append(cell);
  }
  sortBy(head.cells[1], (one) => mean(one.figures.goodput), false);
  return element;
}

function addTables() {
  for (const load of data.loads) {
    const details = document.createElement("details");
    details.open = load === data.loads.at(-1);
    const summary = document.createElement("summary");
    summary.textContent = `Load ${percent(load.load)} of the quotas: ${load.requests} requests in ${Math.round(load.span_s)} s; bounds: fluid ${text(load.bounds.fluid.mean)}, flow ${text(load.bounds.flow.mean)} tokens/min`;
    const wide = document.createElement("div");
    wide.className = "wide";
    wide.tabIndex = 0;
    wide.append(table(load));
    details.append(summary, wide);
    byId("tables").append(details);
  }
}

// ---- the page ----

function print(now) {
  printing = now;
  for (const details of document.querySelectorAll("details")) {
    if (now) details.dataset.open = details.open ? "yes" : "";
    details.open = now || details.dataset.open === "yes";
  }
  legend();
  draw();
}

function begin() {
  const count = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;
  byId("what").textContent = `${data.trace} on ${data.fleet}: ${count(data.backends.length, "backend")}, ${text(data.tokens_per_minute)} tokens/min, ${count(data.replicas, "replica")}, ${count(data.seeds, "seed")} from ${data.seed}. Simulated; docs/lab.md says how.`;
  for (const name of names) byId("strategy").add(new Option(name));
  for (const id of ["load", "waitload"]) {
    for (const load of data.loads) byId(id).add(new Option(percent(load.load)));
    byId(id).selectedIndex = data.loads.length - 1;
  }
  for (const id of ["strategy", "load"]) byId(id).addEventListener("change", utilisation);
  byId("waitload").addEventListener("change", waits);
  for (const one of data.strategies) {
    const [term, description] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = one.name;
    description.textContent = one.summary;
    byId("strategies").append(term, description);
  }
  legend();
  addTables();
  draw();
  dark.addEventListener("change", () => { legend(); draw(); });
  addEventListener("resize", draw);
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
}

begin();
