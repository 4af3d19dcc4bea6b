//! `kanuki env`: shell exports for AWS clients.

use crate::{data_dir::DataDirectory, error::CommandError};

/// The exports, one a line.
///
/// # Errors
/// If the server was never started on this directory, or if there is no such profile.
pub(crate) fn exports(data: &DataDirectory, profile: &str) -> Result<String, CommandError> {
    let unreadable = |path: &std::path::Path, error: std::io::Error| {
        CommandError::from_error(error).during(format!("{} (was `kanuki serve` started?)", path.display()))
    };
    let endpoint = std::fs::read_to_string(data.endpoint()).map_err(|error| unreadable(&data.endpoint(), error))?;
    let value = |name: &str| -> Result<String, CommandError> {
        let value = data.profile_value(profile, name).map_err(|error| unreadable(&data.credentials(), error))?;
        value.ok_or_else(|| CommandError::new(format!("{}: no profile `{profile}`", data.credentials().display())))
    };
    let region = value("region")?;
    let exports = [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", value("aws_access_key_id")?),
        ("AWS_SECRET_ACCESS_KEY", value("aws_secret_access_key")?),
        ("AWS_DEFAULT_REGION", region.clone()),
        ("AWS_REGION", region),
    ];
    let mut lines: Vec<String> =
        exports.iter().map(|(name, value)| format!("export {name}={}", quote(value))).collect();
    let authority = data.authority();
    if authority.exists() {
        let authority = authority.canonicalize().map_err(|error| unreadable(&authority, error))?;
        lines.push(format!("export AWS_CA_BUNDLE={}", quote(&authority.display().to_string())));
    }
    // A token or profile left over from another cloud would override or contradict these credentials.
    lines.push("unset AWS_SESSION_TOKEN AWS_PROFILE".into());
    Ok(lines.join("\n"))
}

/// Quotes a word for a POSIX shell.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_the_shell() {
        assert_eq!(quote("a/b+c"), "'a/b+c'");
        assert_eq!(quote("it's"), r"'it'\''s'");
    }
}
