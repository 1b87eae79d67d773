//! Passwords: what one may be, how it is kept, and how it is checked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argon2::password_hash::Error as HashError;
use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Argon2, Block, Params, Version};
use icu_normalizer::ComposingNormalizerBorrowed;
use tokio::sync::Semaphore;

use crate::error::Error;
use crate::text::folded;

/// How many passwords are hashed at once. Each takes 19 MiB of memory, and a
/// processor for as long as it lasts.
const AT_ONCE: usize = 2;

/// How many wait for their turn. Whoever comes on top is told to come again.
const WAITING: usize = 50;

/// Long passwords that everybody knows, folded: whoever guesses begins here.
const WELL_KNOWN: [&str; 12] = [
    "111111111111111",
    "123456789012345",
    "1234567890123456",
    "1q2w3e4r5t6y7u8i",
    "aaaaaaaaaaaaaaa",
    "abcdefghijklmnop",
    "administrator123",
    "correcthorsebatterystaple",
    "iloveyouiloveyou",
    "passwordpassword",
    "qwertyuiopasdfgh",
    "qwertyuiopasdfghjkl",
];

/// A password that somebody may choose: 15 to 256 characters, which are Unicode
/// scalar values, and there are no rules of which kinds. These are the numbers
/// for a password that is the only factor.
/// <https://pages.nist.gov/800-63-4/sp800-63b.html#passwordver>
pub(crate) struct Password(String);

impl Password {
    /// Checks a new password of somebody who is called `names`.
    pub(crate) fn new(text: &str, names: [&str; 3]) -> Result<Self, Error> {
        let wrong =
            |rule: &str| Err(Error::Invalid(format!("The password {rule}.")));

        let Self(text) = Self::typed(text);
        if text.chars().count() < 15 {
            return wrong("is shorter than 15 characters: take some words");
        }
        if text.chars().count() > 256 {
            return wrong("is longer than 256 characters");
        }
        let plain = folded(&text);
        if names.iter().any(|name| folded(name) == plain) {
            return wrong("is your name, nickname or email");
        }
        if plain.is_empty() || WELL_KNOWN.contains(&plain.as_str()) {
            return wrong("is one that everybody knows");
        }
        Ok(Self(text))
    }

    /// What was typed, whatever it is. Keyboards write an é in one character or
    /// in two; NFC makes it one.
    pub(crate) fn typed(text: &str) -> Self {
        let nfc = ComposingNormalizerBorrowed::new_nfc();
        Self(nfc.normalize(text).into_owned())
    }

    /// Hashes it with a salt of its own, slowly.
    pub(crate) fn hash(
        &self,
        memory: &mut Memory,
    ) -> Result<String, HashError> {
        let salt = Salt::generate();
        let hash = memory.hash(self.0.as_bytes(), salt, &Params::DEFAULT)?;
        Ok(hash.to_string())
    }

    /// Hashes it as `hash` was made, and compares the two in constant time.
    fn fits(&self, hash: &str, memory: &mut Memory) -> Result<bool, HashError> {
        let hash = PasswordHash::new(hash)?;
        let salt = hash.salt.ok_or(HashError::SaltInvalid)?;
        let parameters = Params::try_from(&hash)?;
        Ok(memory.hash(self.0.as_bytes(), salt, &parameters)? == hash)
    }
}

/// What Argon2id fills, 19 MiB for one password. It is kept for the next one:
/// what is given back stays with the thread that had it, and there are many.
#[derive(Default)]
pub(crate) struct Memory(Vec<Block>);

impl Memory {
    fn hash(
        &mut self,
        password: &[u8],
        salt: Salt,
        parameters: &Params,
    ) -> Result<PasswordHash, HashError> {
        self.0.resize(parameters.block_count(), Block::new());
        let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
        Argon2::from(parameters).hash_password_into_with_memory(
            password,
            &salt,
            &mut output,
            &mut self.0,
        )?;
        Ok(PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(Version::default().into()),
            params: parameters.try_into()?,
            salt: Some(salt),
            hash: Some(Output::new(&output)?),
        })
    }
}

/// Hashes passwords: off the threads that answer requests, and a few at once,
/// so that nobody can take all of the memory by signing in.
#[derive(Clone)]
pub(crate) struct Hasher {
    /// Those who wait, and those whose turn it is.
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    /// One for each turn, but for those that are in use.
    memories: Arc<Mutex<Vec<Memory>>>,
    /// What no password fits.
    nobodys: Arc<str>,
}

impl Hasher {
    /// Takes as long as it takes to hash one password.
    pub(crate) fn new() -> Result<Self, HashError> {
        let mut unknown = [0; 32];
        getrandom::fill(&mut unknown)?;
        let mut memory = Memory::default();
        let hash = memory.hash(&unknown, Salt::generate(), &Params::DEFAULT)?;
        Ok(Self {
            places: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            memories: Arc::new(Mutex::new(vec![memory])),
            nobodys: hash.to_string().into(),
        })
    }

    pub(crate) async fn hash(
        &self,
        password: Password,
    ) -> Result<String, Error> {
        self.run(move |memory| password.hash(memory)).await
    }

    /// Whether the password fits. Where there is no hash it takes as long, and
    /// does not.
    pub(crate) async fn fits(
        &self,
        password: Password,
        hash: Option<String>,
    ) -> Result<bool, Error> {
        let nobodys = self.nobodys.clone();
        self.run(move |memory| match hash {
            Some(hash) => password.fits(&hash, memory),
            None => password.fits(&nobodys, memory).map(|_| false),
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, Error> {
        let place = self.places.clone().try_acquire_owned();
        let place = place.map_err(|_| Error::TooManyPasswords)?;
        let turn = self.turns.clone().acquire_owned().await;
        let hasher = self.clone();
        let worked = tokio::task::spawn_blocking(move || {
            let mut memory = hasher.memories().pop().unwrap_or_default();
            let result = work(&mut memory);
            hasher.memories().push(memory);
            // Not before: who hangs up does not end the work.
            drop((place, turn));
            result
        });
        Ok(worked.await??)
    }

    /// Nothing that is done under the lock can panic halfway.
    fn memories(&self) -> MutexGuard<'_, Vec<Memory>> {
        self.memories.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
