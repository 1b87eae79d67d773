// What was written is sent, and stored once, on the newest step.

import { answerBy, expectSent, stored, THREE, writeAll } from "./outbox.js";
import { isPost, MESSAGES, pathOfMessages } from "./people.js";
import { expect, since, test, upTo } from "./test.js";
import { hold } from "./user-page.js";

// What the browser itself says of requests to a server that is away, and of
// answers that are not 2xx.
test.use({ allowedErrors: /net::ERR_|status of [45]\d\d/ });

since(20);

test.describe("three messages are sent, once and in order, after", () => {
  test("the network was off", async ({ chat, open, ada, bob }) => {
    const bobsPage = await open(bob);
    const adasPage = await open(ada);
    await adasPage.page.context().setOffline(true);
    await writeAll(adasPage, bob, THREE);
    await expect(adasPage.unsentTexts).toHaveText(THREE);
    await expect(adasPage.states).toHaveText(THREE.map(() => "Waiting to be sent …"));
    expect(await stored(chat, ada)).toEqual([]);

    await adasPage.page.context().setOffline(false);

    await expectSent(chat, adasPage, THREE);
    await expectSent(chat, bobsPage, THREE);
  });

  test("the server was killed", async ({ chat, open, ada, bob }) => {
    const bobsPage = await open(bob);
    const adasPage = await open(ada);
    await chat.kill();
    await writeAll(adasPage, bob, THREE);
    await expect(adasPage.unsentTexts).toHaveText(THREE);
    await chat.startAgain();

    await expectSent(chat, adasPage, THREE);
    await expectSent(chat, bobsPage, THREE);
  });

  test("the computer was asleep, though the connection still seems to be there", async ({
    chat,
    cable,
    open,
    ada,
    bob,
  }) => {
    const adasPage = await open(ada, { url: cable.url });
    await adasPage.hasWebSocket();
    cable.fallAsleep();
    await writeAll(adasPage, bob, THREE);
    await expect(adasPage.unsent).toHaveCount(0);
    await expect(adasPage.texts).toHaveText(THREE);
    expect(await stored(chat, bob)).toEqual(THREE);
  });

  test("their page was reloaded", async ({ chat, open, ada, bob }) => {
    const adasPage = await open(ada);
    await adasPage.page.route(MESSAGES, (route) => route.abort());
    await writeAll(adasPage, bob, THREE);
    await adasPage.reload();
    await expect(adasPage.unsentTexts).toHaveText(THREE);
    expect(await stored(chat, ada)).toEqual([]);

    await adasPage.page.unroute(MESSAGES);

    await expectSent(chat, adasPage, THREE);
  });

  test("their window was closed without a network", async ({ chat, cable, newPage, open, ada, bob }) => {
    const adasPage = await open(ada, { url: cable.url });
    // Another tab, or the browser would forget what it keeps for a test.
    const anotherTab = await newPage(ada, { tabOf: adasPage });
    await anotherTab.page.goto(`${cable.url}/front/users`);
    cable.pull();
    await writeAll(adasPage, bob, THREE);
    await expect(adasPage.unsentTexts).toHaveText(THREE);
    await adasPage.page.close();
    cable.putBack();

    const again = await open(ada, { tabOf: anotherTab, url: cable.url });

    await expectSent(chat, again, THREE);
  });

  test.describe("their window was closed, in a browser that two users have,", () => {
    upTo(20);

    test("and the other user's page sends nothing of it", async ({ chat, cable, open, ada, bob }) => {
      const adasPage = await open(ada, { url: cable.url });
      const bobsPage = await open(bob, { tabOf: adasPage, url: cable.url });
      cable.pull();
      await writeAll(adasPage, bob, THREE);
      await expect(adasPage.unsentTexts).toHaveText(THREE);
      await adasPage.page.close();
      cable.putBack();
      await bobsPage.live("connected");
      await bobsPage.passTwoTicks();
      expect(await stored(chat, ada)).toEqual([]);

      const again = await open(ada, { tabOf: bobsPage, url: cable.url });

      await expectSent(chat, again, THREE);
      await expectSent(chat, bobsPage, THREE);
    });
  });
});

test("a message stands in the list at once, as text, and says where it goes", async ({
  chat,
  open,
  ada,
  bob,
}) => {
  await chat.send(bob, ada, "hello");
  const adasPage = await open(ada);
  const go = await hold(adasPage.page, MESSAGES);
  const markup = "<img src=x onerror=\"document.title = 'taken over'\">";
  await adasPage.write(bob, markup);

  // At once: nothing is waited for.
  expect(await adasPage.unsentTexts.allTextContents()).toEqual([markup]);
  await expect(adasPage.unsent.locator(".about")).toHaveText("to bob");
  await expect(adasPage.states).toHaveText(["Sending …"]);
  await expect(adasPage.unsent).toBeInViewport({ ratio: 1 });
  await expect(adasPage.content).toHaveValue("");
  await expect(adasPage.texts).toHaveText(["hello"]);

  go();
  await expectSent(chat, adasPage, ["hello", markup]);
  await expect(adasPage.page).not.toHaveTitle(/taken over/);
});

test("what is not sent yet stands below what is stored", async ({ chat, open, ada, bob }) => {
  const adasPage = await open(ada);
  const go = await hold(adasPage.page, MESSAGES);
  await adasPage.write(bob, "mine");
  await chat.send(bob, ada, "yours");
  await expect(adasPage.texts).toHaveText(["yours"]);
  const shown = adasPage.page.locator(".scroller .content");
  await expect(shown).toHaveText(["yours", "mine"]);
  go();
  await expectSent(chat, adasPage, ["yours", "mine"]);
});

test("their order is the one in which they were written, whatever the clock says", async ({
  chat,
  open,
  ada,
  bob,
}) => {
  const adasPage = await open(ada);
  await adasPage.page.route(MESSAGES, (route) => route.abort());
  for (const text of THREE) {
    await adasPage.write(bob, text);
    await adasPage.putClockForward(-3600);
  }
  await adasPage.page.unroute(MESSAGES);
  await adasPage.reload();
  await expectSent(chat, adasPage, THREE);
});

test.describe("an answer is lost after the message was stored:", () => {
  test("it is one message", async ({ chat, cable, open, ada, bob }) => {
    const bobsPage = await open(bob);
    const adasPage = await open(ada, { url: cable.url });
    const events = await adasPage.loseEvents();
    const answer = adasPage.page.waitForResponse((it) => isPost(it.request()));
    cable.loseAnswer("POST /api/messages");
    await adasPage.write(bob, "hello");

    // The second try is told that it is there already.
    expect((await answer).status()).toBe(200);
    await events();
    await expectSent(chat, adasPage, ["hello"]);
    await expectSent(chat, bobsPage, ["hello"]);
  });

  for (const [name, bring] of Object.entries({
    "its event": () => {},
    "what was missed": async (adasPage) => {
      await adasPage.lookAgain();
    },
    "a reload": (adasPage) => adasPage.reload(),
  })) {
    test(`${name} takes it out of the outbox`, async ({ chat, open, ada, bob }) => {
      const adasPage = await open(ada);
      if (name !== "its event") await adasPage.loseEvents();
      const tries = [];
      await adasPage.page.route(MESSAGES, async (route) => {
        if (!isPost(route.request())) return route.continue();
        tries.push(route.request());
        if (tries.length > 1) return;
        await route.fetch();
        await route.abort();
      });
      await adasPage.write(bob, "hello");
      await expect.poll(() => stored(chat, bob)).toEqual(["hello"]);

      await bring(adasPage);

      await expect(adasPage.unsent).toHaveCount(0);
      await expect(adasPage.texts).toHaveText(["hello"]);
    });
  }
});

test("neither another author's key nor another key takes a message out of the outbox", async ({
  chat,
  open,
  ada,
  bob,
}) => {
  const adasPage = await open(ada);
  const sent = await answerBy(adasPage.page, ...Array(50).fill("none"));
  await adasPage.write(bob, "hello");
  await expect.poll(() => sent.length).toBeGreaterThan(0);

  await chat.send(bob, ada, "by bob", sent[0].key);
  await chat.send(ada, bob, "by another program", "k");
  await expect(adasPage.texts).toHaveText(["by bob", "by another program"]);
  await adasPage.settled();

  await expect(adasPage.unsentTexts).toHaveText(["hello"]);
});

test.describe("two tabs with one outbox", () => {
  test("send each message once, and show it once", async ({ chat, cable, open, ada, bob }) => {
    const tab = await open(ada, { url: cable.url });
    const other = await open(ada, { url: cable.url, tabOf: tab });
    cable.pull();
    await tab.write(bob, "one");
    await expect(other.unsentTexts).toHaveText(["one"]);
    await other.write(bob, "two");
    await expect(tab.unsentTexts).toHaveText(["one", "two"]);
    await tab.write(bob, "three");
    await expect(other.unsentTexts).toHaveText(THREE);
    cable.putBack();

    await expectSent(chat, tab, THREE);
    await expectSent(chat, other, THREE);
  });

  test("one is closed: the other one sends what it wrote", async ({ chat, open, ada, bob }) => {
    const tab = await open(ada);
    const other = await open(ada, { tabOf: tab });
    await tab.page.route(MESSAGES, (route) => route.abort());
    await writeAll(tab, bob, THREE);
    await expect(other.unsentTexts).toHaveText(THREE);
    await tab.page.close();
    expect(await stored(chat, ada)).toEqual([]);

    await other.putClockForward(6);

    await expectSent(chat, other, THREE);
  });

  test("while one sends, the other one waits", async ({ chat, open, ada, bob }) => {
    const tab = await open(ada);
    const other = await open(ada, { tabOf: tab });
    const sent = await answerBy(other.page);
    const go = await hold(tab.page, MESSAGES);
    await tab.write(bob, "hello");
    await expect(other.unsentTexts).toHaveText(["hello"]);
    await other.passTwoTicks();
    go();
    await expectSent(chat, tab, ["hello"]);
    await expectSent(chat, other, ["hello"]);
    expect(sent).toEqual([]);
  });

  test("what one deletes, the other one does not send", async ({ chat, open, ada, bob }) => {
    const tab = await open(ada);
    const other = await open(ada, { tabOf: tab });
    for (const { page } of [tab, other]) {
      await answerBy(page, ...Array(5).fill({ status: 422, json: { error: "Never." } }));
    }
    await tab.write(bob, "hello");
    await expect(other.unsentTexts).toHaveText(["hello"]);
    await tab.page.getByRole("button", { name: "Delete" }).click();
    await expect(other.unsent).toHaveCount(0);
    await other.putClockForward(6);
    await other.passTwoTicks();
    expect(await stored(chat, ada)).toEqual([]);
  });
});

test.describe("a message that the server refuses for good", () => {
  test("says why, and holds up no other one", async ({ chat, open, ada, bob }) => {
    const adasPage = await open(ada);
    const sent = await answerBy(adasPage.page);
    await adasPage.write(bob, "x".repeat(2001));
    await adasPage.write(bob, "shorter");

    await expect(adasPage.texts).toHaveText(["shorter"]);
    await expect(adasPage.states).toHaveText(["Not sent: The content is longer than 2000 characters."]);
    await expect(adasPage.page.getByRole("alert").filter({ hasText: "longer" })).toBeVisible();
    await adasPage.passTwoTicks();
    expect(sent).toHaveLength(2);
    expect(await stored(chat, bob)).toEqual(["shorter"]);

    await adasPage.page.getByRole("button", { name: "Delete" }).click();
    await expect(adasPage.unsent).toHaveCount(0);
    await expect(adasPage.content).toBeFocused();
    await adasPage.reload();
    await expectSent(chat, adasPage, ["shorter"]);
  });

  test("is sent when somebody says so", async ({ chat, open, ada, bob }) => {
    const adasPage = await open(ada);
    const refusal = { status: 404, json: { error: "No user has the id 2." } };
    await answerBy(adasPage.page, refusal, { status: 413, body: "too large" });
    await adasPage.write(bob, "hello");
    await expect(adasPage.states).toHaveText(["Not sent: No user has the id 2."]);
    await adasPage.page.getByRole("button", { name: "Try again" }).click();
    await expect(adasPage.states).toHaveText(["Not sent: the server says 413"]);
    await adasPage.page.getByRole("button", { name: "Try again" }).click();
    await expectSent(chat, adasPage, ["hello"]);
  });
});

for (const [name, answer] of Object.entries({
  "a page of the network": { contentType: "text/html", body: "<h1>Accept our terms</h1>" },
  "a chat without keys": { status: 201, json: { id: 7, content: "one", author: { id: 1 }, key: null } },
  "somebody who repeats the key": { status: 201, json: { key: "KEY", author: { id: 99 } } },
})) {
  test(`${name} answers: nothing more is sent until somebody says so`, async ({
    chat,
    open,
    ada,
    bob,
  }) => {
    const adasPage = await open(ada);
    const sent = [];
    let isThere = true;
    await adasPage.page.route(MESSAGES, (route) => {
      sent.push(route.request().postDataJSON());
      if (!isThere) return route.continue();
      const text = answer.body ?? JSON.stringify(answer.json).replace("KEY", sent.at(-1).key);
      return route.fulfill({ contentType: "application/json", ...answer, json: undefined, body: text });
    });
    await writeAll(adasPage, bob, THREE);
    await expect(adasPage.states).toHaveText([
      /^Not sent: something else than this chat answers/,
      "Waiting to be sent …",
      "Waiting to be sent …",
    ]);
    await adasPage.page.evaluate(() => dispatchEvent(new Event("online")));
    await adasPage.passTwoTicks();
    expect(sent).toHaveLength(1);
    await expect(adasPage.texts).toHaveCount(0);

    isThere = false;
    await adasPage.page.getByRole("button", { name: "Try again" }).click();
    await expectSent(chat, adasPage, THREE);
  });
}

test.describe("a refusal that passes", () => {
  test("is waited for, and the next ones wait as well", async ({
    chat,
    open,
    ada,
    bob,
  }) => {
    const adasPage = await open(ada);
    const statuses = [503, 401, 408, 429, 500];
    const sent = await answerBy(
      adasPage.page,
      ...statuses.map((status) => ({ status, json: { error: "not now" } })),
    );
    await adasPage.write(bob, "one");
    await expect(adasPage.states).toHaveText(["Waiting to be sent …"]);
    // To write gives hope: the one before it is tried at once.
    await adasPage.write(bob, "two");
    for (let tries = 2; tries <= statuses.length; tries++) {
      await expect.poll(() => sent.length).toBe(tries);
      await expect(adasPage.states).toHaveText(["Waiting to be sent …", "Waiting to be sent …"]);
      await adasPage.putClockForward(60);
    }

    await expectSent(chat, adasPage, ["one", "two"]);
    expect(sent.map(({ content }) => content)).toEqual([...statuses.map(() => "one"), "one", "two"]);
  });

  test("grows to a minute", async ({ open, ada, bob }) => {
    const adasPage = await open(ada);
    const sent = await answerBy(adasPage.page, ...Array(20).fill("none"));
    await adasPage.write(bob, "hello");
    for (const [tries, seconds] of [1, 2, 4, 8, 16, 32, 60, 60].entries()) {
      await expect.poll(() => sent.length).toBe(tries + 1);
      await expect(adasPage.states).toHaveText(["Waiting to be sent …"]);
      // Not before half of it, and not after all of it.
      await adasPage.putClockForward(Math.max(0, seconds / 2 - 4));
      if (seconds > 8) {
        await adasPage.passTwoTicks();
        expect(sent).toHaveLength(tries + 1);
      }
      await adasPage.putClockForward(seconds / 2 + 4);
    }
  });

  test("lasts as long as the server says, whatever gives hope", async ({ chat, open, ada, bob }) => {
    const adasPage = await open(ada);
    const sent = await answerBy(adasPage.page, {
      status: 503,
      headers: { "Retry-After": "100" },
      json: { error: "not now" },
    });
    await adasPage.write(bob, "hello");
    await expect(adasPage.states).toHaveText(["Waiting to be sent …"]);
    await adasPage.putClockForward(90);
    await adasPage.page.evaluate(() => dispatchEvent(new Event("online")));
    await adasPage.write(bob, "and");
    await adasPage.passTwoTicks();
    expect(sent).toHaveLength(1);

    await adasPage.putClockForward(11);
    await expectSent(chat, adasPage, ["hello", "and"]);
  });
});

test.describe("what was written for one database is not sent to another, and nobody signs in:", () => {
  upTo(20);

  test("the page stays open", async ({ chat, open, ada, bob }) => {
    const adasPage = await open(ada);
    await chat.stop();
    await adasPage.write(bob, "hello");
    await chat.startAgain({ database: "another.db" });
    const newAda = await chat.addUser("new ada");
    await chat.addUser("new bob");
    expect(newAda.id).toBe(ada.id);

    await expect(adasPage.states).toHaveText([/^Not sent: This chat has another database/]);
    expect(await stored(chat, newAda)).toEqual([]);

    await chat.stop();
    await chat.startAgain();
    await adasPage.reload();
    await expectSent(chat, adasPage, ["hello"]);
  });
});

test.describe("what was written for one database is not sent to another:", () => {
  test("the page is reloaded", async ({ chat, open, ada, bob }) => {
    const adasPage = await open(ada);
    await chat.stop();
    await adasPage.write(bob, "hello");
    await expect(adasPage.unsent).toHaveCount(1);
    // No page, so that this one sends nothing while the users are added.
    await adasPage.page.goto("about:blank");
    await chat.startAgain({ database: "another.db" });
    const newAda = await chat.addUser("new ada");
    await chat.addUser("new bob");

    const newPage = await open(newAda, { tabOf: adasPage });
    await newPage.passTwoTicks();
    await expect(newPage.unsent).toHaveCount(0);
    expect(await stored(chat, newAda)).toEqual([]);

    await chat.stop();
    await chat.startAgain();
    const again = await open(ada, { tabOf: newPage });
    await expectSent(chat, again, ["hello"]);
  });
});

test.describe("a browser that keeps nothing", () => {
  for (const [name, breakStorage] of Object.entries({
    "because it is full": () => {
      Storage.prototype.setItem = () => {
        throw new DOMException("It is full.", "QuotaExceededError");
      };
    },
    "because it must not": () => {
      Object.defineProperty(window, "localStorage", {
        get() {
          throw new DOMException("It is forbidden.", "SecurityError");
        },
      });
    },
  })) {
    test(`${name}: messages are sent, and the page says what it can't do`, async ({
      chat,
      newPage,
      ada,
      bob,
    }) => {
      const adasPage = await newPage(ada);
      await adasPage.page.addInitScript(breakStorage);
      await adasPage.open(chat.url);
      await answerBy(adasPage.page, "none");
      await writeAll(adasPage, bob, THREE);
      await expect(adasPage.error).toContainText("does not survive a reload");
      await expectSent(chat, adasPage, THREE);
    });
  }
});

test("what others keep under the same address is left alone", async ({ chat, open, ada, bob }) => {
  const adasPage = await open(ada);
  await adasPage.page.evaluate(() => {
    const { databaseId, userId } = document.body.dataset;
    const prefix = `outbox/${databaseId}/${userId}/`;
    for (const [i, text] of ["", "{", "null", "7", "[]", "{}", '"order"'].entries()) {
      localStorage.setItem(`${prefix}broken-${i}`, text);
    }
    localStorage.setItem("outbox", "another program's");
  });
  await adasPage.write(bob, "hello");
  await expectSent(chat, adasPage, ["hello"]);
  expect(await adasPage.page.evaluate(() => localStorage.length)).toBe(8);
});

test("without the Socket.IO client, what was written is sent when the server is back", async ({
  chat,
  newPage,
  ada,
  bob,
}) => {
  const adasPage = await newPage(ada);
  await adasPage.page.route("**/socket.io.min.js", (route) => route.abort());
  await adasPage.open(chat.url);
  await chat.kill();
  await writeAll(adasPage, bob, THREE);
  await chat.startAgain();
  await expectSent(chat, adasPage, THREE);
});

test("a page of older messages has no outbox", async ({ chat, open, ada, bob }) => {
  await chat.send(ada, bob, "hello");
  const adasPage = await open(ada);
  await adasPage.page.route(MESSAGES, (route) => route.abort());
  await adasPage.write(bob, "unsent");
  await adasPage.page.goto(`${chat.url}${pathOfMessages(ada)}?before=9`);
  await expect(adasPage.texts).toHaveText(["hello"]);
  await expect(adasPage.page.getByText("unsent")).toHaveCount(0);
});
