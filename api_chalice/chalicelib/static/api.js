// Asks the API. The key lives in the tab's session; every answer is {data, meta} or an error with the API's own words.
const STORED = "analytics-api-key";

export const storedKey = () => sessionStorage.getItem(STORED) || "";
export const keepKey = (key) => sessionStorage.setItem(STORED, key);
export const forgetKey = () => sessionStorage.removeItem(STORED);

// A link may carry the key behind #key=: browsers do not send that part. It leaves the address at once.
export function takeKeyFromLink() {
  const found = new URLSearchParams(location.hash.slice(1)).get("key");
  if (!found) return;
  keepKey(found);
  history.replaceState(null, "", location.pathname + location.search);
}

export class ApiError extends Error {
  constructor(status, problem) {
    const mistakes = (problem.errors || []).map((m) => `${m.parameter.replace(/__eq$/, "")}: ${m.detail}`);
    super(mistakes.join(" ") || problem.detail || problem.title || `The API answers ${status}.`);
    this.status = status;
  }
}

export function address(path, params) {
  const query = new URLSearchParams(params).toString();
  return `v1/${path}${query ? `?${query}` : ""}`;
}

export const curl = (path, params) =>
  `curl -H "x-api-key: $API_KEY" "${new URL(address(path, params), location.href.split(/[?#]/)[0])}"`;

export async function ask(path, params, signal) {
  const answer = await send(path, params, signal);
  return answer.json();
}

export async function send(path, params, signal) {
  let answer;
  try {
    answer = await fetch(address(path, params), { headers: { "x-api-key": storedKey() }, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, { detail: "The API cannot be reached." });
  }
  if (answer.ok) return answer;
  throw new ApiError(answer.status, await answer.json().catch(() => ({})));
}
