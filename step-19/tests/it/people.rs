//! What people do in this chat, in the words of its contract: how somebody
//! gets in, says something, and reads. The other tests know none of it.

use std::ops::Deref;

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
        assert_eq!(answer.status, 201, "{answer:?}");
        Self {
            id: answer.json()["id"].as_i64().unwrap(),
            client: chat.clone(),
        }
    }

    /// The same person, at the program that was started again.
    pub(crate) fn at(&self, chat: &Client) -> Self {
        Self {
            id: self.id,
            client: self.client.at(chat.base()),
        }
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
    let said = json!({ "handle": "ada", "message": "😀".repeat(2000) });
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
    })
}
