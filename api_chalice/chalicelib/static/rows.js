// The table of rows, a page after the other.
import { line, note, plain, shown, table } from "./dom.js";

const $ = (id) => document.getElementById(id);

// What stands below the table, when there is none.
export function nothingMore() {
  $("more").hidden = true;
  $("shown").textContent = "";
}

// `next(cursor)` asks for the page after.
export function showRows(body, answer, dataset, next) {
  const columns = dataset.columns.map((column) => column.name);
  const numeric = new Set(dataset.columns.filter((column) => column.metrics.includes("avg")).map((column) => column.name));
  const hints = Object.fromEntries(dataset.columns.map((column) => [column.name, column.description]));
  body.replaceChildren(answer.data.length ? table(columns, answer.data, "Rows of the dataset", { hints, look: plain, numeric }) : note("No rows in this range.", "none"));
  let count = 0;
  told(answer);

  function told({ data, meta }) {
    count += data.length;
    const words = `${shown(count)} ${count === 1 ? "row" : "rows"} shown${meta.next ? "" : ", all there are"}`;
    $("shown").textContent = count ? words + (meta.changed ? "; a load came in meanwhile" : "") : "";
    $("more").hidden = !meta.next;
    $("more").onclick = () => more(meta.next);
  }

  async function more(cursor) {
    const focused = document.activeElement === $("more");
    $("more").disabled = true;
    try {
      const found = await next(cursor);
      body.querySelector("tbody").append(...found.data.map((row) => line(columns, row, numeric, plain)));
      told(found);
    } catch (error) {
      if (error.name !== "AbortError") $("shown").textContent = error.message;
    }
    $("more").disabled = false;
    if (focused) ($("more").hidden ? body.querySelector(".scroll") : $("more")).focus({ preventScroll: true });
  }
}
