//! The commands that ask the running server through the operator's socket, and their answers as text.
//!
//! Not here: what an act does; the server decides, records and answers. Invariant: with `--json` the server's answer is
//! printed as it came.

mod access;
mod accounts;
mod explain;
mod lint;
mod policy_file;
mod supposed_call;

use std::io::Write;

use kanuki_server::operator::{Act, Answer, ask};
use serde_json::Value;

use crate::{
    cli::{AccountsCommand, ExplainArgs, LintArgs},
    data_dir::DataDirectory,
    error::CommandError,
};

/// Does what was asked about accounts.
///
/// # Errors
/// If no server answers, or if it refuses.
pub(crate) fn accounts(
    data: &DataDirectory,
    command: &AccountsCommand,
    json: bool,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let answers = match command {
        AccountsCommand::Create { id } => vec![answer(data, &Act::CreateAccount { account: *id })?],
        AccountsCommand::List => accounts::pages(data)?,
        AccountsCommand::RootCredentials { account, replace } => {
            vec![answer(data, &Act::CreateRootCredentials { account: *account, replace: *replace })?]
        }
    };
    let text = |answer: &Value| match command {
        AccountsCommand::Create { .. } => accounts::created(answer),
        AccountsCommand::List => accounts::listed(answer),
        AccountsCommand::RootCredentials { .. } => accounts::credentials(answer, data),
    };
    print(&answers, json, text, out)
}

/// Explains a call that was made, or one that nobody made.
///
/// # Errors
/// If no server answers, or if it refuses.
pub(crate) fn explain(
    data: &DataDirectory,
    args: &ExplainArgs,
    json: bool,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let act = match &args.request_id {
        Some(request_id) => Act::ExplainRequest { request_id: request_id.clone(), encoded: args.encoded },
        None => Act::ExplainCall(Box::new(supposed_call::read(args)?)),
    };
    print(&[answer(data, &act)?], json, explain::text, out)
}

/// Lists who may do what with a key.
///
/// # Errors
/// If no server answers, or if it refuses.
pub(crate) fn access(data: &DataDirectory, key: &str, json: bool, out: &mut impl Write) -> Result<(), CommandError> {
    let mut after = None;
    loop {
        let page = answer(data, &Act::ListAccess { key: key.to_owned(), after })?;
        after = page.get("next").and_then(Value::as_str).map(str::to_owned);
        print(&[page], json, access::text, out)?;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Looks through the policy in a file; none if there is no such file. Answers whether there is nothing to be said
/// against it.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn lint_file(args: &LintArgs, json: bool, out: &mut impl Write) -> Result<Option<bool>, CommandError> {
    let Some(found) = lint::file(args)? else { return Ok(None) };
    let clean = lint::is_clean(&found);
    print(&[found], json, lint::text, out)?;
    Ok(Some(clean))
}

/// Looks through the policy of a key. Answers whether there is nothing to be said against it.
///
/// # Errors
/// If no server answers, or if it refuses.
pub(crate) fn lint_key(
    data: &DataDirectory,
    key: &str,
    json: bool,
    out: &mut impl Write,
) -> Result<bool, CommandError> {
    let found = answer(data, &Act::LintKeyPolicy { key: key.to_owned() })?;
    let clean = lint::is_clean(&found);
    print(&[found], json, lint::text, out)?;
    Ok(clean)
}

/// Prints each answer: as it came, or as text.
fn print(
    answers: &[Value],
    json: bool,
    text: impl Fn(&Value) -> String,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    for answer in answers {
        let shown = if json { format!("{answer}\n") } else { text(answer) };
        out.write_all(shown.as_bytes()).map_err(CommandError::from_error)?;
    }
    Ok(())
}

/// Asks the server that runs on a data directory.
fn answer(data: &DataDirectory, act: &Act) -> Result<Value, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let answer = runtime.map_err(CommandError::from_error)?.block_on(ask(data.path(), act));
    let where_it_is = data.path().display();
    match answer.map_err(|error| CommandError::from_error(error).during(where_it_is))? {
        Answer::Done(value) => Ok(value),
        Answer::Refused(sentence) => Err(CommandError::new(sentence)),
    }
}

/// The text of a member, or nothing.
fn text_of<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// The items of a member, or none.
fn items<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
