//! The services that have a key of their own in every account, and what they may do with it.
//!
//! Not here: the making of keys. Invariant: a policy lets principals of the owning account use the key through its
//! service alone, and lets the account look at it; nothing in it lets anybody manage the key.
//!
//! Rule: the key policies that the services show for their AWS managed keys.

use kanuki_types::{AWS_ALIAS_PREFIX, AccountId, AliasName, PARTITION, Region};

/// A service with a key of its own.
#[derive(Debug)]
pub(super) struct ManagedService {
    /// What follows `alias/aws/`.
    alias: &'static str,
    /// The name of its endpoint: the first part of `kms:ViaService`.
    endpoint: &'static str,
    /// Its name in the policy.
    name: &'static str,
    /// What its key protects, in the description.
    protects: &'static str,
    /// The id of the policy.
    policy_id: &'static str,
    /// What it does with the key for its callers.
    actions: &'static [&'static str],
    /// Whether data keys are made from other Regions too.
    far_data_keys: bool,
}

impl ManagedService {
    /// The service of an alias; none for an alias that is not predefined.
    pub(super) fn of(alias: &AliasName) -> Option<&'static Self> {
        let alias = alias.as_str().strip_prefix(AWS_ALIAS_PREFIX)?;
        SERVICES.iter().find(|service| service.alias == alias)
    }

    /// The predefined alias.
    pub(super) fn alias_name(&self) -> Option<AliasName> {
        format!("{AWS_ALIAS_PREFIX}{}", self.alias).parse().ok()
    }

    /// The description of the key.
    pub(super) fn description(&self) -> String {
        format!("Default key that protects my {} when no other key is defined", self.protects)
    }

    /// The policy of the key, as the API shows it.
    pub(super) fn policy(&self, account: AccountId, region: &Region) -> String {
        let Self { endpoint, name, policy_id, actions, .. } = self;
        let sid =
            format!("Allow access through {name} for all principals in the account that are authorized to use {name}");
        let here = [
            ("StringEquals", "kms:CallerAccount", account.to_string()),
            ("StringEquals", "kms:ViaService", format!("{endpoint}.{region}.amazonaws.com")),
        ];
        let mut statements = vec![statement(&sid, "*", actions, &here)];
        if self.far_data_keys {
            let anywhere = [
                ("StringEquals", "kms:CallerAccount", account.to_string()),
                ("StringLike", "kms:ViaService", format!("{endpoint}.*.amazonaws.com")),
            ];
            statements.push(statement(&sid, "*", &["kms:GenerateDataKey*"], &anywhere));
        }
        let look: &[&str] = if actions.contains(&"kms:CreateGrant") { LOOK_AND_REVOKE } else { LOOK };
        let root = format!("arn:{PARTITION}:iam::{account}:root");
        statements.push(statement("Allow direct access to key metadata to the account", &root, look, &[]));
        format!(
            "{{\n  \"Version\" : \"2012-10-17\",\n  \"Id\" : \"{policy_id}\",\n  \"Statement\" : [ {} ]\n}}",
            statements.join(", ")
        )
    }
}

/// A statement that allows, in the layout of the policies that the service writes. Conditions are operator, key, value.
fn statement(sid: &str, principal: &str, actions: &[&str], conditions: &[(&str, &str, String)]) -> String {
    let actions: Vec<String> = actions.iter().map(|action| format!("\"{action}\"")).collect();
    let actions = match actions.as_slice() {
        [one] => one.clone(),
        several => format!("[ {} ]", several.join(", ")),
    };
    let mut text = format!(
        "{{\n    \"Sid\" : \"{sid}\",\n    \"Effect\" : \"Allow\",\n    \"Principal\" : {{\n      \"AWS\" : \
         \"{principal}\"\n    }},\n    \"Action\" : {actions},\n    \"Resource\" : \"*\""
    );
    let blocks: Vec<String> = conditions
        .chunk_by(|left, right| left.0 == right.0)
        .map(|block| {
            let operator = block.first().map_or("", |(operator, ..)| operator);
            let pairs: Vec<String> =
                block.iter().map(|(_, key, value)| format!("        \"{key}\" : \"{value}\"")).collect();
            format!("      \"{operator}\" : {{\n{}\n      }}", pairs.join(",\n"))
        })
        .collect();
    if !blocks.is_empty() {
        text.push_str(",\n    \"Condition\" : {\n");
        text.push_str(&blocks.join(",\n"));
        text.push_str("\n    }");
    }
    text.push_str("\n  }");
    text
}

const LOOK: &[&str] = &["kms:Describe*", "kms:Get*", "kms:List*"];
const LOOK_AND_REVOKE: &[&str] = &["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"];

/// Of services that encrypt in the course of a call.
const USE: &[&str] = &["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"];
/// Of services that go on using the key when the call is over.
const USE_BY_GRANT: &[&str] =
    &["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey"];
/// Of services that keep account of their grants.
const USE_BY_LISTED_GRANT: &[&str] = &[
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncrypt*",
    "kms:GenerateDataKey*",
    "kms:CreateGrant",
    "kms:ListGrants",
    "kms:DescribeKey",
];
/// Of the service whose data keys are made from other Regions too.
const USE_WITHOUT_DATA_KEYS: &[&str] =
    &["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:CreateGrant", "kms:DescribeKey"];
/// Of services that pass messages on.
const USE_FOR_MESSAGES: &[&str] =
    &["kms:Decrypt", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:ListGrants", "kms:DescribeKey"];

/// Declares a service: alias, endpoint, name, what it protects, policy id, actions.
const fn service(
    [alias, endpoint, name, protects, policy_id]: [&'static str; 5],
    actions: &'static [&'static str],
) -> ManagedService {
    ManagedService { alias, endpoint, name, protects, policy_id, actions, far_data_keys: false }
}

/// Every service, by alias.
pub(super) const SERVICES: &[ManagedService] = &[
    service(["acm", "acm", "ACM", "ACM private keys", "auto-acm-3"], USE_BY_GRANT),
    service(["backup", "backup", "AWS Backup", "Backup data", "auto-backup-1"], USE_BY_GRANT),
    service(["codecommit", "codecommit", "CodeCommit", "CodeCommit repositories", "auto-codecommit-1"], USE),
    service(["dynamodb", "dynamodb", "Amazon DynamoDB", "DynamoDB data", "auto-dynamodb-1"], USE_BY_GRANT),
    service(["ebs", "ec2", "EBS", "EBS volumes", "auto-ebs-2"], USE_BY_GRANT),
    service(
        ["elasticfilesystem", "elasticfilesystem", "EFS", "EFS filesystems", "auto-elasticfilesystem-1"],
        USE_BY_GRANT,
    ),
    service(
        [
            "es",
            "es",
            "OpenSearch Service",
            "Amazon OpenSearch Service (successor to Amazon Elasticsearch Service) data",
            "auto-es-2",
        ],
        USE_BY_GRANT,
    ),
    service(["glue", "glue", "Glue", "Glue data", "auto-glue-1"], USE_BY_GRANT),
    service(["kafka", "kafka", "Kafka", "Kafka data", "auto-kafka-1"], USE_BY_LISTED_GRANT),
    service(["kinesis", "kinesis", "Kinesis", "Kinesis data", "auto-kinesis-1"], USE),
    service(["lambda", "lambda", "AWS Lambda", "Lambda functions", "auto-awslambda"], USE_BY_GRANT),
    service(["rds", "rds", "RDS", "RDS database volumes", "auto-rds-2"], USE_BY_LISTED_GRANT),
    service(["redshift", "redshift", "Redshift", "Redshift clusters", "auto-redshift-2"], USE_BY_GRANT),
    service(["s3", "s3", "S3", "S3 objects", "auto-s3-2"], USE),
    ManagedService {
        far_data_keys: true,
        ..service(
            [
                "secretsmanager",
                "secretsmanager",
                "AWS Secrets Manager",
                "Secrets Manager data",
                "auto-secretsmanager-2",
            ],
            USE_WITHOUT_DATA_KEYS,
        )
    },
    service(["sns", "sns", "SNS", "SNS data", "auto-sns-1"], USE_FOR_MESSAGES),
    service(["sqs", "sqs", "SQS", "SQS messages", "auto-sqs-1"], USE_FOR_MESSAGES),
    service(["ssm", "ssm", "SSM", "SSM parameters", "auto-ssm-1"], USE),
    service(["workspaces", "workspaces", "WorkSpaces", "WorkSpaces volumes", "auto-workspaces-1"], USE_BY_GRANT),
    service(["xray", "xray", "X-Ray", "X-Ray data", "auto-xray-1"], USE),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_sorted_by_alias() {
        assert!(SERVICES.iter().is_sorted_by_key(|service| service.alias));
    }

    #[test]
    fn no_policy_lets_anybody_manage_the_key() {
        let allowed: Vec<&str> =
            [USE_BY_LISTED_GRANT, LOOK_AND_REVOKE, USE, USE_BY_GRANT, USE_FOR_MESSAGES, USE_WITHOUT_DATA_KEYS].concat();
        for service in SERVICES {
            let text = service.policy("111122223333".parse().unwrap(), &"us-west-2".parse().unwrap());
            let policy: serde_json::Value = serde_json::from_str(&text).unwrap();
            let statements = policy["Statement"].as_array().unwrap();
            for statement in statements {
                let actions: Vec<&str> = match &statement["Action"] {
                    serde_json::Value::String(one) => vec![one],
                    several => several.as_array().unwrap().iter().map(|action| action.as_str().unwrap()).collect(),
                };
                assert!(actions.iter().all(|action| allowed.contains(action)), "{actions:?}");
                let of_everyone = statement["Principal"]["AWS"] == "*";
                assert_eq!(of_everyone, statement.get("Condition").is_some(), "{text}");
            }
            assert_eq!(text.matches("kms:CallerAccount").count(), statements.len() - 1);
            assert_eq!(text.matches("kms:ViaService").count(), statements.len() - 1);
        }
    }
}
