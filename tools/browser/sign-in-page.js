// The pages to sign in and to sign up, with the words in which the tests speak
// of them.

import { passwordOf } from "./people.js";

export class SignInPage {
  constructor(page) {
    this.page = page;
    this.heading = page.getByRole("heading", { level: 1 });
    this.nickname = page.getByLabel("Nickname");
    this.name = page.getByLabel("Name", { exact: true });
    this.email = page.getByLabel("Email");
    this.password = page.getByLabel("Password");
    this.error = page.locator(".sign-in .error");
  }

  // Fills the form in and presses Enter; does not wait.
  async signIn(nickname, password = passwordOf(nickname)) {
    await this.nickname.fill(nickname);
    await this.password.fill(password);
    await this.password.press("Enter");
  }

  async signUp(nickname, password = passwordOf(nickname)) {
    await this.name.fill("Grace Hopper");
    await this.email.fill("grace@example.org");
    await this.signIn(nickname, password);
  }
}
