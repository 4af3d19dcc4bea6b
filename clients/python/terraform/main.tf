# Keys and principals as a stock Terraform configuration declares them. Not here: which server; the test says that.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }
variable "account" { type = string }
# What a second apply changes: descriptions, tags, policies, names of members.
variable "version_of_all" { type = string }

provider "aws" {
  region = "us-west-2"
  endpoints {
    iam = var.endpoint
    kms = var.endpoint
    sts = var.endpoint
  }
}

provider "aws" {
  alias  = "far"
  region = "us-east-1"
  endpoints {
    iam = var.endpoint
    kms = var.endpoint
    sts = var.endpoint
  }
}

locals {
  first = var.version_of_all == "1"
}

data "aws_caller_identity" "me" {}

data "aws_iam_policy_document" "use" {
  statement {
    actions   = local.first ? ["kms:Encrypt", "kms:Decrypt"] : ["kms:Decrypt"]
    resources = [aws_kms_key.app.arn]
  }
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = [aws_iam_user.deployer.arn]
    }
  }
}

resource "aws_kms_key" "app" {
  description             = "key of the application, ${var.version_of_all}"
  enable_key_rotation     = true
  rotation_period_in_days = local.first ? 365 : 180
  deletion_window_in_days = 7
  tags                    = local.first ? { Team = "blue", Old = "1" } : { Team = "red", New = "1" }
}

resource "aws_kms_alias" "app" {
  name          = "alias/terraform-app"
  target_key_id = aws_kms_key.app.key_id
}

resource "aws_kms_grant" "app" {
  name              = "terraform-app"
  key_id            = aws_kms_key.app.key_id
  grantee_principal = aws_iam_role.app.arn
  operations        = ["Encrypt", "Decrypt"]
}

resource "aws_iam_policy" "use" {
  name        = "terraform-use"
  path        = "/terraform/"
  description = "use of the key"
  policy      = data.aws_iam_policy_document.use.json
  tags        = { Team = "blue", Version = var.version_of_all }
}

resource "aws_iam_user" "deployer" {
  name                 = "terraform-deployer"
  path                 = "/terraform/"
  permissions_boundary = local.first ? "arn:aws:iam::aws:policy/PowerUserAccess" : aws_iam_policy.use.arn
  force_destroy        = true
  tags                 = { Team = "blue", Version = var.version_of_all }
}

resource "aws_iam_access_key" "deployer" {
  user = aws_iam_user.deployer.name
}

resource "aws_iam_user_policy" "own" {
  name   = "own"
  user   = aws_iam_user.deployer.name
  policy = data.aws_iam_policy_document.use.json
}

resource "aws_iam_user_policy_attachment" "read" {
  user       = aws_iam_user.deployer.name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}

resource "aws_iam_group" "team" {
  name = "terraform-team"
}

resource "aws_iam_group_policy_attachment" "use" {
  group      = aws_iam_group.team.name
  policy_arn = aws_iam_policy.use.arn
}

resource "aws_iam_user_group_membership" "deployer" {
  user   = aws_iam_user.deployer.name
  groups = [aws_iam_group.team.name]
}

resource "aws_iam_role" "app" {
  name                 = "terraform-app"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  description          = "role of the application, ${var.version_of_all}"
  max_session_duration = local.first ? 7200 : 3600
  tags                 = { Team = "blue", Version = var.version_of_all }
}

resource "aws_iam_role_policy" "own" {
  name   = "own"
  role   = aws_iam_role.app.name
  policy = data.aws_iam_policy_document.use.json
}

resource "aws_iam_role_policy_attachment" "use" {
  role       = aws_iam_role.app.name
  policy_arn = aws_iam_policy.use.arn
}

resource "aws_iam_instance_profile" "app" {
  name = "terraform-app"
  role = aws_iam_role.app.name
}

resource "aws_iam_group_policy" "own" {
  name   = "own"
  group  = aws_iam_group.team.name
  policy = data.aws_iam_policy_document.use.json
}

resource "aws_iam_user" "member" {
  name = "terraform-member"
}

resource "aws_iam_group" "closed" {
  name = local.first ? "terraform-closed" : "terraform-closed-renamed"
  path = "/terraform/"
}

resource "aws_iam_group_membership" "closed" {
  name  = "closed"
  group = aws_iam_group.closed.name
  users = local.first ? [aws_iam_user.member.name, aws_iam_user.deployer.name] : [aws_iam_user.member.name]
}

resource "aws_iam_policy_attachment" "everywhere" {
  name       = "everywhere"
  policy_arn = aws_iam_policy.second.arn
  users      = [aws_iam_user.member.name]
  roles      = local.first ? [aws_iam_role.app.name] : []
  groups     = [aws_iam_group.closed.name]
}

resource "aws_iam_policy" "second" {
  name_prefix = "terraform-second-"
  policy      = data.aws_iam_policy_document.use.json
}

resource "aws_iam_virtual_mfa_device" "one" {
  virtual_mfa_device_name = "terraform-device"
  path                    = "/terraform/"
  tags                    = { Version = var.version_of_all }
}

resource "aws_iam_openid_connect_provider" "cluster" {
  url             = "https://oidc.example.com/id/TERRAFORM"
  client_id_list  = local.first ? ["sts.amazonaws.com"] : ["sts.amazonaws.com", "ci"]
  thumbprint_list = [local.first ? "cf23df2207d99a74fbe169e3eba035e633b65d94" : "9e99a48a9960b14926bb7f3b02e22da2b0ab7280"]
  tags            = { Version = var.version_of_all }
}

resource "aws_iam_account_alias" "name" {
  account_alias = local.first ? "terraform-home" : "terraform-home-renamed"
}

# A key whose policy is a resource of its own, and is written as a document.
data "aws_iam_policy_document" "key" {
  statement {
    sid       = "Account"
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${data.aws_caller_identity.me.account_id}:root"]
    }
  }
  statement {
    sid       = "Use"
    actions   = local.first ? ["kms:Encrypt", "kms:Decrypt"] : ["kms:Decrypt"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [aws_iam_role.app.arn, aws_iam_user.deployer.arn]
    }
    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:app"
      values   = ["terraform"]
    }
  }
}

resource "aws_kms_key" "separate" {
  deletion_window_in_days = 7
}

resource "aws_kms_key_policy" "separate" {
  key_id = aws_kms_key.separate.key_id
  policy = data.aws_iam_policy_document.key.json
}

resource "aws_kms_key" "written" {
  policy                  = data.aws_iam_policy_document.key.json
  is_enabled              = local.first
  deletion_window_in_days = 7
}

resource "aws_kms_key" "signer" {
  customer_master_key_spec = "ECC_NIST_P256"
  key_usage                = "SIGN_VERIFY"
  deletion_window_in_days  = 7
}

resource "aws_kms_key" "mac" {
  customer_master_key_spec = "HMAC_256"
  key_usage                = "GENERATE_VERIFY_MAC"
  deletion_window_in_days  = 7
}

resource "aws_kms_key" "primary" {
  description             = "of two Regions"
  multi_region            = true
  deletion_window_in_days = 7
}

resource "aws_kms_replica_key" "far" {
  provider                = aws.far
  primary_key_arn         = aws_kms_key.primary.arn
  description             = "replica, ${var.version_of_all}"
  deletion_window_in_days = 7
  tags                    = { Version = var.version_of_all }
}

resource "aws_kms_external_key" "brought" {
  description             = "imported, ${var.version_of_all}"
  key_material_base64     = "jzsNXmLBqUfw3hsHc0qFzCkV/mCzKEdsoe6Qc7XUFi8="
  enabled                 = true
  deletion_window_in_days = 7
  tags                    = { Version = var.version_of_all }
}

resource "aws_kms_alias" "brought" {
  name          = "alias/terraform-brought"
  target_key_id = local.first ? aws_kms_external_key.brought.id : aws_kms_key.app.key_id
}

resource "aws_kms_grant" "constrained" {
  key_id             = aws_kms_key.app.key_id
  grantee_principal  = aws_iam_user.deployer.arn
  retiring_principal = aws_iam_role.app.arn
  operations         = ["Decrypt", "GenerateDataKey"]
  constraints {
    encryption_context_subset = { app = "terraform" }
  }
}

resource "aws_kms_ciphertext" "sealed" {
  key_id    = aws_kms_key.app.key_id
  plaintext = "a value that is sealed"
  context   = { app = "terraform" }
}

data "aws_kms_secrets" "opened" {
  secret {
    name    = "value"
    payload = aws_kms_ciphertext.sealed.ciphertext_blob
    context = { app = "terraform" }
  }
}

data "aws_kms_key" "by_alias" { key_id = aws_kms_alias.app.arn }
data "aws_kms_alias" "app" { name = aws_kms_alias.app.name }
data "aws_kms_public_key" "signer" { key_id = aws_kms_key.signer.key_id }
data "aws_iam_user" "deployer" { user_name = aws_iam_user.deployer.name }
data "aws_iam_role" "app" { name = aws_iam_role.app.name }
data "aws_iam_policy" "use" { arn = aws_iam_policy.use.arn }
data "aws_iam_policy" "of_the_service" { name = "ReadOnlyAccess" }
data "aws_iam_instance_profile" "app" { name = aws_iam_instance_profile.app.name }
data "aws_iam_openid_connect_provider" "cluster" { arn = aws_iam_openid_connect_provider.cluster.arn }

data "aws_iam_group" "team" {
  group_name = aws_iam_group.team.name
  depends_on = [aws_iam_user_group_membership.deployer]
}

output "account" { value = data.aws_caller_identity.me.account_id }
output "key" { value = aws_kms_key.app.arn }

output "sealed" { value = nonsensitive(data.aws_kms_secrets.opened.plaintext["value"]) == "a value that is sealed" }
output "separate" { value = aws_kms_key.separate.arn }
output "replica" { value = aws_kms_replica_key.far.arn }
output "brought" { value = aws_kms_external_key.brought.arn }
output "written" { value = aws_kms_key.written.arn }
output "policy" { value = aws_iam_policy.use.arn }
output "looked_up" {
  value = [
    data.aws_kms_key.by_alias.arn, data.aws_kms_alias.app.target_key_arn, data.aws_iam_user.deployer.arn,
    data.aws_iam_role.app.arn, data.aws_iam_policy.use.arn, data.aws_iam_policy.of_the_service.arn,
    data.aws_iam_instance_profile.app.arn, data.aws_iam_openid_connect_provider.cluster.arn,
    data.aws_iam_group.team.users[0].arn, data.aws_kms_public_key.signer.arn,
  ]
}
