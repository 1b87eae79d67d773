// The commands of README and book that `npm run commands` does not run, and
// those that have to fail, each with the reason.

const ELSEWHERE = "a step of .ci/run of its own";

export const SKIP = [
  { command: "cargo install mdbook --locked --version 0.5.4", reason: ELSEWHERE },
  { command: "cargo test", reason: ELSEWHERE },
  { command: "mdbook build book", reason: ELSEWHERE },
  { command: "npm --prefix tools/browser test -- catch-up", reason: ELSEWHERE },
  { command: 'npm --prefix tools/browser test -- catch-up -g "1,200|5,000" --workers 1', reason: ELSEWHERE },
  { command: "npm --prefix tools/browser test -- another-site", reason: ELSEWHERE },
  { command: "npm --prefix tools/browser test -- limits", reason: ELSEWHERE },
  { command: "npm --prefix tools/browser test -- proxy-two", reason: ELSEWHERE },
  { command: "cargo test -p step-25", reason: ELSEWHERE },
  { command: "sudo apt-get install build-essential", reason: "changes the machine" },
  { command: "xcode-select --install", reason: "for macOS" },
  { command: "cargo run -p step-21 -- set-password ada", reason: "asks for a password at a terminal" },
  { command: "cargo run -p step-24 -- set-password ada", reason: "asks for a password at a terminal" },
  { command: "cargo run -p step-24 -- set-password bob", reason: "asks for a password at a terminal" },
  ...[
    `bash -c 'TIMEFORMAT="%0R seconds"; time { exec 3<>/dev/tcp/127.0.0.1/5001; printf "GET / HTTP/1.1\\r\\n" >&3; cat <&3; }'`,
    "cargo run -p step-22 2>&1 | sleep 1000",
    "for i in $(seq 500); do\n  curl -s -m 5 -o /dev/null -w '%{http_code} ' http://127.0.0.1:5001/db/alive\ndone",
  ].map((command) => ({ command, reason: "shows what waits for ever; rows of the table try it" })),
  ...[
    'http --session=ada :5001/api/sessions nickname=ada password="ada counts seven green boats"',
    'http --session=ada :5001/api/messages recipient_id=2 content="trois petits chats"',
    "http --session=ada :5001/api/users/1/messages",
    "http --session=ada DELETE :5001/api/session",
  ].map((command) => ({ command, reason: "needs HTTPie, which the checks do not install" })),
  ...[
    "DATABASE=load.db RUST_LOG=warn LIMITS=off cargo run --release -p step-23",
    "DATABASE=load.db RUST_LOG=warn LIMITS=off cargo run --release -p step-24",
    "cargo run --release -p load -- http://127.0.0.1:5001 --senders 64",
    "cargo run --release -p load -- compare --senders 64 step-23 step-24",
    "cargo run --release -p load -- compare --senders 64 node step-23 step-24",
    "cargo run --release -p load -- compare --senders 64 step-24 step-25 step-25x2",
  ].map((command) => ({ command, reason: "builds all anew with optimisation; .ci/run tries the tool without" })),
  {
    command: "cargo test --release -p step-18 --test it cost -- --ignored --nocapture",
    reason: "builds all anew, to measure what the page shows as measured once",
  },
];

export const FAIL = [
  { command: "cargo x test 16", reason: "red is right until the lesson is written" },
  { command: "cargo test -p mine-16", reason: "red is right until the lesson is written" },
];
