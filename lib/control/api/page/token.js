/** Asks for the token where the sidecar wants one. */
import { byId, setText } from "./dom.js";
import { storedToken, storeToken } from "./stream.js";

/** Resolves when a token was typed; whether it is right shows with the next request. */
export function askForToken() {
  const dialog = byId("token");
  const field = byId("token-field");
  setText(
    byId("token-wrong"),
    storedToken() === undefined ? "" : "That was not the token. Look at admin_token again.",
  );
  storeToken(undefined);
  field.value = "";
  if (!dialog.open) dialog.showModal();
  field.focus();
  return new Promise((resolve) => {
    byId("token-form").addEventListener("submit", (event) => {
      event.preventDefault();
      storeToken(field.value.trim());
      dialog.close();
      resolve();
    }, { once: true });
    // Without a token there is nothing to show.
    dialog.addEventListener("cancel", (event) => event.preventDefault());
  });
}
