// Why a hit is shown: the service says it in English, in one of these forms; the page in its own language.
import { say } from "./words.js";

const FORMS = [
  "because you looked at {title}",
  "because you liked {title}",
  "because you put {title} in your basket",
  "because you bought {title}",
  "you looked at it",
  "you liked it",
  "you put it in your basket",
  "you bought it",
  "you bought it on {visits} visits",
  "like {title}",
  "chosen together with {title}",
  "popular in {category}",
  "popular here",
  "new here",
].map((said) => [said, new RegExp(`^${said.replace(/\{(\w+)\}/g, "(?<$1>[^]+)")}$`)]);

export function sayReason(reason) {
  for (const [said, form] of FORMS) {
    const found = reason.match(form);
    if (found) return say(said, found.groups);
  }
  return reason;
}
