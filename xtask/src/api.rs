//! Names of operations: the list of the API and how a name becomes that of a file.
//!
//! Not here: which of them are implemented; the binary's own table says so.

/// The operations of the KMS API, one name a line.
pub(crate) const KMS_OPERATIONS_FILE: &str = "vectors/api/kms-operations.txt";

/// The names of a list; lines that begin with `#` are remarks.
pub(crate) fn names(list: &str) -> impl Iterator<Item = &str> {
    list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// `GenerateDataKey` as `generate_data_key`; a run of capitals is one word: `ListMFADevices`, `list_mfa_devices`.
pub(crate) fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 8);
    let mut chars = name.chars().peekable();
    let mut previous = '_';
    while let Some(c) = chars.next() {
        let starts_word = c.is_ascii_uppercase()
            && (previous.is_ascii_lowercase()
                || previous.is_ascii_digit()
                || (previous.is_ascii_uppercase() && chars.peek().is_some_and(char::is_ascii_lowercase)));
        if starts_word {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
        previous = c;
    }
    out
}

/// Whether the text is a name as the API has them: letters and digits, a capital first.
pub(crate) fn is_operation_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(|c| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_files() {
        for (name, file) in [
            ("Sign", "sign"),
            ("ReEncrypt", "re_encrypt"),
            ("GenerateDataKeyPairWithoutPlaintext", "generate_data_key_pair_without_plaintext"),
            ("ListMFADevices", "list_mfa_devices"),
            ("CreateOpenIDConnectProvider", "create_open_id_connect_provider"),
            ("PutObjectV2Acl", "put_object_v2_acl"),
        ] {
            assert_eq!(snake_case(name), file);
        }
    }

    #[test]
    fn the_kept_list_is_the_api() {
        let list = include_str!("../../vectors/api/kms-operations.txt");
        let names: Vec<&str> = names(list).collect();
        assert_eq!(names.len(), 56);
        assert!(names.is_sorted() && names.iter().all(|name| is_operation_name(name)));
    }
}
