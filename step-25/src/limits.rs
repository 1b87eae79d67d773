//! How much is too much: the numbers, and what counts as one.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::error::Error;
use crate::text::{UserId, folded};

/// So many at once, and one more each time that this has passed.
struct Rate(u32, Duration);

/// Messages of one user: nobody writes as fast for long, but an outbox that was
/// offline has many.
const MESSAGES: Rate = Rate(200, Duration::from_millis(500));

/// What one user says in the lobby, where each word goes to everybody.
const LOBBY: Rate = Rate(10, Duration::from_secs(1));

/// What begins a socket: a first request, and a first packet. After a restart,
/// all pages of a user come back at once.
const HANDSHAKES: Rate = Rate(200, Duration::from_millis(250));

/// Sockets of one user at a time: each open page has one.
const SOCKETS_OF_ONE: usize = 30;

/// Sockets at a time: 20 KB each, and what waits for those that read slowly.
const SOCKETS: usize = 10_000;

/// How often the tables forget those who have their whole burst again.
const FORGET: Duration = Duration::from_secs(60);

/// Tries to sign in as one nickname from one address, until one succeeds: who
/// has forgotten a password tries a few.
const SIGN_INS: Rate = Rate(10, Duration::from_secs(60));

/// Tries to sign in from one address: a class of 40 may be behind it, and begin
/// at the same time.
const SIGN_INS_FROM: Rate = Rate(100, Duration::from_secs(2));

/// Tries to sign in as one nickname, from addresses where it has not signed in:
/// 100 an hour. NIST SP 800-63B-4 stops at 100 in a row; here nobody is locked
/// out for good. <https://pages.nist.gov/800-63-4/sp800-63b.html#throttle>
const SIGN_INS_AS: Rate = Rate(100, Duration::from_secs(36));

/// New users from one address: that class signs up within a minute.
const SIGN_UPS: Rate = Rate(60, Duration::from_secs(60));

/// Connections from one address at a time: 40 browsers with ten each. On Linux,
/// a process may have 1,024 files and connections unless it is told otherwise.
const CONNECTIONS: usize = 400;

/// Addresses and nicknames that are known to belong together.
const KNOWN: usize = 100_000;

/// Counts what everybody does. Cloned handles count together.
#[derive(Clone)]
pub(crate) struct Limits(Arc<Tables>);

struct Tables {
    /// The last number is how often this nickname has signed in from there:
    /// who has, begins to count anew.
    sign_ins: Table<(Address, Nickname, u32)>,
    sign_ins_from: Table<Address>,
    sign_ins_as: Table<Nickname>,
    sign_ups: Table<Address>,
    known: Mutex<HashMap<(Address, Nickname), u32>>,
    hasher: RandomState,
    connections: Places<Address>,
    /// `None` is everybody.
    sockets: Places<Option<UserId>>,
    messages: Table<UserId>,
    lobby: Table<UserId>,
    handshakes: Table<UserId>,
}

impl Limits {
    /// With `on` false, nothing is too much.
    pub(crate) fn new(on: bool) -> Self {
        Self(Arc::new(Tables {
            sign_ins: Table::new(on, SIGN_INS),
            sign_ins_from: Table::new(on, SIGN_INS_FROM),
            sign_ins_as: Table::new(on, SIGN_INS_AS),
            sign_ups: Table::new(on, SIGN_UPS),
            known: Mutex::default(),
            hasher: RandomState::new(),
            connections: Places::new(on),
            sockets: Places::new(on),
            messages: Table::new(on, MESSAGES),
            lobby: Table::new(on, LOBBY),
            handshakes: Table::new(on, HANDSHAKES),
        }))
    }

    pub(crate) fn message(&self, author: UserId) -> Result<(), Error> {
        self.0.messages.count(author, "messages")
    }

    pub(crate) fn lobby(&self, speaker: UserId) -> Result<(), Error> {
        self.0.lobby.count(speaker, "messages")
    }

    pub(crate) fn handshake(&self, user: UserId) -> Result<(), Error> {
        self.0.handshakes.count(user, "connections")
    }

    /// The places of a socket: the user's, and everybody's.
    pub(crate) fn socket(&self, user: UserId) -> Result<SocketPlaces, Error> {
        let sockets = &self.0.sockets;
        let all = sockets.take(None, SOCKETS).ok_or(Error::ServerFull)?;
        let own = sockets.take(Some(user), SOCKETS_OF_ONE);
        Ok(Arc::new([all, own.ok_or(Error::TooManyPages)?]))
    }

    /// The limits of whoever is not known by a session.
    pub(crate) fn here(&self, from: Address) -> Here {
        let limits = self.clone();
        Here { limits, from }
    }

    /// A place for a connection; `None` when there is none.
    pub(crate) fn connection(&self, from: Address) -> Option<Place<Address>> {
        self.0.connections.take(from, CONNECTIONS)
    }

    /// Keeps the tables small, for ever.
    pub(crate) async fn forget(self) {
        let tables = &*self.0;
        loop {
            tokio::time::sleep(FORGET).await;
            tables.sign_ins.forget();
            tables.sign_ins_from.forget();
            tables.sign_ins_as.forget();
            tables.sign_ups.forget();
            tables.messages.forget();
            tables.lobby.forget();
            tables.handshakes.forget();
        }
    }
}

/// Counts by key against one rate; without limits there is none.
struct Table<K: Hash + Eq + Clone>(
    Option<RateLimiter<K, HashMapStateStore<K>, DefaultClock>>,
);

impl<K: Hash + Eq + Clone> Table<K> {
    fn new(on: bool, Rate(burst, every): Rate) -> Self {
        let quota = Quota::with_period(every).expect("no rate is endless");
        let burst = NonZeroU32::new(burst).expect("no burst is empty");
        let quota = quota.allow_burst(burst);
        Self(on.then(|| RateLimiter::hashmap(quota)))
    }

    /// Counts one; an error says of `what` there are too many.
    fn count(&self, key: K, what: &'static str) -> Result<(), Error> {
        let Some(limiter) = &self.0 else {
            return Ok(());
        };
        limiter.check_key(&key).map_err(|until| {
            let wait = until.wait_time_from(limiter.clock().now());
            Error::TooMany { what, wait }
        })
    }

    fn forget(&self) {
        if let Some(limiter) = &self.0 {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

/// Counts by key how many there are at a time.
#[derive(Clone)]
struct Places<K>(Option<Arc<Mutex<HashMap<K, usize>>>>);

impl<K: Hash + Eq + Copy> Places<K> {
    fn new(on: bool) -> Self {
        Self(on.then(Arc::default))
    }

    /// One of `most`; `None` when all are taken.
    fn take(&self, key: K, most: usize) -> Option<Place<K>> {
        if let Some(counts) = &self.0 {
            let mut counts = lock(counts);
            let count = counts.entry(key).or_default();
            if *count == most {
                return None;
            }
            *count += 1;
        }
        let places = self.clone();
        Some(Place { places, key })
    }
}

/// A place that is taken until this is dropped.
pub(crate) struct Place<K: Hash + Eq + Copy> {
    places: Places<K>,
    key: K,
}

impl<K: Hash + Eq + Copy> Drop for Place<K> {
    fn drop(&mut self) {
        let Some(counts) = &self.places.0 else { return };
        let mut counts = lock(counts);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

/// The places of a socket.
pub(crate) type SocketPlaces = Arc<[Place<Option<UserId>>; 2]>;

/// Nothing that holds a lock here can panic halfway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a request comes from: an IPv4 address, or the first half of an IPv6
/// address, which no two customers share. (The other half, a computer chooses.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address(u64);

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            // No network of the internet begins with 32 bits of 0.
            IpAddr::V4(ip) => Self(ip.to_bits().into()),
            IpAddr::V6(ip) => Self((ip.to_bits() >> 64) as u64),
        }
    }
}

impl Address {
    /// Where a request comes from that `peer` sends. If that is the proxy, it
    /// says so itself, last: what comes before, anybody may have said.
    pub(crate) fn of(
        peer: IpAddr,
        proxy: Option<IpAddr>,
        headers: &HeaderMap,
    ) -> Self {
        let said = || {
            let mut fields = headers.get_all("x-forwarded-for").iter();
            let field = fields.next_back()?.to_str().ok()?;
            field.rsplit(',').next()?.trim().parse::<IpAddr>().ok()
        };
        match proxy {
            Some(proxy) if proxy == peer => said().unwrap_or(peer).into(),
            _ => peer.into(),
        }
    }
}

/// A nickname's hash, with a key of this run: as short as an address, however
/// long the nickname is.
type Nickname = u64;

/// Counts what comes from one address. Each request has this as an `Extension`.
#[derive(Clone)]
pub(crate) struct Here {
    limits: Limits,
    from: Address,
}

impl Here {
    /// Counts a try to sign in. Not after the password was found to be wrong:
    /// of 200 tries at once, all would have begun by then.
    pub(crate) fn sign_in(&self, nickname: &str) -> Result<(), Error> {
        const WHAT: &str = "sign-ins as this user";

        let tables = &*self.limits.0;
        let (from, nickname) = self.pair(nickname);
        let successes = lock(&tables.known).get(&(from, nickname)).copied();
        // First, so that one address can't fill the others with nicknames.
        tables.sign_ins_from.count(from, "sign-ins from here")?;
        let key = (from, nickname, successes.unwrap_or(0));
        tables.sign_ins.count(key, WHAT)?;
        // Wrong passwords from elsewhere do not keep out whoever has signed in
        // here before.
        if successes.is_none() {
            tables.sign_ins_as.count(nickname, WHAT)?;
        }
        Ok(())
    }

    /// What came before it, from here and as this nickname, counts no more.
    pub(crate) fn signed_in(&self, nickname: &str) {
        let pair = self.pair(nickname);
        let mut known = lock(&self.limits.0.known);
        if known.len() == KNOWN && !known.contains_key(&pair) {
            // Any other one: who was known is a stranger again, as at first.
            let other = known.keys().next().copied();
            other.and_then(|other| known.remove(&other));
        }
        *known.entry(pair).or_default() += 1;
    }

    fn pair(&self, nickname: &str) -> (Address, Nickname) {
        let hasher = &self.limits.0.hasher;
        (self.from, hasher.hash_one(folded(nickname)))
    }

    pub(crate) fn sign_up(&self) -> Result<(), Error> {
        let tables = &self.limits.0;
        tables.sign_ups.count(self.from, "new users from here")
    }
}
