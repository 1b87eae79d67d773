// What both forms need: send JSON, show what is wrong.

// Posts `body` to the form's action. Returns what the server made of it, or
// null when it refused; then the form says why.
async function postForm(form, body) {
  const error = form.querySelector(".error");
  error.textContent = "";
  try {
    const response = await fetch(form.action, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(15_000),
    });
    const answer = await response.json();
    if (response.ok) return answer;
    error.textContent = answer.error;
  } catch (reason) {
    error.textContent =
      reason.name === "TimeoutError"
        ? "No answer: perhaps it was not sent. Reload the page to see."
        : "The server can't be reached. Try again in a moment.";
  }
  return null;
}

// Calls `send` when the form is submitted, but never twice at once: pressing
// Enter on a slow network must not send a second copy. The button was disabled
// until now: the browser would have gone to the form's action, with what was
// typed in the address.
function onSubmit(form, send) {
  let sending = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (sending) return;
    sending = true;
    try {
      await send();
    } finally {
      sending = false;
    }
  });
  form.querySelector("button").disabled = false;
}
