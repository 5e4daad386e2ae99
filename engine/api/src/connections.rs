//! Connections: who may have how many, and how long a client that does nothing may keep one.

use axum::body::Body;
use http::{Request, Response};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep};

/// How long a client may take to send the head of a request, also between requests. Longer than Go's clients keep
/// an idle connection (90 s), so that it is they who close it.
const HEAD_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a client may take nothing of an answer.
const STALLED_WRITE_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a client that has too many connections may take to be told so.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);
/// Clients that are told so at the same time; beyond, connections are just closed.
const MAX_PENDING_REFUSALS: usize = 64;
/// The pause after a connection could not be taken, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What a client with too many connections is told.
const TOO_MANY: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain\r\nContent-Length: 81\r\n\
Connection: close\r\n\r\nYour IP is issuing too many concurrent connections, please rate limit your calls\n";

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Over the network.
    Address(IpAddr),
    /// Through a socket of this host's file system.
    Socket,
}

impl Peer {
    /// Whether it is on this host.
    pub(crate) fn is_local(self) -> bool {
        match self {
            Self::Address(address) => address.to_canonical().is_loopback(),
            Self::Socket => true,
        }
    }
}

/// Where connections come from.
pub trait Listener: Send + 'static {
    /// A connection.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection.
    fn next(&mut self) -> impl Future<Output = io::Result<(Self::Io, Peer)>> + Send;
}

impl Listener for TcpListener {
    type Io = TcpStream;

    async fn next(&mut self) -> io::Result<(TcpStream, Peer)> {
        let (stream, address) = self.accept().await?;
        // Answers are written whole: waiting for more to send with them only costs time.
        stream.set_nodelay(true)?;
        Ok((stream, Peer::Address(address.ip())))
    }
}

impl Listener for UnixListener {
    type Io = UnixStream;

    async fn next(&mut self) -> io::Result<(UnixStream, Peer)> {
        let (stream, _) = self.accept().await?;
        Ok((stream, Peer::Socket))
    }
}

/// How many connections each client has.
#[derive(Clone, Default)]
struct Counts(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One of a client's connections.
struct Counted {
    counts: Counts,
    address: IpAddr,
}

impl Counts {
    /// Counts one more, unless the client has `max` already.
    fn admit(&self, address: IpAddr, max: usize) -> Option<Counted> {
        let mut counts = self.0.lock();
        let count = counts.entry(address).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(Counted { counts: self.clone(), address })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.counts.0.lock();
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// Takes connections and answers on them until `stopped`; returns once all of them are closed.
/// `max_per_client` counts those of one address; 0: any number.
pub(crate) async fn run<L, A, F, S>(mut listener: L, max_per_client: usize, stopped: S, answer: A) -> io::Result<()>
where
    L: Listener,
    A: Fn(Request<Body>, Peer) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
    S: Fn() -> Pin<Box<dyn Future<Output = ()> + Send>>,
{
    let counts = Counts::default();
    let refusals = Arc::new(tokio::sync::Semaphore::new(MAX_PENDING_REFUSALS));
    let (open, mut closed) = mpsc::channel::<Infallible>(1);
    let mut stop = stopped();
    loop {
        let next = tokio::select! {
            next = listener.next() => next,
            () = &mut stop => break,
        };
        let (stream, peer) = match next {
            Ok(next) => next,
            Err(error) if is_the_clients(&error) => continue,
            Err(error) => {
                tracing::warn!(%error, "cannot take a connection");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let counted = match peer {
            Peer::Address(address) if max_per_client > 0 => match counts.admit(address, max_per_client) {
                Some(counted) => Some(counted),
                None => {
                    refuse(stream, &refusals);
                    continue;
                }
            },
            Peer::Address(_) | Peer::Socket => None,
        };
        let (stop, answer, open) = (stopped(), answer.clone(), open.clone());
        tokio::spawn(async move {
            converse(stream, peer, stop, answer).await;
            drop((counted, open));
        });
    }
    drop(open);
    let _all_closed = closed.recv().await;
    Ok(())
}

/// The client gave up before it was its turn.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, InvalidInput};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | InvalidInput)
}

/// Tells a client that it has too many connections.
fn refuse<Io: AsyncWrite + Unpin + Send + 'static>(mut stream: Io, pending: &Arc<tokio::sync::Semaphore>) {
    let Ok(permit) = pending.clone().try_acquire_owned() else { return };
    tokio::spawn(async move {
        let told = async {
            stream.write_all(TOO_MANY).await?;
            stream.shutdown().await
        };
        // It may be gone, or not listen: that is its own affair.
        let _gone = tokio::time::timeout(REFUSAL_TIMEOUT, told).await;
        drop(permit);
    });
}

/// Answers the requests of one connection, one after the other.
async fn converse<Io, A, F>(stream: Io, peer: Peer, stopped: impl Future<Output = ()>, answer: A)
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(Request<Body>, Peer) -> F,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let answering = answer(request.map(Body::new), peer);
        async move { Ok::<_, Infallible>(answering.await) }
    });
    let mut http = http1::Builder::new();
    // Names in the letters that people know: some look for them in the bytes.
    http.title_case_headers(true);
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    let connection = http.serve_connection(TokioIo::new(Patient::new(stream)), service).with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stopped => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// A connection whose client must take some of an answer from time to time.
struct Patient<Io> {
    io: Io,
    /// Armed while the client takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<Io> Patient<Io> {
    const fn new(io: Io) -> Self {
        Self { io, stalled: None }
    }

    fn check<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let deadline = || Box::pin(tokio::time::sleep_until(Instant::now() + STALLED_WRITE_TIMEOUT));
        ready!(self.stalled.get_or_insert_with(deadline).as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing of its answer")))
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Patient<Io> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, to)
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Patient<Io> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.check(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(context, parts);
        self.check(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_its_number_of_connections_back() {
        let counts = Counts::default();
        let address = IpAddr::from([127, 0, 0, 1]);
        let (first, second) = (counts.admit(address, 2), counts.admit(address, 2));
        assert!(first.is_some() && second.is_some() && counts.admit(address, 2).is_none());
        assert!(counts.admit(IpAddr::from([127, 0, 0, 2]), 2).is_some(), "others have their own");
        drop(first);
        assert!(counts.admit(address, 2).is_some());
        drop(second);
        assert!(counts.0.lock().is_empty(), "nothing is kept of who is gone");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_let_go() {
        let (ours, _theirs) = tokio::io::duplex(64);
        let mut stream = Patient::new(ours);
        let began = Instant::now();
        let error = stream.write_all(&[0; 65]).await.unwrap_err();
        assert_eq!((error.kind(), began.elapsed()), (io::ErrorKind::TimedOut, STALLED_WRITE_TIMEOUT));
    }
}
