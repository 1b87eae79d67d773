// The pages to sign in and to sign up.

const form = document.querySelector("#sign-in-form, #sign-up-form");

// Where to go on: a path of this site. The browser reads it as it will when it
// goes there, so that nothing looks like a path and is another site.
function whereTo() {
  const next = new URLSearchParams(location.search).get("next");
  try {
    const url = new URL(next ?? "/", location.origin);
    if (url.origin === location.origin) return url.href;
  } catch {
    // It is no address at all.
  }
  return "/";
}

onSubmit(form, async () => {
  const fields = Object.fromEntries(new FormData(form));
  if (await postForm(form, fields)) location.replace(whereTo());
});
