// Which line each test needs: with it taken out, or changed, the test is red.
// `npm run breaks -- 19` tries them. A test is named by a part of its name; in
// `file` of the step's folder, `take` becomes `put`.

const CATCH_UP = "static/catch-up.js";
const MESSAGES = "static/messages.js";
const OUTBOX = "static/outbox.js";
const STORE = "src/store.rs";
const DATABASE = "src/database.rs";
const ACCOUNTS = "src/store/accounts.rs";
const API = "src/api.rs";
const PASSWORD = "src/password.rs";
const ASKING = "src/session.rs";
const WHO = "static/session.js";
const SIGN_IN = "static/sign-in.js";
const STYLE = "static/style.css";
const LIVE = "src/live.rs";

// The cursor that believes its events.
const EVENT_RAISES_CURSOR = {
  file: MESSAGES,
  take: "showMessages(waiting.splice(0, 50));",
  put: "showMessages(waiting.splice(0, 50)); cursor = Number(messages.lastElementChild.dataset.id);",
};

// What the server has stays in the outbox.
const NOTHING_SETTLES = { file: OUTBOX, take: "if (author.id === userId && key) remove(key);", put: "" };

// The browser's store gets nothing.
const KEEPS_NOTHING = { file: OUTBOX, take: "localStorage.setItem(prefix + key, text);", put: "throw 0;" };

// Nothing is sent again unless something happens.
const NO_TICKS = { file: OUTBOX, take: "unsent().length > 0) sendOutbox();", put: "unsent().length > 0) ;" };

// The server does not look for the key.
const NO_LOOK = {
  file: STORE,
  take: "find_by_key(connection, new.author, key)?\n    {",
  put: "find_by_key(connection, UserId(0), key)?\n    {",
};

// The page takes each end of its connection for a sign-out.
const EACH_CUT_IS_A_SIGN_OUT = {
  file: "static/live.js",
  take: 'socket.on("disconnect", retry);',
  put: 'socket.on("disconnect", () => location.replace("/front/sign-in"));',
};

// Sockets outlive their sessions.
const NO_SWEEP = { file: LIVE, take: "Ok(ended) => end(&io, ended).await,", put: "Ok(_) => ()," };

const DOORS = "src/origin.rs";
const TOLD = "src/headers.rs";

// Each Origin is ours, where the browser has no verdict of its own.
const ANY_ORIGIN = { file: DOORS, take: "None => Err(Error::OtherHost),", put: "None => Ok(())," };

// What the browser says of where a request comes from is not listened to.
const NO_VERDICT = { file: DOORS, take: "false => Err(Error::OtherSite),", put: "false => Ok(())," };

const NO_RESOURCE_POLICY = { file: TOLD, take: "(RESOURCE_POLICY, same_origin.clone()),", put: "" };

// A link is no better than a script.
const NO_LINK = { file: DOORS, take: "match is_ours || follows_link(request) {", put: "match is_ours {" };

// Where the browser says nothing at all, it is not let in.
const NO_GET = {
  file: DOORS,
  take: "let Some(origin) = header(\"origin\") else {\n        return Ok(());",
  put: "let Some(origin) = header(\"origin\") else {\n        return Err(Error::OtherHost);",
};

// Neither the door nor the header fields, where each of them is enough.
const ALL_OPEN = {
  file: "src/lib.rs",
  take: `let origins = from_fn_with_state(settings.public_url, origin::checked);
    let app = app.layer(origins);
    // And these are on what is refused as well.
    let headers = map_response_with_state(headers::of_all(), headers::add);
    let app = app.layer(headers);`,
  put: "",
};

const LIMITS = "src/limits.rs";

// To a page whose first request is refused, the server is away.
const NO_REFUSAL = { file: "static/live.js", take: " || error.description === 401", put: "" };

const GROUP = "src/store/group.rs";
const NEWS = "src/store/news.rs";
const IMPORT = "src/store/import.rs";

// Each message has a task of its own again.
const A_TASK_FOR_EACH = {
  file: LIVE,
  take: "        deliver(&io, &message);\n",
  put: "        let io = io.clone();\n        tokio::spawn(async move { deliver(&io, &message) });\n",
};

// Whose messages are few goes through those of all.
const NO_INDEX = {
  file: DATABASE,
  take: "    create index messages_by_recipient on messages (recipient_id);\n",
  put: "",
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
  20: [
    { test: "are sent, once and in order, after the network was off", file: OUTBOX, take: "a.order - b.order", put: "b.order - a.order" },
    { test: "are sent, once and in order, after the server was killed", file: OUTBOX, take: "[0, 401,", put: "[401," },
    { test: "are sent, once and in order, after the computer was asleep", file: OUTBOX, take: "  showMessages([answer]);\n", put: "" },
    { test: "their page was reloaded", ...KEEPS_NOTHING },
    { test: "the other user's page sends nothing of it", file: OUTBOX, take: "/${userId}/", put: "/" },
    { test: "stands in the list at once", file: OUTBOX, take: "        showOutbox();\n", put: "" },
    { test: "stands below what is stored", file: OUTBOX, take: "outbox.insertBefore(", put: "messages.insertBefore(" },
    {
      test: "whatever the clock says",
      file: OUTBOX,
      take: "1 + Math.max(0, ...unsent().map((entry) => entry.order))",
      put: "Date.now()",
    },
    { test: "it is one message", file: OUTBOX, take: "content, key, database_id", put: "content, database_id" },
    { test: "its event takes it out", ...NOTHING_SETTLES },
    { test: "what was missed takes it out", ...NOTHING_SETTLES },
    { test: "a reload takes it out", file: OUTBOX, take: "remove(dataset.key);", put: ";" },
    { test: "neither another author's key", file: OUTBOX, take: "author.id === userId && key", put: "key" },
    { test: "send each message once, and show it once", ...KEEPS_NOTHING },
    { test: "one is closed: the other one sends", ...NO_TICKS },
    { test: "while one sends, the other one waits", file: OUTBOX, take: "Date.now() + 5000", put: "0" },
    { test: "what one deletes, the other one", file: OUTBOX, take: "localStorage.removeItem(prefix + key);", put: "" },
    {
      test: "says why, and holds up no other one",
      file: OUTBOX,
      take: "stops: false });\n    return true;",
      put: "stops: true });\n    return false;",
    },
    { test: "is sent when somebody says so", file: OUTBOX, take: "() => failures.delete(key)", put: "() => {}" },
    { test: "a page of the network answers", file: OUTBOX, take: "stops: true", put: "stops: false" },
    { test: "a chat without keys answers", file: OUTBOX, take: "answer?.key !== entry.key || ", put: "!answer || " },
    { test: "somebody who repeats the key", file: OUTBOX, take: " || answer.author?.id !== userId", put: "" },
    { test: "is waited for, and the next ones wait", file: OUTBOX, take: "401, 408", put: "408" },
    { test: "grows to a minute", file: OUTBOX, take: "Math.min(2 * pause, 60)", put: "1" },
    { test: "lasts as long as the server says", file: OUTBOX, take: " && Date.now() >= notBefore", put: "" },
    { test: "the page stays open", file: OUTBOX, take: ", database_id: databaseId", put: "" },
    { test: "the page is reloaded", file: OUTBOX, take: "outbox/${databaseId}/", put: "outbox/" },
    { test: "because it is full", file: OUTBOX, take: "    unkept.set(prefix + key, text);\n", put: "" },
    { test: "because it must not", file: OUTBOX, take: "  return entries\n", put: "  return Object.entries(localStorage)\n" },
    { test: "what others keep", file: OUTBOX, take: ".filter(({ order }) => order > 0)", put: "" },
    { test: "without the Socket.IO client, what was written", ...NO_TICKS },
    {
      test: "a page of older messages has no outbox",
      file: "templates/messages.html",
      take: '{% if is_newest %}\n    <script src="/static/outbox',
      put: '{% if true %}\n    <script src="/static/outbox',
    },
    { rust: "a_message_that_is_sent_again_is_stored_once", ...NO_LOOK },
    { rust: "of_two_who_send_one_key_at_once", ...NO_LOOK },
    { rust: "eight_who_send_again_until_answered", ...NO_LOOK },
    {
      rust: "without_a_key_each_request_stores",
      file: "src/api.rs",
      take: "key: body.key.map(Key::new).transpose()?",
      put: 'key: Some(Key::new(body.key.unwrap_or("k".to_owned()))?)',
    },
    {
      rust: "another_content_or_recipient_is_refused",
      file: STORE,
      take: "return Err(Error::KeyTaken);",
      put: "return Ok(Stored::Before(message));",
    },
    { rust: "a_key_belongs_to_its_author", file: DATABASE, take: "messages (author_id, key)", put: "messages (key)" },
    { rust: "a_key_is_1_to_64", file: "src/text.rs", take: "(1..=64).contains", put: "(0..=64).contains" },
    {
      rust: "that_breaks_a_rule_is_still_stored",
      file: STORE,
      take: "    if let Some(id) = new.database_id\n",
      put: '    Content::new("content", new.content.clone())?;\n    if let Some(id) = new.database_id\n',
    },
    {
      rust: "a_message_for_another_database_is_refused",
      file: STORE,
      take: "&& id != find_database_id(connection)?",
      put: '&& id == "another!"',
    },
    { rust: "a_page_has_the_keys", file: "templates/messages.html", take: ' key={m.key or ""}', put: "" },
    {
      rust: "comes_live_with_its_key_and_a_repeat_does_not",
      file: "src/api.rs",
      take: "if let Stored::Now(message) = &stored {",
      put: "let (Stored::Now(message) | Stored::Before(message)) = &stored; {",
    },
    { rust: "what_was_stored_and_not_delivered", file: STORE, take: '(">", "asc", id)', put: '(">", "asc", id + 1)' },
    { rust: "of_version_1_opens_with_nothing_lost", file: DATABASE, take: "version + 1..", put: "version.." },
    {
      rust: "two_programs_that_start_at_once_migrate_once",
      file: DATABASE,
      take: "transaction_with_behavior(TransactionBehavior::Immediate)",
      put: "transaction_with_behavior(TransactionBehavior::Deferred)",
    },
    { rust: "a_migration_that_fails_changes_nothing", file: DATABASE, take: ".map_err(in_words)?;", put: "?;" },
    {
      rust: "a_migration_that_is_killed",
      file: DATABASE,
      take: "transaction.execute_batch(migration)",
      put: 'transaction.execute_batch(&format!("commit; {migration}; begin"))',
    },
  ],
  21: [
    {
      test: "typed into the form of sign-in before its scripts are there stays",
      file: "templates/sign-in.html",
      take: "<button disabled>",
      put: "<button>",
    },
    { test: "who signs up is signed in", file: SIGN_IN, take: "location.replace(whereTo());", put: ";" },
    { test: "what is wrong is said, and what was typed stays", file: PASSWORD, take: "count() < 15", put: "count() < 5" },
    {
      test: "are told in the same words",
      file: API,
      take: "let Some(account) = account.filter(|_| fits)",
      put: "if account.is_none() { return Err(Error::UnknownUser(0)); } let Some(account) = account.filter(|_| fits)",
    },
    { test: "no script can read the cookie", file: ASKING, take: "HttpOnly; ", put: "" },
    { rust: "passwords_take_no_more_memory", file: PASSWORD, take: "            hasher.memories().push(memory);\n", put: "" },
    { rust: "a_hash_that_was_made_elsewhere", file: PASSWORD, take: "Params::try_from(&hash)?;", put: "Params::DEFAULT;" },
    { test: "does not send the cookie, but a link does", file: ASKING, take: "SameSite=Lax", put: "SameSite=Strict" },
    {
      test: "who is signed in is told so, and may sign in as somebody else",
      file: ACCOUNTS,
      take: "for id in new.replaces {",
      put: "for id in new.replaces.into_iter().skip(9) {",
    },
    {
      test: "knows the fields of /front/sign-in",
      file: "templates/sign-in.html",
      take: 'autocomplete="current-password"',
      put: 'autocomplete="off"',
    },
    {
      test: "knows the fields of /front/sign-up",
      file: "templates/sign-up.html",
      take: 'type="password" required',
      put: 'type="password" required maxlength="64"',
    },
    { test: "on its way to: /front/lobby", file: ASKING, take: '.append_pair("next", next)', put: '.append_pair("next", "/")' },
    { test: "on its way to: /front/users", file: ASKING, take: "|it| it.as_str()", put: "|it| it.path()" },
    { test: "on its way to: /front/messages", file: SIGN_IN, take: ".search = location.search;", put: '.search = "";' },
    // What one might write instead.
    ...[
      ["//example.org/x", 'next.startsWith("/")'],
      ["/\\example.org/x", "/^\\/[^/]/.test(next)"],
      ["/\t/example.org/x", "/^\\/[^/\\\\]/.test(next)"],
      ["\\\\example.org/x", '!next.includes(":") && !next.startsWith("//")'],
      ["https:example.org/x", '!next.includes("//")'],
      ["https://example.org/x", 'next.startsWith("http")'],
      ["http://127.0.0.1:9/x", "url.hostname === location.hostname"],
      ["javascript:document.title='taken over'", '!next.includes("//")'],
      ["data:text/html,x", '!next.includes("//")'],
    ].map(([address, put]) => ({
      test: `another site: ${JSON.stringify(address)}`,
      file: SIGN_IN,
      take: "if (url.origin === location.origin) return url.href;",
      put: `if (${put}) return next;`,
    })),
    { test: 'another site: "http://"', file: SIGN_IN, take: "// It is no address at all.", put: "return next;" },
    { test: "that somebody took along is worth nothing", file: API, take: "store.end_session(session.id.clone()).await?;", put: "" },
    { test: "the back button brings nothing back", file: "src/lib.rs", take: 'cached_by_default("no-store")', put: 'cached_by_default("no-cache")' },
    { test: "the other tab ends as well", file: API, take: "live::end(&io, vec![session.id]).await;", put: "let _ = &io;" },
    {
      test: "the page says that its user is still signed in",
      file: WHO,
      take: 'you are still signed in.";\n  return false;',
      put: 'you are still signed in.";\n  return true;',
    },
    { test: "may stay, by the button", file: WHO, take: 'returnValue === "delete"', put: "returnValue" },
    { test: "may stay, by Escape", file: WHO, take: 'returnValue === "delete"', put: 'returnValue !== "stay"' },
    { test: "may delete them, from any page", file: WHO, take: "leave(namesOfUnsent());", put: "leave();" },
    { test: "keeps them when the server does not answer", file: WHO, take: "if (!(await signOut())) return;", put: "await signOut();" },
    { test: "after a restart of the server: messages", ...EACH_CUT_IS_A_SIGN_OUT },
    { test: "after a restart of the server: lobby", ...EACH_CUT_IS_A_SIGN_OUT },
    {
      test: "does not learn who is signed in: it asks again",
      file: "static/live.js",
      take: "if ((await isSignedIn()) === false) return;",
      put: "if (!(await isSignedIn())) return;",
    },
    {
      test: "a page whose user is gone: it shows nothing",
      file: WHO,
      take: "if (!event.persisted) return;\n  document.body.hidden = true;\n",
      put: "if (!event.persisted) return;\n",
    },
    { test: "a page whose user is there: it shows again", file: WHO, take: "if (isIn) document.body.hidden = false;", put: "" },
    { test: "it is loaded anew", file: WHO, take: "if (isIn === null) location.reload();", put: "" },
    {
      test: "it shows nothing of his",
      file: LIVE,
      take: "session.must_be(user_id)?;\n        socket.join(room(user_id));",
      put: "let _ = user_id;\n        socket.join(room(session.user.id));",
    },
    { test: "what she wrote waits, and is sent", file: WHO, take: "${databaseId}/${userId}/", put: "${databaseId}/" },
    { test: "what she writes now is refused", file: API, take: "        session.must_be(author)?;\n", put: "        let _ = author;\n" },
    { test: "waits as well while nobody says", file: OUTBOX, take: "!(await isSignedIn())", put: "(await isSignedIn()) === false" },
    { test: "it finds out by what it missed", file: CATCH_UP, take: "if ([401, 403].includes(status)) await isSignedIn();", put: "" },
    {
      test: "her lobby says nothing under his name",
      file: "static/lobby.js",
      take: "const isIn = await isSignedIn();",
      put: 'setLive("connected"); const isIn = await isSignedIn();',
    },
    { test: "her button signs nobody out but her", file: WHO, take: "if ((await isSignedIn()) === false) return false;", put: "" },
    { test: "a 403 to the user who is signed in is final", file: OUTBOX, take: " && !(await isSignedIn())", put: "" },
    { test: "what was written is kept for the same user", file: OUTBOX, take: "[401, 403].includes", put: "[403].includes" },
    { test: "an open page at which nobody does anything is left", ...NO_SWEEP },
    { test: "somebody is back within 30 days", file: ACCOUNTS, take: "if is_due {", put: "if false {" },
    { test: "a session that is deleted is none", ...NO_SWEEP },
    {
      test: "whoever gets another password by set-password",
      file: ACCOUNTS,
      take: '"delete from sessions where user_id = ?1"',
      put: '"delete from sessions where user_id = -?1"',
    },
    { test: "markup in a nickname shows as text on each page", file: "templates/base.html", take: "{{ user.nickname }}", put: "{{ user.nickname | safe }}" },
    {
      test: "with the recipient chosen",
      file: "templates/messages.html",
      take: "{% if user.id == to %} selected{% endif %}",
      put: "",
    },
    {
      test: "signing in and signing up fit at a width of 320",
      file: STYLE,
      take: "padding: 0 1rem 3rem;\n  overflow-wrap: anywhere;",
      put: "padding: 0 1rem 3rem;",
    },
    {
      test: "leaves the header its parts, at a width of 320",
      file: STYLE,
      take: "font-size: 0.85rem;\n  overflow-wrap: anywhere;",
      put: "font-size: 0.85rem;",
    },
    {
      test: "what asks for unsent messages fits at a width of 320",
      file: STYLE,
      take: "max-width: min(24rem, calc(100% - 2rem));",
      put: "width: 24rem; max-width: none;",
    },
    { test: "ends at the same edge", file: STYLE, take: "margin: 0 0 0 auto;", put: "margin: 0 0 0 auto; display: flex; gap: 0.5rem;" },
    { test: "sign up, sign out, sign in", file: "templates/sign-in.html", take: "<button>", put: '<button type="button">' },
    {
      test: "with the keyboard alone: what asks for unsent messages",
      file: "templates/base.html",
      take: 'class="delete">',
      put: 'class="delete" autofocus>',
    },
    { test: "light: signing in and signing up", file: STYLE, take: "margin: 0;\n  color: var(--muted);", put: "margin: 0;\n  color: #999;" },
    { test: "dark: signing in and signing up", file: STYLE, take: "margin: 0;\n  color: var(--muted);", put: "margin: 0;\n  color: #555;" },
    { test: "light: what asks for unsent messages", file: STYLE, take: "padding: 1.25rem;\n  color: inherit;", put: "padding: 1.25rem;\n  color: #aaa;" },
    { test: "dark: what asks for unsent messages", file: STYLE, take: "padding: 1.25rem;\n  color: inherit;", put: "padding: 1.25rem;\n  color: #444;" },
  ],
  22: [
    ...["another port", "another name", "another port, by plain http", "another name, by plain http"].flatMap((site) => {
      const isPlain = site.endsWith("http");
      const of = (title) => `a page of ${site} ${title}`;
      return [
        { test: of("opens no socket"), ...ANY_ORIGIN },
        { test: of("sends nothing by a form"), ...(isPlain ? ANY_ORIGIN : NO_VERDICT) },
        { test: of("sends and reads nothing by a script"), ...NO_RESOURCE_POLICY },
        { test: of("shows no part of the chat"), ...(isPlain ? NO_RESOURCE_POLICY : ALL_OPEN) },
        {
          test: of("shows no page of the chat in a frame"),
          file: TOLD,
          take: "; frame-ancestors 'none'",
          put: "",
        },
        { test: of("leads Ada to her messages by a link"), ...(isPlain ? NO_GET : NO_LINK) },
      ];
    }),
    ...["127.0.0.1", "localhost"].map((host) => ({
      test: `a page at ${host} has no hold on the window`,
      file: TOLD,
      take: "(OPENER_POLICY, same_origin),",
      put: "",
    })),
    {
      test: "is live, sends, and lets people in and out",
      file: DOORS,
      take: "None if is_at(origin, header(\"host\")) => Ok(()),",
      put: "",
    },
    {
      test: "by https the chat is live, sends, and keeps its cookie to itself",
      file: "src/session.rs",
      take: 'concat!("__Host-", env!("CARGO_CRATE_NAME"))',
      put: 'env!("CARGO_CRATE_NAME")',
    },
    {
      test: "by https, too, another site's page opens no socket",
      file: DOORS,
      take: "Some(PublicUrl(ours)) => Err(Error::OtherOrigin(ours)),",
      put: "Some(_) => Ok(()),",
    },
    { test: "the page is live by polling, without a WebSocket", ...ANY_ORIGIN },
  ],
  23: [
    { test: "who tries wrong passwords", file: LIMITS, take: "tables.sign_ins.count(key, WHAT)?;", put: "let _ = key;" },
    {
      test: "who tries wrong passwords",
      file: LIMITS,
      take: "let key = (from, nickname, successes.unwrap_or(0));",
      put: "let key = (from, 0, successes.unwrap_or(0));",
    },
    {
      test: "who has written more than one may send at once",
      file: API,
      take: "limits.message(session.user.id)?;",
      put: "let _ = limits;",
    },
    { test: "who has written more than one may send at once", file: OUTBOX, take: "408, 429]", put: "408]" },
    {
      test: "who says too much in the lobby",
      file: LIVE,
      take: "let counted = limits.lobby(user.id);",
      put: "let _ = limits; let counted: Result<(), Error> = Ok(());",
    },
    { test: "who says too much in the lobby", file: "static/lobby.js", take: "if (!answer.ok) return;", put: "" },
    ...["messages", "lobby"].flatMap((page) => [
      { test: `gets no socket, and is left: ${page}`, ...NO_REFUSAL },
      {
        test: `after a restart, and not left: ${page}`,
        ...EACH_CUT_IS_A_SIGN_OUT,
        take: 'socket.on("disconnect", () => retry());',
      },
    ]),
    {
      test: "who has too many pages open",
      file: "static/live.js",
      take: "retry(wordsOf(error));",
      put: "retry();",
    },
    {
      test: "who has too many pages open",
      file: LIMITS,
      take: "*count -= 1;",
      put: "",
    },
    {
      test: "keep nobody out at another one",
      file: "src/connections.rs",
      take: "Address::of(peer, proxy, request.headers())",
      put: "Address::of(peer, None, request.headers())",
    },
  ],
  24: [
    { test: "When many write at once", ...A_TASK_FOR_EACH },
    { rust: "a_slice_goes_through_the_messages_of_its_user", ...NO_INDEX },
    {
      rust: "a_slice_goes_through_the_messages_of_its_user",
      file: DATABASE,
      take: "    create index messages_by_author on messages (author_id);\n",
      put: "",
    },
    { rust: "a_page_gets_messages_in_order_of_id", ...A_TASK_FOR_EACH },
    {
      rust: "a_page_gets_messages_in_order_of_id",
      file: GROUP,
      take: "for job in group {\n        job.answer(",
      put: "for job in group.into_iter().rev() {\n        job.answer(",
    },
    {
      rust: "what_waits_together_is_answered_each_for_itself",
      file: GROUP,
      take: 'execute("rollback to change")?;',
      put: "return Err(rusqlite::Error::InvalidQuery);",
    },
    { rust: "what_fails_leaves_nothing_behind", file: GROUP, take: 'execute("rollback to change")?;', put: "" },
    {
      rust: "what_fails_leaves_nothing_behind",
      file: GROUP,
      take: "catch_unwind(AssertUnwindSafe(|| job.make(transaction)))",
      put: "Ok::<_, ()>(job.make(transaction))",
    },
    { rust: "the_turn_of_what_is_written_already", file: GROUP, take: "if place <= line.taken {", put: "if place == 0 {" },
    {
      rust: "what_can_not_be_committed_together",
      file: GROUP,
      take: "made.and_then(|()| transaction.commit());",
      put: "made;\n    transaction.commit().ok();",
    },
    {
      rust: "after_a_transaction_has_ended",
      file: GROUP,
      take: `            execute("rollback to change")?;
        }
        // An error if the transaction has ended: its savepoints have, too.
        execute("release change")?;
`,
      put: `            execute("rollback to change").ok();
        }
        execute("release change").ok();
`,
    },
    {
      rust: "a_repeat_and_what_is_refused_come_to_no_page",
      file: STORE,
      take: "if let Stored::Now(message) = stored {",
      put: "if let Stored::Now(message) | Stored::Before(message) = stored {",
    },
    {
      rust: "a_page_says_which_methods_it_takes",
      file: "src/front.rs",
      take: "(response.status(), allow, page)",
      put: "(response.status(), page)",
    },
    { rust: "of_version_3_opens_with_nothing_lost", file: DATABASE, take: "version + 1..", put: "version.." },
    {
      rust: "holds_up_neither_the_sender_nor_the_end",
      file: LIVE,
      take: "    let _entered = span.enter();\n",
      put: "    let _ = span;\n",
    },
    {
      rust: "what_is_kept_of_a_head",
      file: ASKING,
      take: "    head.extensions.remove::<OriginalUri>();\n",
      put: "",
    },
    { rust: "what_is_kept_of_a_head", file: ASKING, take: "HeaderValue::from_bytes(value.as_bytes())", put: "Ok::<_, ()>(value.clone())" },
  ],
  25: [
    { rust: "one_order_of_what_two_servers_store", file: GROUP, take: "database::lock(&mut transaction).await?;", put: "" },
    { rust: "what_is_said_together", file: GROUP, take: "const MOST: usize = 256;", put: "const MOST: usize = 1;" },
    { rust: "all_servers_are_told_at_once", file: GROUP, take: "select pg_notify('messages', '')", put: "select 1" },
    { rust: "all_servers_are_told_at_once", file: NEWS, take: "select pg_notify('lobby', '')", put: "select 1" },
    { rust: "all_servers_are_told_at_once", file: ACCOUNTS, take: "select pg_notify('sessions', id) from ended", put: "select id from ended" },
    { rust: "a_listener_that_hears_nothing", file: NEWS, take: "let mut patience = SILENCE;", put: "let mut patience = Duration::from_secs(600);" },
    { rust: "a_listener_that_hears_nothing", file: LIVE, take: "if is_new && !self.news.has_told {", put: "if false {" },
    { rust: "told_of_a_sign_out_ends_the_pages", file: LIVE, take: "let ended = self.news.next().await?;\n            end(&self.io, ended).await;", put: "self.news.next().await?;" },
    { rust: "connections_that_fall_silent", file: DATABASE, take: "timeout(SILENCE, question)", put: "timeout(SILENCE * 1000, question)" },
    { rust: "a_transaction_that_is_given_up", file: DATABASE, take: "    let pool = pool.clone();\n", put: "    return answer(pool.begin()).await;\n    #[allow(unreachable_code)]\n    let pool = pool.clone();\n" },
    {
      rust: "connections_that_are_cut_lose_nothing",
      file: LIVE,
      take: `            for message in &messages {
                deliver(&self.io, message);
            }
            let words = self.store.next_words(&mut self.position).await?;
`,
      put: `            let words = self.store.next_words(&mut self.position).await?;
            for message in &messages {
                deliver(&self.io, message);
            }
`,
    },
    { rust: "connections_that_are_reset", file: LIVE, take: "let Err(error) = self.follow().await;", put: "let Err(error) = self.follow().await;\n            std::future::pending::<()>().await;" },
    { rust: "not_told_whether_it_is_stored", file: GROUP, take: "_ => Failure::Unknown(error),", put: "_ => Failure::Refused(error)," },
    { rust: "what_can_not_be_committed_harms_none", file: GROUP, take: 'Some("22" | "23" | "P0")', put: 'Some("XX")' },
    { rust: "what_can_not_be_inserted_harms_none", file: GROUP, take: 'Some("22" | "23" | "P0")', put: 'Some("22" | "23")' },
    { rust: "no_session_begins_by_a_password", file: ACCOUNTS, take: " for share", put: "" },
    { rust: "a_nickname_with_a_nul", file: ACCOUNTS, take: "if nickname.contains('\\0') {", put: "if nickname.is_empty() {" },
    { rust: "the_id_of_a_database_with_a_nul", file: GROUP, take: "&& is_text(&new.database_id)", put: "&& (true || is_text(&None))" },
    { rust: "a_commit_returns_when_the_disk_has_it", file: DATABASE, take: '("synchronous_commit", "on"),', put: "" },
    { rust: "a_server_that_stops_holds_up_the_other", file: DATABASE, take: '("idle_in_transaction_session_timeout", PATIENCE_IN_SQL),', put: "" },
    { rust: "two_programs_that_start_at_once_make_one_schema", file: DATABASE, take: "    lock(&mut transaction).await?;\n", put: "" },
    { rust: "the_database_of_another_program", file: DATABASE, take: "None if is_empty(&mut transaction).await? => BEFORE,", put: "None if is_empty(&mut transaction).await? || true => BEFORE," },
    { rust: "tls_is_not_built_in", file: DATABASE, take: "return Err(OpenError::Tls);", put: "" },
    { rust: "where_nobody_answers", file: DATABASE, take: "const START: Duration = Duration::from_secs(5);", put: "const START: Duration = Duration::from_secs(500);" },
    { rust: "ids_go_on_behind", file: IMPORT, take: "greatest($2, 1), $2 > 0", put: "1, false" },
    { rust: "passwords_and_outboxes_last", file: IMPORT, take: '"update chat_database set id = $1"', put: '"select $1"' },
    { rust: "nothing_is_imported_to_where_somebody_is", file: IMPORT, take: "return Err(ImportError::NotEmpty);", put: "" },
    { rust: "an_import_that_is_not_told", file: IMPORT, take: "_ => ImportError::Unknown(error),", put: "_ => ImportError::Refused(error)," },
    { rust: "many_are_imported_each_once", file: IMPORT, take: "            last = newest;\n", put: "            last = newest;\n            break;\n" },
  ],
};
