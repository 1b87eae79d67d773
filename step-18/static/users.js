// The users page: adds a user, then shows the list with it.

const userForm = document.querySelector("#user-form");

onSubmit(userForm, async () => {
  const user = await postForm(userForm, Object.fromEntries(new FormData(userForm)));
  if (user) location.reload();
});
