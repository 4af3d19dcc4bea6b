//! The Python environment of the stock clients: made once, installed again only when its requirements change.
//!
//! Not here: the tests themselves; they are in `clients/python`.
//! Invariant: nothing is installed outside of the target folder.

use std::{fs, path::PathBuf};

use crate::{
    step::{Failure, output, run},
    workplace::Workplace,
};

/// What the stock clients need.
const REQUIREMENTS: &str = "clients/python/requirements.txt";

/// Where the environment lies below the target folder.
const ENVIRONMENT: &str = "clients-venv";

/// Kept in the environment: the requirements it was installed from, and the Python it belongs to.
const STAMP: &str = "installed-from.txt";

/// Makes the environment if needed and returns its Python.
pub(crate) fn environment(workplace: &Workplace) -> Result<PathBuf, Failure> {
    let folder = workplace.target.join(ENVIRONMENT);
    let python = folder.join("bin").join("python");
    let wanted = wanted(workplace)?;
    let stamp = folder.join(STAMP);
    if python.exists() && fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(python);
    }
    if !workplace.answers("python3", &["-c", "import ensurepip, venv"]) {
        return Err(Failure::new(
            "python3 cannot make virtual environments here; install its modules `venv` and `ensurepip` \
             (Debian and Ubuntu: the package python3-venv)",
        ));
    }
    run(workplace.command("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    run(workplace
        .command(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(["--requirement", REQUIREMENTS]))?;
    fs::write(&stamp, wanted).map_err(|error| Failure::new(format!("cannot write {}: {error}", stamp.display())))?;
    Ok(python)
}

/// What the stamp has to say for the environment to be good.
fn wanted(workplace: &Workplace) -> Result<String, Failure> {
    let version = output(workplace.command("python3").arg("--version"))?;
    let requirements = fs::read_to_string(workplace.file(REQUIREMENTS))
        .map_err(|error| Failure::new(format!("cannot read {REQUIREMENTS}: {error}")))?;
    Ok(format!("{version}{requirements}"))
}
