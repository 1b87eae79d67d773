//! What people do in this chat, in the words of its contract: how somebody
//! gets in, says something, and reads. The other tests know none of it.

use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use testkit::{Answer, Client, Socket};

/// Somebody who has got in. By `Deref`, it is a client whose requests are this
/// person's own.
pub(crate) struct Person {
    pub(crate) id: i64,
    client: Client,
}

impl Person {
    /// Adds a user, and gets in.
    pub(crate) async fn new(chat: &Client, nickname: &str) -> Self {
        let answer = chat.post("/api/users", &user(nickname)).await;
        Self::let_in(chat, &answer)
    }

    /// Adds a user whose nickname does not matter, and gets in.
    pub(crate) async fn anybody(chat: &Client) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self::new(chat, &format!("anybody {number}")).await
    }

    /// The user of whom the chat says that they are in, in a browser of their
    /// own.
    pub(crate) fn let_in(chat: &Client, answer: &Answer) -> Self {
        assert_eq!(answer.status, 201, "{answer:?}");
        Self {
            id: answer.json()["id"].as_i64().unwrap(),
            client: chat.clone().with_header("cookie", &cookie(answer)),
        }
    }

    /// Signs in.
    pub(crate) async fn signs_in(chat: &Client, nickname: &str) -> Self {
        let body = credentials(nickname);
        let answer = chat.post("/api/sessions", &body).await;
        Self::let_in(chat, &answer)
    }

    /// Signs in once more, in another browser.
    pub(crate) async fn elsewhere(&self, chat: &Client) -> Self {
        let me = self.get("/api/me").await.json();
        Self::signs_in(chat, me["nickname"].as_str().unwrap()).await
    }

    /// The same person, at the program that was started again.
    pub(crate) fn at(&self, chat: &Client) -> Self {
        Self {
            id: self.id,
            client: self.client.at(chat.base()),
        }
    }

    /// The same person, with another client.
    pub(crate) fn by(&self, client: Client) -> Self {
        Self { client, ..*self }
    }

    /// Somebody whom the chat does not know.
    pub(crate) fn unknown(&self, id: i64) -> Self {
        Self {
            id,
            client: self.client.clone(),
        }
    }

    /// The body that sends a message.
    pub(crate) fn message(&self, to: &Self, content: &str) -> Value {
        json!({
            "author_id": self.id,
            "recipient_id": to.id,
            "content": content,
        })
    }

    /// Sends a message, and returns the answer.
    pub(crate) async fn tries(&self, to: &Self, content: &str) -> Answer {
        self.post("/api/messages", &self.message(to, content)).await
    }

    /// The body that sends a message with a key.
    pub(crate) fn keyed(&self, to: &Self, content: &str, key: &str) -> Value {
        let mut body = self.message(to, content);
        body["key"] = json!(key);
        body
    }

    /// Sends a message with a key, and returns the answer.
    pub(crate) async fn sends(
        &self,
        to: &Self,
        content: &str,
        key: &str,
    ) -> Answer {
        self.post("/api/messages", &self.keyed(to, content, key))
            .await
    }

    /// Sends a message, and returns it as it was stored.
    pub(crate) async fn says(&self, to: &Self, content: &str) -> Value {
        let answer = self.tries(to, content).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()
    }

    /// The path of the list of messages that this person sent or received.
    pub(crate) fn inbox(&self) -> String {
        format!("/api/users/{}/messages", self.id)
    }

    /// The contents of these messages, oldest first.
    pub(crate) async fn reads(&self) -> Vec<String> {
        let answer = self.get(&self.inbox()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let messages = answer.json();
        let messages = messages.as_array().unwrap().iter();
        messages
            .map(|message| message["content"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The path of the page that shows these messages.
    pub(crate) fn page(&self) -> String {
        format!("/front/messages/{}", self.id)
    }

    /// What this person's page says of itself when it connects.
    pub(crate) fn auth(&self) -> Value {
        json!({ "user_id": self.id })
    }

    /// Connects as this person's page does.
    pub(crate) async fn connects(&self) -> Socket {
        Socket::connect(self, Some(self.auth())).await.unwrap()
    }

    /// Connects as a page does that takes next to nothing until it reads.
    pub(crate) async fn connects_narrowly(&self) -> Socket {
        let auth = Some(self.auth());
        Socket::connect_narrow(self, auth).await.unwrap()
    }
}

impl Deref for Person {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// Says long texts in the lobby. 1,000 of them are more than the buffers of a
/// page hold that reads nothing, and fit into its queue.
pub(crate) async fn floods(speaker: &mut Socket, words: usize) {
    let said = json!({ "message": "😀".repeat(2000) });
    for _ in 0..words / 50 {
        for _ in 0..50 {
            speaker.emit("send_message", &said).await;
        }
        for _ in 0..50 {
            assert_eq!(speaker.event().await.0, "message");
        }
    }
}

/// The body that adds a user.
pub(crate) fn user(nickname: &str) -> Value {
    json!({
        "name": format!("Name of {nickname}"),
        "email": format!("{nickname}@example.org"),
        "nickname": nickname,
        "password": password(nickname),
    })
}

/// The body that signs a user in.
pub(crate) fn credentials(nickname: &str) -> Value {
    json!({ "nickname": nickname, "password": password(nickname) })
}

pub(crate) fn password(nickname: &str) -> String {
    format!("the password of {nickname}")
}

/// What a browser sends back of the cookie that an answer sets.
pub(crate) fn cookie(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie");
    cookie.split(';').next().unwrap().to_owned()
}
