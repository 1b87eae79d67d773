//! What an id, a content and a name may be. A value of one of these types is
//! valid: it was checked when it was made.

use icu_casemap::CaseMapperBorrowed;
use icu_normalizer::ComposingNormalizerBorrowed;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};

use crate::error::Error;

/// Names a user. Not a bare integer, so that it is never taken for the id of
/// something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct UserId(
    #[serde(deserialize_with = "whole_number")] pub(crate) i64,
);

/// Names a message. A later message has a higher id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct MessageId(
    #[serde(deserialize_with = "whole_number")] pub(crate) i64,
);

/// Names a session: the SHA-256 of what its cookie holds, in hexadecimal
/// digits. It does not lead back to the cookie.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SessionId(pub(crate) String);

impl SessionId {
    pub(crate) fn of(token: &str) -> Self {
        Self(hex(&Sha256::digest(token)))
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a number, or a text of digits: paths, queries and HTML forms have
/// nothing but texts.
pub(crate) fn whole_number<'de, D: Deserializer<'de>>(
    input: D,
) -> Result<i64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a whole number")]
    enum Input {
        Number(i64),
        Text(String),
    }

    match Input::deserialize(input)? {
        Input::Number(number) => Ok(number),
        Input::Text(text) => Some(text)
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| D::Error::custom("expected a whole number")),
    }
}

/// A text of 1 to `MAX` Unicode scalar values that can be seen and has no
/// control characters other than newline and tab. It is kept as it was sent.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Text<const MAX: usize>(String);

/// What a message says.
pub(crate) type Content = Text<2000>;

/// A name, an email address or a nickname.
pub(crate) type Label = Text<100>;

impl<const MAX: usize> Text<MAX> {
    /// Checks `text`; the error calls it `field`.
    pub(crate) fn new(field: &str, text: String) -> Result<Self, Error> {
        let wrong = |rule: &str| Error::Invalid(format!("The {field} {rule}."));

        if text.chars().all(is_invisible) {
            return Err(wrong("must not be blank"));
        }
        // Counted here: some databases count up to a NUL.
        if text.chars().count() > MAX {
            return Err(wrong(&format!("is longer than {MAX} characters")));
        }
        let allowed = |c: char| !c.is_control() || c == '\n' || c == '\t';
        if !text.chars().all(allowed) {
            return Err(wrong(
                "has control characters other than newline and tab",
            ));
        }
        Ok(Self(text))
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

/// What is left of a text without what people don't see: its case, its width,
/// its ligatures (NFKC), and what is invisible. Two nicknames that are the same
/// then are the same to people.
pub(crate) fn folded(text: &str) -> String {
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    let mut plain = nfkc.normalize(text).into_owned();
    plain.retain(|c| !is_invisible(c));
    let plain = CaseMapperBorrowed::new().fold_string(&plain).into_owned();
    nfkc.normalize(&plain).into_owned()
}

/// Names a message before it is stored: whoever sends it again says the same
/// key. 1 to 64 printable ASCII characters, chosen by the sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Key(pub(crate) String);

impl Key {
    pub(crate) fn new(text: String) -> Result<Self, Error> {
        let is_printable = |byte| matches!(byte, b' '..=b'~');
        if !(1..=64).contains(&text.len()) || !text.bytes().all(is_printable) {
            return Err(Error::Invalid(
                "The key must be 1 to 64 printable ASCII characters."
                    .to_owned(),
            ));
        }
        Ok(Self(text))
    }
}

/// Whether a text of nothing but this shows nothing: white space, the empty
/// Braille cell, and what Unicode calls `Default_Ignorable_Code_Point`.
/// <https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt>
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '\u{2800}'
                | '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fff8}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}
