// What is shown, kept in the address: ?dataset=&from=&to=&bucket=&metric=&by=&column=&where=column=value
const NAMES = ["dataset", "from", "to", "bucket", "metric", "by", "column"];
const DAY = 86400000;

export function readState() {
  const query = new URLSearchParams(location.search);
  const state = Object.fromEntries(NAMES.map((name) => [name, query.get(name) || ""]));
  state.where = query.getAll("where").map((text) => {
    const at = text.indexOf("=");
    return [text.slice(0, at), text.slice(at + 1)];
  }).filter(([name]) => name);
  return state;
}

export function writeState(state, replace) {
  const query = new URLSearchParams(NAMES.filter((name) => state[name]).map((name) => [name, state[name]]));
  for (const [name, value] of state.where) query.append("where", `${name}=${value}`);
  history[replace ? "replaceState" : "pushState"](null, "", `?${query}`);
}

// The state with what it leaves open, or names wrongly, decided by the dataset.
export function completed(state, dataset, meta) {
  const names = new Set(dataset.columns.map((column) => column.name));
  const groupable = dataset.columns.filter((column) => column.groupable);
  const from = isDay(state.from) ? state.from : day(dataset.first_day || meta?.from);
  const to = isDay(state.to) ? state.to : after(dataset.last_day) || day(meta?.to);
  const texts = groupable.filter((c) => c.type === "string" && !dataset.key.includes(c.name) && !c.unique);
  const column = groupable.some((c) => c.name === state.column) ? state.column : (texts.find((c) => c.enum) || texts[0] || groupable[0])?.name;
  const buckets = bucketsOf(dataset);
  const metrics = metricsOf(dataset);
  // A mart has been counted already: how many rows it has tells little.
  const first = (dataset.kind === "mart" && metrics.find((name) => name.startsWith("sum:"))) || "count";
  return {
    ...state, from, to, column,
    where: state.where.filter(([name]) => names.has(name.replace(/__(null|eq)$/, ""))),
    by: groupable.some((c) => c.name === state.by) ? state.by : "",
    metric: metrics.includes(state.metric) ? state.metric : first,
    bucket: buckets.includes(state.bucket) ? state.bucket : fitting(from, to, buckets),
  };
}

export function bucketsOf(dataset) {
  const time = dataset.columns.find((column) => column.name === dataset.time_column);
  return time.physical_type === "date" ? ["day", "week", "month", "year"] : ["hour", "day", "week", "month", "year"];
}

export function metricsOf(dataset) {
  const offered = ["avg", "min", "max", "sum", "p50", "p95", "approx_distinct"];
  const numbers = dataset.columns.filter((column) => column.metrics.includes("avg"));
  const others = dataset.columns.filter((column) => !column.metrics.includes("avg") && column.metrics.includes("approx_distinct"));
  return [
    "count",
    ...numbers.flatMap((column) => offered.map((metric) => `${metric}:${column.name}`)),
    ...others.map((column) => `approx_distinct:${column.name}`),
  ];
}

// The parameters of range and filters.
export function selection(state) {
  const params = [];
  if (state.from) params.push(["from", state.from]);
  if (state.to) params.push(["to", state.to]);
  // `name__eq` serves columns that are named like a parameter
  return [...params, ...state.where.map(([name, value]) => [name.includes("__null") ? name : `${name}__eq`, value])];
}

function fitting(from, to, buckets) {
  const days = from && to ? (Date.parse(to) - Date.parse(from)) / DAY : 30;
  const wanted = days <= 4 ? "hour" : days <= 200 ? "day" : days <= 1500 ? "week" : "month";
  return buckets.includes(wanted) ? wanted : "day";
}

export const isDay = (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
export const day = (text) => (text ? text.slice(0, 10) : "");
export const after = (text) => (text ? new Date(Date.parse(text) + DAY).toISOString().slice(0, 10) : "");
export const today = () => new Date().toISOString().slice(0, 10);
