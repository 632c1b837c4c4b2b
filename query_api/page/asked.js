// What is asked for, and the request that asks for it.
import * as api from "./api.js";
import { isPublic } from "./key.js";
import { say } from "./words.js";

const PAGE = 24;
export const FACETS = ["category", "price", "brand", "attributes.colour", "attributes.color", "attributes.pattern", "attributes.material", "attributes.size", "in_stock"];

export const asked = {
  text: "",
  sound: null, // Blob; then there is no text
  heard: "", // what the sound was understood to say
  picture: null, // { kind: "image" or "video", file, url }
  like: null, // a hit
  filters: {},
  sort: "relevance",
  person: isPublic ? "" : localStorage.getItem("person") || "",
  shown: 0,
  queryId: null,
  correct: true,
  pricePhrases: true,
};

const MAX_MB = { image: 8, video: 19 };

export const kindOf = (file) => Object.keys(MAX_MB).find((kind) => file?.type.startsWith(`${kind}/`));

// Why a file is not searched with; nothing: it can be.
export function pictureFault(file) {
  const kind = kindOf(file);
  if (!kind) return say("That is neither a picture nor a clip.");
  const size = MAX_MB[kind];
  if (file.size <= size * 1e6) return "";
  if (kind === "image") return say("The photo is over {size} MB; please use a smaller one.", { size });
  return say("The clip is over {size} MB; please use a shorter one.", { size });
}

export function request(offset, k = PAGE) {
  const made = { k, offset, filters: asked.filters, facets: FACETS, sort: asked.sort };
  if (asked.text) made.text = asked.text;
  if (asked.sound) made.audio = asked.sound;
  if (asked.picture) made[asked.picture.kind] = asked.picture.file;
  if (asked.like) made.product_id = asked.like.product_id;
  if (asked.person) made.user_id = asked.person;
  if (!asked.correct) made.correct = false;
  if (!asked.pricePhrases) made.price_phrases = false;
  return made;
}

export const isHome = () => !asked.text && !asked.sound && !asked.picture && !asked.like;

export function ask(made, signal) {
  return isHome() && asked.person && asked.sort === "relevance" ? api.recommendations(asked.person, made, signal) : api.search(made, signal);
}

export const words = () => asked.text || asked.heard;

export function headline() {
  if (asked.like) return say("More like “{title}”", { title: asked.like.title || asked.like.product_id });
  if (words()) return say("“{text}”", { text: words() });
  if (asked.picture) return asked.picture.kind === "image" ? say("Looks like your photo") : say("Looks like your clip");
  if (asked.sound) return say("What you said");
  return asked.person ? say("For you") : say("All products");
}
