"""A chat server as a Flask course builds it, step by step.

It is here for its way to deliver: an event that is named after the recipient's
nickname, sent to every open page. What the other servers of the comparison do
and this one does not:

- rooms: with n pages open, a message is sent n times, and anybody can listen;
- refusals: nothing is checked, and what goes wrong is a 422 with Python's words;
- SQLite's settings: its usual journal instead of WAL, so that a reader and a
  writer wait for each other. A commit is on the disk all the same.

Settings: ADDRESS (127.0.0.1:5001; port 0 takes a free one) and DATABASE (chat.db).
"""

import logging
import os
import sys
from datetime import datetime, timezone

from flask import Flask, request
from flask_socketio import SocketIO
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text
from werkzeug.serving import make_server

ADDRESS = os.environ.get("ADDRESS", "127.0.0.1:5001")
# Flask-SQLAlchemy would look for a relative path in a folder of its own.
DATABASE = os.path.abspath(os.environ.get("DATABASE", "chat.db"))

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{DATABASE}"
db = SQLAlchemy(app)
# A thread for each connection, since neither eventlet nor gevent is there.
socketio = SocketIO(app)


class User(db.Model):
    __tablename__ = "users"
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String)
    email = db.Column(db.String)
    nickname = db.Column(db.String)

    def to_dict(self):
        return {
            "id": self.id,
            "name": self.name,
            "email": self.email,
            "nickname": self.nickname,
        }


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
    db.session.add(user)
    db.session.commit()
    return user.to_dict(), 201


@app.post("/api/messages")
def create_message():
    body = request.get_json()
    author = db.session.get(User, body["author_id"])
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
