// What a browser says of where a request comes from, as a table: it asks a
// server that writes it down.

import { once } from "node:events";
import { createServer } from "node:http";

import { fetches, follows, foreignWebsite, frames, loads, opensWebSocket, sendsForm } from "../website.js";
import { until } from "./wire.mjs";

const FETCH = ["sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"];

// What the two are called in the table, whatever their ports are.
const CHAT = "http://localhost:5001";
const WEBSITE = "http://localhost:3000";

export async function whatBrowsersSay(browser) {
  const asked = [];
  const server = createServer((request, response) => {
    if (request.url !== "/favicon.ico") asked.push(request);
    response.setHeader("Content-Type", "text/html");
    response.setHeader("Set-Cookie", "a=b; SameSite=Lax");
    response.end("<!doctype html>");
  });
  server.on("upgrade", (request, socket) => {
    asked.push(request);
    socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://localhost:${server.address().port}`;
  const website = await foreignWebsite("localhost");
  const context = await browser.newContext();

  const rows = [["what", ...FETCH.map((field) => field.replace("sec-fetch-", "")), "origin", "cookie"]];
  const tries = async (what, from, act) => {
    const page = await context.newPage();
    await page.goto(from);
    asked.length = 0;
    await act(page);
    await until(() => asked.length > 0, what);
    const { headers } = asked[0];
    const origin = headers.origin?.replace(url, CHAT).replace(website.url, WEBSITE);
    const said = [...FETCH.map((field) => headers[field]), origin, headers.cookie && "yes"];
    rows.push([what, ...said.map((it) => it ?? "-")]);
  };
  const script = (options) => (page) => page.evaluate(fetches, { url, options });
  const webSocket = (page) => page.evaluate(opensWebSocket, url);
  const form = { url, enctype: "text/plain", fields: {} };
  const post = { method: "POST", mode: "no-cors" };

  // By then the browser has a cookie.
  await tries("address typed", url, (page) => page.goto(url));
  await tries("own script, GET", url, script({}));
  await tries("own script, POST", url, script({ method: "POST" }));
  await tries("own WebSocket", url, webSocket);
  await tries("link", website.url, (page) => page.evaluate(follows, url));
  await tries("image", website.url, (page) => page.evaluate(loads, { element: "img", url }));
  await tries("frame", website.url, (page) => page.evaluate(frames, url));
  await tries("form, POST", website.url, (page) => page.evaluate(sendsForm, form));
  await tries("script, GET", website.url, script({ mode: "no-cors" }));
  await tries("script, POST", website.url, script(post));
  await tries("WebSocket", website.url, webSocket);

  website.close();
  server.close();
  server.closeAllConnections();
  return columns(rows);
}

// Rows of cells as lines of text, the columns one below the other.
function columns(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd())
    .join("\n");
}
