// The key or token that the page's calls send: one that somebody typed, kept until the tab is closed, or the worker's own
// for its page. Scripts of other sites cannot read either.
const STORED = "vitrine-key";
const given = document.querySelector('meta[name="vitrine-key"]')?.content || "";
const key = sessionStorage.getItem(STORED) || given;

// A public key asks for nobody: then the page does not either.
export const isPublic = key.startsWith("vitrine_pk_");

export const keyHeaders = () => (key ? { authorization: `Bearer ${key}` } : {});

export function useKey(text) {
  if (text) sessionStorage.setItem(STORED, text);
  else sessionStorage.removeItem(STORED);
  location.reload();
}

// The dialog that asks for a key, when the worker does. A shopper's token will do, too.
export function askForKey() {
  const dialog = document.getElementById("key");
  if (!dialog || dialog.open) return;
  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    useKey(dialog.querySelector("input").value.trim());
  }, { once: true });
  dialog.showModal();
}
