//! Which crate may depend on which: the table of the architecture, proven from the manifests.
//!
//! Not here: versions, licences and sources of foreign crates; `cargo deny` judges those.
//! Invariant: a crate that the table does not know is a finding, so that no crate escapes it.

use super::Finding;
use crate::tree::{Tree, folder, stem};

/// Each crate with the own crates it may depend on.
const ARROWS: &[(&str, &[&str])] = &[
    ("kanuki-types", &[]),
    ("kanuki-policy", &["kanuki-types"]),
    ("kanuki-keeper-protocol", &["kanuki-types"]),
    ("kanuki-keeper", &["kanuki-keeper-protocol", "kanuki-types"]),
    ("kanuki-store", &["kanuki-types"]),
    ("kanuki-trail", &["kanuki-types"]),
    ("kanuki-server", &["kanuki-policy", "kanuki-keeper-protocol", "kanuki-store", "kanuki-trail", "kanuki-types"]),
    ("kanuki", PRODUCT),
    (TESTKIT, PRODUCT),
    ("kanuki-bench", &[]),
    ("kanuki-fuzz", &[TESTKIT]),
    ("xtask", &[]),
];

/// The crates that the binary is made of.
const PRODUCT: &[&str] = &[
    "kanuki-types",
    "kanuki-policy",
    "kanuki-keeper-protocol",
    "kanuki-keeper",
    "kanuki-store",
    "kanuki-trail",
    "kanuki-server",
];

/// Every crate may depend on it for its tests.
const TESTKIT: &str = "kanuki-testkit";

/// The cryptography that only [`KEEPER`] may depend on.
const CRYPTOGRAPHY: &[&str] = &["aws-lc-rs", "aws-lc-sys", "aws-lc-fips-sys", "argon2"];

const KEEPER: &str = "kanuki-keeper";

/// Dependencies between own crates follow the table.
pub(super) fn arrows(tree: &Tree) -> Vec<Finding> {
    let mut out = Vec::new();
    for manifest in manifests(tree, &mut out) {
        let Manifest { path, name, dependencies } = manifest;
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == name) else {
            out.push(Finding::new(&path, 0, format!("the table of arrows does not know the crate `{name}`")));
            continue;
        };
        for Dependency { name: wanted, for_tests } in dependencies {
            let own = wanted == "kanuki" || wanted == "xtask" || wanted.starts_with("kanuki-");
            let known = allowed.contains(&wanted.as_str()) || (for_tests && wanted == TESTKIT);
            if own && !known {
                out.push(Finding::new(&path, 0, format!("`{name}` may not depend on `{wanted}`")));
            }
        }
    }
    out
}

/// The crypto library lives in the keeper only, in tests too.
pub(super) fn cryptography(tree: &Tree) -> Vec<Finding> {
    manifests(tree, &mut Vec::new())
        .into_iter()
        .filter(|manifest| manifest.name != KEEPER)
        .flat_map(|Manifest { path, dependencies, .. }| {
            dependencies.into_iter().filter(|dependency| CRYPTOGRAPHY.contains(&dependency.name.as_str())).map(
                move |Dependency { name, .. }| {
                    Finding::new(&path, 0, format!("`{name}` belongs to {KEEPER}; ask the keeper instead"))
                },
            )
        })
        .collect()
}

struct Manifest {
    path: String,
    name: String,
    dependencies: Vec<Dependency>,
}

struct Dependency {
    name: String,
    for_tests: bool,
}

/// The manifests of packages; one that cannot be read becomes a finding.
fn manifests(tree: &Tree, out: &mut Vec<Finding>) -> Vec<Manifest> {
    let mut manifests = Vec::new();
    for (path, text) in tree.texts_with("Cargo.toml").filter(|(path, _)| stem(path) == "Cargo") {
        let table: toml::Table = match text.parse() {
            Ok(table) => table,
            Err(error) => {
                out.push(Finding::new(path, 0, format!("is no manifest: {error}")));
                continue;
            }
        };
        let name = table.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
        match name {
            Some(name) => {
                manifests.push(Manifest { path: path.into(), name: name.into(), dependencies: dependencies(&table) });
            }
            None if folder(path).is_empty() => {}
            None => out.push(Finding::new(path, 0, "names no package")),
        }
    }
    manifests
}

/// Every dependency of every table, those of a single platform included.
fn dependencies(table: &toml::Table) -> Vec<Dependency> {
    let mut out = Vec::new();
    for (section, for_tests) in [("dependencies", false), ("build-dependencies", false), ("dev-dependencies", true)] {
        let list = table.get(section).and_then(toml::Value::as_table).into_iter().flatten();
        out.extend(list.map(|(key, value)| {
            let renamed = value.get("package").and_then(toml::Value::as_str);
            Dependency { name: renamed.unwrap_or(key).into(), for_tests }
        }));
    }
    let platforms = table.get("target").and_then(toml::Value::as_table).into_iter().flatten();
    out.extend(platforms.filter_map(|(_, value)| value.as_table()).flat_map(dependencies));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(rule: fn(&Tree) -> Vec<Finding>, manifest: &str) -> Vec<String> {
        let tree = Tree::of(&[("crates/x/Cargo.toml", manifest)]);
        rule(&tree).into_iter().map(|finding| finding.text).collect()
    }

    #[test]
    fn an_arrow_outside_the_table_is_found() {
        for section in ["dependencies", "build-dependencies", "dev-dependencies", "target.'cfg(unix)'.dependencies"] {
            let manifest = format!("[package]\nname = \"kanuki-policy\"\n[{section}]\nkanuki-store.workspace = true");
            assert_eq!(judge(arrows, &manifest), ["`kanuki-policy` may not depend on `kanuki-store`"], "{section}");
        }
    }

    #[test]
    fn a_renamed_dependency_is_found() {
        let manifest =
            "[package]\nname = \"kanuki-types\"\n[dependencies]\nx = { package = \"kanuki-store\", path = \"y\" }";
        assert_eq!(judge(arrows, manifest), ["`kanuki-types` may not depend on `kanuki-store`"]);
    }

    #[test]
    fn the_testkit_is_for_tests_only() {
        let with =
            |section| format!("[package]\nname = \"kanuki-store\"\n[{section}]\nkanuki-testkit.workspace = true");
        assert!(judge(arrows, &with("dev-dependencies")).is_empty());
        assert_eq!(judge(arrows, &with("dependencies")), ["`kanuki-store` may not depend on `kanuki-testkit`"]);
    }

    #[test]
    fn an_unknown_crate_is_found() {
        let found = judge(arrows, "[package]\nname = \"kanuki-new\"");
        assert_eq!(found, ["the table of arrows does not know the crate `kanuki-new`"]);
    }

    #[test]
    fn cryptography_outside_the_keeper_is_found() {
        let with = |name| format!("[package]\nname = \"{name}\"\n[dev-dependencies]\naws-lc-rs.workspace = true");
        assert_eq!(judge(cryptography, &with("kanuki-server")).len(), 1);
        assert!(judge(cryptography, &with("kanuki-keeper")).is_empty());
    }
}
