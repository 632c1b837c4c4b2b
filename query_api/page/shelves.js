// Rows of what a shopper knows already, above what is for them: seen on the start page, where somebody is chosen.
import * as api from "./api.js";
import { asked, isHome } from "./asked.js";
import { element } from "./view.js";
import { say } from "./words.js";

const LENGTH = 8;
const place = document.getElementById("shelves");

// What was looked at lately, and what is like the last of it. They come beside the page: nothing waits for them.
export async function drawShelves(cardOf) {
  const person = asked.person;
  const isShown = () => isHome() && asked.person === person && !Object.keys(asked.filters).length;
  if (!person || !isShown()) return place.replaceChildren();
  try {
    const recent = await api.recommendations(person, { kind: "recent", k: LENGTH });
    const [last] = recent.hits;
    const similar = last ? await api.recommendations(person, { kind: "similar", product_id: last.product_id, k: LENGTH }) : { hits: [] };
    if (!isShown()) return;
    const title = last && say("Like “{title}”", { title: last.title || last.product_id });
    place.replaceChildren(...shelf(say("Recently viewed"), recent.hits, cardOf), ...shelf(title, similar.hits, cardOf));
  } catch {
    place.replaceChildren();
  }
}

function shelf(title, hits, cardOf) {
  if (!hits.length) return [];
  const row = element("ol", { class: "row" }, ...hits.map((hit) => cardOf(hit)));
  return [element("section", { class: "shelf", "aria-label": title }, element("h2", {}, title), row)];
}
