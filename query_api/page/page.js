// The search page: what is asked for (`asked`), and drawing what comes back.
import * as api from "./api.js";
import { openProduct } from "./product.js";
import { age, card, element, explanation, facet, facetLabel, facetTitle, understanding } from "./view.js";

const PAGE = 24;
const FACETS = ["category", "price", "brand", "attributes.colour", "attributes.color", "attributes.pattern", "attributes.material", "attributes.size", "in_stock"];
const MAX_PHOTO_BYTES = 8_000_000;
const $ = (id) => document.getElementById(id);

const asked = { text: "", photo: null, like: null, filters: {}, sort: "relevance", person: localStorage.getItem("person") || "", shown: 0, queryId: null, correct: true, pricePhrases: true };
let underWay = null;

function request(offset, k = PAGE) {
  const made = { k, offset, filters: asked.filters, facets: FACETS, sort: asked.sort };
  if (asked.text) made.text = asked.text;
  if (asked.photo) made.image = asked.photo.data;
  if (asked.like) made.product_id = asked.like.product_id;
  if (asked.person) made.user_id = asked.person;
  if (!asked.correct) made.correct = false;
  if (!asked.pricePhrases) made.price_phrases = false;
  return made;
}

const isHome = () => !asked.text && !asked.photo && !asked.like;

function ask(made, signal) {
  return isHome() && asked.person && asked.sort === "relevance" ? api.recommendations(asked.person, made, signal) : api.search(made, signal);
}

async function refresh(offset = 0) {
  underWay?.abort();
  const mine = (underWay = new AbortController());
  $("grid").setAttribute("aria-busy", "true");
  try {
    const found = await ask(request(offset), mine.signal);
    if (mine !== underWay) return;
    draw(found, offset);
  } catch (error) {
    if (error.name !== "AbortError") notice(error.message, true);
  } finally {
    if (mine === underWay) $("grid").setAttribute("aria-busy", "false");
  }
}

function draw(found, offset) {
  asked.queryId = found.query_id;
  asked.shown = offset + found.hits.length;
  const cards = found.hits.map((hit, at) => card(hit, {
    onOpen: () => open(hit.product_id, offset + at),
    onSimilar: () => { asked.like = hit; asked.text = ""; asked.photo = null; $("query").value = ""; start(); },
    onWhy: (where) => why(where, offset + at),
  }));
  if (offset) $("grid").append(...cards);
  else $("grid").replaceChildren(...cards);
  $("more").hidden = asked.shown >= found.total || !found.hits.length;
  $("headline").textContent = headline();
  $("status").textContent = status(found);
  notice(found.hits.length || offset ? "" : "Nothing matches. Try other words, or fewer filters.");
  drawUnderstood(found);
  drawFacets(found.facets || {});
  drawChips(found.understood);
}

function drawUnderstood(found) {
  const asItIs = () => { asked.correct = false; refresh(); };
  const asMeant = () => { $("query").value = found.did_you_mean; searchFor(found.did_you_mean); };
  const lines = understanding(found, asked.text, { asItIs, asMeant });
  $("understood").replaceChildren(...lines);
  $("understood").hidden = !lines.length;
}

function headline() {
  if (asked.like) return `More like “${asked.like.title || asked.like.product_id}”`;
  if (asked.text) return `“${asked.text}”`;
  if (asked.photo) return "Looks like your photo";
  return asked.person ? "For you" : "All products";
}

function status(found) {
  const total = `${found.total.toLocaleString()}${found.approximate ? "+" : ""} products`;
  const cache = { hit: "from cache", miss: "fresh search", bypass: "" }[found.cache];
  const without = found.degraded.length ? `without ${found.degraded.join(", ")} just now` : "";
  return [total, `${found.took_ms.toFixed(found.took_ms < 10 ? 1 : 0)} ms`, cache, age(found.index_age_ms), without].filter(Boolean).join(" · ");
}

async function why(where, index) {
  const old = where.querySelector(".why");
  if (old) return old.remove();
  try {
    const found = await ask({ ...request(index, 1), facets: [], explain: true });
    if (found.hits[0]?.product_id === where.dataset.product) where.append(explanation(found.hits[0].explanation));
    else toast("The order has changed since; search again to see why.");
  } catch (error) {
    toast(error.message);
  }
}

function isActive(field, one) {
  const filter = asked.filters[field];
  if (filter === undefined) return false;
  return one.value === undefined ? filter.gte === one.gte && filter.lt === one.lt : [filter].flat().includes(one.value);
}

function toggle(field, one) {
  const active = isActive(field, one);
  if (one.value === undefined || typeof one.value === "boolean" || field === "category") {
    asked.filters[field] = one.value === undefined ? { gte: one.gte, lt: one.lt } : one.value;
    if (active) delete asked.filters[field];
  } else {
    const others = [asked.filters[field] ?? []].flat().filter((value) => value !== one.value);
    asked.filters[field] = active ? others : [...others, one.value];
    if (!asked.filters[field].length) delete asked.filters[field];
  }
  refresh();
}

function drawFacets(facets) {
  const drawn = FACETS.filter((field) => facets[field]?.length).map((field) => facet(field, facets[field], isActive, toggle, asked.filters[field]));
  $("facets").replaceChildren(...drawn);
}

function chip(label, onclick, ...children) {
  return element("button", { type: "button", class: "chip", "aria-label": `Remove ${label}`, onclick }, ...children, element("span", {}, label));
}

function drawChips(understood = {}) {
  const chips = [];
  if (understood.phrase && understood.price_applied !== false) {
    chips.push(chip(`Price: ${understood.phrase}`, () => { asked.pricePhrases = false; refresh(); }));
  }
  if (asked.photo) chips.push(chip("Your photo", () => { asked.photo = null; start(); }, element("img", { src: asked.photo.url, alt: "" })));
  if (asked.like) chips.push(chip(`Like ${asked.like.title || asked.like.product_id}`, () => { asked.like = null; start(); }));
  for (const [field, filter] of Object.entries(asked.filters)) {
    const values = Array.isArray(filter) ? filter : [filter];
    for (const value of values) {
      const one = typeof value === "object" ? value : { value };
      chips.push(chip(`${facetTitle(field)}: ${facetLabel(field, one)}`, () => toggle(field, one)));
    }
  }
  $("chips").replaceChildren(...chips);
}

function searchFor(text) {
  asked.text = text;
  asked.like = null;
  history.pushState(null, "", text ? `?q=${encodeURIComponent(text)}` : "/");
  start();
}

function start() {
  asked.filters = {};
  asked.correct = asked.pricePhrases = true;
  scrollTo({ top: 0 });
  return refresh();
}

async function open(id, position) {
  if (position !== undefined) tell("clicked", id, position, false);
  try {
    await openProduct(id, { onTell: (kind, about) => tell(kind, about, undefined, true), onOpen: (other) => { tell("clicked", other, undefined, false); open(other); } });
  } catch (error) {
    toast(error.message);
  }
}

async function tell(kind, id, position, aloud) {
  if (!asked.person) return aloud && toast("Say who is shopping, at the top, to make results personal.");
  const data = { user_id: asked.person, product_id: id };
  if (asked.queryId) data.query_id = asked.queryId;
  if (position !== undefined) data.position = position;
  try {
    await api.tell(`user.${kind}`, data);
    if (aloud) toast("Noted. The next search takes it into account.");
  } catch (error) {
    if (aloud) toast(error.message);
  }
}

async function usePhoto(file) {
  if (!file || !file.type.startsWith("image/")) return toast("That is no picture.");
  if (file.size > MAX_PHOTO_BYTES) return toast("The photo is over 8 MB; please use a smaller one.");
  if (asked.photo) URL.revokeObjectURL(asked.photo.url);
  asked.photo = { data: await api.base64(file), url: URL.createObjectURL(file) };
  asked.like = null;
  start();
}

function notice(text, problem = false) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
  $("notice").classList.toggle("problem", problem);
}

let toastTimer;
function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { $("toast").hidden = true; }, 3500);
}

$("search").addEventListener("submit", (event) => {
  event.preventDefault();
  searchFor($("query").value.trim());
});
$("person").value = asked.person;
$("person").addEventListener("change", () => {
  asked.person = $("person").value.trim();
  localStorage.setItem("person", asked.person);
  refresh();
});
$("sort").addEventListener("change", () => { asked.sort = $("sort").value; refresh(); });
$("more").addEventListener("click", () => refresh(asked.shown));
$("open-filters").addEventListener("click", () => $("facets").classList.toggle("open"));
$("photo").addEventListener("change", () => { usePhoto($("photo").files[0]); $("photo").value = ""; });
document.addEventListener("paste", (event) => {
  const file = [...event.clipboardData.files].find((one) => one.type.startsWith("image/"));
  if (file) usePhoto(file);
});
document.addEventListener("dragover", (event) => { event.preventDefault(); $("drop").hidden = false; });
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) $("drop").hidden = true; });
document.addEventListener("drop", (event) => { event.preventDefault(); $("drop").hidden = true; usePhoto(event.dataTransfer.files[0]); });
addEventListener("popstate", fromAddress);

function fromAddress() {
  asked.text = new URLSearchParams(location.search).get("q") || "";
  $("query").value = asked.text;
  start();
}
fromAddress();
