// Who somebody is, on the newest step: how one gets in and out, and what a page
// does when its user is not the one who is signed in.

import { change, HAS_PYTHON, letDaysPass } from "./database.js";
import { LobbyPage } from "./lobby-page.js";
import { answerBy, expectSent, stored, THREE, writeAll } from "./outbox.js";
import { isPost, MESSAGES, passwordOf, pathOfMessages } from "./people.js";
import { SignInPage } from "./sign-in-page.js";
import { expect, since, test as base } from "./test.js";
import { hold, UserPage } from "./user-page.js";

// What the browser itself says of a server that is away, and of answers that
// are not 2xx.
base.use({ allowedErrors: /net::ERR_|status of 4\d\d/ });

since(21);

// By this, a page asks who is signed in.
const ME = "**/api/me";

const test = base.extend({
  // Opens a path in a window in which nobody is signed in.
  visit: async ({ chat, newPage }, use) => {
    await use(async (path = "/") => {
      const { page } = await newPage(null);
      await page.goto(chat.url + path);
      return new SignInPage(page);
    });
  },

  // Opens a user's page in a browser with a session of its own: the test may
  // end it, and still act as the user from elsewhere.
  enter: async ({ chat, open }, use) => {
    await use(async (user, options) => {
      const userPage = await open(await chat.signIn(user.nickname), options);
      userPage.user = user;
      return userPage;
    });
  },

  // The same without the Socket.IO client, so that no connection tells the page
  // that its user is gone.
  enterWithoutClient: async ({ chat, newPage }, use) => {
    await use(async (user) => {
      const userPage = await newPage(await chat.signIn(user.nickname));
      userPage.user = user;
      await userPage.page.route("**/socket.io.min.js", (route) => route.abort());
      await userPage.open(chat.url);
      await userPage.live("unavailable");
      return userPage;
    });
  },

  // Signs a user in in a new tab beside a page; returns their page there.
  signInBeside: async ({ chat }, use) => {
    await use(async ({ page }, user) => {
      const userPage = new UserPage(await page.context().newPage(), user);
      await userPage.page.goto(`${chat.url}/front/sign-in`);
      const signIn = new SignInPage(userPage.page);
      await signIn.signIn(user.nickname);
      await expect(signIn.heading).toHaveText(`Messages of ${user.nickname}`);
      await userPage.open(chat.url);
      return userPage;
    });
  },
});

// Waits until a page has been left for sign-in, and would come back from there.
async function expectLeft({ page }, path) {
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign in", { timeout: 15_000 });
  expect(new URL(page.url()).searchParams.get("next")).toBe(path);
}

// Signs a user in on the sign-in page to which a page was led.
async function comeBack(userPage) {
  const signIn = new SignInPage(userPage.page);
  await signIn.signIn(userPage.user.nickname);
  await expect(signIn.heading).toHaveText(`Messages of ${userPage.user.nickname}`);
}

// Returns the list of what comes over a page's connection from now on. It is
// there when the page is left.
async function overhear({ page }) {
  const heard = [];
  await page.exposeFunction("tellTest", (content) => heard.push(content));
  await page.evaluate(() => keptSockets[0].onAny((_event, { content }) => tellTest(content)));
  return heard;
}

// Whose session a browser has; the status is 401 if it has none.
async function whoIsIn(page) {
  const answer = await page.context().request.get(`${new URL(page.url()).origin}/api/me`);
  return answer.ok() ? (await answer.json()).nickname : answer.status();
}

test.describe("signing up", () => {
  test("who signs up is signed in, on a page of their own", async ({ visit }) => {
    const signUp = await visit("/");
    await expect(signUp.heading).toHaveText("Sign in");
    await signUp.page.getByRole("link", { name: "Sign up" }).click();
    await signUp.signUp("grace");

    await expect(signUp.heading).toHaveText("Messages of grace");
    await expect(signUp.page.locator(".me")).toContainText("Signed in as grace");
    expect(await whoIsIn(signUp.page)).toBe("grace");
  });

  test("what is wrong is said, and what was typed stays", async ({ visit, ada }) => {
    const signUp = await visit("/front/sign-up");
    await signUp.signUp("grace", "fourteen chars");
    await expect(signUp.error).toHaveText(/^The password is shorter than 15 characters/);
    await expect(signUp.nickname).toHaveValue("grace");

    await signUp.signUp(ada.nickname.toUpperCase());
    await expect(signUp.error).toHaveText("The nickname ADA is taken. Choose another one.");
    await expect(signUp.email).toHaveValue("grace@example.org");
    await expect(signUp.password).toHaveValue(passwordOf("ADA"));
    expect(await whoIsIn(signUp.page)).toBe(401);
  });
});

test.describe("signing in", () => {
  test("a wrong password and an unknown nickname are told in the same words", async ({
    visit,
    ada,
  }) => {
    const signIn = await visit("/");
    for (const [nickname, password] of [
      [ada.nickname, passwordOf("bob")],
      ["nobody", passwordOf("nobody")],
    ]) {
      await signIn.signIn(nickname, password);
      await expect(signIn.error).toHaveText("The nickname or the password is wrong.");
      await expect(signIn.nickname).toHaveValue(nickname);
      await signIn.page.reload();
    }
    expect(await whoIsIn(signIn.page)).toBe(401);

    await signIn.signIn(ada.nickname);
    await expect(signIn.heading).toHaveText("Messages of ada");
    await expect(signIn.page.locator(".me bdi")).toHaveText("ada");
  });

  test("no script can read the cookie, and its name is the lesson's", async ({ visit, step, ada }) => {
    const signIn = await visit("/");
    await signIn.signIn(ada.nickname);
    await expect(signIn.heading).toHaveText("Messages of ada");
    expect(await signIn.page.evaluate(() => document.cookie)).toBe("");
    const cookies = await signIn.page.context().cookies();
    expect(cookies).toMatchObject([{ name: step.replace("-", "_"), path: "/" }]);
  });

  test("another site's page does not send the cookie, but a link does; it lasts 90 days", async ({ visit, ada }) => {
    const signIn = await visit("/");
    await signIn.signIn(ada.nickname);
    await expect(signIn.heading).toHaveText("Messages of ada");
    const [cookie] = await signIn.page.context().cookies();
    expect(cookie.sameSite).toBe("Lax");
    const days = (cookie.expires - Date.now() / 1000) / (24 * 60 * 60);
    expect(Math.round(days)).toBe(90);
  });

  test("who is signed in is told so, and may sign in as somebody else", async ({
    chat,
    enter,
    ada,
    bob,
  }) => {
    const { page } = await enter(ada);
    const [{ name, value }] = await page.context().cookies();
    await page.goto(`${chat.url}/front/sign-in`);
    await expect(page.getByText("You are signed in as ada")).toBeVisible();

    const signIn = new SignInPage(page);
    await signIn.signIn(bob.nickname);

    await expect(signIn.heading).toHaveText("Messages of bob");
    // The session that the browser had before has ended.
    const answer = await fetch(`${chat.url}/api/me`, { headers: { Cookie: `${name}=${value}` } });
    expect(answer.status).toBe(401);
  });

  for (const [path, autocomplete] of Object.entries({
    "/front/sign-in": ["username", "current-password"],
    "/front/sign-up": ["username", "name", "email", "new-password"],
  })) {
    test(`a password manager knows the fields of ${path}, and can paste`, async ({ visit }) => {
      const { page, nickname, password } = await visit(path);
      const fields = page.locator(".sign-in input");
      expect(await fields.evaluateAll((all) => all.map((it) => it.autocomplete))).toEqual(autocomplete);
      await expect(password).toHaveAttribute("type", "password");

      const long = "long words ".repeat(20);
      await nickname.fill(long);
      await nickname.press("ControlOrMeta+A");
      await nickname.press("ControlOrMeta+C");
      await password.focus();
      await page.keyboard.press("ControlOrMeta+V");
      await expect(password).toHaveValue(long);
    });
  }
});

test.describe("after sign-in", () => {
  for (const path of ["/front/lobby", "/front/users?a=b&c=%2F", "/front/messages/1?before=9"]) {
    test(`the browser goes where it was on its way to: ${path}`, async ({ chat, visit, ada }) => {
      const signIn = await visit(path);
      await expect(signIn.heading).toHaveText("Sign in");
      // Whoever looks at the other form does not lose the way.
      await signIn.page.getByRole("link", { name: "Sign up" }).click();
      await expect(signIn.heading).toHaveText("Sign up");
      await signIn.page.getByRole("link", { name: "Sign in" }).click();
      await expect(signIn.heading).toHaveText("Sign in");
      await signIn.signIn(ada.nickname);
      await expect(signIn.page).toHaveURL(chat.url + path);
    });
  }

  for (const address of [
    "//example.org/x",
    "/\\example.org/x",
    "/\t/example.org/x",
    "\\\\example.org/x",
    "https:example.org/x",
    "https://example.org/x",
    "http://127.0.0.1:9/x",
    "javascript:document.title='taken over'",
    "data:text/html,x",
    "http://",
  ]) {
    test(`it does not go to another site: ${JSON.stringify(address)}`, async ({ chat, visit, ada }) => {
      const signIn = await visit(`/front/sign-in?next=${encodeURIComponent(address)}`);
      const elsewhere = [];
      signIn.page.on("request", (request) => {
        if (!request.url().startsWith(chat.url)) elsewhere.push(request.url());
      });
      await signIn.signIn(ada.nickname);

      await expect(signIn.heading).toHaveText("Messages of ada");
      await expect(signIn.page).toHaveURL(chat.url + pathOfMessages(ada));
      await expect(signIn.page).not.toHaveTitle(/taken over/);
      expect(elsewhere).toEqual([]);
    });
  }
});

test.describe("signing out", () => {
  test("the page is left, and the cookie that somebody took along is worth nothing", async ({
    chat,
    enter,
    ada,
  }) => {
    const adasPage = await enter(ada);
    const [{ name, value }] = await adasPage.page.context().cookies();
    await adasPage.signOut.click();

    await expect(new SignInPage(adasPage.page).heading).toHaveText("Sign in");
    expect(await adasPage.page.context().cookies()).toEqual([]);
    const answer = await fetch(`${chat.url}/api/messages`, { headers: { Cookie: `${name}=${value}` } });
    expect(answer.status).toBe(401);
  });

  test("the back button brings nothing back", async ({ chat, enter, ada, bob }) => {
    await chat.send(bob, ada, "a secret");
    const adasPage = await enter(ada);
    await expect(adasPage.texts).toHaveText(["a secret"]);
    await adasPage.page.getByRole("link", { name: "Users" }).click();
    await adasPage.signOut.click();
    await expect(adasPage.page).toHaveURL(`${chat.url}/front/sign-in`);

    // Not even for the moment in which the page would ask who is signed in.
    const answer = await adasPage.page.goBack();

    expect(new URL(answer.url()).pathname).toBe("/front/sign-in");
    await expectLeft(adasPage, pathOfMessages(ada));
    await expect(adasPage.message("a secret")).toHaveCount(0);
  });

  test("the other tab ends as well, and another browser of the same user does not", async ({
    chat,
    enter,
    open,
    ada,
    bob,
  }) => {
    const tab = await enter(ada);
    const other = await open(ada, { tabOf: tab });
    const elsewhere = await enter(ada);
    const heard = await overhear(other);
    await tab.signOut.click();
    await expect(new SignInPage(tab.page).heading).toHaveText("Sign in");

    await chat.send(bob, ada, "too late");

    await expectLeft(other, pathOfMessages(ada));
    expect(heard).toEqual([]);
    expect(await elsewhere.shows("too late")).toBe(true);
  });

  test("without a server, the page says that its user is still signed in", async ({
    chat,
    enter,
    ada,
  }) => {
    const adasPage = await enter(ada);
    await chat.stop();
    await adasPage.signOut.click();
    await expect(adasPage.page.getByRole("alert").filter({ hasText: "you are still signed in" })).toBeVisible();

    await chat.startAgain();
    await adasPage.live("connected");
    expect(await whoIsIn(adasPage.page)).toBe("ada");
  });
});

test.describe("who signs out with unsent messages", () => {
  // Leaves messages unsent on a page; returns the dialog that the button opens.
  async function leaveUnsent(userPage, recipient) {
    await userPage.page.route(MESSAGES, (route) => route.abort());
    await writeAll(userPage, recipient, THREE);
    await expect(userPage.unsentTexts).toHaveText(THREE);
    return userPage.page.getByRole("dialog", { name: "Not all of your messages are sent" });
  }

  for (const [name, stay] of Object.entries({
    "by the button": (dialog) => dialog.getByRole("button", { name: "Stay" }).click(),
    "by Escape": (dialog) => dialog.page().keyboard.press("Escape"),
  })) {
    test(`may stay, ${name}: they are sent later`, async ({ chat, enter, ada, bob }) => {
      const adasPage = await enter(ada);
      const dialog = await leaveUnsent(adasPage, bob);
      await adasPage.signOut.click();
      await expect(dialog).toBeVisible();
      await stay(dialog);
      await expect(dialog).toBeHidden();

      expect(await whoIsIn(adasPage.page)).toBe("ada");
      await adasPage.page.unroute(MESSAGES);
      await expectSent(chat, adasPage, THREE);
    });
  }

  test("may delete them, from any page: they are never sent, and others' stay", async ({
    chat,
    enter,
    ada,
    bob,
  }) => {
    const adasPage = await enter(ada);
    const { page } = adasPage;
    const dialog = await leaveUnsent(adasPage, bob);
    const others = await page.evaluate((bobsId) => {
      const name = `outbox/${document.body.dataset.databaseId}/${bobsId}/k`;
      localStorage.setItem(name, "kept");
      return name;
    }, bob.id);
    await page.getByRole("link", { name: "Users" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Users");
    await adasPage.signOut.click();
    await dialog.getByRole("button", { name: "Sign out and delete them" }).click();

    await expect(page).toHaveURL(`${chat.url}/front/sign-in`);
    expect(await page.evaluate(() => Object.keys(localStorage))).toEqual([others]);
    await page.unroute(MESSAGES);
    await comeBack(adasPage);
    await adasPage.passTwoTicks();
    await expect(adasPage.unsent).toHaveCount(0);
    expect(await stored(chat, ada)).toEqual([]);
  });

  test("keeps them when the server does not answer", async ({ chat, enter, ada, bob }) => {
    const adasPage = await enter(ada);
    const dialog = await leaveUnsent(adasPage, bob);
    await chat.stop();
    await adasPage.signOut.click();
    await dialog.getByRole("button", { name: "Sign out and delete them" }).click();
    await expect(adasPage.page.getByRole("alert").filter({ hasText: "you are still signed in" })).toBeVisible();

    await chat.startAgain();
    await adasPage.page.unroute(MESSAGES);
    await expectSent(chat, adasPage, THREE);
  });
});

test.describe("nobody has to sign in again", () => {
  for (const path of ["messages", "lobby"]) {
    test(`after a restart of the server: ${path}`, async ({ chat, enter, ada }) => {
      const { page } = await enter(ada);
      if (path === "lobby") await page.goto(`${chat.url}/front/lobby`);
      const its = new LobbyPage(page);
      await its.live("connected");
      await page.evaluate(() => (window.isTheSame = true));

      await chat.stop();
      await its.live("disconnected");
      await chat.startAgain();

      await its.live("connected");
      expect(await page.evaluate(() => window.isTheSame)).toBe(true);
    });
  }

  test("when a refused page does not learn who is signed in: it asks again", async ({
    enter,
    signInBeside,
    ada,
    bob,
  }) => {
    const adasPage = await enter(ada);
    let asked = 0;
    await adasPage.page.route(ME, (route) => {
      asked++;
      return asked > 1 ? route.continue() : route.abort();
    });
    await signInBeside(adasPage, bob);
    await expectLeft(adasPage, pathOfMessages(ada));
    expect(asked).toBe(2);
  });
});

test.describe("out of the browser's store of pages comes", () => {
  // As a browser does that has kept the page as it was left.
  const comeOut = ({ page }) =>
    page.evaluate(() => {
      dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
      return document.body.hidden;
    });

  test("a page whose user is gone: it shows nothing, and is left", async ({ chat, enter, ada }) => {
    const adasPage = await enter(ada);
    await adasPage.page.goto(`${chat.url}/front/users`);
    await adasPage.page.context().clearCookies();
    expect(await comeOut(adasPage)).toBe(true);
    await expectLeft(adasPage, "/front/users");
  });

  test("a page whose user is there: it shows again", async ({ chat, enter, ada }) => {
    const adasPage = await enter(ada);
    await adasPage.page.goto(`${chat.url}/front/users`);
    expect(await comeOut(adasPage)).toBe(true);
    await expect(adasPage.body).toBeVisible();
    await expect(adasPage.me).toHaveText("ada");
  });

  test("a page that does not learn who is signed in: it is loaded anew", async ({
    chat,
    enter,
    ada,
  }) => {
    const adasPage = await enter(ada);
    const { page } = adasPage;
    await page.goto(`${chat.url}/front/users`);
    await page.route(ME, (route) => route.abort());
    const loaded = page.waitForEvent("load");
    expect(await comeOut(adasPage)).toBe(true);
    await loaded;
    await expect(adasPage.body).toBeVisible();
  });
});

test.describe("Bob signs in beside Ada's open tab", () => {
  test("it shows nothing of his", async ({ chat, enter, signInBeside, ada, bob, eve }) => {
    await chat.send(eve, ada, "for ada");
    const adasPage = await enter(ada);
    const heard = await overhear(adasPage);
    // While it does not know yet, it is refused.
    const go = await hold(adasPage.page, ME);
    const bobsPage = await signInBeside(adasPage, bob);
    await adasPage.live("refused");
    await expect(adasPage.sign).toHaveText("Not live: asking who is signed in …");
    await chat.send(eve, bob, "for bob");
    expect(await bobsPage.shows("for bob")).toBe(true);
    await expect(adasPage.texts).toHaveText(["for ada"]);

    go();

    await expectLeft(adasPage, pathOfMessages(ada));
    expect(heard).toEqual([]);
    expect(await bobsPage.isLive()).toBe(true);
  });

  test("what she wrote waits, and is sent, once, when she is back", async ({
    chat,
    enter,
    signInBeside,
    ada,
    bob,
  }) => {
    const adasPage = await enter(ada);
    await adasPage.page.route(MESSAGES, (route) => route.abort());
    await writeAll(adasPage, bob, THREE);
    await expect(adasPage.unsentTexts).toHaveText(THREE);
    const bobsPage = await signInBeside(adasPage, bob);
    await expectLeft(adasPage, pathOfMessages(ada));
    await adasPage.page.unroute(MESSAGES);
    await bobsPage.passTwoTicks();
    await expect(bobsPage.unsent).toHaveCount(0);
    expect(await stored(chat, bob)).toEqual([]);

    await comeBack(adasPage);

    await expectSent(chat, adasPage, THREE);
    expect(await stored(chat, bob)).toEqual(THREE);
  });

  test("what she writes now is refused, waits, and is sent, once, when she is back", async ({
    chat,
    enterWithoutClient,
    signInBeside,
    ada,
    bob,
  }) => {
    const adasPage = await enterWithoutClient(ada);
    const bobsPage = await signInBeside(adasPage, bob);
    const answer = adasPage.page.waitForResponse(isPost);
    await adasPage.write(bob, "hello");
    expect((await answer).status()).toBe(403);
    await expectLeft(adasPage, pathOfMessages(ada));
    await bobsPage.passTwoTicks();
    await expect(bobsPage.unsent).toHaveCount(0);
    expect(await stored(chat, bob)).toEqual([]);

    await comeBack(adasPage);

    await expectSent(chat, adasPage, ["hello"]);
  });

  test("it waits as well while nobody says who is signed in", async ({
    chat,
    enterWithoutClient,
    signInBeside,
    ada,
    bob,
  }) => {
    const adasPage = await enterWithoutClient(ada);
    await signInBeside(adasPage, bob);
    await adasPage.page.route(ME, (route) => route.abort());
    const asked = adasPage.page.waitForEvent("requestfailed", (it) => it.url().endsWith("/api/me"));
    await adasPage.write(bob, "hello");
    await asked;
    await expect(adasPage.states).toHaveText(["Waiting to be sent …"]);

    await adasPage.page.unroute(ME);
    await adasPage.putClockForward(60);
    await expectLeft(adasPage, pathOfMessages(ada));
    await comeBack(adasPage);
    await expectSent(chat, adasPage, ["hello"]);
  });

  test("it finds out by what it missed, though its connection is dead", async ({
    cable,
    enter,
    signInBeside,
    ada,
    bob,
  }) => {
    const adasPage = await enter(ada, { url: cable.url });
    await adasPage.hasWebSocket();
    cable.fallAsleep();
    await signInBeside(adasPage, bob);
    await expect(adasPage.body).toHaveAttribute("data-live", "connected");

    await adasPage.lookAgain();

    await expectLeft(adasPage, pathOfMessages(ada));
  });

  test("her lobby says nothing under his name, and is left", async ({
    chat,
    enter,
    newPage,
    signInBeside,
    ada,
    bob,
    eve,
  }) => {
    const adasPage = await enter(ada);
    const lobby = new LobbyPage(adasPage.page, "ada");
    await lobby.open(chat.url);
    const evesLobby = new LobbyPage((await newPage(eve)).page, "eve");
    await evesLobby.open(chat.url);
    const go = await hold(lobby.page, ME);
    await signInBeside(adasPage, bob);
    await lobby.live("disconnected");
    await lobby.page.waitForFunction(() => lobby.connected);

    // It is in, as Bob; but it does not say so, and does not speak.
    await lobby.say("by ada");
    await expect(lobby.messageError).toHaveText("Not connected: nothing was sent.");
    await evesLobby.say("hello");
    await evesLobby.shows("hello");

    go();
    await expectLeft(lobby, "/front/lobby");
  });

  test("her button signs nobody out but her", async ({ chat, enter, signInBeside, ada, bob }) => {
    const adasPage = await enter(ada);
    await adasPage.page.goto(`${chat.url}/front/users`);
    const bobsPage = await signInBeside(adasPage, bob);
    await adasPage.signOut.click();

    await expectLeft(adasPage, "/front/users");
    expect(await whoIsIn(bobsPage.page)).toBe("bob");
    expect(await bobsPage.isLive()).toBe(true);
  });
});

test("a 403 to the user who is signed in is final, and the page stays", async ({
  enter,
  ada,
  bob,
}) => {
  const adasPage = await enter(ada);
  await answerBy(adasPage.page, { status: 403, json: { error: "Not from this network." } });
  await adasPage.write(bob, "hello");
  await expect(adasPage.states).toHaveText(["Not sent: Not from this network."]);
  expect(await adasPage.isLive()).toBe(true);
});

test.describe("a session ends by itself", () => {
  test.skip(!HAS_PYTHON, "there is no python3, which moves the dates in the database");

  test("the page is left, and what was written is kept for the same user", async ({
    chat,
    enterWithoutClient,
    signInBeside,
    ada,
    bob,
  }) => {
    const adasPage = await enterWithoutClient(ada);
    expect(letDaysPass(chat, 31)).toBeGreaterThan(0);
    await adasPage.write(bob, "hello");
    await expectLeft(adasPage, pathOfMessages(ada));

    const bobsPage = await signInBeside(adasPage, bob);
    await bobsPage.passTwoTicks();
    await expect(bobsPage.unsent).toHaveCount(0);
    bobsPage.user = await chat.signIn(bob.nickname);
    expect(await stored(chat, bobsPage.user)).toEqual([]);

    await comeBack(adasPage);
    adasPage.user = await chat.signIn(ada.nickname);
    await expectSent(chat, adasPage, ["hello"]);
  });

  test("an open page at which nobody does anything is left", async ({ chat, enter, ada }) => {
    const adasPage = await enter(ada);
    letDaysPass(chat, 29);
    expect(await whoIsIn(adasPage.page)).toBe("ada");
    letDaysPass(chat, 31);
    await expectLeft(adasPage, pathOfMessages(ada));
  });

  test("somebody is back within 30 days, and 30 more begin", async ({ chat, enter, ada }) => {
    const { page } = await enter(ada);
    for (let visits = 1; visits <= 3; visits++) {
      letDaysPass(chat, 29);
      expect(await whoIsIn(page)).toBe("ada");
    }
    // 87 days are over: the end is after 90, whoever comes.
    letDaysPass(chat, 4);
    expect(await whoIsIn(page)).toBe(401);
  });

  test("a session that is deleted is none", async ({ chat, enter, ada }) => {
    const adasPage = await enter(ada);
    expect(change(chat, "delete from sessions")).toBeGreaterThan(0);
    await expectLeft(adasPage, pathOfMessages(ada));
  });
});

test("whoever gets another password by set-password has to sign in with it", async ({
  chat,
  enter,
  ada,
}) => {
  const adasPage = await enter(ada);
  chat.setPassword("ada", "some other words of hers");
  await expectLeft(adasPage, pathOfMessages(ada));

  const signIn = new SignInPage(adasPage.page);
  await signIn.signIn("ada");
  await expect(signIn.error).toHaveText("The nickname or the password is wrong.");
  await signIn.signIn("ada", "some other words of hers");
  await expect(signIn.heading).toHaveText("Messages of ada");
});

test("markup in a nickname shows as text on each page", async ({ chat, enter }) => {
  const nickname = "<b>mallory</b><img src=x onerror=\"document.title = 'taken over'\">";
  const mallory = await chat.addUser(nickname, "</strong><h1>M</h1>");
  const { page, me } = await enter(mallory);
  for (const path of [
    pathOfMessages(mallory),
    "/front/users",
    "/front/lobby",
    "/front/sign-in",
  ]) {
    await page.goto(chat.url + path);
    await expect(me).toHaveText(nickname);
    await expect(page.locator("body :is(b, img)")).toHaveCount(0);
    await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
    await expect(page).not.toHaveTitle("taken over");
  }
});

test("the users' page leads to one's own messages, with the recipient chosen", async ({
  chat,
  enter,
  ada,
  bob,
  eve,
}) => {
  const adasPage = await enter(ada);
  const { page, recipient } = adasPage;
  for (const user of [eve, bob, ada]) {
    await page.getByRole("link", { name: "Users" }).click();
    await page.getByRole("link", { name: user.name }).click();
    await expect(page.getByRole("heading")).toHaveText("Messages of ada");
    await expect(recipient).toHaveValue(String(user.id));
  }
  await page.goto(`${chat.url}${pathOfMessages(ada)}?to=999`);
  await expect(recipient).toHaveValue(String(bob.id));
});
