//! The service's managed policies that people attach, by the names that they know.
//!
//! Not the service's own texts: each file states in our words what the published policy of that name allows, for the
//! services that this program speaks. Invariants: sorted by name; every text parses; nothing here can be changed.

use std::{collections::BTreeMap, sync::Arc};

use kanuki_policy::{Document, NamedDocument, Target};
use kanuki_types::Timestamp;

use super::names::{NamedKind, entity_arn};

/// A managed policy of the service's.
#[derive(Debug)]
pub struct AwsPolicy {
    /// The name.
    pub name: &'static str,
    /// The path.
    pub path: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// The unique id.
    pub id: &'static str,
    /// The document.
    pub text: &'static str,
}

impl AwsPolicy {
    /// The ARN, the same in every account.
    #[must_use]
    pub fn arn(&self) -> String {
        entity_arn("aws", NamedKind::Policy.arn_word(), self.path, self.name)
    }

    /// When it was made.
    #[must_use]
    pub fn created(&self) -> Timestamp {
        Timestamp::from_seconds(CREATED_SECONDS)
    }
}

/// The one with that path and name.
#[must_use]
pub fn aws_policy(path: &str, name: &str) -> Option<&'static AwsPolicy> {
    let place = AWS_POLICIES.binary_search_by(|policy| policy.name.cmp(name)).ok()?;
    AWS_POLICIES.get(place).filter(|policy| policy.path == path)
}

/// Every one compiled, by ARN.
pub(super) fn compiled() -> BTreeMap<String, NamedDocument> {
    let compile = |policy: &AwsPolicy| {
        let document = Document::parse(Target::Identity, policy.text).ok()?;
        let arn = policy.arn();
        Some((arn.clone(), NamedDocument { name: arn.into(), document: Arc::new(document) }))
    };
    AWS_POLICIES.iter().filter_map(compile).collect()
}

/// The version of each of them.
pub const AWS_POLICY_VERSION: &str = "v1";

/// Every one, sorted by name.
pub static AWS_POLICIES: &[AwsPolicy] = &[
    AwsPolicy {
        name: "AWSCloudTrail_FullAccess",
        path: "/",
        description: "Provides full access to trails.",
        id: "ANPAIQNUJTQYDRJPC3BNK",
        text: include_str!("aws_managed/cloudtrail_full.json"),
    },
    AwsPolicy {
        name: "AWSCloudTrail_ReadOnlyAccess",
        path: "/",
        description: "Lets trails be read.",
        id: "ANPAKANUKICLOUDTRAILR",
        text: include_str!("aws_managed/cloudtrail_read_only.json"),
    },
    AwsPolicy {
        name: "AWSKeyManagementServicePowerUser",
        path: "/",
        description: "Lets keys be made, named, tagged and described, but neither used nor deleted.",
        id: "ANPAJNPP7PPPPMJRV2SA4",
        text: include_str!("aws_managed/kms_power_user.json"),
    },
    AwsPolicy {
        name: "AWSLambdaBasicExecutionRole",
        path: "/service-role/",
        description: "Lets functions write their logs.",
        id: "ANPAJNCQGXC42545SKXIK",
        text: include_str!("aws_managed/lambda_basic.json"),
    },
    AwsPolicy {
        name: "AdministratorAccess",
        path: "/",
        description: "Provides full access to every service and resource.",
        id: "ANPAIWMBCKSKIEE64ZLYK",
        text: include_str!("aws_managed/administrator.json"),
    },
    AwsPolicy {
        name: "AmazonS3FullAccess",
        path: "/",
        description: "Provides full access to every bucket.",
        id: "ANPAIFIR6V6BVTRAHWINE",
        text: include_str!("aws_managed/s3_full.json"),
    },
    AwsPolicy {
        name: "AmazonS3ReadOnlyAccess",
        path: "/",
        description: "Lets every bucket be read.",
        id: "ANPAIZTJ4DXE7G6AGAE6M",
        text: include_str!("aws_managed/s3_read_only.json"),
    },
    AwsPolicy {
        name: "AmazonSSMFullAccess",
        path: "/",
        description: "Provides full access to parameters and documents.",
        id: "ANPAJA7V6HI4ISQFMDYAG",
        text: include_str!("aws_managed/ssm_full.json"),
    },
    AwsPolicy {
        name: "AmazonSSMReadOnlyAccess",
        path: "/",
        description: "Lets parameters and documents be read.",
        id: "ANPAJODSKQGGJTHRYZ5FC",
        text: include_str!("aws_managed/ssm_read_only.json"),
    },
    AwsPolicy {
        name: "CloudWatchLogsFullAccess",
        path: "/",
        description: "Provides full access to logs.",
        id: "ANPAJ3ZGNWK2R5HW5BQFO",
        text: include_str!("aws_managed/logs_full.json"),
    },
    AwsPolicy {
        name: "IAMFullAccess",
        path: "/",
        description: "Provides full access to users, groups, roles and policies.",
        id: "ANPAI7XKCFMBPM3QQRRVQ",
        text: include_str!("aws_managed/iam_full.json"),
    },
    AwsPolicy {
        name: "IAMReadOnlyAccess",
        path: "/",
        description: "Lets users, groups, roles and policies be read.",
        id: "ANPAJKSO7NDY4T57MWDSQ",
        text: include_str!("aws_managed/iam_read_only.json"),
    },
    AwsPolicy {
        name: "IAMUserChangePassword",
        path: "/",
        description: "Lets users change their own password.",
        id: "ANPAJ4L4MM2A7QIEB56MS",
        text: include_str!("aws_managed/iam_change_password.json"),
    },
    AwsPolicy {
        name: "PowerUserAccess",
        path: "/",
        description: "Provides full access to every service and resource, but not to users, groups and roles.",
        id: "ANPAJYRXTHIB4FOVS3ZXS",
        text: include_str!("aws_managed/power_user.json"),
    },
    AwsPolicy {
        name: "ReadOnlyAccess",
        path: "/",
        description: "Lets every service and resource be read.",
        id: "ANPAILL3HVNFSB6DCOWYQ",
        text: include_str!("aws_managed/read_only.json"),
    },
    AwsPolicy {
        name: "SecretsManagerReadWrite",
        path: "/",
        description: "Provides full access to secrets, and reads the keys that protect them.",
        id: "ANPAI3VG7CI5BIQZQ6G2E",
        text: include_str!("aws_managed/secrets_manager.json"),
    },
    AwsPolicy {
        name: "SecurityAudit",
        path: "/",
        description: "Lets the configuration that matters for security be read.",
        id: "ANPAIX2T3QCXHR2OGGCTO",
        text: include_str!("aws_managed/security_audit.json"),
    },
    AwsPolicy {
        name: "ViewOnlyAccess",
        path: "/job-function/",
        description: "Lets resources and their names be listed, but not their content.",
        id: "ANPAID22R6XPJATWOFDK6",
        text: include_str!("aws_managed/view_only.json"),
    },
];

/// 6 February 2015, 18:39:46 UTC: when the first of them were published.
const CREATED_SECONDS: i64 = 1_423_247_986;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_is_found_and_parses() {
        assert!(AWS_POLICIES.is_sorted_by_key(|policy| policy.name));
        assert_eq!(compiled().len(), AWS_POLICIES.len());
        for policy in AWS_POLICIES {
            assert!(aws_policy(policy.path, policy.name).is_some(), "{}", policy.name);
            assert!(policy.id.starts_with("ANPA") && policy.id.len() == 21, "{}", policy.id);
        }
        assert!(aws_policy("/job-function/", "AdministratorAccess").is_none());
    }
}
