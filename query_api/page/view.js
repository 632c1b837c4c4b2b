// Elements of the page. Texts of products are only ever set as text: they may hold anything.
import { sayReason } from "./reasons.js";
import { say } from "./words.js";

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function safeUrl(url) {
  if (!url) return null;
  try {
    const parsed = new URL(url, location.href);
    return ["http:", "https:"].includes(parsed.protocol) ? parsed.href : null;
  } catch {
    return null;
  }
}

export function money(price, currency) {
  if (price === null || price === undefined) return "";
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency: currency || "" }).format(price);
  } catch {
    return `${price.toFixed(2)} ${currency || ""}`.trim();
  }
}

export function picture(hit) {
  const blank = () => element("span", { class: "blank", "aria-hidden": "true" }, [...(hit.title || "?")][0].toUpperCase());
  const source = safeUrl(hit.image_url);
  const frame = element("div", { class: "frame" });
  if (source === null) frame.append(blank());
  else {
    const shown = element("img", { src: source, alt: "", loading: "lazy", decoding: "async" });
    shown.addEventListener("error", () => shown.replaceWith(blank()));
    frame.append(shown);
  }
  return frame;
}

const shortCategory = (category) => (category || "").split("/").slice(-1)[0].trim();

export function card(hit, { onOpen, onSimilar, onWhy }) {
  const meta = [hit.brand, shortCategory(hit.category)].filter(Boolean).join(" · ");
  const price = element("div", { class: "price" }, money(hit.price, hit.currency));
  if (hit.in_stock === false) price.append(element("span", { class: "gone" }, ` ${say("sold out")}`));
  const open = element(
    "button", { type: "button", class: "open", onclick: onOpen },
    picture(hit), element("div", { class: "title" }, hit.title || hit.product_id),
    element("div", { class: "meta", title: hit.category || "" }, meta), price,
    hit.reason ? element("div", { class: "reason" }, sayReason(hit.reason)) : null,
  );
  const made = element("li", { class: "card", "data-product": hit.product_id }, open);
  const why = onWhy && element("button", { type: "button", class: "ask-why", onclick: () => onWhy(made) }, say("Why?"));
  made.append(element("div", { class: "actions" }, element("button", { type: "button", onclick: onSimilar }, say("More like this")), why));
  return made;
}

const PARTS = { text: say("Text"), image: say("Picture"), lexical: say("Words"), personal: say("For you"), ranker: say("Ranker") };

export function explanation(parts) {
  const shown = Object.entries(PARTS).filter(([name]) => name !== "ranker" || parts[name]);
  const most = Math.max(...shown.map(([name]) => Math.abs(parts[name])), 0.001);
  const made = element("div", { class: "why" });
  for (const [name, label] of shown) {
    const fill = element("div", { class: `fill ${name}` });
    fill.style.width = `${(100 * Math.max(0, parts[name])) / most}%`;
    made.append(element("span", {}, label), element("div", { class: "track" }, fill), element("output", {}, parts[name].toFixed(2)));
  }
  const words = parts.terms.map((one) => element("li", { title: one.fields.join(", ") }, `${one.term} ${one.score.toFixed(2)}`));
  if (words.length) made.append(element("ul", { class: "terms", "aria-label": say("Matched words") }, ...words));
  return made;
}

const FACET_TITLES = { category: say("Category"), brand: say("Brand"), price: say("Price"), rating: say("Rating"), in_stock: say("In stock") };

export function facetTitle(field) {
  const name = FACET_TITLES[field] || field.replace(/^attributes\./, "");
  return name.charAt(0).toUpperCase() + name.slice(1);
}

export function facetLabel(field, one) {
  if (one.value === undefined) return `${one.gte.toLocaleString()} – ${one.lt.toLocaleString()}`;
  if (typeof one.value === "boolean") return one.value ? say("Yes") : say("No");
  return field === "category" ? shortCategory(one.value) : one.value;
}

// The tree unfolds along the chosen path: its top, what lies on the way, and what is directly below.
function unfolded(counts, chosen) {
  const tops = counts.filter((one) => !one.value.includes("/"));
  const path = chosen || (tops.length === 1 ? tops[0].value : "");
  const parent = (value) => value.split("/").slice(0, -1).join("/");
  const onTheWay = (value) => parent(value) === "" || `${path}/`.startsWith(`${parent(value)}/`);
  return counts.filter((one) => onTheWay(one.value)).sort((a, b) => a.value.localeCompare(b.value));
}

export function facet(field, counts, isActive, onToggle, chosen) {
  const shown = field === "category" ? unfolded(counts, chosen) : counts.slice(0, 10);
  const items = shown.map((one) => {
    const depth = field === "category" ? Math.min(3, one.value.split("/").length - 1) : 0;
    return element("li", {}, element(
      "button", { type: "button", class: `depth-${depth}`, "aria-pressed": String(isActive(field, one)), onclick: () => onToggle(field, one) },
      element("span", {}, facetLabel(field, one)), element("span", { class: "count" }, one.count.toLocaleString()),
    ));
  });
  return element("section", {}, element("h2", {}, facetTitle(field)), element("ul", {}, ...items));
}

export function age(ms) {
  if (ms === null || ms === undefined) return "";
  return ms < 1000 ? say("index up to date") : say("index {seconds} s behind", { seconds: Math.round(ms / 1000) });
}

// What a query was taken for, a line each: what was heard of it, and what its words mean.
export function understanding(found, text, { asItIs, asMeant, searchFor }) {
  const { excluded = [], synonyms = {}, ...heard } = found.understood || {};
  const lines = speech(heard, searchFor);
  if (found.did_you_mean && found.corrected) {
    const shown = say("Showing results for “{text}”.", { text: found.did_you_mean });
    lines.push(line(`${shown} `, button(say("Search for “{text}” instead", { text }), asItIs)));
  } else if (found.did_you_mean) lines.push(line(`${say("Did you mean")} `, button(found.did_you_mean, asMeant), "?"));
  if (excluded.length) lines.push(line(say("Without: {words}", { words: excluded.join(say(", ")) })));
  const also = Object.values(synonyms).flat();
  if (also.length) lines.push(line(say("Also searched for: {words}", { words: also.join(say(", ")) })));
  return lines;
}

const line = (...parts) => element("p", {}, ...parts);
const button = (label, onclick) => element("button", { type: "button", onclick }, label);

function speech({ speech: said, speech_alternatives: others = [], speech_problem: problem, recogniser }, searchFor) {
  if (said === undefined || said === null) return [];
  const by = recogniser ? [element("small", {}, say("by {recogniser}", { recogniser }))] : [];
  const lines = said ? [line(`${say("Heard: “{text}”", { text: said })} `, ...by)] : [line(say("Sorry, we did not catch that. Please say it again a little closer to the microphone, or type it."))];
  if (said && problem) lines.push(line(say("We are not quite sure that we heard you right.")));
  if (others.length) {
    const choices = others.flatMap((one, at) => [at ? say(", ") : " ", button(one, () => searchFor(one))]);
    lines.push(line(say("Or did you say"), ...choices, "?"));
  }
  // In the service's own words, which are English.
  if (problem) lines.push(element("details", {}, element("summary", {}, say("Why?")), element("span", { lang: "en" }, problem)));
  return lines;
}
