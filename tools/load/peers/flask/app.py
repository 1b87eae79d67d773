"""A chat server as a Flask course builds it, step by step.

It is here for its way to deliver: an event that is named after the recipient's
nickname, sent to every open page. What the other servers of the comparison do
and this one does not:

- rooms: with n pages open, a message is sent n times, and anybody can listen;
- refusals: no field is checked, and what goes wrong is a 422 with Python's words;
- SQLite's settings: its usual journal instead of WAL, so that a reader and a
  writer wait for each other. A commit is on the disk all the same.

With SIGN_IN=on, users sign in: Flask's cookie says who somebody is, signed with
a key of this run. Authors are who they are signed in as, and so are pages.

Other settings: ADDRESS (127.0.0.1:5001; port 0 takes a free one) and DATABASE (chat.db).
"""

import logging
import os
import secrets
import sys
from datetime import datetime, timezone

from flask import Flask, abort, request, session
from flask_socketio import ConnectionRefusedError, SocketIO
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from werkzeug.security import check_password_hash, generate_password_hash
from werkzeug.serving import make_server

ADDRESS = os.environ.get("ADDRESS", "127.0.0.1:5001")
# Flask-SQLAlchemy would look for a relative path in a folder of its own.
DATABASE = os.path.abspath(os.environ.get("DATABASE", "chat.db"))
SIGN_IN = os.environ.get("SIGN_IN") == "on"

app = Flask(__name__)
app.secret_key = secrets.token_hex()
app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{DATABASE}"
db = SQLAlchemy(app)
# A thread for each connection, since neither eventlet nor gevent is there.
socketio = SocketIO(app)


class User(db.Model):
    __tablename__ = "users"
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String)
    email = db.Column(db.String)
    nickname = db.Column(db.String, unique=SIGN_IN)
    password = db.Column(db.String)

    def to_dict(self):
        user = {"id": self.id, "name": self.name, "nickname": self.nickname}
        if not SIGN_IN:
            # Where users sign in, it is nobody else's business.
            user["email"] = self.email
        return user


class Message(db.Model):
    __tablename__ = "messages"
    id = db.Column(db.Integer, primary_key=True)
    content = db.Column(db.String)
    date = db.Column(db.DateTime)
    author_id = db.Column(db.Integer, db.ForeignKey("users.id"))
    recipient_id = db.Column(db.Integer, db.ForeignKey("users.id"))


@app.errorhandler(Exception)
def refuse(error):
    return {"error": str(error)}, getattr(error, "code", 422)


@app.get("/db/alive")
def alive():
    db.session.execute(text("select 1"))
    return {"status": "healthy"}


@app.get("/api/version")
def version():
    return {"version": "flask"}


@app.post("/api/users")
def create_user():
    body = request.get_json()
    user = User(name=body["name"], email=body["email"], nickname=body["nickname"])
    if SIGN_IN:
        user.password = generate_password_hash(body["password"])
    db.session.add(user)
    db.session.commit()
    if SIGN_IN:
        return welcome(user)
    return user.to_dict(), 201


def welcome(user):
    session["user_id"] = user.id
    return user.to_dict() | {"email": user.email}, 201


@app.post("/api/messages")
def create_message():
    body = request.get_json()
    author_id = session["user_id"] if SIGN_IN else body["author_id"]
    if body.get("author_id", author_id) != author_id:
        abort(403, "This is another user's.")
    author = db.session.get(User, author_id)
    recipient = db.session.get(User, body["recipient_id"])
    message = Message(
        content=body["content"],
        date=datetime.now(timezone.utc),
        author_id=author.id,
        recipient_id=recipient.id,
    )
    db.session.add(message)
    db.session.commit()
    answer = {
        "id": message.id,
        "content": message.content,
        "date": message.date.isoformat() + "Z",
        "author": author.to_dict(),
        "recipient": recipient.to_dict(),
    }
    socketio.emit(recipient.nickname, answer)
    return answer, 201


if SIGN_IN:
    OPEN = ["alive", "version", "create_user", "create_session"]

    @app.before_request
    def require_session():
        if request.endpoint not in OPEN and "user_id" not in session:
            abort(401, "Nobody is signed in. Sign in first.")

    @app.errorhandler(IntegrityError)
    def refuse_nickname(error):
        return {"error": "The nickname is taken. Choose another one."}, 409

    @app.post("/api/sessions")
    def create_session():
        body = request.get_json()
        user = User.query.filter_by(nickname=body["nickname"]).first()
        if user is None or not check_password_hash(user.password, body["password"]):
            abort(401, "The nickname or the password is wrong.")
        return welcome(user)

    @app.delete("/api/session")
    def delete_session():
        session.clear()
        return "", 204

    @socketio.on("connect")
    def connect(auth):
        user_id = session.get("user_id")
        if user_id is None:
            raise ConnectionRefusedError("refused: nobody is signed in")
        if (auth or {}).get("user_id", user_id) != user_id:
            raise ConnectionRefusedError("refused: this is another user's")


def main():
    # A line for each request is not what is compared.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    try:
        with app.app_context():
            db.create_all()
    except Exception as error:
        sys.exit(f'the database "{DATABASE}" can\'t be used: {error}')

    host, _, port = ADDRESS.rpartition(":")
    # What `socketio.run(app)` does in the end, which does not tell the port.
    server = make_server(host, int(port), app, threaded=True)
    print(f"the chat is at http://{host}:{server.port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
