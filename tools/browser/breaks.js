// Which line each test needs: with it taken out, or changed, the test is red.
// `npm run breaks -- 19` tries them. A test is named by a part of its name; in
// `file` of the step's folder, `take` becomes `put`.

const CATCH_UP = "static/catch-up.js";
const MESSAGES = "static/messages.js";
const STORE = "src/store.rs";

// The cursor that believes its events.
const EVENT_RAISES_CURSOR = {
  file: MESSAGES,
  take: "showMessages(waiting.splice(0, 50));",
  put: "showMessages(waiting.splice(0, 50)); cursor = Number(messages.lastElementChild.dataset.id);",
};

export const BREAKS = {
  19: [
    { test: "does not hide what is still being fetched", ...EVENT_RAISES_CURSOR },
    { test: "does not hide the one before it, whose event got lost", ...EVENT_RAISES_CURSOR },
    {
      test: "the answer to one's own message does not hide",
      file: MESSAGES,
      take: "showMessages([message]);",
      put: "showMessages([message]); cursor = message.id;",
    },
    {
      test: "an answer that comes after the cut",
      file: CATCH_UP,
      take: "    running?.abort();\n",
      put: "",
    },
    {
      test: "an answer that comes after the cut",
      file: CATCH_UP,
      take: "    await showMissed(slice ?? [], signal);\n",
      put: "    cursor = slice?.at(-1)?.id ?? cursor; await showMissed(slice ?? [], signal);\n",
    },
    { test: "the network was off", file: CATCH_UP, take: "cursor = slice?.at(-1)?.id ?? cursor;", put: "return;" },
    { test: "the server was killed", file: CATCH_UP, take: 'socket.on("connect", wake);', put: "" },
    { test: "the computer was asleep", file: CATCH_UP, take: "if (!document.hidden) wake();", put: "" },
    { test: "it is looked at again", file: CATCH_UP, take: "if (!document.hidden) wake();", put: "" },
    { test: "the network is back", file: CATCH_UP, take: 'addEventListener("online", wake);', put: "" },
    { test: "out of the browser's store of pages", file: CATCH_UP, take: "if (event.persisted) wake();", put: "" },
    { test: "a minute has passed", file: CATCH_UP, take: "60_000", put: "120_000" },
    { test: "nobody looks at does not ask", file: CATCH_UP, take: " && !document.hidden", put: "" },
    { test: "says that it catches up", file: CATCH_UP, take: 'if (socket.connected) setLive("catching-up");', put: "" },
    { test: "an empty page begins at 0", file: CATCH_UP, take: "dataset.id ?? 0", put: "dataset.id ?? 1" },
    {
      test: "a page of older messages neither connects nor asks",
      file: "templates/messages.html",
      take: '{% if is_newest %}\n    <script src="/vendor',
      put: '{% if true %}\n    <script src="/vendor',
    },
    { test: "asks again, later each time", file: CATCH_UP, take: " && status !== 429", put: "" },
    { test: "asks again, later each time", file: CATCH_UP, take: "Math.min(2 * pause, 60)", put: "1" },
    { test: "an answer that is not the chat's", file: CATCH_UP, take: "} catch {", put: "} catch { return null;" },
    { test: "refuses for good", file: CATCH_UP, take: "status < 500 && status !== 408", put: "status < 300" },
    { test: "marked until more is", file: CATCH_UP, take: 'old.classList.remove("new");', put: "" },
    { test: "marked until more is", file: CATCH_UP, take: "      missed = 0;\n", put: "" },
    { test: "1,200 missed", file: CATCH_UP, take: "PER_FRAME = 50", put: "PER_FRAME = 500" },
    { test: "1,200 missed", file: CATCH_UP, take: 'scroller.ariaLive = "off";', put: "" },
    { test: "5,000 live", file: MESSAGES, take: "if (message.id < oldest) return null;", put: "" },
    { test: "5,000 live", file: MESSAGES, take: "older.querySelector", put: "// older.querySelector" },
    { test: "who reads old messages keeps them", file: MESSAGES, take: "  if (atEnd) {", put: "  {" },
    { rust: "what_comes_after_a_message", file: STORE, take: '(">", "asc", id)', put: '(">", "desc", id)' },
    { rust: "has_one_users_messages_alone", file: STORE, take: "(author_id = ?3 or recipient_id = ?3)", put: "?3" },
    {
      rust: "on_both_sides_is_refused",
      file: "src/api.rs",
      take: "(Some(_), Some(_)) => {",
      put: "(Some(id), Some(_)) if id.0 > 0 => Edge::After(id), (Some(_), Some(_)) => {",
    },
    {
      rust: "the_newest_page_catches_up",
      file: "templates/messages.html",
      take: '    <script src="/static/catch-up.js" defer></script>\n',
      put: "",
    },
  ],
};
