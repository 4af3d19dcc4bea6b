//! `secret-openers`: writes the list of places that open a secret, for a reader to look at what changed.

use std::fs;

use super::no_arguments;
use crate::{
    step::{Failure, Steps},
    tidy::{OPENERS_FILE, secret_openers as list},
    tree::Tree,
    workplace::Workplace,
};

/// Writes the list.
pub(super) fn secret_openers(workplace: &Workplace, _: &mut Steps, arguments: &[String]) -> Result<(), Failure> {
    no_arguments(arguments)?;
    let tree = Tree::read(&workplace.root)
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", workplace.root.display())))?;
    let path = workplace.file(OPENERS_FILE);
    fs::write(&path, list(&tree)).map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))?;
    println!("{OPENERS_FILE} is written; read what changed in it");
    Ok(())
}
