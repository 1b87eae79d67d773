//! Two servers are one chat, and go on when one of them ends, or PostgreSQL
//! does. Each test writes all the time, and counts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use postgres_here::Throwaway;
use serde_json::{Value, json};
use socket2::SockRef;
use sqlx::postgres::PgListener;
use sqlx::{Connection as _, PgConnection};
use testkit::{Client, Program, Socket, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::PROGRAM;
use crate::people::Person;
use crate::postgres::{Home, Other};

/// Who write at the same time.
const WRITERS: usize = 8;

/// How many messages must be answered before something goes wrong, and after it.
const SOME: usize = 100;

/// Two servers on one database.
struct Servers {
    postgres: Throwaway,
    home: Home,
    /// Where each of them is, again after it has been started again.
    bases: [Client; 2],
    running: [Option<Program>; 2],
}

impl Servers {
    async fn start() -> Self {
        let postgres = Throwaway::start();
        let home = Home::at(&postgres);
        let start = || start("127.0.0.1:0", home.path());
        let running = [start().await, start().await];
        Self {
            bases: [0, 1].map(|it: usize| (*running[it]).clone()),
            running: running.map(Some),
            postgres,
            home,
        }
    }

    /// Starts a server that has ended, where it was.
    async fn start_again(&mut self, which: usize) {
        let address = self.bases[which].address();
        self.running[which] = Some(start(address, self.home.path()).await);
    }

    async fn kill(&mut self, which: usize) {
        self.running[which].take().unwrap().kill().await;
    }

    async fn end(&mut self, which: usize) {
        let program = self.running[which].take().unwrap();
        program.signal("TERM").await;
        assert!(program.exit().await.success());
    }

    async fn other(&self) -> Other {
        Other::at(self.home.path()).await
    }
}

async fn start(address: &str, database: &Path) -> Program {
    Program::start_with(PROGRAM, database, |command| {
        command.env("ADDRESS", address).env("LIMITS", "off");
        command.env("RUST_LOG", "off");
    })
    .await
}

/// What goes on meanwhile.
struct Traffic {
    ada: Person,
    bob: Person,
    stop: watch::Sender<bool>,
    answered: Arc<AtomicUsize>,
    writers: Vec<JoinHandle<Written>>,
    pages: Vec<JoinHandle<Seen>>,
}

/// What came of what one writer has sent.
#[derive(Default)]
struct Written {
    /// The ids by the keys.
    answered: BTreeMap<String, i64>,
    /// Of those, how many were there before.
    repeated: usize,
    /// How often the chat could not store it, or was gone.
    refused: usize,
}

/// What one page has seen.
#[derive(Default)]
struct Seen {
    ids: BTreeSet<i64>,
    live: usize,
    /// What one connection has got twice, or after a higher id.
    wrong: usize,
    connections: usize,
}

impl Traffic {
    async fn begin(servers: &Servers) -> Self {
        let [one, other] = &servers.bases;
        let ada = Person::new(one, "ada").await;
        let bob = Person::new(other, "bob").await;
        let (stop, stopped) = watch::channel(false);
        let answered = Arc::<AtomicUsize>::default();
        let writers = (0..WRITERS).map(|writer| {
            let sides = servers.bases.clone().map(|base| ada.at(&base));
            let writing = Writing {
                sides,
                recipient: bob.at(one),
                name: writer,
                answered: answered.clone(),
                stopped: stopped.clone(),
            };
            tokio::spawn(writing.write())
        });
        let pages = [0, 1, 0, 1].map(|side: usize| {
            let bob = bob.at(&servers.bases[side]);
            tokio::spawn(look(bob, stopped.clone()))
        });
        let writers = writers.collect();
        let traffic = Self {
            ada,
            bob,
            stop,
            answered,
            writers,
            pages: pages.into(),
        };
        traffic.goes_on().await;
        traffic
    }

    /// Waits until some more messages are answered.
    async fn goes_on(&self) {
        let enough = self.answered.load(Ordering::Relaxed) + SOME;
        let more = async {
            while self.answered.load(Ordering::Relaxed) < enough {
                tokio::task::yield_now().await;
            }
        };
        soon("more messages", more).await;
    }

    /// Stops, and counts: nothing that was answered is lost, and nothing is
    /// there twice. Then looks whether all else goes on, too.
    async fn ends_well(self, what: &str, servers: &Servers) {
        self.stop.send(true).unwrap();
        let mut all = Written::default();
        for writer in self.writers {
            let written = soon("a writer's end", writer).await.unwrap();
            all.answered.extend(written.answered);
            all.repeated += written.repeated;
            all.refused += written.refused;
        }
        // It comes after all others.
        let last = self.ada.at(&servers.bases[0]).says(&self.bob, "last").await;
        let last = last["id"].as_i64().unwrap();
        let (mut live, mut lost, mut wrong, mut connections) = (0, 0, 0, 0);
        for page in self.pages {
            let seen = soon("a page's end", page).await.unwrap();
            assert!(seen.ids.contains(&last));
            let ids = all.answered.values();
            lost += ids.filter(|id| !seen.ids.contains(id)).count();
            live += seen.live;
            wrong += seen.wrong;
            connections += seen.connections;
        }
        let mut other = servers.other().await;
        let stored = other.number("select count(*) from messages").await;
        println!(
            "{what}: {} answered, {} of them repeated, {} refused; {stored} \
             stored; 4 pages: {live} live, {connections} connections, {lost} \
             lost, {wrong} doubled or out of order",
            all.answered.len(),
            all.repeated,
            all.refused,
        );
        assert_eq!(lost, 0, "{what}");
        assert_eq!(wrong, 0, "{what}");
        let keys = "select count(distinct key) + 1 from messages";
        assert_eq!(other.number(keys).await, stored, "{what}");
        let distinct: BTreeSet<_> = all.answered.values().collect();
        assert_eq!(distinct.len(), all.answered.len(), "{what}");

        the_lobby_is_one(&servers.bases, &self.ada).await;
        a_sign_out_reaches_the_other(&servers.bases).await;
    }
}

/// Writes one message after the other, each until it is answered, at one server
/// or the other.
struct Writing {
    sides: [Person; 2],
    recipient: Person,
    name: usize,
    answered: Arc<AtomicUsize>,
    stopped: watch::Receiver<bool>,
}

impl Writing {
    async fn write(self) -> Written {
        let mut written = Written::default();
        let mut side = self.name % 2;
        for number in 0.. {
            let key = format!("{}/{number}", self.name);
            loop {
                let ada = &self.sides[side];
                let body = ada.keyed(&self.recipient, &key, &key).to_string();
                let body = Some(body.into_bytes());
                let kind = "application/json";
                let sent = ada.request("POST", "/api/messages", kind, body);
                match sent.await {
                    Ok(answer) if matches!(answer.status, 200 | 201) => {
                        let id = answer.json()["id"].as_i64().unwrap();
                        written.answered.insert(key, id);
                        written.repeated += usize::from(answer.status == 200);
                        break;
                    }
                    Ok(answer) => assert_eq!(answer.status, 503, "{answer:?}"),
                    Err(_) => tokio::task::yield_now().await,
                }
                written.refused += 1;
                side = 1 - side;
            }
            self.answered.fetch_add(1, Ordering::Relaxed);
            if *self.stopped.borrow() {
                return written;
            }
        }
        unreachable!("there are more numbers")
    }
}

/// Has a page open, as a browser does: connects again when it must, and fetches
/// what it has missed. Ends with the message "last".
async fn look(bob: Person, stopped: watch::Receiver<bool>) -> Seen {
    let mut seen = Seen::default();
    loop {
        if TcpStream::connect(bob.address()).await.is_err() {
            tokio::task::yield_now().await;
            continue;
        }
        // It may still go at any moment, which is a panic in `Socket`.
        let auth = Some(bob.auth());
        let client = (*bob).clone();
        let connecting =
            tokio::spawn(async move { Socket::connect(&client, auth).await });
        let Ok(Ok(mut socket)) = connecting.await else {
            tokio::task::yield_now().await;
            continue;
        };
        seen.connections += 1;
        match fetch(&bob, &mut seen).await {
            Some(true) => return seen,
            Some(false) => (),
            None => continue,
        }
        let mut last = 0;
        while let Some(packet) = socket.packet().await {
            let Some(event) = packet.strip_prefix("42") else {
                break;
            };
            let event: Value = serde_json::from_str(event).unwrap();
            if event[0] != "direct-message" {
                continue;
            }
            let id = event[1]["id"].as_i64().unwrap();
            seen.wrong += usize::from(id <= last);
            last = id;
            seen.live += 1;
            seen.ids.insert(id);
            if *stopped.borrow() && event[1]["content"] == "last" {
                return seen;
            }
        }
    }
}

/// Catches up, however often it must be asked for. `None` when the server is
/// gone.
async fn fetch(bob: &Person, seen: &mut Seen) -> Option<bool> {
    loop {
        let is_over = catch_up(bob, seen).await;
        if is_over.is_some() {
            return is_over;
        }
        TcpStream::connect(bob.address()).await.ok()?;
    }
}

/// Fetches what a page has missed. Whether that ends with the last message;
/// `None` when the server can't tell.
async fn catch_up(bob: &Person, seen: &mut Seen) -> Option<bool> {
    let mut after = 0;
    loop {
        let path = format!("{}?after={after}&limit=500", bob.inbox());
        let answer = bob.request("GET", &path, "", None).await.ok()?;
        if answer.status != 200 {
            return None;
        }
        let messages = answer.json();
        let messages = messages.as_array().unwrap();
        for message in messages {
            after = message["id"].as_i64().unwrap();
            seen.ids.insert(after);
        }
        if messages.len() < 500 {
            let last = messages.last();
            return Some(last.is_some_and(|it| it["content"] == "last"));
        }
    }
}

/// What is said at one server is heard at both, once, in order.
async fn the_lobby_is_one(bases: &[Client; 2], ada: &Person) {
    let mut sockets = Vec::new();
    for base in bases {
        let socket = Socket::connect(&ada.at(base), None).await;
        sockets.push(socket.unwrap());
    }
    for round in 0..4 {
        let said = json!({ "message": format!("{round}") });
        let answer = sockets[round % 2].emit_with_ack("send_message", &said);
        assert_eq!(answer.await["ok"], true);
    }
    for socket in &mut sockets {
        for round in 0..4 {
            let (event, heard) = socket.event().await;
            assert_eq!(event, "message");
            assert_eq!(heard["message"], format!("{round}"));
        }
        socket.expect_silence().await;
    }
}

/// Of somebody to whom nobody writes.
async fn a_sign_out_reaches_the_other(bases: &[Client; 2]) {
    let eve = Person::anybody(&bases[0]).await;
    let here = eve.elsewhere(&bases[0]).await;
    let mut page = here.at(&bases[1]).connects().await;
    let mut unharmed = eve.at(&bases[1]).connects().await;

    let delete = here.request("DELETE", "/api/session", "", None);
    assert_eq!(delete.await.unwrap().status, 204);

    assert_eq!(page.packet().await.as_deref(), Some("41"));
    unharmed.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_are_one_chat() {
    let servers = Servers::start().await;
    let traffic = Traffic::begin(&servers).await;
    traffic.goes_on().await;
    traffic.ends_well("nothing goes wrong", &servers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_loses_nothing() {
    let mut servers = Servers::start().await;
    let traffic = Traffic::begin(&servers).await;
    for round in 0..4 {
        servers.kill(round % 2).await;
        traffic.goes_on().await;
        servers.start_again(round % 2).await;
        traffic.goes_on().await;
    }
    traffic.ends_well("four kills", &servers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_of_all_servers_loses_nothing() {
    let mut servers = Servers::start().await;
    let traffic = Traffic::begin(&servers).await;
    for round in 0..4 {
        servers.end(round % 2).await;
        traffic.goes_on().await;
        servers.start_again(round % 2).await;
        traffic.goes_on().await;
    }
    traffic
        .ends_well("a rolling restart, twice", &servers)
        .await;
}

/// INT is a fast end, QUIT an immediate one. After the latter two, PostgreSQL
/// recovers, and what is not logged is empty.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_postgresql_loses_nothing() {
    let mut servers = Servers::start().await;
    let traffic = Traffic::begin(&servers).await;
    for signal in ["INT", "QUIT", "KILL"] {
        the_lobby_is_one(&servers.bases, &traffic.ada).await;
        servers.postgres.end(signal);
        servers.postgres.start_again();
        let begin = Instant::now();
        traffic.goes_on().await;
        println!("after {signal}: answers after {:?}", begin.elapsed());
        the_lobby_is_one(&servers.bases, &traffic.ada).await;
        println!("after {signal}: live after {:?}", begin.elapsed());
    }
    traffic
        .ends_well("three ends of PostgreSQL", &servers)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_postgresql_is_gone_the_chat_says_so_and_then_goes_on() {
    let mut servers = Servers::start().await;
    let traffic = Traffic::begin(&servers).await;
    let mut page = traffic.bob.at(&servers.bases[0]).connects().await;
    servers.postgres.end("QUIT");

    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(10) {
        for base in &servers.bases {
            let alive = base.get("/db/alive").await;
            assert_eq!(alive.status, 503, "{alive:?}");
            assert!(alive.error().contains("Try again"), "{alive:?}");
        }
    }
    servers.postgres.start_again();
    let begin = Instant::now();

    // The page was open all the time.
    let ada = traffic.ada.at(&servers.bases[1]);
    let sent = async {
        while ada.sends(&traffic.bob, "back", "back").await.status == 503 {}
    };
    soon("an answer", sent).await;
    println!("answered again after {:?}", begin.elapsed());
    while page.event().await.1["content"] != "back" {}
    println!("live again after {:?}", begin.elapsed());
    traffic.goes_on().await;
    for base in &servers.bases {
        assert_eq!(base.get("/db/alive").await.status, 200);
    }
    traffic
        .ends_well("PostgreSQL away for 10 s", &servers)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_lose_nothing() {
    let servers = Servers::start().await;
    let traffic = Traffic::begin(&servers).await;
    let mut other = servers.other().await;
    for _ in 0..10 {
        cut(&mut other).await;
        traffic.goes_on().await;
    }
    traffic
        .ends_well("ten times all connections cut", &servers)
        .await;
}

/// Other programs have all connections that PostgreSQL allows.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_connection_the_chat_says_so_and_then_goes_on() {
    let servers = Servers::start().await;
    let traffic = Traffic::begin(&servers).await;
    let mut other = servers.other().await;
    let url = servers.home.path().to_str().unwrap();
    let mut taken = Vec::new();
    loop {
        cut(&mut other).await;
        while let Ok(connection) = PgConnection::connect(url).await {
            taken.push(connection);
        }
        let [one, other] = &servers.bases;
        let (one, other) =
            tokio::join!(one.get("/db/alive"), other.get("/db/alive"));
        if [one.status, other.status] == [503, 503] {
            break;
        }
    }
    println!("{} connections are others'", taken.len());
    drop(taken);

    traffic.goes_on().await;
    traffic
        .ends_well("no connections for some time", &servers)
        .await;
}

/// Ends the connections of all servers.
async fn cut(other: &mut Other) {
    other
        .run(
            "select pg_terminate_backend(pid) from pg_stat_activity
            where application_name = 'step-25'",
        )
        .await;
}

/// Its listener is told nothing, and does not know.
#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_hears_nothing_costs_a_second_and_no_message() {
    let (servers, cable) = by_cable().await;
    let traffic = Traffic::begin(&servers).await;
    let mut other = servers.other().await;
    for _ in 0..2 {
        let deaf = listeners(&mut other).await;
        assert_eq!(deaf.len(), 2);
        cable.deafen();

        traffic.goes_on().await;
        // Whoever finds something without being told listens anew.
        let anew = async { while listeners(&mut other).await == deaf {} };
        soon("another listener", anew).await;
        the_lobby_is_one(&servers.bases, &traffic.ada).await;
        a_sign_out_reaches_the_other(&servers.bases).await;
    }
    traffic
        .ends_well("a listener that hears nothing, twice", &servers)
        .await;
}

/// The processes of PostgreSQL in which a server listens.
async fn listeners(other: &mut Other) -> BTreeSet<i32> {
    let listeners: Vec<i32> = other
        .all(
            "select pid from pg_stat_activity
            where application_name = 'step-25' and query like 'LISTEN%'",
        )
        .await;
    listeners.into_iter().collect()
}

/// As when a firewall forgets them: nobody is told that they have ended.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_fall_silent_lose_nothing() {
    let (servers, cable) = by_cable().await;
    let traffic = Traffic::begin(&servers).await;
    let ada = traffic.ada.at(&servers.bases[0]);
    let mut page = traffic.bob.at(&servers.bases[0]).connects().await;
    for round in ["once", "twice"] {
        cable.silence();
        let begin = Instant::now();
        let sent = async {
            while ada.sends(&traffic.bob, round, round).await.status == 503 {}
        };
        soon("an answer", sent).await;
        println!("{round} silent: answered after {:?}", begin.elapsed());
        while page.event().await.1["content"] != round {}
        println!("{round} silent: live after {:?}", begin.elapsed());
        traffic.goes_on().await;
    }
    traffic
        .ends_well("twice all connections silent", &servers)
        .await;
}

/// It may stop in the middle of a transaction, with the lock.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_holds_up_the_other_for_seconds_and_no_longer() {
    let servers = Servers::start().await;
    let traffic = Traffic::begin(&servers).await;
    for round in 0..4 {
        let stopped = servers.running[round % 2].as_ref().unwrap();
        stopped.signal("STOP").await;
        let other = &servers.bases[1 - round % 2];
        let (ada, bob) = (traffic.ada.at(other), traffic.bob.at(other));
        let begin = Instant::now();
        let key = format!("stop {round}");
        let sent = async {
            while ada.sends(&bob, "it goes on", &key).await.status == 503 {}
        };
        soon("an answer of the other server", sent).await;
        println!("answered after {:?}", begin.elapsed());
        stopped.signal("CONT").await;
        traffic.goes_on().await;
    }
    traffic
        .ends_well("a server stopped four times", &servers)
        .await;
}

/// Stands between a server and PostgreSQL.
pub(crate) struct Cable {
    pub(crate) url: String,
    faults: watch::Sender<Faults>,
}

#[derive(Clone, Copy, Default)]
struct Faults {
    /// How often all connections have ended as in a broken network.
    resets: usize,
    /// How often all connections have carried nothing more, and not ended.
    silences: usize,
    /// How often nothing more has come to those who listen.
    deaf: usize,
    /// Whether each ends once PostgreSQL has been told to commit what was
    /// inserted.
    after_commit: bool,
}

impl Cable {
    pub(crate) async fn to(home: &Home) -> Self {
        let url = home.path().to_str().unwrap();
        let (_, place) = url.split_once('@').unwrap();
        let (postgres, name) = place.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "postgres://chat@{}/{name}",
            listener.local_addr().unwrap()
        );
        let (faults, seen) = watch::channel(Faults::default());
        let postgres = postgres.to_owned();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(to) = TcpStream::connect(&postgres).await {
                    tokio::spawn(forward(stream, to, seen.clone()));
                }
            }
        });
        Self { url, faults }
    }

    fn reset(&self) {
        self.faults.send_modify(|it| it.resets += 1);
    }

    fn silence(&self) {
        self.faults.send_modify(|it| it.silences += 1);
    }

    fn deafen(&self) {
        self.faults.send_modify(|it| it.deaf += 1);
    }

    pub(crate) fn cut_after_commit(&self, after_commit: bool) {
        self.faults.send_modify(|it| it.after_commit = after_commit);
    }
}

async fn forward(
    mut server: TcpStream,
    mut postgres: TcpStream,
    mut faults: watch::Receiver<Faults>,
) {
    let (mut said, mut answered) = ([0; 64 * 1024], [0; 64 * 1024]);
    let begin = *faults.borrow();
    let mut before = begin;
    let (mut listens, mut is_deaf, mut inserts) = (false, false, false);
    loop {
        let now = *faults.borrow();
        is_deaf |= listens && now.deaf > before.deaf;
        before = now;
        if now.silences > begin.silences {
            // Both ends stay open, and nobody reads.
            std::future::pending::<()>().await;
        }
        let is_over = tokio::select! {
            size = server.read(&mut said) => {
                let said = &said[..size.unwrap_or(0)];
                let sent = postgres.write_all(said).await;
                let says = |what| said.windows(6).any(|it| it == what);
                listens |= says(b"LISTEN");
                inserts |= says(b"insert");
                if now.after_commit && inserts && says(b"COMMIT") {
                    // Its answer shows that PostgreSQL has done it.
                    let _ = postgres.read(&mut answered).await;
                    return;
                }
                said.is_empty() || sent.is_err()
            }
            size = postgres.read(&mut answered) => {
                let answered = &answered[..size.unwrap_or(0)];
                let heard = if is_deaf { b"" } else { answered };
                let sent = server.write_all(heard).await;
                answered.is_empty() || sent.is_err()
            }
            changed = faults.changed() => {
                let is_reset = faults.borrow().resets > begin.resets;
                if is_reset {
                    let server = SockRef::from(&server);
                    server.set_linger(Some(Duration::ZERO)).unwrap();
                }
                is_reset || changed.is_err()
            }
        };
        if is_over {
            return;
        }
    }
}

/// Two servers, the first of them by a cable.
async fn by_cable() -> (Servers, Cable) {
    let mut servers = Servers::start().await;
    let cable = Cable::to(&servers.home).await;
    servers.end(0).await;
    let address = servers.bases[0].address();
    servers.running[0] = Some(start(address, Path::new(&cable.url)).await);
    (servers, cable)
}

/// sqlx's listener does not come back by itself after this one.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_reset_lose_nothing() {
    let (servers, cable) = by_cable().await;
    let traffic = Traffic::begin(&servers).await;
    for _ in 0..10 {
        cable.reset();
        traffic.goes_on().await;
    }
    traffic
        .ends_well("ten times all connections reset", &servers)
        .await;
}

/// Here a 503 does not mean that nothing is stored. A key finds out.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_told_whether_it_is_stored_asks_again_by_the_key() {
    let postgres = Throwaway::shared();
    let home = Home::at(postgres);
    let cable = Cable::to(&home).await;
    let program = start("127.0.0.1:0", Path::new(&cable.url)).await;
    let ada = Person::new(&program, "ada").await;
    let mut page = ada.connects().await;
    cable.cut_after_commit(true);

    let answer = ada.sends(&ada, "hello", "k").await;

    cable.cut_after_commit(false);
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(
        answer.error().contains("does not say whether"),
        "{answer:?}"
    );
    let again = ada.sends(&ada, "hello", "k").await;
    assert_eq!(again.status, 200, "{again:?}");
    assert_eq!(ada.reads().await, ["hello"]);
    assert_eq!(page.event().await.1["content"], "hello");
    page.expect_silence().await;
}

/// The connections of the server are used up by questions that wait.
#[tokio::test(flavor = "multi_thread")]
async fn questions_that_wait_too_long_are_refused_and_harm_no_later_one() {
    let home = Home::new();
    let program = start("127.0.0.1:0", home.path()).await;
    let ada = Person::new(&program, "ada").await;
    let mut other = Other::at(home.path()).await;
    other
        .run("begin; lock table users in access exclusive mode")
        .await;

    let questions: Vec<_> = (0..40)
        .map(|_| {
            let ada = ada.at(&program);
            tokio::spawn(async move { ada.get("/api/users").await.status })
        })
        .collect();
    for question in questions {
        assert_eq!(soon("an answer", question).await.unwrap(), 503);
    }
    other.run("rollback").await;

    assert_eq!(ada.get("/api/users").await.status, 200);
}

/// So nobody waits for the next look.
#[tokio::test(flavor = "multi_thread")]
async fn all_servers_are_told_at_once_of_what_is_new() {
    let home = Home::new();
    let program = start("127.0.0.1:0", home.path()).await;
    let ada = Person::new(&program, "ada").await;
    let mut lobby = Socket::connect(&ada, None).await.unwrap();
    let url = home.path().to_str().unwrap();
    let mut listener = PgListener::connect(url).await.unwrap();
    let channels = ["messages", "lobby", "sessions"];
    listener.listen_all(channels).await.unwrap();

    ada.says(&ada, "hello").await;
    lobby
        .emit("send_message", &json!({ "message": "hi" }))
        .await;
    assert_eq!(lobby.event().await.0, "message");
    let delete = ada.request("DELETE", "/api/session", "", None);
    assert_eq!(delete.await.unwrap().status, 204);

    for channel in channels {
        let told = soon("a notification", listener.recv()).await.unwrap();
        assert_eq!(told.channel(), channel);
    }
}

/// Without the look of each second, which can't be had here.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_of_a_sign_out_ends_the_pages() {
    let home = Home::new();
    let one = start("127.0.0.1:0", home.path()).await;
    let two = start("127.0.0.1:0", home.path()).await;
    let ada = Person::new(&one, "ada").await;
    let mut page = ada.at(&two).connects().await;
    let mut other = Other::at(home.path()).await;
    other.run("begin; lock table lobby in share mode").await;

    let delete = ada.request("DELETE", "/api/session", "", None);
    assert_eq!(delete.await.unwrap().status, 204);

    assert_eq!(page.packet().await.as_deref(), Some("41"));
}

/// Without a lock before the ids are given out, some of these are out of order,
/// and what comes late comes to no page.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn there_is_one_order_of_what_two_servers_store() {
    const EACH: usize = 100;

    let servers = Servers::start().await;
    let ada = Person::new(&servers.bases[0], "ada").await;
    let bob = Person::new(&servers.bases[0], "bob").await;
    let mut pages = Vec::new();
    for base in &servers.bases {
        pages.push(bob.at(base).connects().await);
    }

    let writers: Vec<_> = (0..32)
        .map(|writer| {
            let side = &servers.bases[writer % 2];
            let (ada, bob) = (ada.at(side), bob.at(side));
            tokio::spawn(async move {
                for _ in 0..EACH {
                    ada.says(&bob, "hello").await;
                }
            })
        })
        .collect();
    for page in &mut pages {
        let mut last = 0;
        for _ in 0..32 * EACH {
            let id = page.event().await.1["id"].as_i64().unwrap();
            assert!(id > last, "{id} after {last}");
            last = id;
        }
    }
    for writer in writers {
        soon("the writers", writer).await.unwrap();
    }
}
