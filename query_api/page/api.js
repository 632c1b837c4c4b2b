// Calls to the query worker. Every failure becomes an Error whose message can be shown.
import { askForKey, keyHeaders } from "./key.js";
import { say } from "./words.js";

async function answer(path, options) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: { ...options?.headers, ...keyHeaders() } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error(say("The search service cannot be reached. Is it running?"));
  }
  if (response.ok) return response.status === 204 ? null : response.json();
  if (response.status === 401) askForKey();
  const problem = await response.json().catch(() => ({}));
  throw new Error(problem.detail || say("The search service answered {status}.", { status: response.status }));
}

function sendJson(path, body, signal) {
  const headers = { "content-type": "application/json" };
  return answer(path, { method: "POST", headers, body: JSON.stringify(body), signal });
}

// Pictures, clips and sounds go as files of a form.
function sendForm(path, body, signal) {
  const form = new FormData();
  for (const [name, value] of Object.entries(body)) {
    if (Array.isArray(value)) form.set(name, value.join(","));
    else form.set(name, value instanceof Blob || typeof value !== "object" ? value : JSON.stringify(value));
  }
  return answer(path, { method: "POST", body: form, signal });
}

export function search(request, signal) {
  const send = Object.values(request).some((value) => value instanceof Blob) ? sendForm : sendJson;
  return send("/v1/search", request, signal);
}

export const product = (id) => answer(`/v1/products/${encodeURIComponent(id)}`);

export const similar = (id, k) => answer(`/v1/products/${encodeURIComponent(id)}/similar?k=${k}`);

export function recommendations(user, { k, offset = 0, filters = {}, facets = [], explain, kind, product_id }, signal) {
  const asked = new URLSearchParams({ k, offset, filters: JSON.stringify(filters), facets: facets.join(",") });
  if (explain) asked.set("explain", "true");
  if (kind) asked.set("kind", kind);
  if (product_id) asked.set("product_id", product_id);
  return answer(`/v1/users/${encodeURIComponent(user)}/recommendations?${asked}`, { signal });
}

export const tell = (type, data) => sendJson("/v1/events", { type, data });
