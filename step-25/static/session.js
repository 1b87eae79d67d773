// Who is signed in: each page that is somebody's has this.

const userId = Number(document.body.dataset.userId);
const { databaseId } = document.body.dataset;

// The names of what the outbox keeps for this user begin with this. All lessons
// and all databases share what a browser keeps for their address.
const prefix = `outbox/${databaseId}/${userId}/`;

// Whether the user of this page is still signed in: true, false, or null when
// nobody knows. If not, the page is left; it comes back after the sign-in.
async function isSignedIn() {
  let isIn = null;
  try {
    const response = await fetch("/api/me", { signal: AbortSignal.timeout(15_000) });
    if (response.ok) isIn = (await response.json()).id === userId;
    else if (response.status === 401) isIn = false;
  } catch {
    // No network, no answer in time, or none of the chat's.
  }
  if (isIn === false) {
    document.body.hidden = true;
    const here = location.pathname + location.search;
    location.replace(`/front/sign-in?next=${encodeURIComponent(here)}`);
  }
  return isIn;
}

// A browser may show a page as it was left, without asking for it anew: after a
// sign-out, the back button must not bring the messages back.
addEventListener("pageshow", async (event) => {
  if (!event.persisted) return;
  document.body.hidden = true;
  const isIn = await isSignedIn();
  if (isIn === null) location.reload();
  if (isIn) document.body.hidden = false;
});

// The names of the messages that are not known to be stored.
function namesOfUnsent() {
  // A page of messages may have some that the browser does not keep.
  const names = typeof unkept === "undefined" ? [] : [...unkept.keys()];
  try {
    names.push(...Object.keys(localStorage));
  } catch {
    // The browser keeps nothing for this page.
  }
  return names.filter((name) => name.startsWith(prefix));
}

async function signOut() {
  // Somebody else may have signed in beside this page.
  if ((await isSignedIn()) === false) return false;
  try {
    const signal = AbortSignal.timeout(15_000);
    const response = await fetch("/api/session", { method: "DELETE", signal });
    if (response.ok || response.status === 401) return true;
  } catch {
    // As if it said no.
  }
  document.querySelector("#sign-out-error").textContent =
    "The server does not answer: you are still signed in.";
  return false;
}

async function leave(names = []) {
  if (!(await signOut())) return;
  try {
    for (const name of names) localStorage.removeItem(name);
  } catch {
    // The browser keeps nothing for this page.
  }
  document.body.hidden = true;
  location.replace("/front/sign-in");
}

const unsentDialog = document.querySelector("#unsent");

document.querySelector("#sign-out").addEventListener("click", () => {
  if (namesOfUnsent().length > 0) unsentDialog.showModal();
  else leave();
});

unsentDialog.addEventListener("close", () => {
  if (unsentDialog.returnValue === "delete") leave(namesOfUnsent());
});
