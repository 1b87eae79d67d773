// The pages to sign in and to sign up, with the words in which the tests speak
// of them.

import { expect } from "@playwright/test";

import { passwordOf } from "./people.js";

export class SignInPage {
  constructor(page) {
    this.page = page;
    this.heading = page.getByRole("heading", { level: 1 });
    this.nickname = page.getByLabel("Nickname");
    this.name = page.getByLabel("Name", { exact: true });
    this.email = page.getByLabel("Email");
    this.password = page.getByLabel("Password");
    this.button = page.locator(".sign-in button");
    this.error = page.locator(".sign-in .error");
  }

  // Fills the form in and presses Enter, which does nothing until the page's
  // scripts are there; does not wait for an answer.
  async signIn(nickname, password = passwordOf(nickname)) {
    await this.nickname.fill(nickname);
    await this.password.fill(password);
    await expect(this.button).toBeEnabled();
    await this.password.press("Enter");
  }

  async signUp(nickname, password = passwordOf(nickname)) {
    await this.name.fill("Grace Hopper");
    await this.email.fill("grace@example.org");
    await this.signIn(nickname, password);
  }
}
