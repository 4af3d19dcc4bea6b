//! Starts the keeper as a child process and watches it.
//!
//! Invariants: the server's only way to the keeper is one socket; a keeper that ends is never started again by itself,
//! because a dead keeper means a sealed server.

use std::{
    io,
    os::fd::OwnedFd,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
};

use kanuki_keeper_protocol::Client;
use tokio::{net::UnixStream, sync::oneshot};

use crate::{config::Seal, error::CommandError};

/// A running keeper.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) client: Client,
    /// Resolves when the process has ended.
    pub(crate) ended: oneshot::Receiver<io::Result<ExitStatus>>,
}

/// Starts a keeper. `create_seal_key` lets it make its key file.
///
/// # Errors
/// If the process cannot be started or does not speak the protocol.
pub(crate) async fn start_keeper(
    program: &Path,
    seal: &Seal,
    create_seal_key: bool,
    insecure_fixed_material: bool,
) -> Result<Keeper, CommandError> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(CommandError::from_error)?;
    let mut command = Command::new(program);
    command.arg("keeper");
    match seal {
        Seal::KeyFile(path) => command.arg("--key-file").arg(path),
        Seal::PassphraseFile(path) => command.arg("--passphrase-file").arg(path),
    };
    if create_seal_key {
        command.arg("--create-seal-key");
    }
    if insecure_fixed_material {
        command.arg("--insecure-fixed-material");
    }
    command.env_clear().stdin(OwnedFd::from(theirs)).stdout(Stdio::null());
    let child =
        command.spawn().map_err(|error| CommandError::from_error(error).during("the keeper cannot be started"))?;
    // The command holds the other end of the socket; without it the end of the process shows as the end of the stream.
    drop(command);
    let ended = watch(child)?;
    ours.set_nonblocking(true).map_err(CommandError::from_error)?;
    let stream = UnixStream::from_std(ours).map_err(CommandError::from_error)?;
    let client = Client::connect(stream).await.map_err(|error| {
        CommandError::from_error(error).during("the keeper did not come up (its reason stands above)")
    })?;
    Ok(Keeper { client, ended })
}

/// Waits for the process on a thread of its own.
fn watch(mut child: Child) -> Result<oneshot::Receiver<io::Result<ExitStatus>>, CommandError> {
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new()
        .name("keeper watch".into())
        .spawn(move || {
            // Nobody listens any more when the server ends first.
            let _ = sender.send(child.wait());
        })
        .map_err(CommandError::from_error)?;
    Ok(receiver)
}
