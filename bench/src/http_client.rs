//! A keep-alive HTTP/1.1 client that costs as little as it can: whole requests out, answers with a stated length in.
//!
//! Not here: redirects, chunks, pipelining. Invariants: an answer is handed out only when it came whole and nothing
//! came behind it; heads and bodies are bounded.

use std::{fmt, io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer, as it lies in the connection's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer<'a> {
    /// The status code.
    pub(crate) status: u16,
    /// Status line and headers, with the empty line.
    pub(crate) head: &'a [u8],
    /// The body.
    pub(crate) body: &'a [u8],
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// If nobody listens.
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER_BYTES] })
    }

    /// Sends a whole request and waits for the whole answer.
    ///
    /// # Errors
    /// If the connection breaks or what comes is no such answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>, BadAnswer> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        let mut head = None;
        let (head, total) = loop {
            if filled == self.buffer.len() {
                return Err(BadAnswer::TooLong);
            }
            let space = self.buffer.get_mut(filled..).unwrap_or_default();
            filled += match self.stream.read(space).await? {
                0 => return Err(BadAnswer::Cut),
                count => count,
            };
            head = match head {
                None => Head::parse(self.buffer.get(..filled).unwrap_or_default())?,
                some => some,
            };
            let Some(head) = head else { continue };
            let total = head.length + head.body_length;
            if total > self.buffer.len() {
                self.buffer.resize(total, 0);
            }
            if filled >= total {
                break (head, total);
            }
        };
        if filled > total {
            return Err(BadAnswer::Unasked);
        }
        let answer = self.buffer.get(..total).and_then(|all| all.split_at_checked(head.length));
        let (before, body) = answer.ok_or(BadAnswer::Cut)?;
        Ok(Answer { status: head.status, head: before, body })
    }
}

/// What the head of an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    status: u16,
    /// Length of the head, with its empty line.
    length: usize,
    body_length: usize,
}

impl Head {
    /// Reads a head; none while it is not whole.
    fn parse(bytes: &[u8]) -> Result<Option<Self>, BadAnswer> {
        let Some(end) = bytes.windows(END.len()).position(|window| window == END) else { return Ok(None) };
        let text = bytes.get(..end).and_then(|head| std::str::from_utf8(head).ok()).ok_or(BadAnswer::Head)?;
        let status = text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
        let body_length = value(text, "content-length").and_then(|text| text.parse().ok()).ok_or(BadAnswer::Length)?;
        if body_length > BODY_BYTES_MAX {
            return Err(BadAnswer::TooLong);
        }
        Ok(Some(Self { status: status.ok_or(BadAnswer::Head)?, length: end + END.len(), body_length }))
    }
}

/// The headers of a head, without the status line.
pub(crate) fn headers(head: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = head.split("\r\n").skip(1);
    lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.trim()))
}

fn value<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    headers(head).find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum BadAnswer {
    /// The connection ended before the answer did.
    Cut,
    /// The head is none.
    Head,
    /// The connection broke.
    Io(io::Error),
    /// The head states no length of the body.
    Length,
    /// Head or body are over their limits.
    TooLong,
    /// More came than was asked for.
    Unasked,
}

impl fmt::Display for BadAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut => f.write_str("the connection ended in the middle of an answer"),
            Self::Head => f.write_str("the head of an answer is malformed"),
            Self::Io(error) => write!(f, "the connection broke: {error}"),
            Self::Length => f.write_str("an answer states no length"),
            Self::TooLong => f.write_str("an answer is longer than any should be"),
            Self::Unasked => f.write_str("more came than was asked for"),
        }
    }
}

impl std::error::Error for BadAnswer {}

impl From<io::Error> for BadAnswer {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<BadAnswer> for crate::failure::Failure {
    fn from(bad: BadAnswer) -> Self {
        Self::new(bad.to_string())
    }
}

const END: &[u8] = b"\r\n\r\n";
/// Room for a head, and for most bodies with it.
const BUFFER_BYTES: usize = 16 << 10;
const BODY_BYTES_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn reads_a_head_when_it_is_whole() {
        let bytes = b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(Head::parse(bytes).unwrap(), Some(Head { status: 200, length: 44, body_length: 5 }));
        for end in 0..44 {
            assert_eq!(Head::parse(&bytes[..end]).unwrap(), None, "{end}");
        }
    }

    #[test]
    fn refuses_what_is_no_head() {
        let refused = |text: &str| Head::parse(text.as_bytes()).unwrap_err();
        assert!(matches!(refused("HTTP/1.1 200 OK\r\nA: b\r\n\r\n"), BadAnswer::Length));
        assert!(matches!(refused("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), BadAnswer::Length));
        assert!(matches!(refused("HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n"), BadAnswer::Head));
        assert!(matches!(refused("SSH-2.0\r\nContent-Length: 0\r\n\r\n"), BadAnswer::Head));
        assert!(matches!(refused("HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n"), BadAnswer::TooLong));
    }

    /// Answers each connection with some pieces, in separate writes.
    async fn exchange(pieces: &'static [&'static str]) -> Result<(u16, String), BadAnswer> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut request = [0; 3];
            stream.read_exact(&mut request).await.unwrap();
            for piece in pieces {
                stream.write_all(piece.as_bytes()).await.unwrap();
                tokio::task::yield_now().await;
            }
            request
        });
        let mut connection = Connection::open(address).await.unwrap();
        let answer = connection.exchange(b"ask").await;
        let answer = answer.map(|answer| (answer.status, String::from_utf8(answer.body.to_vec()).unwrap()));
        assert_eq!(&server.await.unwrap(), b"ask");
        answer
    }

    #[tokio::test]
    async fn puts_an_answer_together() {
        let answer = exchange(&["HTTP/1.1 40", "0 Bad\r\ncontent-length: 4\r\n", "\r\nab", "cd"]).await;
        assert_eq!(answer.unwrap(), (400, "abcd".into()));
    }

    #[tokio::test]
    async fn takes_nothing_but_one_whole_answer() {
        let cut = exchange(&["HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab"]).await;
        assert!(matches!(cut, Err(BadAnswer::Cut)), "{cut:?}");
        let more = exchange(&["HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nabcde"]).await;
        assert!(matches!(more, Err(BadAnswer::Unasked)), "{more:?}");
    }
}
