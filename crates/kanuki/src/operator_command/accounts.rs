//! Answers about accounts as text.

use kanuki_server::operator::Act;
use serde_json::Value;

use super::{answer, items, text_of};
use crate::{data_dir::DataDirectory, error::CommandError};

/// Every page of accounts.
pub(super) fn pages(data: &DataDirectory) -> Result<Vec<Value>, CommandError> {
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = answer(data, &Act::ListAccounts { after })?;
        after = text_of(&page, "next").parse().ok();
        pages.push(page);
        if after.is_none() {
            return Ok(pages);
        }
    }
}

pub(super) fn created(answer: &Value) -> String {
    let account = text_of(answer, "account");
    format!("account {account} is there; `kanuki accounts root-credentials {account}` gives its root an access key\n")
}

pub(super) fn listed(page: &Value) -> String {
    let line = |account: &Value| {
        let keys = items(account, "rootAccessKeys").len();
        let home = if account.get("home") == Some(&Value::Bool(true)) { "  home" } else { "" };
        let alias = match text_of(account, "alias") {
            "" => String::new(),
            alias => format!("  {alias}"),
        };
        let created = text_of(account, "created");
        format!("{}  made {created}  root access keys: {keys}{home}{alias}\n", text_of(account, "account"))
    };
    items(page, "accounts").iter().map(line).collect()
}

pub(super) fn credentials(answer: &Value, data: &DataDirectory) -> String {
    let (account, key, profile) =
        (text_of(answer, "account"), text_of(answer, "accessKeyId"), text_of(answer, "profile"));
    let directory = data.path().display();
    format!(
        "access key {key} of the root of {account} is in {} as profile {profile}:\n  eval \"$(kanuki env --data-dir \
         {directory} --profile {profile})\"\n",
        data.credentials().display()
    )
}
