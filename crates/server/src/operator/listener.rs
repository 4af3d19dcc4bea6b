//! The socket: who may knock, and how much may be said.
//!
//! Invariants: the socket's file is its owner's alone; a peer of another user than the owner or root gets no answer;
//! lines, times and the number of peers are bounded.

use std::{
    fmt,
    fs::{self, File, Permissions},
    future::Future,
    io,
    os::{
        fd::AsRawFd as _,
        unix::fs::{MetadataExt as _, PermissionsExt as _},
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    time::timeout,
};

use super::{ACT_BYTES_MAX, ANSWER_BYTES_MAX, Act, Answer, Operator, Peer};

/// The open socket.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    owner: u32,
}

impl Socket {
    /// Opens the socket in a data directory that no other server holds; what an earlier one left there is removed.
    ///
    /// # Errors
    /// If the file cannot be made or closed to others.
    pub fn open(directory: &Path) -> io::Result<Self> {
        let path = directory.join(FILE);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let held = File::open(directory)?;
        let listener = UnixListener::bind(address(&held, &path))?;
        fs::set_permissions(&path, Permissions::from_mode(MODE))?;
        // The file belongs to whom the server runs as, however it came to that.
        let owner = fs::symlink_metadata(&path)?.uid();
        Ok(Self { listener, path, owner })
    }

    /// Answers peers until `stop` resolves, and removes the file.
    pub async fn serve(self, operator: Arc<Operator>, stop: impl Future<Output = ()>) {
        let slots = Arc::new(Semaphore::new(PEERS_MAX));
        tokio::pin!(stop);
        loop {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { break };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut stop => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    let (operator, owner) = (Arc::clone(&operator), self.owner);
                    tokio::spawn(async move {
                        if let Err(error) = attend(stream, owner, &operator).await {
                            tracing::warn!(%error, "an operator's connection broke");
                        }
                        drop(slot);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "an operator's connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        // Acts that are under way come to their end: a half-told change would be one without an answer.
        let all = u32::try_from(PEERS_MAX).unwrap_or(u32::MAX);
        if timeout(DRAIN, slots.acquire_many(all)).await.is_err() {
            tracing::warn!("some operators were cut at the stop");
        }
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(%error, "the operator's socket was gone already");
        }
    }
}

/// Reads one act, has it done, writes the answer.
async fn attend(mut stream: UnixStream, owner: u32, operator: &Operator) -> io::Result<()> {
    let credentials = stream.peer_cred()?;
    let peer = Peer { uid: credentials.uid(), pid: credentials.pid() };
    if peer.uid != owner && peer.uid != ROOT {
        tracing::warn!(uid = peer.uid, "another user knocked at the operator's socket");
        return write(&mut stream, &Answer::Refused("only the server's own user and root may ask".into())).await;
    }
    let line = timeout(ACT_TIME_MAX, line(&mut stream, ACT_BYTES_MAX)).await??;
    let answer = match serde_json::from_slice::<Act>(&line) {
        Ok(act) => operator.perform(&act, peer).await,
        Err(error) => Answer::Refused(format!("this is no act that this server knows: {error}")),
    };
    timeout(ACT_TIME_MAX, write(&mut stream, &answer)).await?
}

/// Asks the server of a data directory.
///
/// # Errors
/// If no server answers there.
pub async fn ask(directory: &Path, act: &Act) -> Result<Answer, SocketError> {
    let path = directory.join(FILE);
    let held = File::open(directory).map_err(SocketError::Absent)?;
    let mut stream = UnixStream::connect(address(&held, &path)).await.map_err(SocketError::Absent)?;
    let mut asked = serde_json::to_vec(act).map_err(|error| SocketError::Broken(error.into()))?;
    asked.push(b'\n');
    stream.write_all(&asked).await.map_err(SocketError::Broken)?;
    let answered = line(&mut stream, ANSWER_BYTES_MAX).await.map_err(SocketError::Broken)?;
    serde_json::from_slice(&answered).map_err(|error| SocketError::Broken(error.into()))
}

/// Why a server could not be asked.
#[derive(Debug)]
pub enum SocketError {
    /// Nobody listens.
    Absent(io::Error),
    /// The conversation broke off.
    Broken(io::Error),
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(error) => write!(f, "no server runs on this data directory, or it is not yours: {error}"),
            Self::Broken(error) => write!(f, "the server did not answer: {error}"),
        }
    }
}

impl std::error::Error for SocketError {}

/// One line without its end.
async fn line(stream: &mut UnixStream, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    BufReader::new(stream.take(limit)).read_until(b'\n', &mut line).await?;
    match line.pop() {
        Some(b'\n') => Ok(line),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "the line is too long, or it broke off")),
    }
}

async fn write(stream: &mut UnixStream, answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    if line.len() >= ANSWER_BYTES_MAX {
        let sentence = format!("the answer has more than {ANSWER_BYTES_MAX} bytes: ask for less");
        line = serde_json::to_vec(&Answer::Refused(sentence))?;
    }
    line.push(b'\n');
    stream.write_all(&line).await?;
    stream.shutdown().await
}

/// The path by which the system reaches the socket. Addresses of sockets are short: a long one goes through the
/// descriptor of the directory.
fn address(directory: &File, path: &Path) -> PathBuf {
    if path.as_os_str().len() <= PATH_BYTES_MAX {
        return path.to_owned();
    }
    PathBuf::from(format!("/proc/self/fd/{}/{FILE}", directory.as_raw_fd()))
}

/// The socket in the data directory.
const FILE: &str = "operator.sock";
const MODE: u32 = 0o600;
const ROOT: u32 = 0;
/// Longest path of a socket, in bytes ("unix(7)": 108 with its end).
const PATH_BYTES_MAX: usize = 100;
/// Most operators at once; more wait.
const PEERS_MAX: usize = 8;
/// Longest time for an act to be told, and for its answer to be taken.
const ACT_TIME_MAX: Duration = Duration::from_secs(10);
/// Longest wait for acts under way when the server stops.
const DRAIN: Duration = Duration::from_secs(10);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
