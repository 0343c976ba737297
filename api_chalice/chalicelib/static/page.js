// The page: choose, ask, draw. Every change asks anew and gives up what was still under way.
import { ApiError, ask, curl, forgetKey, keepKey, send, storedKey, takeKeyFromLink } from "./api.js";
import { days } from "./calendar.js";
import { call, download, element, note, options } from "./dom.js";
import * as panels from "./panels.js";
import { nothingMore, showRows } from "./rows.js";
import { draw } from "./series.js";
import { bucketsOf, completed, isDay, metricsOf, readState, selection, today, writeState } from "./state.js";
import { metricGroups, metricWords } from "./words.js";

const $ = (id) => document.getElementById(id);
const controls = $("controls");
const UNKNOWN = "This key is not known.";
let datasets = [];
let dataset = null;
let state = null;
let running = new AbortController();

async function start() {
  takeKeyFromLink();
  $("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    keepKey($("key").value.trim());
    $("key").value = "";
    load();
  });
  $("forget").addEventListener("click", () => { forgetKey(); askForKey(""); });
  controls.addEventListener("submit", (event) => event.preventDefault());
  controls.addEventListener("change", (event) => changed(event.target));
  $("column").addEventListener("change", (event) => go({ column: event.target.value }));
  $("whole").addEventListener("click", () => go({ from: "", to: "", bucket: "" }));
  $("today").addEventListener("click", () => go({ to: today(), bucket: "" }));
  $("csv").addEventListener("click", saveCsv);
  window.addEventListener("popstate", () => datasets.length && show());
  if (storedKey()) await load();
  else askForKey("");
}

function askForKey(text) {
  running.abort();
  $("all").hidden = $("forget").hidden = true;
  $("ask").hidden = false;
  fail(text);
  $("key").focus();
}

function fail(text, retry) {
  $("failure").replaceChildren(text, ...(retry ? [again(retry)] : []));
  $("failure").hidden = !text;
}

const again = (retry) => element("button", { type: "button", onclick: retry }, "Try again");
const refused = (error) => error.status === 403 || error.status === 401;

async function load() {
  fail("");
  try {
    datasets = (await ask("datasets")).data;
  } catch (error) {
    return refused(error) ? askForKey(UNKNOWN) : fail(error.message, load);
  }
  $("ask").hidden = true;
  $("all").hidden = $("forget").hidden = false;
  await show();
}

// The dataset of the address, or the one with the most rows.
function chosen(name) {
  const rows = (item) => item.rows_accepted || 0;
  return datasets.find((item) => item.name === name) || [...datasets].sort((a, b) => rows(b) - rows(a))[0];
}

async function show() {
  const asked = readState();
  dataset = chosen(asked.dataset);
  if (!dataset) return fail("There is no dataset yet.");
  let meta = null;
  if (!dataset.first_day) meta = await ask(`datasets/${dataset.name}`).then((answer) => answer.meta, () => null);
  state = completed({ ...asked, dataset: dataset.name }, dataset, meta);
  writeState(state, true);
  fill();
  await refresh();
}

function fill() {
  const columns = dataset.columns.filter((column) => column.groupable).map((column) => column.name);
  options(controls.dataset, datasets.map((item) => [item.name, item.title || item.name]), state.dataset);
  options(controls.bucket, bucketsOf(dataset).map((name) => [name, name]), state.bucket);
  options(controls.metric, metricGroups(metricsOf(dataset)), state.metric);
  options(controls.by, [["", "nothing"], ...columns.map((name) => [name, name])], state.by);
  options($("column"), columns.map((name) => [name, name]), state.column);
  controls.from.value = state.from;
  controls.to.value = state.to;
  $("title").textContent = dataset.title || dataset.name;
  document.title = `${dataset.title || dataset.name} - AWS Data Analytics`;
  const badges = [dataset.kind, dataset.team && `owned by ${dataset.team}`, ...(dataset.tags || [])];
  $("badges").replaceChildren(...[...new Set(badges)].filter(Boolean).map((text) => element("li", {}, text)));
  $("about").textContent = dataset.description || "";
  $("series-title").textContent = `${metricWords(state.metric)} by ${state.bucket}${state.by ? ` and ${state.by}` : ""}`;
  $("filters").replaceChildren(...state.where.map(chip));
}

function chip([name, value], place) {
  const text = name.endsWith("__null") ? `${name.slice(0, -6)}: no value` : `${name}: ${value}`;
  const remove = () => go({ where: state.where.filter((_, other) => other !== place) });
  return element("li", {}, element("button", { type: "button", onclick: remove, "aria-label": `Remove the filter ${text}` }, `${text} ×`));
}

function changed(field) {
  if (field.name === "dataset") return go({ dataset: field.value, from: "", to: "", bucket: "", metric: "", by: "", column: "", where: [] });
  if (field.type === "date") {
    if (field.value && !isDay(field.value)) return;
    return go({ [field.name]: field.value, bucket: "" });
  }
  go({ [field.name]: field.value });
}

async function go(change) {
  const place = document.activeElement?.id;
  writeState({ ...state, ...change }, false);
  await show();
  // What had the focus may have been drawn anew: then it goes to the top, not to nowhere.
  if (document.activeElement === document.body) ($(place) || $("title")).focus({ preventScroll: true });
}

function refresh() {
  running.abort();
  running = new AbortController();
  const empty = state.from && state.to && state.from >= state.to;
  $("all").classList.toggle("unasked", empty);
  fail(empty ? "The range is empty: From has to be before To." : "");
  if (empty) return null;
  const base = `datasets/${dataset.name}`;
  const where = selection(state);
  const groups = [...where, ["metrics", state.metric], ["bucket", state.bucket], ...(state.by ? [["by", state.by]] : [])];
  const totals = [...where, ...(state.metric === "count" ? [] : [["metrics", `count,${state.metric}`]])];
  const range = where.filter(([name]) => name === "from" || name === "to");
  const zoom = (from, to) => go({ from, to, bucket: "" });
  return Promise.all([
    panel("numbers", `${base}/aggregate`, totals, (body, answer) => panels.numbers(body, answer, state.metric)),
    panel("series", `${base}/aggregate`, groups, (body, answer) => draw(body, answer, state, zoom)),
    panel("top", `${base}/values/${state.column}`, [...where, ["limit", "12"]], (body, answer) => panels.top(body, answer, filter)),
    panel("days", `${base}/days`, range, (body, answer) => days(body, answer, zoom)),
    panel("stats", `${base}/stats`, where, (body, answer) => panels.stats(body, answer, dataset)),
    panel("rows", `${base}/records`, newest("25"), (body, answer, signal) => showRows(body, answer, dataset, (cursor) => (
      ask(`${base}/records`, [...newest("25"), ["cursor", cursor]], signal)))),
  ]);
}

const newest = (limit) => [...selection(state), ["sort", `-${dataset.time_column}`], ["limit", limit]];

function filter(value) {
  const added = value === null ? [`${state.column}__null`, "true"] : [state.column, String(value)];
  const others = state.where.filter(([name]) => name.replace(/__null$/, "") !== state.column);
  go({ where: [...others, added] });
}

// Ask for one panel and draw it; a failure is told in its place and harms no other.
async function panel(id, path, params, paint) {
  const signal = running.signal;
  const section = $(id);
  const body = section.querySelector(".body");
  section.querySelector(".call")?.remove();
  body.classList.add("busy");
  section.setAttribute("aria-busy", "true");
  if (!body.children.length) body.replaceChildren(note("Loading …", "loading"));
  try {
    const answer = await ask(path, params, signal);
    if (signal.aborted) return;
    paint(body, answer, signal);
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return;
    if (!(error instanceof ApiError)) throw error;
    if (refused(error)) return askForKey(UNKNOWN);
    body.replaceChildren(note(error.message, "error", again(() => panel(id, path, params, paint))));
    if (id === "rows") nothingMore();
  }
  body.classList.remove("busy");
  section.removeAttribute("aria-busy");
  section.append(call(curl(path, params)));
}

async function saveCsv() {
  const params = [...newest("10000"), ["format", "csv"]];
  $("csv").disabled = true;
  try {
    const answer = await send(`datasets/${dataset.name}/records`, params, running.signal);
    await download(answer, `${dataset.name}.csv`);
    $("shown").textContent = answer.headers.get("Link") ? "The CSV has the first 10,000 rows; the API's exports and pages have the rest." : "The CSV has all rows.";
  } catch (error) {
    if (error.name !== "AbortError") fail(error.message);
  }
  $("csv").disabled = false;
}

start();
