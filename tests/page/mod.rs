//! Pages of `docs/` that are written by tests, and held to what they would write.

use std::path::Path;
use std::{env, fs};

/// Fails where `docs/<name>` is not `generated`; with `INFRA_BLESS` set, as by `make docs`, writes it first.
pub(crate) fn check(name: &str, generated: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    if env::var_os("INFRA_BLESS").is_some() {
        fs::write(&path, generated).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let differs = written.lines().zip(generated.lines()).position(|(left, right)| left != right);
    assert!(
        written == generated,
        "docs/{name} is not what is generated, from line {}; run `make docs`",
        differs.unwrap_or_else(|| written.lines().count().min(generated.lines().count())) + 1
    );
}
