// How recorded output becomes the text that the book shows.

// What varies from run to run, and the text that stands for it. Each has the
// length of what it replaces, so that a Content-Length beside it stays true.
export function steady(text) {
  const ids = new Set([...text.matchAll(/"sid":"([\w-]{16})"/g)].map((match) => match[1]));
  [...ids].forEach((id, index) => {
    text = text.replaceAll(id, `a-connection-id${index + 1}`);
  });
  return text
    // What keeps packets apart is no character that can be seen.
    .replaceAll("\x1e", "\\x1e")
    // A session's token, in a header and in a file of curl's.
    .replace(/(step_\d\d=)[0-9a-f]{64}/g, `$1${"0123456789abcdef".repeat(4)}`)
    // A free port is one of the high ones.
    .replace(/127\.0\.0\.1:\d{5}/g, "127.0.0.1:5001")
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "2026-01-02T03:04:05.678Z")
    .replace(/\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT/g, "Fri, 02 Jan 2026 03:04:05 GMT");
}

// Folds each long line before a field, after a colon in words, or after a
// semicolon, as far as that makes it short.
export function fold(text, indent = "  ", width = 80) {
  return text.split("\n").map((line) => foldLine(line, indent, width)).join("\n");
}

function foldLine(line, indent, width) {
  if (line.length <= width) return line;
  const lines = [];
  let current = "";
  for (const part of line.split(/(?<=,)(?=["{])|(?<=: )(?=[a-z])|(?<=; )/)) {
    if (current.trim() && current.length + part.length > width) {
      lines.push(current);
      current = indent;
    }
    current += part;
  }
  return [...lines, current].map((text) => text.trimEnd()).join("\n");
}

export const arrow = ({ sent }) => (sent ? "↑" : "↓");

// One packet a line, ↑ from the client and ↓ from the server, with what
// `before` says of it in front.
export function packets(log, before = () => "") {
  return log
    .map((packet) => {
      const start = `${before(packet)}${arrow(packet)} `;
      return fold(start + packet.text, " ".repeat(start.length + 2));
    })
    .join("\n");
}

export const transport = (packet) => packet.transport.padEnd(10);

export const seconds = (packet) => `${packet.seconds} s  `.padStart(6);

// The bytes of a WebSocket frame in hexadecimal: header, mask, payload.
export function hexadecimal({ sent, bytes, head }) {
  const all = [...bytes].map((byte) => byte.toString(16).padStart(2, "0"));
  const parts = sent
    ? [all.slice(0, 2), all.slice(2, 6), all.slice(6)]
    : [all.slice(0, head), all.slice(head)];
  const shown = parts.map((part) =>
    part.length > 15 ? `${part.slice(0, 9).join(" ")} …` : part.join(" "),
  );
  return `${arrow({ sent })} ${shown.join("   ")}`.trimEnd();
}
