//! `op-new`: begins an operation with its file, its line in the service's table and its folder of vectors.
//!
//! Not here: what the operation does. Until that is written, the compiler warns of an unused argument and the checks
//! refuse the file.
//! Invariants: nothing is overwritten; the table keeps the order of the alphabet.

use std::{fs, path::Path};

use crate::{
    api,
    step::{Failure, Steps},
    workplace::Workplace,
};

/// The new file before its names are filled in.
const TEMPLATE: &str = include_str!("../../templates/operation.rs.txt");

/// Where the operations live.
const FOLDER: &str = "crates/server/src/operations";

/// Begins an operation.
pub(super) fn op_new(workplace: &Workplace, _: &mut Steps, arguments: &[String]) -> Result<(), Failure> {
    let [service, name] = arguments else {
        return Err(Failure::new("op-new takes a service and a name: kms GetThing"));
    };
    if !api::is_operation_name(name) {
        return Err(Failure::new(format!("`{name}` is no name of an operation; names are like `GetThing`")));
    }
    let module = api::snake_case(name);
    let table_path = workplace.file(format!("{FOLDER}/{service}.rs"));
    let table = fs::read_to_string(&table_path)
        .map_err(|error| Failure::new(format!("there is no service `{service}`: {}: {error}", table_path.display())))?;
    let table = with_operation(&table, &module, name)?;
    let file = workplace.file(format!("{FOLDER}/{service}/{module}.rs"));
    let vectors = workplace.file(format!("vectors/wire/{module}"));
    write_new(&file, &filled(service, name))?;
    write(&table_path, &table)?;
    fs::create_dir_all(&vectors)
        .map_err(|error| Failure::new(format!("cannot make {}: {error}", vectors.display())))?;
    println!("wrote {}\nnow fill it in, and put scenarios into {}", file.display(), vectors.display());
    Ok(())
}

fn filled(service: &str, name: &str) -> String {
    let variant: String =
        service.chars().take(1).map(|c| c.to_ascii_uppercase()).chain(service.chars().skip(1)).collect();
    TEMPLATE.replace("{Name}", name).replace("{service}", service).replace("{Service}", &variant)
}

/// The table with one more line, in the order of the alphabet.
fn with_operation(table: &str, module: &str, name: &str) -> Result<String, Failure> {
    let lines: Vec<&str> = table.lines().collect();
    let is_entry = |line: &str| {
        let entry =
            line.strip_prefix("    ").and_then(|line| line.strip_suffix(',')).and_then(|line| line.split_once(' '));
        entry.is_some_and(|(module, name)| api::is_operation_name(name) && api::snake_case(name) == module)
    };
    let new = format!("    {module} {name},");
    if lines.contains(&new.as_str()) {
        return Err(Failure::new(format!("the table has `{name}` already")));
    }
    let name_of = |line: &str| line.trim_end_matches(',').rsplit(' ').next().unwrap_or_default().to_owned();
    let entries = || lines.iter().enumerate().filter(|(_, line)| is_entry(line));
    let first =
        entries().next().map(|(at, _)| at).ok_or_else(|| Failure::new("the table has no line to stand beside"))?;
    // The server finds an operation by its name, so names decide the order.
    let place = entries().rfind(|(_, line)| name_of(line).as_str() < name).map_or(first, |(at, _)| at + 1);
    let (before, after) = lines.split_at(place);
    Ok([before, &[new.as_str()], after].concat().join("\n") + "\n")
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))
}

fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    if path.exists() {
        return Err(Failure::new(format!("{} exists already", path.display())));
    }
    write(path, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "//! The service.\n\nmod members;\n\noperations! {\n    decrypt Decrypt,\n    sign Sign,\n}\n";

    #[test]
    fn lines_keep_the_order() {
        for (module, name, lines) in [
            ("encrypt", "Encrypt", "    decrypt Decrypt,\n    encrypt Encrypt,\n    sign Sign,\n}\n"),
            ("create_key", "CreateKey", "    create_key CreateKey,\n    decrypt Decrypt,\n    sign Sign,\n}\n"),
            ("verify", "Verify", "    decrypt Decrypt,\n    sign Sign,\n    verify Verify,\n}\n"),
        ] {
            let table = with_operation(TABLE, module, name).unwrap();
            assert_eq!(table, TABLE.split_inclusive("{\n").next().unwrap().to_owned() + lines);
        }
    }

    #[test]
    fn an_operation_begins_once() {
        assert!(with_operation(TABLE, "sign", "Sign").is_err());
        assert!(with_operation("", "sign", "Sign").is_err(), "a table without lines");
    }

    #[test]
    fn the_template_is_filled() {
        let text = filled("kms", "GetThing");
        assert!(text.contains("GetThing") && text.contains("Service::Kms"));
        assert!(!text.contains("{Name}") && !text.contains("{service}") && !text.contains("{Service}"));
    }
}
