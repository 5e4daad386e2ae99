//! The running server: connections, TLS, periodic work, and an end that lets requests finish.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::RwLock;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tower::ServiceExt as _;

use crate::app::{App, CLEAN_EVERY, OpenError};
use crate::clients::Clients;
use crate::config::{Config, Tls};
use crate::http::caller::Peer;
use crate::tls::{self, TlsError};

/// How long a client may take to send the head of a request, also between requests.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// How long a client may take to agree on TLS.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause after a connection could not be taken, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long requests may go on once the server is told to stop.
const DRAIN: Duration = Duration::from_secs(20);

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The registry cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The address is taken, or is none of this host's.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The certificate is of no use.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A server that listens.
pub struct Server {
    app: Arc<App>,
    listener: TcpListener,
    address: SocketAddr,
    acceptor: Option<SharedAcceptor>,
    settings: Option<Tls>,
}

type SharedAcceptor = Arc<RwLock<tokio_rustls::TlsAcceptor>>;

/// Stops a server, or has it read its certificate again.
#[derive(Clone)]
pub struct Handle {
    stop: watch::Sender<bool>,
    reload: mpsc::Sender<()>,
}

impl Handle {
    /// Takes no more connections, and ends once the requests that are being answered are.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Reads the certificate again.
    pub fn reload(&self) {
        // One that waits already does for this one too.
        let _waiting = self.reload.try_send(());
    }
}

impl Server {
    /// Opens the registry and listens.
    ///
    /// # Errors
    /// The store, the address or the certificate is of no use.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let (listen, settings) = (config.listen, config.tls.clone());
        let acceptor = match &settings {
            Some(settings) => Some(Arc::new(RwLock::new(tls::acceptor(settings)?))),
            None => None,
        };
        let app = Arc::new(App::open(config).await?);
        let failed = |source| StartError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { app, listener, address, acceptor, settings })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL as seen from this host, unless the configuration has one.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.acceptor.is_some() { "https" } else { "http" };
        match &self.app.config.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("{scheme}://{}", self.address),
        }
    }

    /// The registry behind it.
    #[must_use]
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Answers requests until [`Handle::stop`]; `started` gets the handle.
    pub async fn run(self, started: impl FnOnce(Handle)) {
        let (stop, stopped) = watch::channel(false);
        let (reload, reloads) = mpsc::channel(1);
        started(Handle { stop, reload });
        let periodic = self.periodic(stopped.clone());
        let reloading = self.settings.clone().zip(self.acceptor.clone());
        let reloading = tokio::spawn(reload_tls(reloads, reloading));
        self.accept(stopped).await;
        reloading.abort();
        periodic.into_iter().for_each(|task| task.abort());
    }

    fn periodic(&self, stopped: watch::Receiver<bool>) -> Vec<tokio::task::JoinHandle<()>> {
        let mut tasks = Vec::new();
        let refresh = self.app.config.refresh;
        if !refresh.is_zero() {
            let app = Arc::clone(&self.app);
            tasks.push(tokio::spawn(async move {
                loop {
                    tokio::time::sleep(refresh).await;
                    app.refresh().await;
                }
            }));
        }
        for (at, every) in self.app.mirrors.syncs() {
            let app = Arc::clone(&self.app);
            tasks.push(tokio::spawn(async move {
                loop {
                    app.mirror_all(at).await;
                    tokio::time::sleep(every).await;
                }
            }));
        }
        let app = Arc::clone(&self.app);
        tasks.push(tokio::spawn(async move {
            while !*stopped.borrow() {
                app.clean().await;
                tokio::time::sleep(CLEAN_EVERY).await;
            }
        }));
        tasks
    }

    async fn accept(&self, stopped: watch::Receiver<bool>) {
        let router = crate::http::router(&self.app);
        let clients = Clients::new(self.app.config.limits.connections_per_client);
        let (open, mut closed) = mpsc::channel::<Infallible>(1);
        loop {
            let next = tokio::select! {
                next = self.listener.accept() => next,
                () = until(stopped.clone()) => break,
            };
            let (stream, peer) = match next {
                Ok(next) => next,
                Err(error) => {
                    tracing::warn!(%error, "cannot take a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let peer = peer.ip().to_canonical();
            let Some(counted) = clients.admit(peer) else {
                self.app.metrics.count("drover_registry_rejected_total", "connections");
                continue;
            };
            let acceptor = self.acceptor.as_ref().map(|acceptor| acceptor.read().clone());
            let (router, stopped, open) = (router.clone(), stopped.clone(), open.clone());
            tokio::spawn(async move {
                connection(stream, peer, acceptor, router, stopped).await;
                drop((counted, open));
            });
        }
        drop(open);
        if tokio::time::timeout(DRAIN, closed.recv()).await.is_err() {
            tracing::warn!("requests are cut off: they took longer than {} s to end", DRAIN.as_secs());
        }
    }
}

/// Ends when the server is told to stop, or nobody can tell it any more.
async fn until(mut stopped: watch::Receiver<bool>) {
    let _told_or_gone = stopped.wait_for(|stopped| *stopped).await.is_ok();
}

async fn reload_tls(mut reloads: mpsc::Receiver<()>, target: Option<(Tls, SharedAcceptor)>) {
    while reloads.recv().await.is_some() {
        let Some((settings, shared)) = &target else { continue };
        match tls::acceptor(settings) {
            Ok(acceptor) => {
                *shared.write() = acceptor;
                tracing::info!("read the certificate again");
            }
            Err(error) => tracing::error!(error = %crate::client::chain(&error), "the certificate stays as it was"),
        }
    }
}

async fn connection(
    stream: TcpStream,
    peer: IpAddr,
    acceptor: Option<tokio_rustls::TlsAcceptor>,
    router: axum::Router,
    stopped: watch::Receiver<bool>,
) {
    // Answers are written whole: waiting for more to send with them only costs time.
    let _as_it_is = stream.set_nodelay(true);
    let Some(acceptor) = acceptor else { return converse(stream, peer, router, stopped).await };
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => converse(stream, peer, router, stopped).await,
        Ok(Err(error)) => tracing::debug!(%error, %peer, "no agreement on TLS"),
        Err(_) => tracing::debug!(%peer, "no agreement on TLS in time"),
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: IpAddr,
    router: axum::Router,
    stopped: watch::Receiver<bool>,
) {
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        router.clone().oneshot(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    let connection = http.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = until(stopped) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "a connection ended early");
    }
}
