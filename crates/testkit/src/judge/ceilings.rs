//! The tables of `vectors/policy/ceilings.json` and `ceilings-of-trust.json`: key policies with grants, and trust
//! policies, under boundaries and session policies; decided by engine and judge alike.
//!
//! Not here: real calls; `clients/python/test_identity_ceilings.py` makes one for each of these answers.
//! Invariant: every table answers for every combination of policies, once.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Caller, CallerType, Case, Grant, Kind, judge,
    tests::{bare, effect_name, engine, source_name},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    about: String,
    resource: String,
    action: String,
    identity: Map<String, Value>,
    boundary: Map<String, Value>,
    session: Map<String, Value>,
    order: Vec<String>,
    tables: Vec<Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    why: String,
    callers: Vec<String>,
    policy: Vec<String>,
    #[serde(default)]
    grant: Option<String>,
    lines: Vec<Vec<String>>,
}

/// One answer of a table, with the words for what it is about.
struct Cell<'a> {
    table: &'a Table,
    caller: &'a str,
    identity: &'a str,
    boundary: &'a str,
    session: &'a str,
    expected: &'a str,
}

#[test]
fn engine_and_judge_agree_with_the_tables_of_keys() {
    check(include_str!("../../../../vectors/policy/ceilings.json"), 1_000);
}

#[test]
fn engine_and_judge_agree_with_the_tables_of_trust() {
    check(include_str!("../../../../vectors/policy/ceilings-of-trust.json"), 400);
}

/// Engine and judge give every answer of the tables, of which there are at least so many.
fn check(text: &str, answers_min: usize) {
    let file: File = serde_json::from_str(text).unwrap();
    assert!(file.about.contains("Rules:"));
    let mut count = 0;
    let mut wrong = Vec::new();
    for cell in file.tables.iter().flat_map(|table| cells(&file, table)) {
        let case = case(&file, &cell);
        let verdict = judge(&case);
        let decision = engine(&case);
        let found =
            [shown(verdict.decision, verdict.by), shown(effect_name(decision.effect), source_name(decision.by))];
        count += 1;
        if found != [cell.expected, cell.expected] {
            let Cell { table, caller, identity, boundary, session, expected } = cell;
            wrong.push(format!(
                "{}: {caller}, identity {identity}, boundary {boundary}, session {session}: expected {expected}, judge \
                 and engine {found:?} ({})",
                table.name, table.why
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= answers_min, "{count} answers");
}

/// The answers of a table, one for each combination of caller and policies.
fn cells<'a>(file: &'a File, table: &'a Table) -> Vec<Cell<'a>> {
    let mut all = Vec::new();
    for caller in &table.callers {
        let sessions: Vec<&str> = file.order.iter().map(String::as_str).collect();
        assert_eq!(sessions.len(), file.session.len());
        let sessions = if caller.contains("user") { vec!["absent"] } else { sessions };
        let mut seen = BTreeSet::new();
        for line in &table.lines {
            let [identities, boundaries, answers @ ..] = line.as_slice() else { panic!("{}: {line:?}", table.name) };
            assert_eq!(answers.len(), sessions.len(), "{}: {line:?}", table.name);
            for (identity, boundary) in
                identities.split(' ').flat_map(|one| boundaries.split(' ').map(move |other| (one, other)))
            {
                assert!(file.identity.contains_key(identity) && file.boundary.contains_key(boundary), "{line:?}");
                assert!(seen.insert((identity, boundary)), "{}: {identity} {boundary} twice", table.name);
                all.extend(sessions.iter().zip(answers).map(|(session, expected)| Cell {
                    table,
                    caller,
                    identity,
                    boundary,
                    session,
                    expected,
                }));
            }
        }
        assert_eq!(seen.len(), file.identity.len() * file.boundary.len(), "{} is not complete", table.name);
    }
    all
}

fn case(file: &File, cell: &Cell<'_>) -> Case {
    let names = Names::of(cell.caller);
    let document = |statements: &Value| {
        let document = json!({ "Version": "2012-10-17", "Statement": statements });
        (!statements.is_null()).then_some(document)
    };
    let (kind, resource, action) = match file.resource.as_str() {
        "key" => (Kind::Key, format!("arn:aws:kms:us-west-2:{HOME}:key/1234abcd-12ab-34cd-56ef-1234567890ab"), "kms:*"),
        "role" => (Kind::Role, format!("arn:aws:iam::{HOME}:role/trusting"), "sts:AssumeRole"),
        other => panic!("{other}"),
    };
    let mut statements = vec![statement("Allow", json!({ "AWS": format!("arn:aws:iam::{HOME}:user/Admin") }))];
    statements.extend(cell.table.policy.iter().map(|text| own_statement(text, &names)));
    for statement in &mut statements {
        statement["Action"] = action.into();
        // A trust policy is about its role and has no Resource.
        if kind == Kind::Key {
            statement["Resource"] = "*".into();
        }
    }
    let grants = cell.table.grant.as_ref().map(|to| Grant {
        grantee: names.arn(to).to_owned(),
        grantee_id: names.caller.id.clone(),
        operations: vec!["Encrypt".into()],
        equals: None,
        subset: None,
    });
    Case {
        action: file.action.clone(),
        resource,
        resource_account: HOME.into(),
        identity: document(&file.identity[cell.identity]).into_iter().collect(),
        boundary: document(&file.boundary[cell.boundary]),
        session: document(&file.session[cell.session]).map(|document| vec![document]),
        resource_policy: Some(json!({ "Version": "2012-10-17", "Statement": statements })),
        grants: grants.into_iter().collect(),
        ..bare(kind, names.caller)
    }
}

/// A statement of the resource's policy from its words.
fn own_statement(text: &str, names: &Names) -> Value {
    let account = format!("arn:aws:iam::{}:root", names.account);
    match text.split_once(' ') {
        Some((effect, "everyone")) => statement(effect, json!("*")),
        Some((effect, "account")) => statement(effect, json!({ "AWS": account })),
        Some(("Deny", rest)) if rest.starts_with("all but ") => {
            let spared = names.arn(rest.trim_start_matches("all but "));
            let mut made = statement("Deny", Value::Null);
            let members = made.as_object_mut().unwrap();
            members.remove("Principal");
            members.insert("NotPrincipal".into(), json!({ "AWS": [account, spared] }));
            made
        }
        Some((effect, who)) => statement(effect, json!({ "AWS": names.arn(who) })),
        None => panic!("{text}"),
    }
}

fn statement(effect: &str, principal: Value) -> Value {
    json!({ "Effect": effect, "Principal": principal })
}

/// The ARNs of a caller, by the word that policies and grants of the tables have for them.
struct Names {
    caller: Caller,
    account: &'static str,
}

impl Names {
    fn of(word: &str) -> Self {
        let account = if word.starts_with("foreign-") { OTHER } else { HOME };
        let user = format!("arn:aws:iam::{account}:user/someone");
        let (kind, arn, behind) = match word.trim_start_matches("foreign-") {
            "federated" => (CallerType::Federated, format!("arn:aws:sts::{account}:federated-user/guest"), Some(user)),
            "role" => (
                CallerType::Role,
                format!("arn:aws:sts::{account}:assumed-role/worker/s1"),
                Some(format!("arn:aws:iam::{account}:role/worker")),
            ),
            "user" | "user-session" => (CallerType::User, user, None),
            other => panic!("{other}"),
        };
        let id = Some("AIDACASE".into());
        Self { caller: Caller { kind, arn, account: Some(account.into()), behind, id }, account }
    }

    fn arn(&self, word: &str) -> &str {
        match (word, self.caller.kind) {
            ("user", CallerType::User) | ("session", CallerType::Federated | CallerType::Role) => &self.caller.arn,
            ("user", CallerType::Federated) | ("role", CallerType::Role) => self.caller.behind.as_ref().unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

fn shown(decision: &str, by: &str) -> String {
    let sign = match decision {
        "Allow" => '+',
        "ExplicitDeny" => '!',
        "ImplicitDeny" => '-',
        other => panic!("{other}"),
    };
    format!("{sign}{by}")
}

const HOME: &str = "111122223333";
const OTHER: &str = "444455556666";
