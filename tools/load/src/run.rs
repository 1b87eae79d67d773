//! One run: users sign up, open their pages, and write to each other.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use hdrhistogram::Histogram;
use hyper::{Method, StatusCode};
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::Message;

use crate::chat::{Chat, Page, Requests, User};
use crate::ledger::{Due, Heard, Run, Sent, audit, histogram, micros};
use crate::report::{Delays, Report, Server};
use crate::usage::{Processes, processors};

/// How many users sign up at once, and how many pages are opened at once.
const AT_ONCE: usize = 16;
/// How long a server may take to calm down before its memory is read, and how
/// long nothing may come before what is missing counts as lost.
const CALM: Duration = Duration::from_secs(3);

/// What a run does.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) senders: usize,
    /// Messages per second.
    pub(crate) rate: Option<u32>,
    pub(crate) users: usize,
    pub(crate) idle: usize,
    pub(crate) time: Duration,
}

/// What is counted while a run goes on.
#[derive(Default)]
struct Counts {
    answered: AtomicU64,
    heard: AtomicU64,
}

/// What one sender did.
struct Told {
    sent: Vec<Sent>,
    /// In microseconds.
    delays: Histogram<u64>,
    refused: BTreeMap<u16, u64>,
}

/// Loads the servers of a chat. With their processes, also says what that costs.
pub(crate) async fn run(
    servers: &[Chat],
    plan: &Plan,
    mut processes: Option<Processes>,
) -> Result<Report> {
    let chat = servers.first().context("no server")?;
    let mark = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros();
    let mark = format!("load-{mark}");
    say(&format!("{}: users sign up", chat.version));
    let senders = sign_up(servers, &format!("{mark}-s"), plan.senders).await?;
    let others = sign_up(servers, &format!("{mark}-o"), plan.users).await?;

    let everybody = || senders.iter().chain(&others).cloned();
    let pages = open(everybody().collect()).await?;
    let kib_per_idle = open_idle(servers, plan, &others, processes.as_mut());
    let (idle, kib_per_idle) = kib_per_idle.await?;

    let counts = Arc::new(Counts::default());
    let (ending, ended) = watch::channel(false);
    // Before the start, since it takes some time to look at many.
    let mut own = Processes::own()?;
    let cpu_before = (own.cpu(), processes.as_mut().map(Processes::cpu));
    let start = Instant::now();
    let run = Arc::new(Run { mark, start });
    let mut listeners = JoinSet::new();
    let pages = everybody().zip(pages).map(|(user, page)| (user.id, page));
    for (user, page) in pages.chain(idle) {
        let heard = Heard::new(user);
        let (run, counts) = (run.clone(), counts.clone());
        listeners.spawn(listen(run, counts, heard, page, ended.clone()));
    }

    let told = send(chat, plan, &senders, &run, &counts).await?;
    let seconds = start.elapsed().as_secs_f64();
    let cpu_after = (own.cpu(), processes.as_mut().map(Processes::cpu));
    let heard_by_then = counts.heard.load(Ordering::Relaxed);

    let sent: Vec<Sent> = told.iter().flat_map(|it| it.sent.clone()).collect();
    wait_for(&counts, 2 * sent.len() as u64).await;
    ending.send(true).ok();
    let heard = listeners.join_all().await;

    let share = |before: Duration, after: Duration| {
        let used = after.saturating_sub(before).as_secs_f64();
        used / seconds / processors() as f64
    };
    let server = cpu_before.1.zip(cpu_after.1).map(|(before, after)| {
        let used = after.saturating_sub(before);
        Server {
            cpu: share(before, after),
            micros_per_message: micros(used) as f64 / sent.len() as f64,
            kib_per_idle,
        }
    });
    let mut answers = histogram()?;
    let mut refused = BTreeMap::new();
    for told in &told {
        answers.add(&told.delays)?;
        for (status, times) in &told.refused {
            *refused.entry(*status).or_default() += times;
        }
    }
    let mut deliveries = histogram()?;
    for heard in &heard {
        for &delay in &heard.delays {
            deliveries.saturating_record(delay);
        }
    }
    Ok(Report {
        chat: chat.version.clone(),
        servers: servers.len(),
        senders: plan.senders,
        rate: plan.rate,
        users: plan.users,
        idle: plan.idle,
        seconds,
        answered_per_second: sent.len() as f64 / seconds,
        delivered_per_second: heard_by_then as f64 / seconds,
        refused,
        answer: Delays::of(&answers),
        delivery: Delays::of(&deliveries),
        wrong: audit(&sent, &heard),
        server,
        own_cpu: share(cpu_before.0, cpu_after.0),
    })
}

/// Adds users at the first server, several at a time. Then they go to all the
/// servers, in turns.
async fn sign_up(
    servers: &[Chat],
    nickname: &str,
    count: usize,
) -> Result<Vec<User>> {
    let add = |index: usize| {
        let nickname = format!("{nickname}{index}");
        let first = servers[0].clone();
        let server = servers[index % servers.len()].clone();
        async move { Ok(first.add_user(&nickname).await?.at(server)) }
    };
    side_by_side((0..count).map(add)).await
}

/// Opens a page for each of these users, several at a time.
async fn open(users: Vec<User>) -> Result<Vec<Page>> {
    let open = |user: User| async move { user.server.open(&user).await };
    side_by_side(users.into_iter().map(open)).await
}

/// The results in the order of the tasks, of which some run at a time.
async fn side_by_side<T: Send + 'static>(
    tasks: impl Iterator<Item = impl Future<Output = Result<T>> + Send + 'static>,
) -> Result<Vec<T>> {
    let tasks = futures_util::stream::iter(tasks);
    let mut running = tasks.map(tokio::spawn).buffered(AT_ONCE);
    let mut results = Vec::new();
    while let Some(result) = running.next().await {
        results.push(result??);
    }
    Ok(results)
}

/// Opens the idle pages, at the servers in turns, and says what one costs, in
/// KiB.
async fn open_idle(
    servers: &[Chat],
    plan: &Plan,
    users: &[User],
    mut processes: Option<&mut Processes>,
) -> Result<(Vec<(i64, Page)>, Option<f64>)> {
    if plan.idle == 0 {
        return Ok((Vec::new(), None));
    }
    say(&format!("{}: {} pages open", servers[0].version, plan.idle));
    sleep(CALM).await;
    let before = processes.as_mut().map(|it| it.memory());
    let tabs = users.iter().cycle().zip(servers.iter().cycle());
    let tabs = tabs.map(|(user, server)| user.clone().at(server.clone()));
    let tabs: Vec<User> = tabs.take(plan.idle).collect();
    let ids: Vec<i64> = tabs.iter().map(|user| user.id).collect();
    let pages = open(tabs).await?;
    sleep(CALM).await;
    let after = processes.map(|it| it.memory());
    let kib = before.zip(after).map(|(before, after)| {
        (after as f64 - before as f64) / 1024.0 / plan.idle as f64
    });
    Ok((ids.into_iter().zip(pages).collect(), kib))
}

/// Keeps a page alive, and notes what comes, until the run ends or the chat
/// closes the page.
async fn listen(
    run: Arc<Run>,
    counts: Arc<Counts>,
    mut heard: Heard,
    mut page: Page,
    mut ended: watch::Receiver<bool>,
) -> Heard {
    loop {
        let packet = tokio::select! {
            packet = page.next() => packet,
            _ = ended.wait_for(|it| *it) => return heard,
        };
        heard.closed = match packet {
            Some(Ok(Message::Text(packet))) if packet.as_str() == "2" => {
                page.send(Message::text("3")).await.is_err()
            }
            Some(Ok(Message::Text(packet))) => {
                if heard.hear(&run, &packet) {
                    counts.heard.fetch_add(1, Ordering::Relaxed);
                }
                false
            }
            Some(Ok(packet)) => packet.is_close(),
            Some(Err(_)) | None => true,
        };
        if heard.closed {
            return heard;
        }
    }
}

/// Has all senders send, until the time is over and each has its last answer.
async fn send(
    chat: &Chat,
    plan: &Plan,
    users: &[User],
    run: &Arc<Run>,
    counts: &Arc<Counts>,
) -> Result<Vec<Told>> {
    let ids: Arc<[i64]> = users.iter().map(|user| user.id).collect();
    let mut queues = Vec::new();
    let mut senders = JoinSet::new();
    let end = run.start + plan.time;
    let next = Arc::new(AtomicUsize::new(0));
    for (index, user) in users.iter().enumerate() {
        let dues = match plan.rate {
            None => Dues::AtOnce(next.clone()),
            Some(_) => {
                let (queue, dues) = mpsc::unbounded_channel();
                queues.push(queue);
                Dues::InTime(dues)
            }
        };
        let sender = Sender {
            index,
            ids: ids.clone(),
            requests: user.server.requests(Some(user)).await?,
            run: run.clone(),
            counts: counts.clone(),
            end,
        };
        senders.spawn(sender.send(dues));
    }
    if let Some(rate) = plan.rate {
        let run = run.clone();
        thread::spawn(move || pace(&run, rate, end, &queues));
    }
    let progress = tokio::spawn(progress(chat.version.clone(), counts.clone()));
    let told = senders.join_all().await;
    progress.abort();
    say("");
    told.into_iter().collect()
}

/// Gives each message to a sender when it is due. On a thread of its own, since
/// a task sleeps for whole milliseconds.
fn pace(
    run: &Run,
    rate: u32,
    end: Instant,
    queues: &[mpsc::UnboundedSender<Due>],
) {
    for number in 0.. {
        let at = Duration::from_secs(number) / rate;
        let due = run.start + at;
        if due >= end {
            return;
        }
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let queue = &queues[number as usize % queues.len()];
        queue.send(Due { number, at }).ok();
    }
}

/// When a sender's messages are due.
enum Dues {
    /// As soon as the last one is answered.
    AtOnce(Arc<AtomicUsize>),
    InTime(mpsc::UnboundedReceiver<Due>),
}

impl Dues {
    async fn next(&mut self, run: &Run) -> Option<Due> {
        match self {
            Self::AtOnce(next) => {
                let number = next.fetch_add(1, Ordering::Relaxed) as u64;
                let at = run.start.elapsed();
                Some(Due { number, at })
            }
            Self::InTime(queue) => queue.recv().await,
        }
    }
}

struct Sender {
    index: usize,
    /// Of all senders.
    ids: Arc<[i64]>,
    requests: Requests,
    run: Arc<Run>,
    counts: Arc<Counts>,
    end: Instant,
}

impl Sender {
    async fn send(mut self, mut dues: Dues) -> Result<Told> {
        let mut told = Told {
            sent: Vec::new(),
            delays: histogram()?,
            refused: BTreeMap::new(),
        };
        while let Some(due) = dues.next(&self.run).await {
            if Instant::now() >= self.end {
                break;
            }
            self.tell(due, &mut told).await?;
        }
        Ok(told)
    }

    /// Sends one message to somebody else.
    async fn tell(&mut self, due: Due, told: &mut Told) -> Result<()> {
        let recipient = recipient(self.index, due.number, self.ids.len());
        let (author, recipient) = (self.ids[self.index], self.ids[recipient]);
        let body = json!({
            "author_id": author,
            "recipient_id": recipient,
            "content": self.run.content(due),
        });
        let path = "/api/messages";
        let answer = self.requests.send(Method::POST, path, Some(&body));
        let answer = answer.await.context("a request has no answer")?;
        if answer.status != StatusCode::CREATED {
            *told.refused.entry(answer.status.as_u16()).or_default() += 1;
            return Ok(());
        }
        told.delays
            .saturating_record(micros(self.run.delay(due.at)));
        told.sent.push(Sent {
            number: due.number,
            author,
            recipient,
        });
        self.counts.answered.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Which of the senders gets a message: each of the others in turn.
fn recipient(author: usize, number: u64, senders: usize) -> usize {
    (author + 1 + number as usize % (senders - 1)) % senders
}

/// Waits until all has come, or nothing comes any more.
async fn wait_for(counts: &Counts, expected: u64) {
    let mut last = (0, Instant::now());
    loop {
        let heard = counts.heard.load(Ordering::Relaxed);
        if heard > last.0 {
            last = (heard, Instant::now());
        }
        if heard >= expected || last.1.elapsed() > CALM {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Says once a second how it goes.
async fn progress(chat: String, counts: Arc<Counts>) {
    for second in 1.. {
        sleep(Duration::from_secs(1)).await;
        let answered = counts.answered.load(Ordering::Relaxed);
        let heard = counts.heard.load(Ordering::Relaxed);
        say(&format!(
            "{chat}: {second} s, {answered} answered, {heard} delivered"
        ));
    }
}

/// Writes over the last line of this kind, if a person watches.
fn say(line: &str) {
    let mut stderr = io::stderr();
    if stderr.is_terminal() {
        write!(stderr, "\r\x1b[K{line}").ok();
    } else if !line.is_empty() {
        writeln!(stderr, "{line}").ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::tests::fake;

    #[tokio::test]
    async fn users_sign_up_at_the_first_server_and_go_to_all_in_turns() {
        let ((one, at_one), (other, at_other)) =
            (fake("1").await, fake("1").await);
        let servers = Chat::find_all(&[one, other]).await.unwrap();

        let users = sign_up(&servers, "user", 4).await.unwrap();

        let went = users.iter().map(|user| &*user.server.authority);
        let went: Vec<&str> = went.collect();
        let [one, other] = [0, 1].map(|it| &*servers[it].authority);
        assert_eq!(went, [one, other, one, other]);
        // Each was asked for its version, too.
        assert_eq!(at_one.load(Ordering::Relaxed), 1 + 4);
        assert_eq!(at_other.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn half_of_the_messages_or_more_go_from_one_server_to_another() {
        for senders in [2, 3, 4, 16] {
            let (mut across, mut all) = (0, 0);
            for author in 0..senders {
                for number in 0..senders as u64 - 1 {
                    let recipient = recipient(author, number, senders);
                    assert_ne!(recipient, author);
                    across += (author + recipient) % 2;
                    all += 1;
                }
            }
            assert!(2 * across >= all, "{across} of {all}");
        }
    }
}
