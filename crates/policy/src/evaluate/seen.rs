//! What the policies of a request say: for each kind, whether a statement denies and which allow.
//!
//! Not here: what follows from it.
//! Invariants: every statement of every document is looked at; the first of each kind is remembered.

use crate::{
    condition::Condition,
    decision::{PolicyKind, Source, StatementRef},
    grants::{GrantMismatch, GrantReach, GrantView},
    principal::{MatchKinds, PrincipalKind},
    request::{NamedDocument, Policies, Request, ResourceKind},
    statement::{Statement, StatementEffect},
};

/// Sees what an evaluation looks at.
pub(crate) trait Observer {
    /// Whether everything is to be evaluated, also what cannot change the decision any more.
    const RECORDS: bool;

    /// The statements that follow belong to this document.
    fn document(&mut self, _kind: PolicyKind, _level: usize, _document: &NamedDocument) {}

    /// A condition of the statement that follows has been evaluated.
    fn condition(&mut self, _condition: &Condition, _request: &Request<'_>, _holds: bool) {}

    /// A statement has been evaluated.
    fn statement(&mut self, _index: usize, _statement: &Statement, _request: &Request<'_>, _found: Found) {}

    /// A grant has been evaluated.
    fn grant(&mut self, _grant: &GrantView<'_>, _reach: Result<GrantReach, GrantMismatch>) {}
}

/// Which parts of a statement match.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) action: bool,
    /// None if the statement has no Principal element.
    pub(crate) principal: Option<MatchKinds>,
    pub(crate) resource: bool,
    pub(crate) conditions: bool,
}

impl Found {
    /// Whether the statement applies.
    pub(crate) fn applies(self) -> bool {
        self.action && self.principal != Some(MatchKinds::NONE) && self.resource && self.conditions
    }
}

/// Sees nothing.
pub(super) struct Unobserved;

impl Observer for Unobserved {
    const RECORDS: bool = false;
}

/// What all policies say.
#[derive(Debug, Default)]
pub(super) struct Seen {
    service_control: Levels,
    resource_control: Levels,
    pub(super) resource: ResourceSide,
    pub(super) identity: Side,
    boundary: Option<Side>,
    session: Option<Side>,
    direct_grant: Option<usize>,
    limited_grant: Option<usize>,
}

/// What one kind of policy says.
#[derive(Debug, Default)]
pub(super) struct Side {
    deny: Option<StatementRef>,
    pub(super) allow: Option<StatementRef>,
}

/// What the levels of an organization say.
#[derive(Debug, Default)]
struct Levels {
    deny: Option<StatementRef>,
    /// A level allows nothing.
    closed: bool,
}

/// What the resource's policy says: which statement allows, for each way to name the caller.
#[derive(Debug, Default)]
pub(super) struct ResourceSide {
    deny: Option<StatementRef>,
    pub(super) any: Option<StatementRef>,
    pub(super) direct: Option<StatementRef>,
    pub(super) service: Option<StatementRef>,
    pub(super) limited: Option<StatementRef>,
    pub(super) account: Option<StatementRef>,
}

impl Seen {
    pub(super) fn gather<O: Observer>(request: &Request<'_>, policies: &Policies<'_>, observer: &mut O) -> Self {
        let has_account = request.principal.account().is_some();
        let mut scan = Scan { request, has_boundary: policies.boundary.is_some(), observer };
        let mut seen = Self::default();
        // Service control policies bind the principals of an account, and no others.
        if has_account {
            seen.service_control = scan.levels(PolicyKind::ServiceControl, policies.service_control);
        }
        seen.resource_control = scan.levels(PolicyKind::ResourceControl, policies.resource_control);
        seen.resource = scan.resource(policies.resource);
        if has_account {
            seen.identity = scan.side(PolicyKind::Identity, 0, policies.identity);
            let boundary = policies.boundary.map(std::slice::from_ref);
            seen.boundary = boundary.map(|documents| scan.side(PolicyKind::Boundary, 0, documents));
            seen.session = policies.session.map(|documents| scan.side(PolicyKind::Session, 0, documents));
        }
        let grants = if request.resource_kind == ResourceKind::KmsKey { policies.grants } else { &[] };
        for (index, grant) in grants.iter().enumerate() {
            let reach = grant.reach(request);
            scan.observer.grant(grant, reach);
            match reach {
                Ok(GrantReach::Direct) => seen.direct_grant = seen.direct_grant.or(Some(index)),
                Ok(GrantReach::Limited) => seen.limited_grant = seen.limited_grant.or(Some(index)),
                Err(_) => {}
            }
        }
        seen
    }

    /// The first explicit deny, in the order in which kinds of policies are named.
    pub(super) fn explicit_deny(&self) -> Option<StatementRef> {
        let of = |side: &Option<Side>| side.as_ref().and_then(|side| side.deny);
        (self.service_control.deny)
            .or(self.resource_control.deny)
            .or(self.resource.deny)
            .or(self.identity.deny)
            .or_else(|| of(&self.boundary))
            .or_else(|| of(&self.session))
    }

    /// The kind of control policy of which one level does not allow.
    pub(super) fn closed_level(&self) -> Option<Source> {
        match (self.resource_control.closed, self.service_control.closed) {
            (true, _) => Some(Source::ResourceControl),
            (_, true) => Some(Source::ServiceControl),
            _ => None,
        }
    }

    /// The grant that allows. One to the caller's role is limited like a key policy that names the role.
    pub(super) fn grant(&self, kind: PrincipalKind) -> Option<usize> {
        self.direct_grant.or_else(|| self.limited_grant.filter(|_| self.missing_ceiling(kind).is_none()))
    }

    /// The first of boundary and session policies that is set and does not allow. A federated user without session
    /// policies has no permissions to pass on.
    pub(super) fn missing_ceiling(&self, kind: PrincipalKind) -> Option<Source> {
        let lacks = |side: &Option<Side>| side.as_ref().is_some_and(|side| side.allow.is_none());
        if lacks(&self.boundary) {
            Some(Source::Boundary)
        } else if lacks(&self.session) || (self.session.is_none() && kind == PrincipalKind::FederatedUser) {
            Some(Source::Session)
        } else {
            None
        }
    }
}

impl ResourceSide {
    /// The statement that names the caller in the strongest way.
    pub(super) fn strongest(&self) -> Option<StatementRef> {
        self.any.or(self.direct).or(self.service).or(self.limited).or(self.account)
    }

    fn add(&mut self, effect: StatementEffect, kinds: MatchKinds, at: StatementRef) {
        if effect == StatementEffect::Deny {
            self.deny.get_or_insert(at);
            return;
        }
        for (kind, place) in [
            (MatchKinds::ANY, &mut self.any),
            (MatchKinds::DIRECT, &mut self.direct),
            (MatchKinds::SERVICE, &mut self.service),
            (MatchKinds::LIMITED, &mut self.limited),
            (MatchKinds::ACCOUNT, &mut self.account),
        ] {
            if kinds.contains(kind) {
                place.get_or_insert(at);
            }
        }
    }
}

/// Walks over documents.
struct Scan<'s, O> {
    request: &'s Request<'s>,
    has_boundary: bool,
    observer: &'s mut O,
}

impl<O: Observer> Scan<'_, O> {
    fn levels(&mut self, kind: PolicyKind, levels: &[Vec<NamedDocument>]) -> Levels {
        let mut all = Levels::default();
        for (level, documents) in levels.iter().enumerate() {
            let side = self.side(kind, level, documents);
            all.deny = all.deny.or(side.deny);
            all.closed |= side.allow.is_none();
        }
        all
    }

    fn side(&mut self, kind: PolicyKind, level: usize, documents: &[NamedDocument]) -> Side {
        let mut side = Side::default();
        self.documents(kind, level, documents, |effect, _, at| match effect {
            StatementEffect::Allow => side.allow = side.allow.or(Some(at)),
            StatementEffect::Deny => side.deny = side.deny.or(Some(at)),
        });
        side
    }

    fn resource(&mut self, document: Option<&NamedDocument>) -> ResourceSide {
        let mut side = ResourceSide::default();
        let documents = document.map_or(&[][..], std::slice::from_ref);
        self.documents(PolicyKind::Resource, 0, documents, |effect, kinds, at| side.add(effect, kinds, at));
        side
    }

    /// Hands every statement that applies to `apply`.
    fn documents(
        &mut self,
        kind: PolicyKind,
        level: usize,
        documents: &[NamedDocument],
        mut apply: impl FnMut(StatementEffect, MatchKinds, StatementRef),
    ) {
        for (document, named) in documents.iter().enumerate() {
            self.observer.document(kind, level, named);
            for (index, statement) in named.document.statements.iter().enumerate() {
                let found = self.statement(statement);
                self.observer.statement(index, statement, self.request, found);
                if found.applies() {
                    let at = StatementRef { kind, level, document, statement: index };
                    apply(statement.effect, found.principal.unwrap_or_default(), at);
                }
            }
        }
    }

    /// Evaluates a statement, cheapest part first; unless all is recorded, up to the first part that does not match.
    fn statement(&mut self, statement: &Statement) -> Found {
        let Request { action, resource, principal, facts, .. } = self.request;
        let mut found = Found { action: false, principal: None, resource: false, conditions: false };
        found.action = statement.action.matches(action);
        if !found.action && !O::RECORDS {
            return found;
        }
        found.principal = statement.principal.as_ref().map(|element| element.matches(principal, self.has_boundary));
        if found.principal == Some(MatchKinds::NONE) && !O::RECORDS {
            return found;
        }
        found.resource = statement.resource.matches(resource, *facts);
        if !found.resource && !O::RECORDS {
            return found;
        }
        found.conditions = self.conditions(&statement.conditions);
        found
    }

    fn conditions(&mut self, conditions: &[Condition]) -> bool {
        let mut all = true;
        for condition in conditions {
            let holds = condition.holds(self.request.facts);
            self.observer.condition(condition, self.request, holds);
            all &= holds;
            if !holds && !O::RECORDS {
                break;
            }
        }
        all
    }
}
