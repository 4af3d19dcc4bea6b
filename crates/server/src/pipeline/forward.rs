//! The door by which a service of this process calls KMS, for its caller or for itself.
//!
//! Not here: who the caller is; a [`Forwarded`] says it. Invariants: a forwarded call walks the same steps as a direct
//! one from its members on, and has a record of its own, which is durable before the service gets the answer; one
//! request has one record, also through the door of the insecure test mode.

use super::{Admitted, Pipeline, Step};
use crate::{
    authn::{Forwarded, Presented},
    authz::Circumstances,
    error::ApiError,
    http::{Incoming, InsecureNeighbour},
    operation::Service,
    operations,
    record::{Draft, Origin, Recorded},
    wire::{self, Call, Fields, Rendered},
};

impl Pipeline {
    /// Makes a KMS call for a service; the members are those of the API's request.
    pub(crate) async fn forward(&self, forwarded: Forwarded, operation: &str, members: Fields) -> Recorded {
        let call = Call::in_process(Service::Kms, operation);
        let now = self.doors.clock.now();
        let (caller, circumstances) = forwarded.into_parts(now);
        let region = caller.region().clone();
        let origin = caller.made_by().map_or_else(Origin::internal, Origin::service);
        let mut draft = Draft::begin(origin, &call, now, region, &*self.doors.random);
        draft.set_caller(&caller);
        let circumstances = Circumstances { request_id: draft.request_id().to_owned(), ..circumstances };
        let step = Step { pipeline: self, call: &call, caller: Some(caller), circumstances };
        let result = self.answer_service(step, members, &mut draft).await;
        self.recorder.conclude(draft, &call, result).await
    }

    async fn answer_service(&self, step: Step<'_>, members: Fields, draft: &mut Draft) -> Result<Rendered, ApiError> {
        self.recorder.check_healthy()?;
        let operation = operations::find(step.call).ok_or_else(|| wire::unknown_operation(step.call))?;
        draft.set_operation(operation.descriptor());
        operation.perform(step, members, draft).await
    }

    /// Takes a signed KMS request and makes its call as a neighbour service would: what a test needs to see forwarded
    /// calls from outside. A request that is refused before its caller is known has its record like any other.
    pub(crate) async fn walk_as_insecure_neighbour(
        &self,
        incoming: Incoming,
        neighbour: InsecureNeighbour,
    ) -> Recorded {
        let call = wire::recognise(&incoming);
        let presented = Presented::read(&incoming, call.dialect);
        let region = self.claimed_region(&call, presented.as_ref().ok());
        let origin = Origin::request(&incoming);
        let mut draft = Draft::begin(origin, &call, self.doors.clock.now(), region, &*self.doors.random);
        let admitted = self.admit(&call, &incoming, presented, &mut draft).await;
        let forwarded = admitted.and_then(|Admitted { operation, caller, circumstances, fields }| {
            let descriptor = operation.descriptor();
            let Some(caller) = caller.filter(|_| descriptor.service == Service::Kms) else {
                return Err(ApiError::validation("A neighbour service calls KMS and nothing else."));
            };
            Ok((neighbour.forwarded(&caller, circumstances)?, descriptor.name, fields))
        });
        match forwarded {
            Ok((forwarded, operation, members)) => self.forward(forwarded, operation, members).await,
            Err(error) => self.recorder.conclude(draft, &call, Err(error)).await,
        }
    }
}
