// Socket.IO: who connects, which rooms, and which events are handled.

import { Server } from "socket.io";

import { Refusal, explain } from "./refusal.js";
import { mustBe, named } from "./session.js";
import { isObject, text, wholeNumber } from "./text.js";

// The largest packet, in bytes.
const PACKET_LIMIT = 64 * 1024;

// How often it is looked for sessions that have ended, in ms.
const SWEEP = 1000;

const room = (userId) => `user:${userId}`;
const sessionRoom = (sessionId) => `session:${sessionId}`;

const BAD_AUTH = "refused: auth must be an object with a whole number user_id";

// What a socket that is not let in is told: it may come again, or need not.
function refusal(error) {
  const [status, words] = explain(error);
  return new Error(`${status < 500 ? "refused" : "not now"}: ${words}`);
}

// The sockets of the chat in `store`. Where users sign in, nobody else has one.
export function openLive(store, signIn) {
  const options = { serveClient: false, maxHttpBufferSize: PACKET_LIMIT };
  if (signIn) options.allowRequest = allowSession;
  const io = new Server(options);
  io.use(signIn ? joinOwnRooms : joinRoom);
  io.on("connection", (socket) => {
    socket.on("send_message", (...said) => {
      const acknowledge = typeof said.at(-1) === "function" ? said.pop() : () => {};
      acknowledge(say(said[0], socket.data.session?.user));
    });
  });
  if (signIn) setInterval(sweep, SWEEP);

  // Lets the first request of a socket pass when somebody is signed in.
  function allowSession(request, answer) {
    try {
      request.sessionId = store.session(named(request)).id;
    } catch (error) {
      const [, words] = explain(error);
      return answer(words, false);
    }
    answer(null, true);
  }

  // Lets a socket into the room of the user that its handshake names, and a
  // visitor of the lobby into none. Whoever asks is believed.
  function joinRoom(socket, next) {
    const { user_id: userId } = socket.handshake.auth;
    if (userId === undefined || userId === null) return next();
    const id = wholeNumber(userId);
    if (id === undefined) return next(new Error(BAD_AUTH));
    try {
      store.user(id);
    } catch (error) {
      return next(refusal(error));
    }
    socket.join(room(id));
    next();
  }

  // Lets a socket into the rooms of its session and of the user that its page
  // belongs to. The cookie says who that is; what the page says must agree with
  // it, since somebody else may have signed in beside it. The session may have
  // ended since the first request.
  function joinOwnRooms(socket, next) {
    const { user_id: userId } = socket.handshake.auth;
    try {
      const session = store.session([socket.conn.sessionId]);
      if (userId !== undefined && userId !== null) {
        const id = wholeNumber(userId);
        if (id === undefined) return next(new Error(BAD_AUTH));
        mustBe(session, id);
        socket.join(room(id));
      }
      socket.join(sessionRoom(session.id));
      socket.data.session = session;
    } catch (error) {
      return next(refusal(error));
    }
    next();
  }

  // Tells everybody what a visitor of the lobby says, who is called by nickname
  // if signed in, and as it pleases otherwise. It returns the acknowledgement,
  // which only that visitor gets.
  function say(said, user) {
    const { handle: claimed = "", message = "" } = isObject(said) ? said : { message: null };
    const handle = user?.nickname ?? claimed;
    let field = "message";
    try {
      if (typeof handle !== "string" || typeof message !== "string") {
        const what = user ? "message must be a text" : "handle and the message must be texts";
        throw new Refusal(422, `The ${what}.`);
      }
      field = "handle";
      if (user === undefined) text("handle", handle, 40);
      field = "message";
      text("message", message, 2000);
    } catch (error) {
      return { error: error.message, field };
    }
    io.emit("message", { handle, message, date: new Date().toISOString() });
    return { ok: true };
  }

  // Ends the sockets of sessions that have ended.
  function end(sessions) {
    for (const id of sessions) io.in(sessionRoom(id)).disconnectSockets(true);
  }

  // The same of those that have ended by their time, or by another program.
  function sweep() {
    const sockets = [...io.of("/").sockets.values()];
    const open = new Set(sockets.map((socket) => socket.data.session.id));
    try {
      end(store.sweepSessions([...open]));
    } catch (error) {
      explain(error);
    }
  }

  return {
    attach(server) {
      io.attach(server);
      io.engine.on("connection", (rawSocket) => {
        rawSocket.sessionId = rawSocket.request.sessionId;
        // It holds the memory of a request for as long as a page is open.
        // Nobody reads it later: `auth` comes in a packet of its own.
        // <https://socket.io/docs/v4/memory-usage/>
        rawSocket.request = null;
      });
    },

    // Sends a message to all open pages of its author and its recipient.
    deliver(message) {
      const rooms = [room(message.author.id), room(message.recipient.id)];
      io.to(rooms).emit("direct-message", message);
    },

    end,
    close: (done) => io.close(done),
  };
}
