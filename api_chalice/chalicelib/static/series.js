// Groups by bucket as a chart of lines. A bucket without rows counts as none, but never where a day is missing.
import { element, note, shown, table } from "./dom.js";
import { metricWords } from "./words.js";

const COLOURS = ["#3b82c4", "#d1762b", "#3a9a5b", "#a3559e", "#c2453f", "#8a7a3a", "#2b9aa0", "#8a8f98"];
const STEPS = { hour: 3600, day: 86400, week: 604800 };
const MOST_POINTS = 20000;
const HEIGHT = 290;
// Rows are whole: their axis has no halves.
const WHOLE = Array.from({ length: 16 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();
const NONE = "no value";

// {stamps, names, values, gaps, left}: seconds since 1970, and a list of values for each of the greatest series.
export function pivot(rows, state, missing) {
  const counts = state.metric === "count";
  const byName = new Map();
  for (const row of rows) {
    const name = state.by ? String(row[state.by] ?? NONE) : metricWords(state.metric);
    if (!byName.has(name)) byName.set(name, new Map());
    byName.get(name).set(seconds(row.bucket), row[state.metric] === null ? null : Number(row[state.metric]));
  }
  const weight = (points) => [...points.values()].reduce((sum, value) => sum + Math.abs(value ?? 0), 0);
  const ranked = [...byName].sort((a, b) => weight(b[1]) - weight(a[1]));
  const kept = ranked.slice(0, COLOURS.length);
  const stamps = filled([...new Set(rows.map((row) => seconds(row.bucket)))].sort((a, b) => a - b), state.bucket);
  const gaps = missing.map((run) => [seconds(run.from), seconds(run.to)]);
  const absent = (stamp) => (counts && !gaps.some(([start, end]) => stamp >= start && stamp < end) ? 0 : null);
  const values = kept.map(([, points]) => stamps.map((stamp) => (points.has(stamp) ? points.get(stamp) : absent(stamp))));
  return { stamps, names: kept.map(([name]) => name), values, gaps, left: ranked.length - kept.length };
}

function filled(stamps, bucket) {
  const step = STEPS[bucket];
  if (!step || stamps.length < 2 || (stamps.at(-1) - stamps[0]) / step > MOST_POINTS) return stamps;
  return Array.from({ length: (stamps.at(-1) - stamps[0]) / step + 1 }, (_, place) => stamps[0] + place * step);
}

const seconds = (text) => Date.parse(text.length === 10 ? `${text}T00:00:00Z` : text) / 1000;
const iso = (stamp) => new Date(stamp * 1000).toISOString().replace(/:00\.000Z$/, "Z").replace("T00:00Z", "");
const moment = (stamp) => iso(stamp).replace("T", " ").replace("Z", "");

// Draw into a body; `zoom(from, to)` gets the days of a range that was dragged over.
export function draw(body, answer, state, zoom) {
  const found = pivot(answer.data, state, answer.meta.coverage?.missing || []);
  const { stamps, names, left } = found;
  if (!stamps.length) return body.replaceChildren(note("No rows in this range.", "none"));
  const place = element("div", { class: "chart", role: "img", "aria-label": `${metricWords(state.metric)} by ${state.bucket}; the table below has the numbers` });
  body.replaceChildren(place);
  plotted(place, found, state, zoom);
  body.append(numbers(found), note(`Drag over the chart to look closer.${found.gaps.length ? " Shaded days are missing." : ""}`));
  if (left) body.append(note(`The ${names.length} greatest of ${shown(names.length + left)} are drawn.`, "cut"));
  if (answer.meta.truncated) body.append(note(`Cut at ${shown(answer.data.length)} groups: choose a shorter range or a larger bucket.`, "cut"));
}

function plotted(place, { stamps, names, values, gaps }, state, zoom) {
  const style = getComputedStyle(document.body);
  // A canvas knows no light-dark(): an element's computed colour does.
  const colour = (name) => { place.style.color = `var(${name})`; return getComputedStyle(place).color; };
  const [quiet, line, shade] = ["--quiet", "--grid", "--shade"].map(colour);
  place.style.color = "";
  const axis = { stroke: quiet, font: `12px ${style.fontFamily}`, grid: { stroke: line, width: 1 }, ticks: { stroke: line } };
  const label = (stamp, step) => (step >= 86400 ? iso(stamp).slice(0, 10) : iso(stamp).slice(11, 16) || iso(stamp).slice(5, 10));
  // The whole range that was asked for, so that what is missing at its ends shows too.
  const [from, to] = [state.from, state.to].map((text) => (text ? seconds(text) : NaN));
  const span = [Math.min(stamps[0], from || stamps[0]), Math.max(stamps.at(-1), to || stamps.at(-1))];
  // What is counted or summed is compared by height, so its axis begins at nothing.
  const y = /^(count|sum)/.test(state.metric) ? { range: (_, least, most) => [Math.min(0, least), most > 0 ? most * 1.05 : 1] } : {};
  const lines = names.map((name, index) => ({
    label: name, stroke: COLOURS[index], width: 1.75, points: { show: stamps.length < 80, size: 5 },
    fill: names.length === 1 ? `${COLOURS[index]}26` : undefined, value: (_, value) => shown(value),
  }));
  const options = {
    width: place.clientWidth || 600, height: HEIGHT, tzDate: (stamp) => window.uPlot.tzDate(new Date(stamp * 1000), "Etc/UTC"),
    padding: [12, 40, 0, 0], scales: { x: { range: stamps.length > 1 || from || to ? span : undefined }, y }, cursor: { drag: { x: true, y: false } }, select: { show: true },
    axes: [{ ...axis, space: 90, values: (_, ticks, at, space, step) => ticks.map((stamp) => label(stamp, step)) }, { ...axis, size: 64, ...(state.metric === "count" ? { incrs: WHOLE } : {}) }],
    series: [{ label: "When", value: (_, stamp) => (stamp === null ? "–" : moment(stamp)) }, ...lines],
    hooks: { setSelect: [(plot) => dragged(plot, zoom)], drawClear: [(plot) => gaps.forEach((gap) => shaded(plot, gap, shade))] },
  };
  const plot = new window.uPlot(options, [stamps, ...values], place);
  new ResizeObserver(() => place.isConnected && plot.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
}

function shaded(plot, [start, end], colour) {
  const { left, top, width, height } = plot.bbox;
  const x = (stamp) => Math.min(left + width, Math.max(left, plot.valToPos(stamp, "x", true)));
  plot.ctx.fillStyle = colour;
  plot.ctx.fillRect(x(start), top, x(end) - x(start), height);
}

function numbers({ stamps, names, values }) {
  const details = element("details", {}, element("summary", {}, "As a table"));
  details.addEventListener("toggle", () => {
    if (!details.open || details.children.length > 1) return;
    const rows = stamps.map((stamp, row) => Object.fromEntries([["bucket", moment(stamp)], ...names.map((name, index) => [name, values[index][row]])]));
    details.append(table(["bucket", ...names], rows, "Values over time"));
  });
  return details;
}

function dragged(plot, zoom) {
  if (plot.select.width < 5) return;
  const day = (pixel) => new Date(plot.posToVal(pixel, "x") * 1000).toISOString().slice(0, 10);
  const end = new Date(Date.parse(day(plot.select.left + plot.select.width)) + 86400000).toISOString().slice(0, 10);
  zoom(day(plot.select.left), end);
}
