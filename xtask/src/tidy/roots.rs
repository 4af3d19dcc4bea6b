//! Which Rust files Cargo compiles by itself: the roots that every other file must be reachable from.
//!
//! Not here: what the roots declare; see the neighbour `dead`.

use crate::tree::{Tree, folder, join, stem};

/// Folders whose files are roots each: `tests/a.rs` and `tests/a/main.rs`.
const ROOT_FOLDERS: &[&str] = &["src/bin", "tests", "benches", "examples"];

/// Single files that are roots.
const ROOT_FILES: &[&str] = &["src/lib.rs", "src/main.rs", "build.rs"];

/// Tables of a manifest that name a root by its path.
const TARGET_TABLES: &[&str] = &["lib", "bin", "test", "bench", "example"];

/// The roots of all packages of the tree.
pub(super) fn roots(tree: &Tree) -> Vec<String> {
    let mut out = Vec::new();
    for (manifest, text) in tree.texts_with("Cargo.toml").filter(|(path, _)| stem(path) == "Cargo") {
        let package = folder(manifest);
        out.extend(ROOT_FILES.iter().filter_map(|file| join(package, file)));
        for root_folder in ROOT_FOLDERS.iter().filter_map(|name| join(package, name)) {
            let is_root = |path: &&str| folder(path) == root_folder || path_is_main_below(path, &root_folder);
            out.extend(tree.paths().filter(is_root).map(str::to_owned));
        }
        // A manifest that does not parse is a finding of the rule about arrows.
        let table: toml::Table = text.parse().unwrap_or_default();
        let targets = TARGET_TABLES.iter().filter_map(|name| table.get(*name)).flat_map(entries);
        out.extend(targets.filter_map(|target| join(package, target.get("path")?.as_str()?)));
    }
    out
}

fn path_is_main_below(path: &str, root_folder: &str) -> bool {
    path.ends_with("/main.rs") && folder(folder(path)) == root_folder
}

/// A table stands for itself, a list of tables for each of them.
fn entries(value: &toml::Value) -> Vec<&toml::Value> {
    value.as_array().map_or_else(|| vec![value], |list| list.iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_places_of_cargo() {
        let tree = Tree::of(&[
            ("a/Cargo.toml", "[[bin]]\npath = \"targets/x.rs\"\n[lib]\npath = \"odd.rs\""),
            ("a/tests/t.rs", ""),
            ("a/tests/u/main.rs", ""),
            ("a/tests/u/part.rs", ""),
        ]);
        let roots = roots(&tree);
        for root in ["a/targets/x.rs", "a/odd.rs", "a/src/lib.rs", "a/tests/t.rs", "a/tests/u/main.rs"] {
            assert!(roots.iter().any(|path| path == root), "{root}");
        }
        assert!(!roots.iter().any(|path| path == "a/tests/u/part.rs"));
    }
}
