//! A module with submodules is `foo/mod.rs`, so that a folder is read from its own first file.

use crate::finding::Finding;
use crate::tree::{File, Tree};

/// No `foo.rs` stands next to a folder `foo` with sources: one form, and a stranger guesses the path.
#[must_use]
pub fn have_one_form(tree: &Tree) -> Vec<Finding> {
    let mixed = tree.with_extension("rs").filter(|file| !is_target(file)).filter(|file| {
        let folder = format!("{}/", file.path.trim_end_matches(".rs"));
        tree.with_extension("rs").any(|other| other.path.starts_with(&folder))
    });
    let expected = |path: &str| format!("`{}/mod.rs`, the form of every other module", path.trim_end_matches(".rs"));
    mixed.map(|file| Finding::new(&file.path, 1, "a file next to a folder of its name", expected(&file.path))).collect()
}

/// A file right below `tests` is a crate of its own and no module; the folder of its name holds what it reads.
fn is_target(file: &File) -> bool {
    matches!(file.path.split('/').collect::<Vec<_>>()[..], [_, "tests" | "benches" | "examples", _])
}
