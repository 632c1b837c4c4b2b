// The product dialog: everything about one product, what is like it, and what the shopper does with it.
import * as api from "./api.js";
import { element, money, picture } from "./view.js";
import { say } from "./words.js";

const dialog = document.getElementById("product");
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

export async function openProduct(id, { onTell, onOpen }) {
  const [stored, alike] = await Promise.all([api.product(id), api.similar(id, 6).catch(() => ({ hits: [] }))]);
  const close = element("button", { type: "button", class: "close", "aria-label": say("Close"), onclick: () => dialog.close() }, "×");
  dialog.replaceChildren(close, element("div", { class: "inside" }, picture(stored), details(stored, onTell)), strip(alike.hits, onOpen));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

function details(stored, onTell) {
  const facts = Object.entries({ [say("Brand")]: stored.brand, [say("Category")]: stored.category, ...stored.attributes }).filter(([, value]) => value);
  const list = element("dl");
  for (const [name, value] of facts) list.append(element("dt", {}, name), element("dd", {}, [value].flat().join(", ")));
  const tell = (kind, label) => element("button", { type: "button", class: "quiet", onclick: () => onTell(kind, stored.product_id) }, label);
  return element(
    "div", {}, element("h2", {}, stored.title || stored.product_id), element("div", { class: "price" }, money(stored.price, stored.currency)),
    element("p", { class: "description" }, stored.description || ""), list,
    element("div", { class: "buttons" }, tell("liked", say("♥ Like")), tell("carted", say("Add to basket")), tell("purchased", say("Buy"))),
  );
}

function strip(hits, onOpen) {
  if (!hits.length) return element("div");
  const items = hits.map((hit) => element(
    "button", { type: "button", class: "open", onclick: () => onOpen(hit.product_id) }, picture(hit), element("div", { class: "title" }, hit.title || hit.product_id),
  ));
  return element("div", { class: "similar" }, element("h3", {}, say("More like this")), element("div", { class: "strip" }, ...items));
}
