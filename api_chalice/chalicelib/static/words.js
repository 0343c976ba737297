// What metrics are called, in the list of them and over the chart.
const WORDS = {
  avg: "Average", min: "Lowest", max: "Highest", sum: "Sum", p50: "Median", p95: "95th percentile", approx_distinct: "Distinct (approximate)",
};

export function metricWords(metric) {
  const [name, column] = metric.split(":");
  return column ? `${WORDS[name]} of ${column}` : "Rows";
}

export function metricGroups(metrics) {
  const columns = [...new Set(metrics.filter((metric) => metric.includes(":")).map((metric) => metric.split(":")[1]))];
  const of = (column) => metrics.filter((metric) => metric.split(":")[1] === column).map((metric) => [metric, metricWords(metric)]);
  return [["count", metricWords("count")], ...columns.map((column) => ({ label: column, items: of(column) }))];
}

export function ago(text, now = Date.now()) {
  const minutes = Math.max(0, Math.round((now - Date.parse(text)) / 60000));
  if (minutes < 2) return "just now";
  if (minutes < 120) return `${minutes} minutes ago`;
  return minutes < 2880 ? `${Math.round(minutes / 60)} hours ago` : `${Math.round(minutes / 1440)} days ago`;
}
