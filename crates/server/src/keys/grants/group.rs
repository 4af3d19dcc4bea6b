//! The grants of one key to one grantee, and which of them a decision has to look at.
//!
//! A grantee may hold every grant of a key, each for another object (as one for each encrypted volume). What a call
//! brings along, its operation, its encryption context and whom it is made for, names the few grants that can give it
//! anything, so that a decision does not grow with their number.
//! Not here: whether a grant gives an access; the decision compares that in full.
//! Invariant: of all grants that would give an access, one is among the candidates.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{BuildHasher as _, Hash, RandomState},
    ops::Deref,
    sync::Arc,
};

use super::{entry::GrantEntry, operation::GrantOperation, terms::GrantConstraints};

/// Grants of one key to one grantee, in the order of their ids.
#[derive(Debug, Clone)]
pub struct Held(Arc<Group>);

#[derive(Debug)]
struct Group {
    grants: Box<[GrantEntry]>,
    /// None for a few grants: looking at all of them is faster.
    index: Option<Index>,
}

/// What a call brings along.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The operation.
    pub operation: GrantOperation,
    /// The pairs of the encryption context.
    pub context: &'a BTreeMap<String, String>,
    /// The resource on behalf of which it is made.
    pub source_arn: Option<&'a str>,
}

impl Held {
    pub(super) fn new(grants: Vec<GrantEntry>) -> Self {
        let index = (grants.len() > FEW).then(|| Index::new(&grants));
        Self(Arc::new(Group { grants: grants.into(), index }))
    }

    /// Grants of which one gives what is wanted, if any grant does.
    #[must_use]
    pub fn candidates(&self, wanted: Wanted<'_>) -> Vec<&GrantEntry> {
        match &self.0.index {
            None => self.0.grants.iter().collect(),
            Some(index) => index.find(wanted).into_iter().filter_map(|place| self.0.grants.get(place)).collect(),
        }
    }
}

impl Deref for Held {
    type Target = [GrantEntry];

    fn deref(&self) -> &[GrantEntry] {
        &self.0.grants
    }
}

/// Places of grants by what a call must bring along for them, as sorted hashes: a hash that two things share costs one
/// more look.
#[derive(Debug)]
struct Index {
    hasher: RandomState,
    places: Box<[(u64, u32)]>,
    /// Whether any grant wants pairs among others.
    has_subsets: bool,
}

/// By what a grant is found for an operation.
#[derive(Debug, Hash)]
enum Mark<'a> {
    /// The encryption context is exactly this.
    Equals(&'a BTreeMap<String, String>),
    /// Nothing more is wanted.
    Free,
    /// The encryption context has this pair.
    Pair(&'a str, &'a str),
    /// The call is made on behalf of this resource.
    Source(&'a str),
}

impl Index {
    fn new(grants: &[GrantEntry]) -> Self {
        let hasher = RandomState::new();
        let mut frequencies: HashMap<(&str, &str), usize> = HashMap::new();
        for pair in grants.iter().flat_map(|grant| &grant.record().terms.constraints.subset) {
            *frequencies.entry((pair.0, pair.1)).or_default() += 1;
        }
        let mut places = Vec::new();
        // Of grants that are alike for an operation the first is enough.
        let mut seen: HashSet<(GrantOperation, &GrantConstraints)> = HashSet::new();
        for (place, grant) in (0..).zip(grants) {
            let terms = &grant.record().terms;
            for operation in terms.operations.iter().copied() {
                if seen.insert((operation, &terms.constraints)) {
                    let mark = Mark::of(operation, &terms.constraints, &frequencies);
                    places.push((hasher.hash_one((operation, mark)), place));
                }
            }
        }
        places.sort_unstable();
        Self { hasher, places: places.into(), has_subsets: !frequencies.is_empty() }
    }

    /// The places of candidates, in their order.
    fn find(&self, wanted: Wanted<'_>) -> Vec<usize> {
        let Wanted { operation, context, source_arn } = wanted;
        let mut found = Vec::new();
        self.add(&mut found, operation, &Mark::Free);
        if let Some(source_arn) = source_arn {
            self.add(&mut found, operation, &Mark::Source(source_arn));
        }
        if !context.is_empty() {
            self.add(&mut found, operation, &Mark::Equals(context));
        }
        if self.has_subsets {
            for (key, value) in context {
                self.add(&mut found, operation, &Mark::Pair(key, value));
            }
        }
        found.sort_unstable();
        found
    }

    fn add(&self, found: &mut Vec<usize>, operation: GrantOperation, mark: &Mark<'_>) {
        let hash = self.hasher.hash_one((operation, mark));
        let first = self.places.partition_point(|(own, _)| *own < hash);
        let alike = self.places.iter().skip(first).take_while(|(own, _)| *own == hash);
        found.extend(alike.map(|(_, place)| *place as usize));
    }
}

impl<'a> Mark<'a> {
    /// The mark that tells a grant best from others.
    fn of(
        operation: GrantOperation,
        constraints: &'a GrantConstraints,
        frequencies: &HashMap<(&str, &str), usize>,
    ) -> Self {
        let frequency = |pair: &(&String, &String)| frequencies.get(&(pair.0.as_str(), pair.1.as_str())).copied();
        let rarest = constraints.subset.iter().min_by_key(frequency);
        match (rarest, &constraints.source_arn) {
            (Some((key, value)), _) if operation.has_context() => Self::Pair(key, value),
            _ if operation.has_context() && !constraints.equals.is_empty() => Self::Equals(&constraints.equals),
            (_, Some(source_arn)) => Self::Source(source_arn),
            (_, None) => Self::Free,
        }
    }
}

/// How many grants are looked at without an index.
const FEW: usize = 8;

#[cfg(test)]
mod tests {
    use kanuki_policy::{Effect, FactMap, Policies, Principal, Request, ResourceKind, decide};
    use kanuki_types::{Caller, CallerKind, EncryptionContext, UniqueId};
    use proptest::{collection::vec, prelude::*, sample::select, sample::subsequence};

    use super::*;
    use crate::keys::grants::{
        GrantRecord, GrantTerms,
        testing::{arn, numbered, record},
    };

    const ARN: &str = "arn:aws:iam::111122223333:user/alice";

    type Terms = (Vec<GrantOperation>, usize, Vec<(&'static str, &'static str)>, Option<&'static str>);

    fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
    }

    fn held(all: &[Terms]) -> Held {
        let entries = all.iter().enumerate().map(|(number, (operations, kind, given, source_arn))| {
            let given = pairs(given);
            let (equals, subset) = if *kind == 0 { (given, BTreeMap::new()) } else { (BTreeMap::new(), given) };
            let constraints = GrantConstraints { equals, subset, source_arn: source_arn.map(str::to_owned) };
            let terms = GrantTerms { operations: operations.clone(), constraints };
            GrantEntry::new(arn(1), numbered(number), GrantRecord { terms, ..record("AIDA") })
        });
        Held::new(entries.collect())
    }

    /// Whether a grant gives the operation, by the engine's own comparison.
    fn gives(grant: &GrantEntry, wanted: Wanted<'_>) -> bool {
        let account = "111122223333".parse().unwrap();
        let kind = CallerKind::User { path: "/".into(), name: "alice".into(), id: UniqueId::new("AIDA") };
        let (facts, context) = (FactMap::new(), EncryptionContext::new(wanted.context.clone()).unwrap());
        let request = Request {
            action: &format!("kms:{}", wanted.operation.as_str()),
            resource: "arn:aws:kms:us-west-2:111122223333:key/1",
            resource_kind: ResourceKind::KmsKey,
            resource_account: account,
            principal: &Principal::from_caller(&Caller { account, kind }),
            facts: &facts,
            encryption_context: Some(&context),
        };
        let source_arn = &grant.record().terms.constraints.source_arn;
        source_arn.as_deref().is_none_or(|own| wanted.source_arn == Some(own))
            && decide(&request, &Policies { grants: &[grant.view(ARN, None)], ..Policies::default() }).effect
                == Effect::Allow
    }

    fn some_pairs() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
        subsequence(vec![("a", "1"), ("a2", "1"), ("b", "1"), ("c", "")], 0..=3)
    }

    fn terms() -> impl Strategy<Value = Terms> {
        use GrantOperation::{Decrypt, DescribeKey, Encrypt};
        let operations = subsequence(vec![Decrypt, DescribeKey, Encrypt], 0..=2);
        (operations, 0..2_usize, some_pairs(), select(vec![None, None, Some("s1"), Some("s2")]))
    }

    proptest! {
        #[test]
        fn one_that_gives_is_a_candidate(
            all in vec(terms(), 0..40),
            operation in select(GrantOperation::ALL),
            context in some_pairs(),
            source_arn in select(vec![None, Some("s1"), Some("s3")]),
        ) {
            let (held, context) = (held(&all), pairs(&context));
            let wanted = Wanted { operation, context: &context, source_arn };
            let expected = held.iter().find(|grant| gives(grant, wanted)).map(GrantEntry::id);
            let found = held.candidates(wanted).into_iter().find(|grant| gives(grant, wanted)).map(GrantEntry::id);
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn candidates_do_not_grow_with_the_grants() {
        use GrantOperation::{Decrypt, Encrypt};
        let object =
            |number: usize| BTreeMap::from([("common".to_owned(), "x".to_owned()), ("o".into(), number.to_string())]);
        let entries = (0..1_000).map(|number| {
            let constraints = GrantConstraints { subset: object(number), ..GrantConstraints::default() };
            let terms = GrantTerms { operations: vec![Decrypt], constraints };
            GrantEntry::new(arn(1), numbered(number), GrantRecord { terms, ..record("AIDA") })
        });
        let held = Held::new(entries.collect());
        let context = object(700);
        let of = |operation| held.candidates(Wanted { operation, context: &context, source_arn: None });
        assert_eq!(of(Decrypt).iter().map(|grant| grant.id()).collect::<Vec<_>>(), [numbered(700)]);
        assert!(of(Encrypt).is_empty());
    }
}
