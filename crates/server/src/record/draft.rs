//! The audit record of a call while the call is under way.
//!
//! Not here: when it is written. Invariant: nothing of a request enters the record but what its operation declares.

use std::{borrow::Cow, sync::Arc};

use kanuki_trail::{
    AuditRecord, EventCategory, EventId, EventType, Resource, SessionAttributes, TlsDetails, UserIdentity,
    WebIdFederationData,
};
use kanuki_types::{AccountId, KeyArn, Random, Region, Timestamp};
use serde_json::{Map, Value, json};

use super::query_types::typed;
use crate::{
    authn::{Authenticated, ServicePrincipal},
    authz::{Access, Demands},
    error::{ApiError, ErrorCode},
    http::Incoming,
    keys::KeyEntry,
    last_usage::KeyUses,
    operation::{AuditExtras, Descriptor, Elsewhere, EventForm, Service, ServiceEvent},
    wire::{Call, Dialect, lower_camel},
};

/// Where a call comes from, in the words of its record.
#[derive(Debug)]
pub(crate) struct Origin {
    source: String,
    user_agent: Option<String>,
    tls: Option<TlsDetails>,
}

impl Origin {
    /// A request from outside.
    pub(crate) fn request(incoming: &Incoming) -> Self {
        let user_agent = incoming.header("user-agent").map(Cow::into_owned);
        let tls = incoming.tls.map(|session| TlsDetails {
            tls_version: session.version.into(),
            cipher_suite: session.cipher_suite.into(),
            client_provided_host_header: incoming.header("host").map(Cow::into_owned).unwrap_or_default(),
        });
        Self { source: incoming.peer.to_canonical().to_string(), user_agent, tls }
    }

    /// This server itself.
    pub(crate) fn internal() -> Self {
        Self { source: INTERNAL.into(), user_agent: Some(INTERNAL.into()), tls: None }
    }

    /// A service of this process.
    pub(crate) fn service(service: &ServicePrincipal) -> Self {
        Self { source: service.name().to_owned(), user_agent: Some(service.name().to_owned()), tls: None }
    }
}

/// What is known of a call so far.
#[derive(Debug)]
pub(crate) struct Draft {
    request_id: String,
    event_id: EventId,
    time: Timestamp,
    service: Service,
    name: Cow<'static, str>,
    read_only: bool,
    region: Region,
    source_ip: String,
    user_agent: Option<String>,
    tls: Option<TlsDetails>,
    identity: UserIdentity,
    account: Option<AccountId>,
    parameters: Option<Value>,
    resources: Vec<Resource>,
    /// The keys among them.
    keys: Vec<Arc<KeyEntry>>,
    extras: AuditExtras,
    committed: Option<Vec<u8>>,
}

impl Draft {
    /// Begins with what every request has.
    pub(crate) fn begin(origin: Origin, call: &Call, now: Timestamp, region: Region, random: &dyn Random) -> Self {
        Self {
            request_id: EventId::from_random(random.bytes()).to_string(),
            event_id: EventId::from_random(random.bytes()),
            time: now,
            service: call.service,
            name: call.operation.clone().into(),
            read_only: true,
            region,
            source_ip: origin.source,
            user_agent: origin.user_agent,
            tls: origin.tls,
            identity: UserIdentity::Unknown { access_key_id: None },
            account: None,
            parameters: None,
            resources: Vec::new(),
            keys: Vec::new(),
            extras: AuditExtras::default(),
            committed: None,
        }
    }

    pub(crate) fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The service and the operation, such as `kms:Decrypt`.
    pub(crate) fn operation(&self) -> String {
        format!("{}:{}", self.service.name(), self.name)
    }

    pub(crate) fn event_id(&self) -> EventId {
        self.event_id
    }

    /// Notes which operation it is.
    pub(crate) fn set_operation(&mut self, descriptor: &Descriptor) {
        self.name = descriptor.name.into();
        self.read_only = descriptor.read_only;
    }

    /// Notes which access key a request claims, while it is not verified.
    pub(crate) fn set_claimed_access_key(&mut self, access_key_id: String) {
        self.identity = UserIdentity::Unknown { access_key_id: Some(access_key_id) };
    }

    /// Notes who calls.
    pub(crate) fn set_caller(&mut self, caller: &Authenticated) {
        let attributes = caller.session().map(|session| SessionAttributes {
            creation_date: session.issued,
            mfa_authenticated: session.mfa.is_some(),
        });
        self.identity = UserIdentity::of(caller.caller(), Some(caller.access_key_id().to_owned()), attributes);
        if let Some(service) = caller.via().last() {
            self.identity = self.identity.clone().invoked_through(service.name().to_owned());
        }
        if let (UserIdentity::AssumedRole { session_context, .. }, Some(web)) = (&mut self.identity, caller.web()) {
            session_context.web_id_federation_data =
                Some(WebIdFederationData { federated_provider: web.provider_arn.clone(), attributes: Map::new() });
        }
        self.account = Some(caller.caller().account);
        self.region = caller.region().clone();
    }

    /// Notes the members that the operation declares, as the client sent them; numbers as numbers.
    pub(crate) fn set_parameters(&mut self, descriptor: &Descriptor, members: &Map<String, Value>) {
        let declared = descriptor.recorded.iter();
        let mut parameters: Map<String, Value> = declared
            .filter_map(|name| Some((name, members.get(*name).filter(|v| !v.is_null())?)))
            .map(|(name, value)| (lower_camel(name), typed(name, value)))
            .collect();
        for (name, value) in descriptor.recorded_defaults {
            parameters.entry(lower_camel(name)).or_insert_with(|| Value::from(*value));
        }
        self.parameters = (!parameters.is_empty()).then_some(Value::Object(parameters));
    }

    /// Notes parameters in the form that the operation gives them.
    pub(crate) fn replace_parameters(&mut self, parameters: Value) {
        self.parameters = Some(parameters);
    }

    /// Notes what is accessed.
    pub(crate) fn set_resources(&mut self, demands: &Demands) {
        self.resources.clear();
        self.keys.clear();
        for demand in demands.iter() {
            if let Access::Key { entry, .. } = &demand.access {
                self.keys.push(Arc::clone(entry));
            }
            let (kind, account, arn) = match &demand.access {
                Access::Key { entry, .. } => (KEY_TYPE, entry.arn().account, entry.named().to_owned()),
                Access::HiddenKey { arn, account } => (KEY_TYPE, *account, arn.clone()),
                Access::Alias { text, account, .. } => (KEY_TYPE, *account, text.clone()),
                Access::Role(role) => ("AWS::IAM::Role", role.account, role.arn.clone()),
                Access::Entity(entity) => {
                    let Some(account) = entity.account else { continue };
                    (entity.kind, account, entity.arn.clone())
                }
                Access::Any | Access::Other { .. } => continue,
            };
            let resource = Resource { account_id: account, kind: kind.into(), arn };
            if !self.resources.contains(&resource) {
                self.resources.push(resource);
            }
        }
    }

    /// What the call does to keys, if it is one of the operations whose uses are told.
    pub(crate) fn take_key_uses(&mut self) -> Option<KeyUses> {
        KeyUses::of(&self.name, std::mem::take(&mut self.keys))
    }

    /// When the call came.
    pub(crate) fn time(&self) -> Timestamp {
        self.time
    }

    /// Notes a key that the call makes.
    pub(crate) fn add_new_key(&mut self, arn: &KeyArn) {
        self.resources.push(key_resource(arn));
    }

    /// Notes what only the operation knows.
    pub(crate) fn set_extras(&mut self, extras: AuditExtras) {
        if let Some(arn) = &extras.new_key {
            self.resources.clear();
            self.add_new_key(arn);
        }
        self.extras = extras;
    }

    /// What else the success of the call is to be told by: its records in other Regions and its service events.
    ///
    /// # Errors
    /// As [`Draft::success_record`].
    pub(crate) fn further_records(&self, random: &dyn Random) -> Result<Vec<(EventId, Vec<u8>)>, ApiError> {
        let mut records = Vec::new();
        for elsewhere in &self.extras.elsewhere {
            let id = EventId::from_random(random.bytes());
            records.push((id, self.record_elsewhere(id, elsewhere)?));
        }
        for event in &self.extras.service_events {
            let id = EventId::from_random(random.bytes());
            records.push((id, service_event(id, self.time, event)?));
        }
        Ok(records)
    }

    /// The record of what the call did in another Region.
    fn record_elsewhere(&self, event_id: EventId, elsewhere: &Elsewhere) -> Result<Vec<u8>, ApiError> {
        let Elsewhere { name, arn, parameters, response_elements } = elsewhere;
        let record = AuditRecord {
            event_id,
            event_name: (*name).into(),
            aws_region: arn.region.clone(),
            request_parameters: parameters.clone(),
            response_elements: response_elements.clone(),
            resources: Some(vec![key_resource(arn)]),
            ..self.record()
        };
        record.to_bytes().map_err(ApiError::internal)
    }

    /// Notes that the record of success is in the outbox.
    pub(crate) fn set_committed(&mut self, record: Vec<u8>) {
        self.committed = Some(record);
    }

    /// The record that is in the outbox.
    pub(crate) fn committed(&self) -> Option<&[u8]> {
        self.committed.as_deref()
    }

    /// The record of a call that succeeded.
    ///
    /// # Errors
    /// If it cannot be serialised, which is a defect.
    pub(crate) fn success_record(&self) -> Result<Vec<u8>, ApiError> {
        let mut record = self.record();
        record.response_elements.clone_from(&self.extras.response_elements);
        record.additional_event_data.clone_from(&self.extras.additional_event_data);
        record.to_bytes().map_err(ApiError::internal)
    }

    /// The record of a call that failed.
    ///
    /// # Errors
    /// As [`Draft::success_record`].
    pub(crate) fn failure_record(&self, error: &ApiError, dialect: Dialect) -> Result<Vec<u8>, ApiError> {
        let mut record = self.record();
        let code = match error.code() {
            ErrorCode::AccessDenied => "AccessDenied",
            code if dialect == Dialect::Query => code.name_in(self.service),
            code => code.json_name(),
        };
        record.error_code = Some(code.into());
        record.error_message = error.message().map(|message| message.to_owned().into());
        record.to_bytes().map_err(ApiError::internal)
    }

    fn record(&self) -> AuditRecord {
        AuditRecord {
            user_identity: self.identity.clone(),
            event_time: self.time,
            event_source: format!("{}.amazonaws.com", self.service.name()).into(),
            event_name: self.name.clone(),
            aws_region: self.region.clone(),
            source_ip_address: self.source_ip.clone().into(),
            user_agent: self.user_agent.clone().map(Into::into),
            error_code: None,
            error_message: None,
            request_parameters: self.parameters.clone(),
            response_elements: None,
            additional_event_data: None,
            request_id: Some(self.request_id.clone().into()),
            event_id: self.event_id,
            read_only: self.read_only,
            resources: (!self.resources.is_empty()).then(|| self.resources.clone()),
            event_type: EventType::AwsApiCall,
            management_event: true,
            recipient_account_id: self.account,
            shared_event_id: None,
            service_event_details: None,
            event_category: EventCategory::Management,
            tls_details: self.tls.clone(),
        }
    }
}

/// The record of something that the server did to a key by itself.
///
/// # Errors
/// If it cannot be serialised, which is a defect.
pub(super) fn service_event(event_id: EventId, now: Timestamp, event: &ServiceEvent) -> Result<Vec<u8>, ApiError> {
    let ServiceEvent { name, arn, form } = event;
    let mut record = own_event(event_id, now, name, (arn.account, &arn.region));
    record.resources = Some(vec![key_resource(arn)]);
    match form {
        EventForm::Call { request_id } => {
            record.event_type = EventType::AwsApiCall;
            record.request_id = Some(request_id.clone().into());
            record.response_elements = Some(json!({ "keyId": arn.to_string() }));
        }
        EventForm::Event(details) => record.service_event_details = Some(details.clone()),
    }
    record.to_bytes().map_err(ApiError::internal)
}

/// Something that the server does to a custom key store by itself.
#[derive(Debug)]
pub struct StoreEvent {
    /// The name of the event.
    pub name: &'static str,
    /// The account that owns the store.
    pub account: AccountId,
    /// Its Region.
    pub region: Region,
    /// `serviceEventDetails`.
    pub details: Value,
}

/// The record of something that the server did to a custom key store by itself.
///
/// # Errors
/// If it cannot be serialised, which is a defect.
pub fn store_event(event_id: EventId, now: Timestamp, event: &StoreEvent) -> Result<Vec<u8>, ApiError> {
    let StoreEvent { name, account, region, details } = event;
    let mut record = own_event(event_id, now, name, (*account, region));
    record.service_event_details = Some(details.clone());
    record.to_bytes().map_err(ApiError::internal)
}

fn own_event(
    event_id: EventId,
    now: Timestamp,
    name: &'static str,
    (account, region): (AccountId, &Region),
) -> AuditRecord {
    AuditRecord {
        user_identity: UserIdentity::Internal { account_id: account, invoked_by: INTERNAL.into() },
        event_time: now,
        event_source: "kms.amazonaws.com".into(),
        event_name: name.into(),
        aws_region: region.clone(),
        source_ip_address: INTERNAL.into(),
        user_agent: Some(INTERNAL.into()),
        error_code: None,
        error_message: None,
        request_parameters: None,
        response_elements: None,
        additional_event_data: None,
        request_id: None,
        event_id,
        read_only: false,
        resources: None,
        event_type: EventType::AwsServiceEvent,
        management_event: true,
        recipient_account_id: Some(account),
        shared_event_id: None,
        service_event_details: None,
        event_category: EventCategory::Management,
        tls_details: None,
    }
}

fn key_resource(arn: &KeyArn) -> Resource {
    Resource { account_id: arn.account, kind: KEY_TYPE.into(), arn: arn.to_string() }
}

const KEY_TYPE: &str = "AWS::KMS::Key";
const INTERNAL: &str = "AWS Internal";
