// A real nginx with https before a chat, or before two servers of one, as the
// book says how to set one up.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setImmediate } from "node:timers/promises";

import { ROOT } from "./steps.js";

const EXAMPLES = path.join(ROOT, "book/src/examples");

// The header by which it says here which server it has asked.
const ASKED = "x-asked";

// The name that the book's configuration has for the chat.
export const NAME = "chat.example.org";

export const HAS_NGINX = [["nginx", "-v"], ["openssl", "version"]].every(
  ([program, option]) => spawnSync(program, [option]).status === 0,
);

// A port that is free now.
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

// Starts an nginx at `port` that leads to a chat, or to both servers of one.
// Returns what ends it.
export async function startNginx(servers, port) {
  const folder = await mkdtemp(path.join(tmpdir(), "nginx-"));
  const file = (name) => path.join(folder, name);
  const certificate = ["-keyout", file("key.pem"), "-out", file("certificate.pem")];
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", `/CN=${NAME}`];
  if (spawnSync("openssl", [...request, ...certificate]).status !== 0) throw new Error("no certificate");

  const example = path.join(EXAMPLES, servers.length === 1 ? "nginx.conf" : "nginx-two.conf");
  let configuration = await readFile(example, "utf8");
  for (const [book, here] of [
    ["listen 443 ssl", `listen 127.0.0.1:${port} ssl`],
    [`/etc/ssl/${NAME}.pem`, file("certificate.pem")],
    [`/etc/ssl/${NAME}.key`, file("key.pem")],
    ...servers.map(({ url }, i) => [`127.0.0.1:${5001 + i}`, new URL(url).host]),
  ]) {
    if (configuration.split(book).length !== 2) throw new Error(`once in ${example}: ${book}`);
    configuration = configuration.replace(book, () => here);
  }
  // What an installed nginx has around it, for this folder.
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const temporary = places.map((it) => `${it}_temp_path ${file(it)};`).join("\n");
  const user = process.getuid() === 0 ? "user root;" : "";
  const around = `${user} daemon off; pid ${file("pid")}; error_log stderr crit; events {}`;
  const asked = `add_header ${ASKED} $upstream_addr always;`;
  const http = `http { access_log off; ${asked} ${temporary}\n${configuration} }`;
  await writeFile(file("nginx.conf"), `${around}\n${http}\n`);

  const nginx = spawn("nginx", ["-p", folder, "-c", file("nginx.conf")], { stdio: "inherit" });
  const ended = once(nginx, "exit");
  // It writes the file when it listens.
  while (!existsSync(file("pid"))) {
    if (nginx.exitCode !== null || nginx.signalCode !== null) throw new Error("nginx did not start");
    await setImmediate();
  }
  return async () => {
    nginx.kill("SIGTERM");
    await ended;
    await rm(folder, { recursive: true });
  };
}

// Sends a request to the nginx at `port` from another address of this computer;
// returns the status of the answer, and which server was asked.
export async function askFrom(localAddress, port, { path: where, method, headers, body }) {
  const asked = request({
    host: "127.0.0.1",
    port,
    localAddress,
    servername: NAME,
    rejectUnauthorized: false,
    path: where,
    method,
    headers: { Host: `${NAME}:${port}`, ...headers },
  });
  asked.end(body);
  const [answer] = await once(asked, "response");
  answer.resume();
  await once(answer, "end");
  return { status: answer.statusCode, asked: answer.headers[ASKED] };
}
