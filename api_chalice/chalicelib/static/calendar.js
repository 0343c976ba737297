// The days as a calendar: weeks from left to right, Monday above.
import { element, note, shown, table } from "./dom.js";
import { after } from "./state.js";

const STATES = { loaded: "loaded", rejected: "loaded, some rows rejected", empty: "empty, proved", missing: "missing" };
const MONTH = new Intl.DateTimeFormat("en", { month: "short", timeZone: "UTC" });
const state = (day) => (day.state === "loaded" && (day.rows_rejected || day.objects_bad) ? "rejected" : day.state);
const weekday = (day) => (new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7;

export function days(body, answer, choose) {
  if (!answer.data.length) return body.replaceChildren(note("Nothing is known of these days.", "none"));
  const told = element("p", { class: "day", "aria-hidden": "true" });
  const grid = calendar(answer.data, choose, (day) => { told.textContent = day ? words(day) : "Point at a day to see why; click it to look closer."; });
  const legend = Object.entries(STATES).map(([name, text]) => {
    const count = answer.data.filter((day) => state(day) === name).length;
    return element("li", {}, element("i", { class: name }), `${text}: ${shown(count)}`);
  });
  body.replaceChildren(element("ul", { class: "legend" }, ...legend), grid, told);
  grid.scrollLeft = grid.scrollWidth;
  body.append(...why(answer.data.filter((day) => state(day) !== "loaded")));
  if (answer.meta.truncated) body.append(note(`The first ${shown(answer.data.length)} days.`, "cut"));
}

function words(day) {
  const rows = day.rows_in ? `, ${shown(day.rows_accepted)} rows` : "";
  return `${day.day}: ${STATES[state(day)]}${rows}${day.reason ? ` (${day.reason})` : ""}`;
}

function why(odd) {
  if (!odd.length) return [];
  const names = ["day", "state", "rows_in", "rows_rejected", "rows_late", "reason"];
  return [element("details", {}, element("summary", {}, `Why: ${shown(odd.length)} ${odd.length === 1 ? "day" : "days"}`), table(names, odd.slice(0, 500), "Days that are not plainly loaded"))];
}

function calendar(list, choose, tell) {
  const first = Date.parse(list[0].day) / 86400000 - weekday(list[0].day);
  const column = (day) => Math.floor((Date.parse(day) / 86400000 - first) / 7) + 1;
  const buttons = list.map((day, place) => {
    const button = element("button", { type: "button", class: state(day), tabindex: place ? "-1" : "0", "aria-label": words(day), title: words(day), onclick: () => choose(day.day, after(day.day)) });
    button.style.gridArea = `${weekday(day.day) + 2} / ${column(day.day)}`;
    button.addEventListener("focus", () => tell(day));
    button.addEventListener("pointerenter", () => tell(day));
    return button;
  });
  const grid = element("div", { class: "calendar", role: "group", "aria-label": "Days; arrow keys go from one to the next" }, ...months(list, column), ...buttons);
  grid.addEventListener("keydown", (event) => roam(event, buttons));
  grid.addEventListener("pointerleave", () => tell(null));
  tell(null);
  return grid;
}

// A name where a month begins, the year in January's stead; none that would run into the next.
function months(list, column) {
  const starts = list.filter((day, place) => !place || day.day.endsWith("-01"));
  return starts.filter((day, place) => !starts[place + 1] || column(starts[place + 1].day) - column(day.day) > 2).map((day, place) => {
    const [year, month] = day.day.split("-");
    const text = month === "01" ? year : MONTH.format(Date.parse(day.day)) + (place ? "" : ` ${year}`);
    const label = element("span", { "aria-hidden": "true" }, text);
    label.style.gridColumn = column(day.day);
    return label;
  });
}

function roam(event, buttons) {
  const step = { ArrowRight: 7, ArrowLeft: -7, ArrowDown: 1, ArrowUp: -1 }[event.key];
  const here = buttons.indexOf(document.activeElement);
  const there = buttons[here + step];
  if (!step || here < 0 || !there) return;
  event.preventDefault();
  buttons[here].tabIndex = -1;
  there.tabIndex = 0;
  there.focus();
}
