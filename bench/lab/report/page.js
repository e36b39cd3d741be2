// The report's own script: charts by uPlot, tables that sort. All data is in the page.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const dark = matchMedia("(prefers-color-scheme: dark)");
let printing = false;

// Strategies keep their colours in all charts; the first is ours. Okabe and Ito's palette, then dashes.
const palette = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6bb1", "#a6761d", "#7f7f7f", "#1b9e77"];
const names = data.strategies.map((one) => one.name);
const colour = (name) => palette[names.indexOf(name) % palette.length];
const dash = (name) => [[], [6, 4], [2, 3]][Math.floor(names.indexOf(name) / palette.length) % 3];
const shown = new Set(names.filter((name) => !name.startsWith("mirror-")));

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const ink = () => (printing ? { fore: "#000", line: "#ccc" } : { fore: style("--soft"), line: style("--line") });

function axes(x, y, percentX) {
  const { fore, line } = ink();
  const common = { stroke: fore, grid: { stroke: line, width: 1 }, ticks: { stroke: line }, labelSize: 18, font: "11px system-ui", labelFont: "11px system-ui" };
  return [
    { ...common, label: x, values: percentX ? (_, at) => at.map((v) => `${Math.round(v * 100)}%`) : undefined },
    { ...common, label: y, size: 58 },
  ];
}

const charts = new Map();

function chart(id, columns, series, axesOf, scales) {
  charts.get(id)?.destroy();
  const place = byId(id);
  // Paper is not laid out yet when it is asked for its width.
  const width = printing ? (id === "utilisation" ? 940 : 450) : place.clientWidth || 520;
  charts.set(id, new uPlot({
    width, height: 260, series: [{}, ...series], axes: axesOf, scales: { x: { time: false }, ...scales },
    legend: { show: false }, cursor: { y: false }, padding: [10, 14, 0, 0],
  }, columns, place));
}

function lines(list, points) {
  return list.map((name) => ({ label: name, stroke: colour(name), width: name === "mirror" ? 3 : 1.6, dash: dash(name), points: { show: points, size: 6 }, spanGaps: true }));
}

// Ours is drawn last, over the others.
const visible = () => names.filter((name) => shown.has(name)).sort((a, b) => (a === "mirror") - (b === "mirror"));
const of = (load, name) => load.strategies.find((one) => one.name === name);

function byLoad(id, y, value) {
  const list = visible();
  const columns = [data.loads.map((load) => load.load), ...list.map((name) => data.loads.map((load) => value(of(load, name))))];
  chart(id, columns, lines(list, true), axes("offered load, of the sum of the quotas", y, true), { y: { range: (_, low, high) => [Math.min(0, low), high * 1.05 || 1] } });
}

function waits() {
  const load = data.loads[byId("load").selectedIndex];
  const list = visible();
  const steps = load.strategies[0].waits.length - 1;
  const marks = [...new Set(list.flatMap((name) => of(load, name).waits))].filter((v) => v !== null).sort((a, b) => a - b);
  const share = (wait, at) => {
    let count = 0;
    while (count < wait.length && wait[count] !== null && wait[count] <= at) count += 1;
    return Math.max(0, count - 1) / steps;
  };
  chart("waits", [marks, ...list.map((name) => marks.map((at) => share(of(load, name).waits, at)))], lines(list, false),
    axes(`seconds, at a load of ${Math.round(load.load * 100)}%`, "share", false), { y: { range: [0, 1.02] } });
}

function utilisation() {
  const load = data.loads[byId("load").selectedIndex];
  const run = of(load, byId("strategy").value);
  const series = data.backends.map((name, i) => ({ label: name, stroke: palette[i % palette.length], dash: [[], [6, 4], [2, 3]][Math.floor(i / palette.length) % 3], width: 1.4 }));
  chart("utilisation", [run.utilisation.at, ...run.utilisation.used], series, axes("seconds", "share of the quota", false), { y: { range: [0, 1.05] } });
  charts.get("utilisation").root.title = data.backends.join(", ");
}

function draw() {
  byLoad("goodput", "share of bound", (one) => one.share_of_flow?.mean ?? one.share_of_offered?.mean);
  byLoad("client429", "per request", (one) => one.figures.client_429_rate.mean);
  byLoad("upstream429", "per request", (one) => one.figures.upstream_429_rate.mean);
  waits();
  utilisation();
}

function text(value, scale) {
  if (value === null || value === undefined) return "–";
  const magnitude = Math.abs(value);
  return value.toLocaleString("en", { maximumFractionDigits: scale ?? (magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : 3) });
}

function table(load) {
  const extra = [
    { name: "share_of_flow", title: "of the bound", unit: "share", more_is_better: true, value: (one) => one.share_of_flow },
    { name: "share_of_clairvoyant", title: "of clairvoyant", unit: "share", more_is_better: true, value: (one) => one.share_of_clairvoyant },
    { name: "gain", title: "against mirror", unit: "tokens/min", more_is_better: true, value: (one) => one.goodput_against_mirror },
  ];
  const columns = [...data.figures.slice(0, 1), ...extra, ...data.figures.slice(1)].map((column) => ({ value: (one) => one.figures[column.name], ...column }));
  const element = document.createElement("table");
  const caption = element.createCaption();
  caption.textContent = `Load ${Math.round(load.load * 100)} % of the quotas: ${load.requests} requests in ${Math.round(load.span_s)} s. Bounds: fluid ${text(load.bounds.fluid.mean)}, flow ${text(load.bounds.flow.mean)} tokens/min.`;
  const head = element.createTHead().insertRow();
  const body = element.createTBody();
  const oracles = new Set(data.strategies.filter((one) => one.oracle).map((one) => one.name));
  const best = columns.map((column) => {
    const values = load.strategies.filter((one) => !oracles.has(one.name)).map((one) => column.value(one)?.mean).filter((v) => typeof v === "number");
    return column.more_is_better ? Math.max(...values) : Math.min(...values);
  });
  const fill = (order) => {
    body.replaceChildren();
    for (const one of order) {
      const row = body.insertRow();
      row.className = oracles.has(one.name) ? "oracle" : "";
      row.insertCell().textContent = one.name;
      columns.forEach((column, i) => {
        const cell = row.insertCell();
        const value = column.value(one);
        cell.textContent = text(value?.mean);
        if (value?.half_width > 0) cell.insertAdjacentHTML("beforeend", ` <small>±${text(value.half_width)}</small>`);
        if (value?.mean === best[i] && !oracles.has(one.name) && column.name !== "offered") cell.className = "best";
      });
    }
  };
  const sortBy = (cell, value, ascending) => {
    for (const other of head.cells) other.removeAttribute("aria-sort");
    cell.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const sign = ascending ? 1 : -1;
    fill([...load.strategies].sort((a, b) => {
      const [x, y] = [value(a) ?? -Infinity, value(b) ?? -Infinity];
      return x === y ? 0 : x < y ? -sign : sign;
    }));
  };
  [{ title: "strategy", value: (one) => ({ mean: one.name }), unit: "" }, ...columns].forEach((column) => {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.tabIndex = 0;
    cell.innerHTML = `${column.title}<br><small>${column.unit}</small>`;
    const sort = () => sortBy(cell, (one) => column.value(one)?.mean, cell.getAttribute("aria-sort") === "descending");
    cell.addEventListener("click", sort);
    cell.addEventListener("keydown", (event) => event.key === "Enter" && sort());
    head.append(cell);
  });
  sortBy(head.cells[1], (one) => one.figures.goodput.mean, false);
  const wide = document.createElement("div");
  wide.className = "wide";
  wide.append(element);
  return wide;
}

function begin() {
  byId("what").textContent = `${data.trace} on ${data.fleet}: ${data.backends.length} backends, ${text(data.tokens_per_minute)} tokens/min, ${data.replicas} replica(s), ${data.seeds} seed(s) from ${data.seed}. Simulated; docs/lab.md says how.`;
  for (const name of names) {
    const button = document.createElement("button");
    button.textContent = name;
    button.style.setProperty("--colour", colour(name));
    button.setAttribute("aria-pressed", shown.has(name));
    button.addEventListener("click", () => {
      if (!shown.delete(name)) shown.add(name);
      button.setAttribute("aria-pressed", shown.has(name));
      draw();
    });
    byId("legend").append(button);
    byId("strategy").add(new Option(name));
  }
  for (const load of data.loads) byId("load").add(new Option(`${Math.round(load.load * 100)} %`));
  byId("load").selectedIndex = data.loads.length - 1;
  byId("strategy").addEventListener("change", draw);
  byId("load").addEventListener("change", draw);
  for (const load of data.loads) byId("tables").append(table(load));
  for (const one of data.strategies) {
    const [term, description] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = one.name;
    description.textContent = one.summary;
    byId("strategies").append(term, description);
  }
  draw();
  dark.addEventListener("change", draw);
  addEventListener("resize", draw);
  addEventListener("beforeprint", () => { printing = true; draw(); });
  addEventListener("afterprint", () => { printing = false; draw(); });
}

begin();
