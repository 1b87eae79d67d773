//! The names of crates, and rewriting one to another.

use std::fmt;

/// The name of a crate: `step-16`, or the reader's own `mine-16`. Rust code
/// spells it `step_16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// A step of the course.
    Step(u32),
    /// A reader's own version of that step.
    Mine(u32),
    /// That step as the book's tool types it, from its page.
    Replay(u32),
}

impl Name {
    /// The N of the step that it is, or is a version of.
    pub fn number(self) -> u32 {
        let (Self::Step(number) | Self::Mine(number) | Self::Replay(number)) =
            self;
        number
    }

    /// The crate's folder, from the root of the workspace.
    pub fn folder(self) -> String {
        match self {
            Self::Step(number) => format!("step-{number}"),
            Self::Mine(number) => format!("mine/{number}"),
            Self::Replay(number) => format!("target/replay/step-{number}"),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step(number) => write!(f, "step-{number}"),
            Self::Mine(number) => write!(f, "mine-{number}"),
            Self::Replay(number) => write!(f, "replay-{number}"),
        }
    }
}

/// The N of a name like `step-N`.
pub fn number_of(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("step-")?;
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

/// Rewrites one crate's name, in both spellings, to another's. What is not
/// text stays as it is.
pub fn rename(content: Vec<u8>, from: Name, to: Name) -> Vec<u8> {
    let text = match String::from_utf8(content) {
        Ok(text) => text,
        Err(binary) => return binary.into_bytes(),
    };
    let (from, to) = (from.to_string(), to.to_string());
    let text = replace_token(&text, &from, &to);
    let (from, to) = (from.replace('-', "_"), to.replace('-', "_"));
    replace_token(&text, &from, &to).into_bytes()
}

/// Replaces `from` where it stands alone: `step-1` is not in `step-15`.
fn replace_token(text: &str, from: &str, to: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(from) {
        let (before, tail) = rest.split_at(start);
        let tail = &tail[from.len()..];
        let alone = !before.ends_with(char::is_alphanumeric)
            && !tail.starts_with(|c: char| c.is_ascii_digit());
        result.push_str(before);
        result.push_str(if alone { to } else { from });
        rest = tail;
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed(text: &str) -> String {
        let bytes = rename(text.into(), Name::Step(1), Name::Mine(2));
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn both_spellings_are_renamed() {
        assert_eq!(renamed("step-1 step_1::serve"), "mine-2 mine_2::serve");
    }

    #[test]
    fn a_longer_number_or_word_is_another_name() {
        let text = "step-15 footstep-1 step_10";
        assert_eq!(renamed(text), text);
    }

    #[test]
    fn a_step_is_a_number() {
        assert_eq!(number_of("step-16"), Some(16));
        assert_eq!(number_of("step-+1"), None);
        assert_eq!(number_of("step-16b"), None);
        assert_eq!(number_of("step-"), None);
    }
}
