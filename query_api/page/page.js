// The search page: asking, and drawing what comes back.
import * as api from "./api.js";
import { ask, asked, FACETS, headline, kindOf, pictureFault, request, words } from "./asked.js";
import { isPublic } from "./key.js";
import { listening, notice, toast } from "./messages.js";
import { openProduct } from "./product.js";
import { drawShelves } from "./shelves.js";
import { age, card, element, explanation, facet, facetLabel, facetTitle, understanding } from "./view.js";
import { canListen, Microphone } from "./voice.js";
import { say, translate } from "./words.js";

const $ = (id) => document.getElementById(id);

let underWay = null;

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
  const cards = found.hits.map((hit, at) => cardOf(hit, offset + at));
  if (offset) $("grid").append(...cards);
  else $("grid").replaceChildren(...cards);
  hear(found.understood);
  $("more").hidden = asked.shown >= found.total || !found.hits.length;
  $("headline").textContent = headline();
  $("status").textContent = status(found);
  const isLost = asked.sound && !asked.heard;
  const nearest = found.nearest || [];
  notice(found.hits.length || nearest.length || offset || isLost ? "" : say("Nothing matches. Try other words, or fewer filters."));
  drawNearest(nearest);
  drawUnderstood(found);
  drawFacets(found.facets || {});
  drawChips(found.understood);
  if (!offset) drawShelves(cardOf);
}

function cardOf(hit, position) {
  return card(hit, {
    onOpen: () => open(hit.product_id, position),
    onSimilar: () => { forget(); asked.like = hit; asked.picture = null; start(); },
    onWhy: position === undefined ? undefined : (where) => why(where, position),
  });
}

// These are no results: they have no places that a click could tell of, and no scores to explain.
function drawNearest(hits) {
  $("nearest").querySelector("ol").replaceChildren(...hits.map((hit) => cardOf(hit)));
  $("nearest").hidden = !hits.length;
}

// What was heard stands in the box and in the address, to be corrected and shared as if it had been typed.
function hear(understood) {
  const said = (asked.sound && understood?.speech) || "";
  if (!said || said === asked.heard) return;
  asked.heard = $("query").value = said;
  history.pushState(null, "", address(said));
}

function drawUnderstood(found) {
  const asItIs = () => { asked.correct = false; refresh(); };
  const lines = understanding(found, words(), { asItIs, asMeant: () => searchFor(found.did_you_mean), searchFor });
  $("understood").replaceChildren(...lines);
  $("understood").hidden = !lines.length;
}

function status(found) {
  const total = say("{count} products", { count: `${found.total.toLocaleString()}${found.approximate ? "+" : ""}` });
  const cache = { hit: say("from cache"), miss: say("fresh search"), bypass: "" }[found.cache];
  const parts = found.degraded.filter((one) => one !== "audio").map((one) => say(one)).join(say(", "));
  const without = parts && say("without {parts} just now", { parts });
  return [total, `${found.took_ms.toFixed(found.took_ms < 10 ? 1 : 0)} ms`, cache, age(found.index_age_ms), without].filter(Boolean).join(" · ");
}

async function why(where, index) {
  const old = where.querySelector(".why");
  if (old) return old.remove();
  try {
    const found = await ask({ ...request(index, 1), facets: [], explain: true });
    if (found.hits[0]?.product_id === where.dataset.product) where.append(explanation(found.hits[0].explanation));
    else toast(say("The order has changed since; search again to see why."));
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
  return element("button", { type: "button", class: "chip", "aria-label": say("Remove {label}", { label }), onclick }, ...children, element("span", {}, label));
}

function drawChips(understood = {}) {
  const chips = [];
  if (understood.phrase && understood.price_applied !== false) {
    chips.push(chip(say("Price: {phrase}", { phrase: understood.phrase }), () => { asked.pricePhrases = false; refresh(); }));
  }
  if (asked.picture) chips.push(pictureChip());
  if (asked.like) chips.push(chip(say("Like {title}", { title: asked.like.title || asked.like.product_id }), () => { asked.like = null; start(); }));
  for (const [field, filter] of Object.entries(asked.filters)) {
    const values = Array.isArray(filter) ? filter : [filter];
    for (const value of values) {
      const one = typeof value === "object" ? value : { value };
      chips.push(chip(say("{field}: {value}", { field: facetTitle(field), value: facetLabel(field, one) }), () => toggle(field, one)));
    }
  }
  $("chips").replaceChildren(...chips);
}

function pictureChip() {
  const { kind, url } = asked.picture;
  const remove = () => { asked.picture = null; start(); };
  if (kind === "video") return chip(say("Your clip"), remove, element("span", { class: "clip", "aria-hidden": "true" }, "▶"));
  return chip(say("Your photo"), remove, element("img", { src: url, alt: "" }));
}

// Another query takes the place of what was typed or said.
function forget() {
  asked.text = asked.heard = $("query").value = "";
  asked.sound = asked.like = null;
}

const address = (text) => (text ? `?q=${encodeURIComponent(text)}` : "/");

function searchFor(text) {
  forget();
  asked.text = $("query").value = text;
  history.pushState(null, "", address(text));
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
  if (!asked.person) return aloud && !isPublic && toast(say("Say who is shopping, at the top, to make results personal."));
  const data = { user_id: asked.person, product_id: id };
  if (asked.queryId) data.query_id = asked.queryId;
  if (position !== undefined) data.position = position;
  try {
    await api.tell(`user.${kind}`, data);
    if (aloud) toast(say("Noted. The next search takes it into account."));
  } catch (error) {
    if (aloud) toast(error.message);
  }
}

function usePicture(file) {
  const fault = pictureFault(file);
  if (fault) return toast(fault);
  if (asked.picture) URL.revokeObjectURL(asked.picture.url);
  asked.picture = { kind: kindOf(file), file, url: URL.createObjectURL(file) };
  asked.like = null;
  start();
}

const microphone = new Microphone({
  onChange: (isListening) => {
    $("speak").setAttribute("aria-pressed", String(isListening));
    listening(isListening ? say("Listening… press again to search, Esc to cancel.") : "");
  },
  onSound: async (sound) => {
    if (!sound.size) return toast(say("Nothing was recorded. Please try again."));
    forget();
    asked.sound = sound;
    listening(say("Making out what you said…"));
    await start();
    if (!microphone.isListening) listening("");
  },
});

async function speak() {
  if (microphone.isListening) return microphone.stop();
  try {
    await microphone.listen();
  } catch (error) {
    const blocked = say("The microphone is blocked for this page. Allow it in the browser, then try again.");
    const known = { NotAllowedError: blocked, NotFoundError: say("No microphone was found.") };
    toast(known[error.name] || say("The microphone cannot be used just now."));
  }
}

$("search").addEventListener("submit", (event) => {
  event.preventDefault();
  if (microphone.isListening) microphone.stop();
  else searchFor($("query").value.trim());
});
document.querySelector(".person").hidden = isPublic;
$("person").value = asked.person;
$("person").addEventListener("change", () => {
  asked.person = $("person").value.trim();
  localStorage.setItem("person", asked.person);
  refresh();
});
$("sort").addEventListener("change", () => { asked.sort = $("sort").value; refresh(); });
$("more").addEventListener("click", () => refresh(asked.shown));
$("open-filters").addEventListener("click", () => $("facets").classList.toggle("open"));
$("picture").addEventListener("change", () => { usePicture($("picture").files[0]); $("picture").value = ""; });
$("speak").hidden = !canListen();
$("speak").addEventListener("click", speak);
document.addEventListener("keydown", (event) => { if (event.key === "Escape") microphone.cancel(); });
addEventListener("pagehide", () => microphone.cancel());
document.addEventListener("paste", (event) => {
  const file = [...event.clipboardData.files].find(kindOf);
  if (file) usePicture(file);
});
document.addEventListener("dragover", (event) => { event.preventDefault(); $("drop").hidden = false; });
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) $("drop").hidden = true; });
document.addEventListener("drop", (event) => { event.preventDefault(); $("drop").hidden = true; usePicture(event.dataTransfer.files[0]); });
addEventListener("popstate", fromAddress);

function fromAddress() {
  forget();
  asked.text = $("query").value = new URLSearchParams(location.search).get("q") || "";
  start();
}
translate(document);
fromAddress();
