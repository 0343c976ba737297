// The panels beside the chart: numbers, top values, columns.
import { drawing, element, framed, note, plain, shown } from "./dom.js";
import { ago, metricWords } from "./words.js";

export function numbers(body, answer, metric) {
  const { coverage, as_of: asOf, from, to } = answer.meta;
  const row = answer.data[0];
  const items = [card("Rows", shown(row.count), [whole(plain(from)), " to ", whole(plain(to))])];
  if (metric !== "count") items.push(card(metricWords(metric), shown(asNumber(row[metric])), "over the whole range"));
  if (coverage) items.push(...covered(coverage));
  else items.push(card("Days", "–", "never refreshed", "odd"));
  items.push(asOf ? card("As of", plain(asOf).slice(0, 10), `${plain(asOf).slice(11, 16) || "00:00"} UTC, ${ago(asOf)}`) : card("As of", "–", "never loaded", "odd"));
  body.replaceChildren(...items);
}

function covered(coverage) {
  const { days, days_loaded: loaded, days_empty: empty, days_missing: missing } = coverage;
  const rejected = coverage.rows_rejected;
  return [
    card("Days loaded", shown(loaded), `of ${shown(days)} ${days === 1 ? "day" : "days"}${empty ? `, ${shown(empty)} proved empty` : ""}`, "", shares({ loaded, empty, missing })),
    card("Days missing", shown(missing), missing ? "see Days for why" : "none", missing ? "bad" : ""),
    card("Rows rejected", shown(rejected), `${shown(coverage.rows_late)} late`, rejected ? "odd" : ""),
  ];
}

const card = (name, value, small, kind = "", between = null) =>
  element("dl", { class: kind || null }, element("dt", {}, name), element("dd", {}, value, between, element("small", {}, ...[small].flat())));

// A date is not broken at its hyphens.
const whole = (text) => element("span", { class: "whole" }, text);

const asNumber = (value) => (typeof value === "string" && value.trim() && !Number.isNaN(Number(value)) ? Number(value) : value);

function shares(counts) {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0) || 1;
  let x = 0;
  const parts = Object.entries(counts).map(([name, count]) => {
    const width = (count / all) * 100;
    x += width;
    return drawing("rect", { class: name, x: `${x - width}%`, width: `${width}%`, height: "100%" });
  });
  return drawing("svg", { class: "share" }, ...parts);
}

export function top(body, answer, choose) {
  if (!answer.data.length) return body.replaceChildren(note("No rows in this range.", "none"));
  const most = Math.max(...answer.data.map((row) => row.count));
  const items = answer.data.map(({ value, count }) => {
    const button = element(
      "button", { type: "button", title: "Show these rows only", onclick: () => choose(value) },
      drawing("svg", {}, drawing("rect", { width: `${((count / most) * 100).toFixed(2)}%`, height: "100%" })),
      element("span", {}, value === null ? "no value" : plain(value)), element("span", {}, shown(count)),
    );
    return element("li", {}, button);
  });
  body.replaceChildren(element("ol", { class: "bars" }, ...items));
  if (answer.meta.truncated) body.append(note(`The ${items.length} most frequent; there are more.`, "cut"));
}

const STATISTICS = { approx_distinct: "distinct ≈", min: "min", p5: "p5", p50: "median", p95: "p95", max: "max", avg: "mean", stddev: "spread" };

// A column of years is no column of thousands.
const ungrouped = (value) => (typeof value === "number" && Math.abs(value) < 10000 ? shown(value).replace(",", "") : shown(value));

export function stats(body, answer, dataset) {
  const hints = Object.fromEntries(dataset.columns.map((column) => [column.name, column.description]));
  const names = ["column", "distribution", "no value", ...Object.values(STATISTICS)];
  const head = names.map((name, place) => element("th", { scope: "col", class: place && name !== "distribution" ? "number" : null }, name));
  const rows = answer.data.map((row) => element(
    "tr", {},
    element("th", { scope: "row", title: hints[row.column] }, row.column, element("small", {}, row.type)),
    element("td", {}, spread(row)),
    element("td", { class: "number" }, share(row.nulls, row.nulls + row.count)),
    ...Object.keys(STATISTICS).map((name) => element("td", { class: row[name] === null ? "number none-there" : "number" }, ungrouped(row[name]))),
  ));
  body.replaceChildren(framed(element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows)), "Statistics of columns"));
  if (answer.meta.truncated) body.append(note(`The first ${answer.data.length} columns; name others by \`columns\`.`, "cut"));
}

function share(some, all) {
  if (!some || !all) return "none";
  const percent = (some / all) * 100;
  return percent < 0.1 ? "< 0.1 %" : `${percent.toFixed(1)} %`;
}

// From the least to the greatest value a line, from p5 to p95 a box, the median a mark.
function spread(row) {
  const [least, greatest, low, middle, high] = ["min", "max", "p5", "p50", "p95"].map((name) => (row[name] === null ? NaN : Number(row[name])));
  if (![least, greatest, low, middle, high].every(Number.isFinite) || least === greatest) return null;
  const x = (value) => 2 + ((value - least) / (greatest - least)) * 106;
  return drawing(
    "svg", { class: "spread", viewBox: "0 0 110 14" },
    drawing("line", { x1: x(least), x2: x(greatest), y1: 7, y2: 7 }),
    drawing("rect", { x: x(low), width: Math.max(1, x(high) - x(low)), y: 2, height: 10, rx: 2 }),
    drawing("line", { class: "middle", x1: x(middle), x2: x(middle), y1: 2, y2: 12 }),
  );
}
