//! Sealed, ready, draining: which message is answered when. The table is in the protocol crate's `protocol.md`.
//!
//! Not here: the operations (`ops/`), the connection (`serve.rs`) and which thread runs them (`slow.rs`).
//! Invariants: a keeper becomes ready once and never sealed again; in every other phase the operations are refused; a
//! draining keeper holds no key.

use std::sync::Arc;

use kanuki_keeper_protocol::{OwnedBytes, Reason, Request, Response};

use crate::{
    error::{Failed, OpError},
    keyring::Keyring,
    ops,
    seal::SealProvider,
    vault::Vault,
};

/// The keeper: its phase, and what it holds in it.
#[derive(Debug)]
pub(crate) struct Keeper {
    phase: Phase,
    insecure_fixed_material: bool,
}

#[derive(Debug)]
enum Phase {
    Sealed(Box<dyn SealProvider>),
    Ready(Arc<Vault>),
    Draining,
}

impl Keeper {
    /// A sealed keeper.
    pub(crate) fn new(provider: Box<dyn SealProvider>, insecure_fixed_material: bool) -> Self {
        Self { phase: Phase::Sealed(provider), insecure_fixed_material }
    }

    /// What a ready keeper holds; none in every other phase.
    pub(crate) fn vault(&self) -> Option<&Arc<Vault>> {
        match &self.phase {
            Phase::Ready(vault) => Some(vault),
            Phase::Sealed(_) | Phase::Draining => None,
        }
    }

    /// Answers one message. The greeting is the connection's own and refused here.
    pub(crate) fn answer(&mut self, request: &Request<'_>) -> Response {
        let answered = match (request, &mut self.phase) {
            (Request::Initialise, Phase::Sealed(_)) => self.initialise().map_err(OpError::from),
            (Request::Unseal { keyring }, Phase::Sealed(_)) => self.unseal(keyring.0).map_err(OpError::from),
            (Request::Drain, _) => {
                self.phase = Phase::Draining;
                Ok(Response::Done)
            }
            (Request::Hello { .. }, _) => Err(OpError::Refused(Reason::BadRequest)),
            (Request::Initialise | Request::Unseal { .. }, _) | (_, Phase::Sealed(_) | Phase::Draining) => {
                Err(OpError::Refused(Reason::WrongPhase))
            }
            (operation, Phase::Ready(vault)) => ops::answer(operation, vault),
        };
        answered.unwrap_or_else(Response::from)
    }

    fn initialise(&mut self) -> Result<Response, Failed> {
        let Phase::Sealed(provider) = &self.phase else { return Err(Failed) };
        let keyring = Keyring::create(provider.as_ref())?;
        let bytes = keyring.to_bytes()?;
        self.ready(keyring);
        Ok(Response::Bytes(OwnedBytes(bytes)))
    }

    fn unseal(&mut self, keyring: &[u8]) -> Result<Response, Failed> {
        let Phase::Sealed(provider) = &self.phase else { return Err(Failed) };
        let keyring = Keyring::unseal(keyring, provider.as_ref())?;
        self.ready(keyring);
        Ok(Response::Done)
    }

    fn ready(&mut self, keyring: Keyring) {
        self.phase = Phase::Ready(Arc::new(Vault::new(keyring, self.insecure_fixed_material)));
    }
}
