//! The form of the ARNs that an action is about.
//!
//! Not here: actions of services that are not spoken here; their form is `*`, which stands for none.
//! Rule: the resource types in "Actions, resources, and condition keys" for KMS, IAM and STS of the service authorization
//! reference.

/// The form of the ARN of what an action is about.
pub(super) fn resource_of(action: &str) -> &'static str {
    let Some((service, name)) = action.split_once(':') else { return NONE };
    match service.to_ascii_lowercase().as_str() {
        "iam" => iam(name),
        "kms" => kms(name),
        "sts" if name.get(..ASSUME.len()).is_some_and(|start| start.eq_ignore_ascii_case(ASSUME)) => ROLE,
        _ => NONE,
    }
}

fn kms(name: &str) -> &'static str {
    let is = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    match () {
        () if is(&["CreateAlias", "DeleteAlias", "UpdateAlias"]) => ALIAS,
        () if is(KMS_WITHOUT_KEY) => NONE,
        () => KEY,
    }
}

/// What an action of IAM is about stands in its name; the list goes from what is told by one word to what is told by
/// what is left.
fn iam(name: &str) -> &'static str {
    let name = name.to_ascii_lowercase();
    if IAM_WITHOUT_RESOURCE.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
        return NONE;
    }
    let words = [
        ("instanceprofile", INSTANCE_PROFILE),
        ("openidconnectprovider", OIDC_PROVIDER),
        ("virtualmfadevice", MFA_DEVICE),
        ("mfadevicetags", MFA_DEVICE),
        ("group", GROUP),
        ("role", ROLE),
        ("assumerolepolicy", ROLE),
        ("user", USER),
        ("accesskey", USER),
        ("loginprofile", USER),
        ("mfadevice", USER),
        ("policy", POLICY),
    ];
    if ["listgroupsforuser"].contains(&name.as_str()) {
        return USER;
    }
    words.into_iter().find(|(word, _)| name.contains(word)).map_or(NONE, |(_, form)| form)
}

const NONE: &str = "*";
const ASSUME: &str = "AssumeRole";
const KEY: &str = "arn:${Partition}:kms:${Region}:${Account}:key/${KeyId}";
const ALIAS: &str = "arn:${Partition}:kms:${Region}:${Account}:alias/${Alias}";
const GROUP: &str = "arn:${Partition}:iam::${Account}:group/${GroupNameWithPath}";
const INSTANCE_PROFILE: &str = "arn:${Partition}:iam::${Account}:instance-profile/${InstanceProfileNameWithPath}";
const MFA_DEVICE: &str = "arn:${Partition}:iam::${Account}:mfa/${MfaTokenIdWithPath}";
const OIDC_PROVIDER: &str = "arn:${Partition}:iam::${Account}:oidc-provider/${OidcProviderName}";
const POLICY: &str = "arn:${Partition}:iam::${Account}:policy/${PolicyNameWithPath}";
const ROLE: &str = "arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}";
const USER: &str = "arn:${Partition}:iam::${Account}:user/${UserNameWithPath}";

const KMS_WITHOUT_KEY: &[&str] = &[
    "ConnectCustomKeyStore",
    "CreateCustomKeyStore",
    "CreateKey",
    "DeleteCustomKeyStore",
    "DescribeCustomKeyStores",
    "DisconnectCustomKeyStore",
    "GenerateRandom",
    "ListAliases",
    "ListKeys",
    "ListRetirableGrants",
    "UpdateCustomKeyStore",
];
const IAM_WITHOUT_RESOURCE: &[&str] = &[
    "CreateAccountAlias",
    "DeleteAccountAlias",
    "GenerateCredentialReport",
    "GetAccountAuthorizationDetails",
    "GetAccountPasswordPolicy",
    "GetAccountSummary",
    "GetContextKeysForCustomPolicy",
    "GetCredentialReport",
    "ListAccountAliases",
    "ListGroups",
    "ListInstanceProfiles",
    "ListOpenIDConnectProviders",
    "ListPolicies",
    "ListRoles",
    "ListUsers",
    "ListVirtualMFADevices",
    "SimulateCustomPolicy",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_about_what_their_name_says() {
        for (action, form) in [
            ("kms:Decrypt", KEY),
            ("KMS:decrypt", KEY),
            ("kms:UpdateAlias", ALIAS),
            ("kms:ListKeys", NONE),
            ("sts:AssumeRoleWithWebIdentity", ROLE),
            ("sts:GetCallerIdentity", NONE),
            ("iam:CreateUser", USER),
            ("iam:AddUserToGroup", GROUP),
            ("iam:ListGroupsForUser", USER),
            ("iam:AddRoleToInstanceProfile", INSTANCE_PROFILE),
            ("iam:ListInstanceProfilesForRole", INSTANCE_PROFILE),
            ("iam:UpdateAssumeRolePolicy", ROLE),
            ("iam:AttachRolePolicy", ROLE),
            ("iam:CreatePolicyVersion", POLICY),
            ("iam:EnableMFADevice", USER),
            ("iam:DeleteVirtualMFADevice", MFA_DEVICE),
            ("iam:ListUsers", NONE),
            ("iam:GetOpenIDConnectProvider", OIDC_PROVIDER),
            ("s3:GetObject", NONE),
            ("Decrypt", NONE),
        ] {
            assert_eq!(resource_of(action), form, "{action}");
        }
    }
}
