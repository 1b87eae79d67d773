//! HTTP: requests to a chat, and what it answers.

use std::fmt;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use serde_json::Value;

use crate::soon;

/// An HTTP client of one chat. It does not follow redirects.
#[derive(Clone, Debug)]
pub struct Client {
    base: String,
    http: reqwest::Client,
    headers: HeaderMap,
}

/// A response that was read to its end.
pub struct Answer {
    /// The status code, such as 200.
    pub status: u16,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

/// A line to read when a test has failed: `404 {"error":"…"}`.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.text)
    }
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The text of a JSON error.
    ///
    /// # Panics
    /// When the body is not `{"error": "…"}`.
    pub fn error(&self) -> String {
        match self.json() {
            Value::Object(mut fields) if fields.len() == 1 => {
                match fields.remove("error") {
                    Some(Value::String(text)) => text,
                    _ => panic!("no error in {self:?}"),
                }
            }
            _ => panic!("not an error: {self:?}"),
        }
    }

    /// A header field, or "" when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

impl Client {
    /// A client of the chat at `base`, such as `http://127.0.0.1:5001`.
    pub fn new(base: &str) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .build()
            .expect("a client without TLS needs nothing that can be missing");
        Self {
            base: base.to_owned(),
            http,
            headers: HeaderMap::new(),
        }
    }

    /// The same client of the chat at `base`.
    pub fn at(&self, base: &str) -> Self {
        Self {
            base: base.to_owned(),
            ..self.clone()
        }
    }

    /// The same client, with a header field that goes with each request, and
    /// with the handshake of each socket.
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("a header's value");
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    /// The header fields that go with each request.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The head of a request that a test sends by hand, up to the empty line;
    /// `fields` are more header fields, each with `\r\n` at its end.
    pub fn head(&self, method: &str, path: &str, fields: &str) -> String {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\n");
        for (name, value) in &self.headers {
            let value = value.to_str().expect("a header that is text");
            head += &format!("{name}: {value}\r\n");
        }
        format!("{head}{fields}\r\n")
    }

    /// The address of the chat, `http://HOST:PORT`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// `HOST:PORT`, for a connection by hand.
    pub fn address(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    /// Sends `body`, when there is one, as `content_type`.
    ///
    /// # Errors
    /// When the server hangs up or can't be reached.
    pub async fn request(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Answer, reqwest::Error> {
        let method = method.parse().expect("the test names a method");
        let mut request =
            self.http.request(method, format!("{}{path}", self.base));
        request = request.headers(self.headers.clone());
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, content_type).body(body);
        }
        let response = soon(path, request.send()).await?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: soon(path, response.text()).await?,
        })
    }

    /// GET
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn get(&self, path: &str) -> Answer {
        self.request("GET", path, "", None)
            .await
            .unwrap_or_else(|error| panic!("GET {path}: {error:?}"))
    }

    /// POST with a JSON body.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_text(path, &body.to_string()).await
    }

    /// POST with a body that says it is JSON.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn post_text(&self, path: &str, body: &str) -> Answer {
        let body = Some(body.as_bytes().to_vec());
        self.request("POST", path, "application/json", body)
            .await
            .unwrap_or_else(|error| panic!("POST {path}: {error:?}"))
    }
}
