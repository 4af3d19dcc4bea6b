# Keys and principals as a stock Terraform configuration declares them. Not here: which server; the test says that.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }
variable "account" { type = string }

provider "aws" {
  region = "us-west-2"
  endpoints {
    iam = var.endpoint
    kms = var.endpoint
    sts = var.endpoint
  }
}

data "aws_caller_identity" "me" {}

data "aws_iam_policy_document" "use" {
  statement {
    actions   = ["kms:Encrypt", "kms:Decrypt"]
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
  description             = "key of the application"
  enable_key_rotation     = true
  deletion_window_in_days = 7
  tags                    = { Team = "blue" }
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
  tags        = { Team = "blue" }
}

resource "aws_iam_user" "deployer" {
  name                 = "terraform-deployer"
  path                 = "/terraform/"
  permissions_boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
  force_destroy        = true
  tags                 = { Team = "blue" }
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
  max_session_duration = 7200
  tags                 = { Team = "blue" }
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

output "account" { value = data.aws_caller_identity.me.account_id }
output "key" { value = aws_kms_key.app.arn }
