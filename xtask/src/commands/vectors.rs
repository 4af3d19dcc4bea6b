//! `vectors`: makes the golden data again from its generators, and fails if it changes.
//!
//! Not here: data that comes from elsewhere, and data that is random by nature.
//! Invariant: a change is left in the folder for a reader to judge, and the command fails.

use std::{collections::BTreeMap, fs, path::PathBuf};

use super::no_arguments;
use crate::{
    api,
    counts::Counts,
    python,
    step::{Failure, Steps, output, run_and_keep},
    tree::Tree,
    workplace::Workplace,
};

/// One kind of golden data and how it is made.
struct Generator {
    /// What it is.
    name: &'static str,
    /// The files and folders it writes; nothing else is compared.
    paths: &'static [&'static str],
    /// Writes them.
    make: fn(&Workplace) -> Result<(), Failure>,
}

/// Every generator. Sealed blobs and ciphertexts are not here: they hold random nonces, and a released one stays as it is.
const GENERATORS: &[Generator] = &[
    Generator { name: "list of KMS operations", paths: &[api::KMS_OPERATIONS_FILE], make: kms_operations },
    Generator { name: "golden trail", paths: &["vectors/trail/v1"], make: trail },
];

/// Runs every generator and compares.
pub(super) fn vectors(workplace: &Workplace, steps: &mut Steps, arguments: &[String]) -> Result<(), Failure> {
    no_arguments(arguments)?;
    let mut changed = Vec::new();
    for Generator { name, paths, make } in GENERATORS {
        steps.step(name, || {
            let before = content(workplace, paths)?;
            make(workplace)?;
            changed.extend(differences(&before, &content(workplace, paths)?));
            Ok(())
        })?;
    }
    if changed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("golden data changed; look at it and commit it on its own: {}", changed.join(", "))))
}

/// Lets the trail's own test write what it compares with.
fn trail(workplace: &Workplace) -> Result<(), Failure> {
    let words =
        ["test", "--package", "kanuki-trail", "--test", "trail", "--", "--ignored", "--exact", "golden::regenerate"];
    let (printed, result) = run_and_keep(&mut workplace.cargo(&words))?;
    result?;
    // A name that fits no test would pass in silence.
    Counts::of_cargo(&printed).map(|_| ())
}

/// Asks the stock client's own model.
fn kms_operations(workplace: &Workplace) -> Result<(), Failure> {
    let python = python::environment(workplace)?;
    let printed = output(workplace.command(python).arg("xtask/generators/kms_operations.py"))?;
    let path = workplace.file(api::KMS_OPERATIONS_FILE);
    fs::write(&path, printed).map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))
}

type Content = BTreeMap<PathBuf, Vec<u8>>;

/// The files at and below the paths.
fn content(workplace: &Workplace, paths: &[&str]) -> Result<Content, Failure> {
    let mut out = Content::new();
    for path in paths {
        let place = workplace.file(path);
        let unreadable = |error: std::io::Error| Failure::new(format!("cannot read {path}: {error}"));
        if place.is_dir() {
            let tree = Tree::read(&place).map_err(unreadable)?;
            for file in tree.paths() {
                let file = PathBuf::from(path).join(file);
                out.insert(file.clone(), fs::read(workplace.file(&file)).map_err(unreadable)?);
            }
        } else if place.exists() {
            out.insert(path.into(), fs::read(&place).map_err(unreadable)?);
        }
    }
    Ok(out)
}

/// The files that are new, gone or different.
fn differences(before: &Content, after: &Content) -> Vec<String> {
    let changed = after.iter().filter(|(path, bytes)| before.get(*path) != Some(bytes)).map(|(path, _)| path);
    let gone = before.keys().filter(|path| !after.contains_key(*path));
    changed.chain(gone).map(|path| path.display().to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_gone_and_different_files_are_named() {
        let content = |files: &[(&str, &str)]| -> Content {
            files.iter().map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec())).collect()
        };
        let before = content(&[("same", "1"), ("different", "1"), ("gone", "1")]);
        let after = content(&[("same", "1"), ("different", "2"), ("new", "1")]);
        assert_eq!(differences(&before, &after), ["different", "new", "gone"]);
        assert!(differences(&before, &before).is_empty());
    }

    #[test]
    fn every_generator_writes_something_that_is_kept() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for generator in GENERATORS {
            assert!(!generator.paths.is_empty(), "{}", generator.name);
            for path in generator.paths {
                assert!(root.join(path).exists(), "{path}");
            }
        }
    }
}
