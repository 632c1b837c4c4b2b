// Calls to the query worker. Every failure becomes an Error whose message can be shown.

async function answer(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The search service cannot be reached. Is it running?");
  }
  if (response.ok) return response.status === 204 ? null : response.json();
  const problem = await response.json().catch(() => ({}));
  throw new Error(problem.detail || `The search service answered ${response.status}.`);
}

function sendJson(path, body, signal) {
  const headers = { "content-type": "application/json" };
  return answer(path, { method: "POST", headers, body: JSON.stringify(body), signal });
}

export const search = (request, signal) => sendJson("/v1/search", request, signal);

export const product = (id) => answer(`/v1/products/${encodeURIComponent(id)}`);

export const similar = (id, k) => answer(`/v1/products/${encodeURIComponent(id)}/similar?k=${k}`);

export function recommendations(user, { k, offset, filters, facets, explain }, signal) {
  const asked = new URLSearchParams({ k, offset, filters: JSON.stringify(filters), facets: facets.join(",") });
  if (explain) asked.set("explain", "true");
  return answer(`/v1/users/${encodeURIComponent(user)}/recommendations?${asked}`, { signal });
}

export const tell = (type, data) => sendJson("/v1/events", { type, data });

export function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new Error("The photo cannot be read."));
    reader.readAsDataURL(file);
  });
}
