// What the page tells: notices above the results, passing messages, and how a recording goes on.
const $ = (id) => document.getElementById(id);

export function notice(text, problem = false) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
  $("notice").classList.toggle("problem", problem);
}

let timer;
export function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => { $("toast").hidden = true; }, 3500);
}

// Never hidden, just empty: screen readers tell what changes in an element that was there before.
export function listening(text) {
  $("listening").textContent = text;
}
