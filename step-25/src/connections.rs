//! The connections: who gets one, and how long a client may keep it waiting.

use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::error::Error;
use crate::limits::{Address, Limits};
use crate::stream::Stream;

/// The largest head of a request, in bytes. A larger one is answered by 431.
const HEAD_LIMIT: usize = 16 * 1024;

/// How long clients may let the server wait.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the head of a request, from the end of the one before it.
    pub head: Duration,
    /// For the rest of a request. A request of Socket.IO may wait for 25 s
    /// until there is something to say, by the server's own will.
    pub request: Duration,
    /// For a client to take anything of what it is sent.
    pub write: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            request: Duration::from_secs(30),
            write: Duration::from_secs(30),
        }
    }
}

/// Answers the requests that come to `listener`, until `shutdown` completes and
/// all have their answer.
pub(crate) async fn serve(
    listener: TcpListener,
    app: Router,
    limits: Limits,
    proxy: Option<IpAddr>,
    patience: Patience,
    shutdown: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_header_size(HEAD_LIMIT);
    // Each connection has a receiver, until it ends.
    let (stopping, is_stopping) = watch::channel(false);
    let mut shutdown = pin!(shutdown);
    loop {
        let (tcp, peer) = tokio::select! {
            accepted = accept(&listener) => accepted,
            () = &mut shutdown => break,
        };
        // The proxy's connections are everybody's.
        let place = match proxy {
            Some(proxy) if proxy == peer => None,
            _ => match limits.connection(peer.into()) {
                None => {
                    refuse(&tcp);
                    continue;
                }
                place => place,
            },
        };
        // What is small goes out at once, and does not wait for the client to
        // say that it has what came before.
        tcp.set_nodelay(true).ok();
        let stream = Stream::new(tcp, patience.write, place);
        let app = TowerToHyperService::new(app.clone());
        let limits = limits.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            let from = Address::of(peer, proxy, request.headers());
            request.extensions_mut().insert(limits.here(from));
            app.call(request)
        });
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let connection = connection.with_upgrades();
        let mut is_stopping = is_stopping.clone();
        tokio::spawn(async move {
            let mut connection = pin!(connection);
            // An error is the client's: it hung up, or sent something else.
            tokio::select! {
                _ = &mut connection => return,
                _ = is_stopping.wait_for(|it| *it) => (),
            }
            connection.as_mut().graceful_shutdown();
            connection.await.ok();
        });
    }
    drop((listener, is_stopping));
    stopping.send(true).ok();
    stopping.closed().await;
}

/// The next connection, and where it comes from.
async fn accept(listener: &TcpListener) -> (TcpStream, IpAddr) {
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => return (tcp, peer.ip().to_canonical()),
            // Whoever it was has hung up.
            Err(error) if is_of_one_client(&error) => (),
            Err(error) => {
                // The likeliest one is that too many files are open. To try
                // again at once would take a processor, and fill the log.
                tracing::error!(%error, "no new connections for a second");
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

fn is_of_one_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

/// Says why there is no place for a connection, if that can be said at once.
fn refuse(tcp: &TcpStream) {
    let body = r#"{"error":"Too many connections from here. Close some."}"#;
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 429 Too Many Requests\r\n\
         content-type: application/json\r\n\
         content-length: {length}\r\n\
         retry-after: 10\r\n\
         connection: close\r\n\
         \r\n\
         {body}"
    );
    SockRef::from(tcp).send(answer.as_bytes()).ok();
}

/// Answers a request in time, also when its body does not come.
pub(crate) async fn in_time(
    State(Patience { request: time, .. }): State<Patience>,
    request: Request,
    next: Next,
) -> Response {
    match timeout(time, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Error::TooSlow.into_response(),
    }
}
