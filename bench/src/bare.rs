//! The ceiling: a server of the same HTTP framework with the same settings that does nothing but give one answer.
//!
//! Not here: any work of a key management service. Invariants: what it answers is, byte for byte but for the date, what
//! the real server answered once; it ends when its standard input is closed.

use std::{convert::Infallible, fs, io::Read as _, path::Path, sync::Arc, time::Duration};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    HeaderMap, Request, Response,
    body::{Bytes, Incoming},
    header::{HeaderName, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use crate::{failure::Failure, http_client};

/// Serves until standard input ends. Says where it listens first.
///
/// # Errors
/// If the answer cannot be read or no port can be had.
pub(crate) fn run(answer: &Path, say: fn(&str)) -> Result<(), Failure> {
    let bytes = fs::read(answer).map_err(|error| Failure::from(error).during(answer.display()))?;
    let fixed = Arc::new(FixedAnswer::parse(&bytes)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        say(&listener.local_addr()?.to_string());
        tokio::select! {
            failed = serve(listener, fixed) => failed,
            () = standard_input_ends() => Ok(()),
        }
    })
}

/// What is answered.
#[derive(Debug)]
struct FixedAnswer {
    headers: HeaderMap,
    body: Bytes,
}

impl FixedAnswer {
    /// Takes a real answer apart; the framework writes length and date by itself, as it does for the real server.
    fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        let malformed = || Failure::new("the answer to repeat is none");
        let text = std::str::from_utf8(bytes).map_err(|_| malformed())?;
        let (head, body) = text.split_once("\r\n\r\n").ok_or_else(malformed)?;
        let mut headers = HeaderMap::new();
        for (name, value) in http_client::headers(head) {
            let name: HeaderName = name.parse().map_err(|_| malformed())?;
            if name != "content-length" && name != "date" {
                headers.append(name, HeaderValue::from_str(value).map_err(|_| malformed())?);
            }
        }
        Ok(Self { headers, body: Bytes::copy_from_slice(body.as_bytes()) })
    }

    /// The answer, once the request has come whole.
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let mut body = request.into_body();
        while let Some(Ok(_)) = body.frame().await {}
        let mut response = Response::new(Full::new(self.body.clone()));
        response.headers_mut().clone_from(&self.headers);
        Ok(response)
    }
}

async fn serve(listener: TcpListener, fixed: Arc<FixedAnswer>) -> Result<(), Failure> {
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(connection(stream, Arc::clone(&fixed)));
    }
}

/// The same settings as the real server's listener.
async fn connection(stream: TcpStream, fixed: Arc<FixedAnswer>) {
    // A connection with a delay is slower, not wrong.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| fixed.answer(request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    // The generator hangs up when a round is over.
    let _ = connection.await;
}

/// Waits on a thread of its own, so that the ceiling is not lowered by it.
async fn standard_input_ends() {
    let (ended, end) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().lock().read_to_end(&mut Vec::new());
        let _ = ended.send(());
    });
    let _ = end.await;
}

const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
const HEAD_BYTES_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http_client::Connection;

    #[tokio::test]
    async fn gives_the_same_answer_again_and_again() {
        let real =
            b"HTTP/1.1 200 OK\r\ncontent-type: a/b\r\nx-amzn-requestid: 7\r\ncontent-length: 2\r\ndate: then\r\n\r\n{}";
        let fixed = Arc::new(FixedAnswer::parse(real).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, fixed));
        let mut client = Connection::open(address).await.unwrap();
        for _ in 0..2 {
            let answer = client.exchange(b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\nabc").await.unwrap();
            assert_eq!((answer.status, answer.body), (200, b"{}".as_slice()));
            let head = String::from_utf8(answer.head.to_vec()).unwrap();
            let mut names: Vec<_> = http_client::headers(&head).map(|(name, _)| name).collect();
            names.sort_unstable();
            assert_eq!(names, ["content-length", "content-type", "date", "x-amzn-requestid"]);
            assert!(!head.contains("then"));
        }
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        assert!(FixedAnswer::parse(b"HTTP/1.1 200 OK\r\n").is_err());
        assert!(FixedAnswer::parse(b"HTTP/1.1 200 OK\r\nbad name: x\r\n\r\n").is_err());
    }
}
