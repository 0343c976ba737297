// Elements, and how values look. Texts only ever go in as text.
const SVG = "http://www.w3.org/2000/svg";

export function element(name, attributes = {}, ...children) {
  return fitted(document.createElement(name), attributes, children);
}

// Parts of drawings; always for the eyes alone, what they say stands beside them in words.
export function drawing(name, attributes = {}, ...children) {
  const told = name === "svg" ? { "aria-hidden": "true", ...attributes } : attributes;
  return fitted(document.createElementNS(SVG, name), told, children);
}

function fitted(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") made.addEventListener("click", value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const option = ([value, text], chosen) => element("option", { value, selected: value === chosen }, text);

// Items are [value, text], or {label, items} for a group of them.
export function options(select, items, chosen) {
  select.replaceChildren(...items.map((item) => (Array.isArray(item)
    ? option(item, chosen)
    : element("optgroup", { label: item.label }, ...item.items.map((one) => option(one, chosen))))));
}

const formats = [0, 1, 2, 4].map((digits) => new Intl.NumberFormat("en", { maximumFractionDigits: digits }));

// To be read at a glance: numbers grouped, no more digits than tell.
export function shown(value) {
  if (typeof value !== "number") return plain(value);
  const size = Math.abs(value);
  return formats[size >= 10000 ? 0 : size >= 1000 ? 1 : size >= 1 ? 2 : 3].format(value);
}

// As it stands in the data: numbers ungrouped, without the last bits of binary fractions; times without what every UTC time has.
export function plain(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number") return String(Number.isInteger(value) ? value : Number(value.toPrecision(12)));
  if (typeof value === "object") return JSON.stringify(value);
  return String(value).replace(/^(\d{4}-\d\d-\d\d)T([\d:.]+)Z$/, (_, day, time) => (time === "00:00:00" ? day : `${day} ${time.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "").replace(/:00$/, "")}`));
}

// `look` turns a value into text; `hints` has a word on a column; `numeric` names those of numbers, if that is known.
export function table(columns, rows, caption, { hints = {}, look = shown, numeric = numbers(columns, rows) } = {}) {
  const head = columns.map((name) => element("th", { scope: "col", class: numeric.has(name) ? "number" : null, title: hints[name] }, name));
  const body = rows.map((row) => line(columns, row, numeric, look));
  return framed(element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body)), caption);
}

const numbers = (columns, rows) => new Set(columns.filter((name) => rows.some((row) => typeof row[name] === "number")));

export const line = (columns, row, numeric, look) => element("tr", {}, ...columns.map((name) => cell(row[name], numeric.has(name), look)));

// A table that scrolls in itself, by keys too.
export const framed = (made, caption) => element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, made);

function cell(value, numeric, look) {
  const text = look(value);
  const kinds = [numeric && "number", (value === null || value === undefined) && "none-there"].filter(Boolean);
  return element("td", { class: kinds.join(" ") || null, title: text.length > 30 ? text : null }, text);
}

export const note = (text, kind = "", ...more) => element("p", { class: `note ${kind}` }, text, ...more);

// The request behind a panel, ready to copy.
export function call(text) {
  const copy = element("button", { type: "button" }, "Copy");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(copy.previousElementSibling);
    }
  });
  return element("details", { class: "call" }, element("summary", {}, "API call"), element("code", {}, text), copy);
}

export async function download(answer, name) {
  const link = element("a", { href: URL.createObjectURL(await answer.blob()), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
