// Takes the pictures of README and book: `npm run screenshots`. That of one
// lesson alone: `npm run screenshots -- step-25`.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { chromium, expect } from "@playwright/test";

import { build } from "./build.js";
import { Cable } from "./cable.js";
import { Chat, passwordOf, pathOfMessages, signInBrowser } from "./people.js";
import { chromium as executable } from "./chromium.js";
import { LobbyPage } from "./lobby-page.js";
import { SignInPage } from "./sign-in-page.js";
import { NEWEST, number, ROOT, STEPS } from "./steps.js";
import { UserPage } from "./user-page.js";
import { foreignWebsite, frames } from "./website.js";

const FOLDER = path.join(ROOT, "book/src/images");
const WINDOW = { width: 440, height: 540 };
const WIDE = { width: 760, height: 740 };
const PHONE = { width: 390, height: 700 };
const SCALE = 1.5;

// The chapters of what these pictures show are from before people sign in.
const BEFORE_SIGN_IN = "step-20";

// Where a reader's own chat is: the pictures show the address.
const ADDRESS = "127.0.0.1:5001";
const ANOTHER_ADDRESS = "127.0.0.1:5002";

// The same font wherever the pictures are taken.
const FONT = readFileSync(
  fileURLToPath(
    import.meta.resolve("@fontsource-variable/inter/files/inter-latin-wght-normal.woff2"),
  ),
  "base64",
);
const STYLE = `
  @font-face {
    font-family: Inter;
    font-weight: 100 900;
    src: url(data:font/woff2;base64,${FONT});
  }
  html:root { font-family: Inter; }
  * { caret-color: transparent !important; }
`;

// Who writes what to whom.
const PEOPLE = { ada: "Ada Lovelace", bob: "Bob Kahn", eve: "Eve Baker" };
const TALK = [
  ["ada", "bob", "The seedlings are in! Tomatoes by the fence, as last year."],
  ["bob", "ada", "Lovely. And the beans?"],
  ["bob", "ada", "I can bring poles on Friday."],
];
const NEXT = "Perfect. They come on Thursday.";
const MORE = [
  ["ada", "bob", NEXT],
  ["eve", "ada", "Who waters on Sunday?"],
  ["ada", "eve", "I do. Come by, there will be lemonade."],
];
const MISSED = [
  ["ada", "bob", NEXT],
  ["eve", "bob", "The gate was open last night. Was that you?"],
];

build();
mkdirSync(FOLDER, { recursive: true });
const browser = await chromium.launch({ executablePath: executable() });
try {
  const only = process.argv[2];
  for (const step of only ? [only] : STEPS) await pictureOfStep(step);
  if (!only) await otherPictures();
} finally {
  await browser.close();
}

async function otherPictures() {
  await picturesOfWindows();
  await picturesOfPages();
  await pictureOfSignIn();
  await pictureOfFrame();
  await pictureOfTooMany();
  await pictureOfLobby();
  await pictureOfMissed();
  await pictureOfUnsent();
}

// Two windows after a message: from step-25 on, each at a server of its own.
async function pictureOfStep(step) {
  await withDemo(step, async (chat, users) => {
    const other = number(step) >= 25 && (await chat.startBeside(ANOTHER_ADDRESS));
    // By another name, cookies are other ones.
    const bobs = other ? { url: other.url.replace("127.0.0.1", "localhost") } : chat;
    const { after } = await twoWindows(chat, bobs, users);
    await savePair(`${step}.png`, after);
  });
}

async function picturesOfWindows() {
  await withDemo(NEWEST, async (chat, users) => {
    const { before, after } = await twoWindows(chat, chat, users);
    await savePair("two-windows-before.png", before);
    await savePair("two-windows.png", after);
  });
}

// Two windows, before and after a message; nobody has reloaded.
async function twoWindows(adas, bobs, users) {
  const left = await open(adas, users.ada);
  const right = await open(bobs, users.bob);
  // One browser is one person at one address, from step-21 on.
  right.isPrivate = bobs === adas && number(adas.step) >= 21;
  await left.recipient.selectOption("bob");
  await left.content.fill(NEXT);
  const before = await windows(left, right);

  await left.send(users.bob, NEXT);
  await right.settled();
  return { before, after: await windows(left, right) };
}

async function picturesOfPages() {
  await withDemo(NEWEST, async (chat, users) => {
    const nobody = await open(chat, users.eve, { viewport: { ...WIDE, height: 400 } });
    await save("no-messages.png", nobody.page);
    await nobody.page.goto(chat.url + pathOfMessages({ id: 99 }));
    await save("error.png", nobody.page);

    await say(chat, users, MORE);
    for (const colorScheme of ["light", "dark"]) {
      const name = (page) => `${page}${colorScheme === "dark" ? "-dark" : ""}.png`;
      const wide = await open(chat, users.ada, { viewport: WIDE, colorScheme });
      await save(name("messages"), wide.page);
      await wide.page.goto(`${chat.url}/front/users`);
      await save(name("users"), wide.page);

      const phone = await open(chat, users.bob, { viewport: PHONE, colorScheme });
      await save(name("phone"), phone.page);
    }
  });
}

// The pages to sign up and to sign in, as somebody fills them in.
async function pictureOfSignIn() {
  const look = { viewport: { ...WINDOW, height: 650 } };
  await withDemo("step-21", async (chat) => {
    const left = new SignInPage(await newWindow(look));
    await left.page.goto(`${chat.url}/front/sign-up`);
    await left.nickname.fill("eve");
    await left.name.fill(PEOPLE.eve);
    await left.email.fill("eve@example.org");
    await left.password.fill(passwordOf("eve"));

    const right = new SignInPage(await newWindow(look));
    await right.page.goto(`${chat.url}/front/sign-in`);
    await right.signIn("bob", "what was it again?");
    await expect(right.error).not.toBeEmpty();
    right.isPrivate = true;
    await savePair("sign-in.png", await windows(left, right), look.viewport);
  });
}

// Ada has guessed at her password too often, and Bob has spoken too fast.
async function pictureOfTooMany() {
  await withDemo("step-23", async (chat, users) => {
    const look = { viewport: WINDOW };
    const left = new SignInPage(await newWindow(look));
    await left.page.goto(`${chat.url}/front/sign-in`);
    for (let attempt = 1; attempt <= 11; attempt += 1) {
      const answered = left.page.waitForResponse("**/api/sessions");
      await left.signIn("ada", "what was it again?");
      await answered;
    }
    await expect(left.error).toContainText("Too many");

    const right = new LobbyPage(await newWindow(look), "Bob");
    await signInBrowser(right.page.context(), users.bob, chat.url);
    await right.open(chat.url);
    await right.page.evaluate(() =>
      Promise.all(Array.from({ length: 10 }, (_, bed) => say({ message: `Hello, bed ${bed + 1}!` }))),
    );
    await right.say("How are you all today?");
    await expect(right.messageError).toContainText("Too many");
    right.isPrivate = true;
    await savePair("too-many.png", await windows(left, right));
  });
}

// A page of another program, in the browser in which Ada is signed in: it shows
// her messages in a frame, and can't in the next step.
async function pictureOfFrame() {
  const website = await foreignWebsite("localhost");
  const pictures = [];
  for (const step of ["step-21", "step-22"]) {
    await withDemo(step, async (chat, users) => {
      const url = chat.url.replace("127.0.0.1", "localhost");
      const page = await newWindow({ viewport: WINDOW, bypassCSP: false });
      await signInBrowser(page.context(), users.ada, url);
      await page.goto(website.url);
      await page.evaluate(() => {
        document.body.innerHTML = "<h1>Win a garden gnome!</h1><style>iframe { width: 100%; height: 26rem }";
      });
      await page.evaluate(frames, url);
      const image = (await picture(page)).toString("base64");
      pictures.push({ image, address: "localhost:3000" });
    });
  }
  website.close();
  await savePair("frame.png", pictures);
}

// Ada's page without a server.
async function pictureOfUnsent() {
  await withDemo(BEFORE_SIGN_IN, async (chat, users) => {
    const adasPage = await open(chat, users.ada);
    await chat.stop();
    await adasPage.live("disconnected");
    await adasPage.write(users.bob, NEXT);
    await adasPage.write(users.eve, "Can you bring the long ladder?");
    await expect(adasPage.states).toHaveText(["Waiting to be sent …", "Waiting to be sent …"]);
    await save("unsent.png", adasPage.page);
  });
}

// Bob's page after a cut.
async function pictureOfMissed() {
  await withDemo(BEFORE_SIGN_IN, async (chat, users) => {
    const cable = await Cable.to(chat);
    const bobsPage = new UserPage(await newWindow({ viewport: WINDOW }), users.bob);
    await bobsPage.open(cable.url);
    cable.pull();
    await bobsPage.live("disconnected");
    await say(chat, users, MISSED);
    cable.putBack();
    await bobsPage.live("connected");
    await save("missed.png", bobsPage.page);
    cable.remove();
  });
}

async function pictureOfLobby() {
  await withDemo(BEFORE_SIGN_IN, async (chat) => {
    const [left, right] = [await enterLobby(chat, "Ada"), await enterLobby(chat, "Bob")];
    await left.say("Good morning, garden! Who is here today?");
    await left.shows("Good morning, garden! Who is here today?");
    await right.say("I am, with the bean poles.");
    await right.texts.nth(1).waitFor();
    await left.say("Perfect, gate is open.");
    await left.texts.nth(2).waitFor();
    await right.texts.nth(2).waitFor();
    await savePair("lobby.png", await windows(left, right));
  });
}

async function enterLobby(chat, handle) {
  const lobby = new LobbyPage(await newWindow({ viewport: WINDOW }), handle);
  await lobby.open(chat.url);
  return lobby;
}

// Runs `take` with a chat in which the talk has taken place.
async function withDemo(step, take) {
  const chat = await Chat.start(step, ADDRESS);
  try {
    const users = {};
    for (const [nickname, name] of Object.entries(PEOPLE)) {
      users[nickname] = await chat.addUser(nickname, name);
    }
    await say(chat, users, TALK);
    await take(chat, users);
  } finally {
    for (const context of browser.contexts()) await context.close();
    await chat.remove();
  }
}

async function say(chat, users, talk) {
  for (const [author, recipient, text] of talk) {
    await chat.send(users[author], users[recipient], text);
  }
}

async function newWindow(look) {
  const context = await browser.newContext({
    bypassCSP: true,
    deviceScaleFactor: SCALE,
    locale: "en-GB",
    timezoneId: "UTC",
    ...look,
  });
  return context.newPage();
}

async function open(chat, user, look = { viewport: WINDOW }) {
  const page = await newWindow(look);
  await signInBrowser(page.context(), user, chat.url);
  const userPage = new UserPage(page, user);
  await userPage.open(chat.url);
  return userPage;
}

// A picture of a page, as it is: only the font is the same everywhere.
async function picture(page) {
  await page.addStyleTag({ content: STYLE });
  await page.evaluate(async () => {
    document.activeElement.blur();
    await document.fonts.ready;
  });
  return page.screenshot({ animations: "disabled" });
}

async function save(name, page) {
  write(name, await picture(page));
}

// What windows show, each with its address, and whether it is a private one.
async function windows(...shown) {
  const pictures = [];
  for (const { page, isPrivate } of shown) {
    const image = (await picture(page)).toString("base64");
    pictures.push({ image, address: page.url().replace("http://", ""), isPrivate });
  }
  return pictures;
}

// Two windows side by side, in one picture.
async function savePair(name, pictures, { width, height } = WINDOW) {
  const context = await browser.newContext({
    deviceScaleFactor: SCALE,
    viewport: { width: 2 * width + 72, height: height + 84 },
  });
  const page = await context.newPage();
  const figures = pictures.map(
    ({ address, image, isPrivate }) => `
      <figure>
        <figcaption${isPrivate ? " class=private" : ""}>
          <i></i><i></i><i></i><span>${address}</span>
        </figcaption>
        <img src="data:image/png;base64,${image}" width="${width}">
      </figure>`,
  );
  await page.setContent(`
    <style>
      ${STYLE}
      body { display: flex; gap: 24px; margin: 0; padding: 24px; background: #cfdcd6; }
      figure { margin: 0; overflow: hidden; background: #fff; border-radius: 12px;
               box-shadow: 0 2px 8px #1d242340; }
      figcaption { display: flex; gap: 7px; align-items: center; height: 36px; padding: 0 14px;
                   color: #5b6664; font-size: 13px; background: #e9ece9; }
      .private { color: #e9ece9; background: #443a56; }
      .private::after { margin-left: auto; content: "private window"; }
      i { width: 11px; height: 11px; background: #b9c3bf; border-radius: 50%; }
      span { margin-left: 10px; }
      img { display: block; }
    </style>${figures.join("")}`);
  await page.evaluate(() => document.fonts.ready);
  write(name, await page.screenshot());
  await context.close();
}

function write(name, bytes) {
  writeFileSync(path.join(FOLDER, name), bytes);
  console.log(`${name} ${Math.round(bytes.length / 1000)} kB`);
}
