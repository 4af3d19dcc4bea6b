//! One helper process and the exchange with it.
//!
//! Invariants: it is killed when its owner drops it; it has no environment but the one that the operator chose.

use std::{os::fd::OwnedFd, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    process::{Child, Command},
    time::timeout,
};
use zeroize::Zeroizing;

use super::{
    TokenError, TokenRequest, TokenResponse, TokenSettings,
    message::{LENGTH_BYTES, frame_length, to_frame},
};

/// A running helper.
#[derive(Debug)]
pub(super) struct Helper {
    stream: UnixStream,
    /// Killed on drop.
    _process: Child,
}

impl Helper {
    /// Starts a helper for a token.
    pub(super) fn start(settings: &TokenSettings, label: &str) -> Result<Self, TokenError> {
        Self::spawn(settings, label).map_err(|error| {
            tracing::error!(%error, "the helper of a PKCS#11 token could not be started");
            TokenError::Gone
        })
    }

    fn spawn(settings: &TokenSettings, label: &str) -> std::io::Result<Self> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let process = Command::new(&settings.program)
            .arg("pkcs11-helper")
            .arg("--module")
            .arg(&settings.module)
            .arg("--token-label")
            .arg(label)
            .env_clear()
            .envs(&settings.environment)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { stream: UnixStream::from_std(ours)?, _process: process })
    }

    /// One exchange. After an error other than a refusal the helper is of no more use.
    pub(super) async fn ask(&mut self, request: &TokenRequest) -> Result<TokenResponse, TokenError> {
        let time = match request {
            TokenRequest::Open | TokenRequest::Login { .. } => START_TIME_MAX,
            _ => TOKEN_TIME_MAX,
        };
        let answer = timeout(time, self.exchange(request)).await.map_err(|_| TokenError::TimedOut)?;
        match answer.map_err(|_| TokenError::Gone)? {
            TokenResponse::Refused(reason) => Err(TokenError::Refused(reason)),
            answer => Ok(answer),
        }
    }

    async fn exchange(&mut self, request: &TokenRequest) -> std::io::Result<TokenResponse> {
        self.stream.write_all(&to_frame(request)?).await?;
        let mut front = [0; LENGTH_BYTES];
        self.stream.read_exact(&mut front).await?;
        let mut body = Zeroizing::new(vec![0; frame_length(front)?]);
        self.stream.read_exact(&mut body).await?;
        Ok(serde_json::from_slice(&body)?)
    }
}

/// How long a token may take for one request, and how long a request waits for those before it.
pub const TOKEN_TIME_MAX: Duration = Duration::from_secs(5);
/// How long loading the module, finding the token and logging in may take, each.
pub const START_TIME_MAX: Duration = Duration::from_secs(15);
