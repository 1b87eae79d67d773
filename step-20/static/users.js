// The users page: adds a user, then shows the list with it.

const userForm = document.querySelector("#user-form");

onSubmit(userForm, async () => {
  const fields = Object.fromEntries(new FormData(userForm));
  const user = await postForm(userForm, fields);
  if (user) location.reload();
});
