//! The listening socket, its connections, and the writing of recorded answers.
//!
//! Invariants: connections, headers, bodies and waiting times are bounded; a request that was read whole is walked to its
//! end, also when its client hangs up and when the server stops.

use std::{convert::Infallible, future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming as HyperBody},
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{RwLock, Semaphore, watch},
    time::timeout,
};

use super::{
    incoming::Incoming,
    insecure_clock::{self, SteerableClock},
    insecure_neighbour::InsecureNeighbour,
    probes::{self, PhaseCell},
};
use crate::{
    jobs::do_what_is_due,
    pipeline::Pipeline,
    record::Recorded,
    tls::{Acceptor, TlsSession},
};

/// What one client may take of the server.
#[derive(Debug, Clone, Copy)]
pub struct HttpLimits {
    /// Most connections at once; more wait to be accepted.
    pub connections_max: usize,
    /// Longest wait for the handshake of a connection.
    pub handshake_timeout: Duration,
    /// Longest wait for the head of a request.
    pub head_timeout: Duration,
    /// Longest wait for the whole body of a request.
    pub body_timeout: Duration,
    /// Longest wait for open connections when the server stops.
    pub drain_timeout: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connections_max: 4096,
            handshake_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(10),
        }
    }
}

/// The front door.
#[derive(Debug)]
pub struct Server {
    pipeline: Arc<Pipeline>,
    limits: HttpLimits,
    /// None where connections are in clear.
    tls: Option<Acceptor>,
    phase: PhaseCell,
    insecure_clock: Option<Arc<SteerableClock>>,
    /// Held for reading by every call under way, and for writing by the stop that waits for them.
    calls: Arc<RwLock<()>>,
}

impl Server {
    /// A front door to a pipeline; a steerable clock is there in the insecure test mode only. Without an acceptor of TLS
    /// connections are in clear.
    #[must_use]
    pub fn new(
        pipeline: Arc<Pipeline>,
        limits: HttpLimits,
        tls: Option<Acceptor>,
        insecure_clock: Option<Arc<SteerableClock>>,
    ) -> Arc<Self> {
        Arc::new(Self { pipeline, limits, tls, phase: PhaseCell::default(), insecure_clock, calls: Arc::default() })
    }

    /// Serves until `stop` resolves, then lets open requests finish.
    pub async fn serve(self: &Arc<Self>, listener: TcpListener, stop: impl Future<Output = ()>) {
        let slots = Arc::new(Semaphore::new(self.limits.connections_max));
        let (stopping, stopped) = watch::channel(false);
        tokio::pin!(stop);
        loop {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut stop => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let (server, stopped) = (Arc::clone(self), stopped.clone());
                    tokio::spawn(async move {
                        server.connection(stream, peer, stopped).await;
                        drop(slot);
                    });
                }
                // Out of descriptors, or the peer is gone already: others may succeed, after a breath.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        self.phase.drain();
        // Every connection holds a slot, so having all of them means that all have ended.
        let _ = stopping.send(true);
        let all = u32::try_from(self.limits.connections_max).unwrap_or(u32::MAX);
        if timeout(self.limits.drain_timeout, slots.acquire_many(all)).await.is_err() {
            tracing::warn!("some connections were cut at the stop");
        }
        // Calls whose clients have hung up are not tied to a connection any more.
        if timeout(self.limits.drain_timeout, self.calls.write()).await.is_err() {
            tracing::error!("some calls had not ended at the stop");
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, stopped: watch::Receiver<bool>) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
        let Some(acceptor) = &self.tls else { return self.requests(stream, peer, None, stopped).await };
        let shaken = timeout(self.limits.handshake_timeout, acceptor.accept(stream)).await;
        match shaken.unwrap_or_else(|_| Err(io::Error::other("the handshake takes too long"))) {
            Ok((stream, session)) => self.requests(stream, peer, Some(session), stopped).await,
            Err(error) => tracing::debug!(%error, %peer, "a connection found no TLS"),
        }
    }

    /// Answers the requests of a connection until it ends.
    async fn requests<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        peer: SocketAddr,
        tls: Option<TlsSession>,
        mut stopped: watch::Receiver<bool>,
    ) {
        let service = service_fn(|request| self.respond(request, peer, tls));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head_timeout)
            .max_buf_size(HEAD_BYTES_MAX)
            .max_headers(HEADERS_MAX)
            .serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stop_wanted(&mut stopped) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, %peer, "a connection broke");
        }
    }

    async fn respond(
        &self,
        request: Request<HyperBody>,
        peer: SocketAddr,
        tls: Option<TlsSession>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        if request.method() == Method::GET && request.uri().query().is_none() {
            let healthy = self.pipeline.recorder().trail().is_healthy();
            if let Some((status, body)) = probes::answer(request.uri().path(), self.phase.get(), healthy) {
                return Ok(plain(status, body));
            }
        }
        let read = timeout(self.limits.body_timeout, Incoming::read(request, peer.ip(), tls)).await;
        match read {
            Ok(Ok(incoming)) => match &self.insecure_clock {
                Some(clock) if incoming.path == insecure_clock::PATH => Ok(self.steer(clock, &incoming.body).await),
                Some(_) => {
                    let neighbour = InsecureNeighbour::read(&incoming);
                    Ok(self.answer(incoming, neighbour).await)
                }
                None => Ok(self.answer(incoming, None).await),
            },
            // The request never came whole, so there is no call to record.
            Ok(Err(_)) | Err(_) => Ok(plain(408, "the request did not come whole in time\n")),
        }
    }
}

impl Server {
    /// Walks a call to its end on a task of its own: a client that hangs up takes the connection with it, and must not
    /// take the call, which may have changed something that is not recorded yet.
    async fn answer(&self, incoming: Incoming, neighbour: Option<InsecureNeighbour>) -> Response<Full<Bytes>> {
        let pipeline = Arc::clone(&self.pipeline);
        let under_way = Arc::clone(&self.calls).read_owned().await;
        let call = tokio::spawn(async move {
            let recorded = match neighbour {
                None => pipeline.walk(incoming).await,
                Some(neighbour) => pipeline.walk_as_insecure_neighbour(incoming, neighbour).await,
            };
            drop(under_way);
            recorded
        });
        match call.await {
            Ok(recorded) => write(recorded),
            Err(error) => {
                tracing::error!(%error, "a call did not end");
                plain(500, "the call did not end\n")
            }
        }
    }

    /// Moves the clock of the insecure test mode, and does at once what has become due.
    async fn steer(&self, clock: &SteerableClock, body: &[u8]) -> Response<Full<Bytes>> {
        let (status, body) = clock.steer(body);
        let (status, body) = match do_what_is_due(&self.pipeline).await {
            Ok(()) => (status, body),
            Err(error) => (500, error.to_string()),
        };
        let mut response = plain(status, "");
        *response.body_mut() = Full::new(body.into());
        response
    }
}

/// Waits until the server is told to stop.
async fn stop_wanted(stopped: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, and with it the server.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Writes an answer that has been recorded; there is no other way to write one.
fn write(recorded: Recorded) -> Response<Full<Bytes>> {
    let (status, content_type, body, request_id, authorization) = recorded.into_parts();
    let mut response = Response::new(Full::new(Bytes::from_owner(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert("cache-control", HeaderValue::from_static(NO_CACHE));
    if let Ok(value) = HeaderValue::try_from(request_id) {
        response.headers_mut().insert("x-amzn-requestid", value);
    }
    if let Some(Ok(value)) = authorization.map(|message| HeaderValue::try_from(message.as_str())) {
        response.headers_mut().insert(AUTHORIZATION_MESSAGE, value);
    }
    response
}

fn plain(status: u16, body: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// The header in which a denial carries its encoded authorization message. The API's own answers leave no other room.
const AUTHORIZATION_MESSAGE: &str = "x-kanuki-authorization-message";
const NO_CACHE: &str = "no-cache, no-store, must-revalidate, private";
/// Longest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Most header fields of a request.
const HEADERS_MAX: usize = 100;
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
