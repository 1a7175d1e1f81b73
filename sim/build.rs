//! Embeds every scenario under `sim/scenarios`, so that the binary runs anywhere and a new file needs no code; and
//! computes the fingerprint of the sources, under which recorded trace hashes can be compared.
//!
//! Read next: `src/scenario/load.rs`, which includes the table that is written here.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=scenarios");
    println!("cargo::rerun-if-changed=build.rs");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("scenarios");
    let mut files = Vec::new();
    walk(&root, "ron", &mut files)?;
    let mut table: Vec<(String, PathBuf)> = Vec::new();
    for file in files {
        table.push((name(&root, &file)?, file));
    }
    table.sort();
    let mut code = String::from("&[\n");
    for (name, file) in table {
        writeln!(code, "    ({name:?}, include_str!({:?})),", file.display().to_string())?;
    }
    code.push_str("]\n");
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("bundled.rs"), code)?;
    println!("cargo::rustc-env=SQUALL_FINGERPRINT={:016x}", fingerprint()?);
    Ok(())
}

/// A hash over every source of the three crates and the lock file. Profile and features do not count.
fn fingerprint() -> Result<u64, Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("..");
    let mut files = vec![root.join("Cargo.lock")];
    for folder in ["raft/src", "sim/src", "checkers/src"] {
        println!("cargo::rerun-if-changed={}", root.join(folder).display());
        walk(&root.join(folder), "rs", &mut files)?;
    }
    println!("cargo::rerun-if-changed={}", root.join("Cargo.lock").display());
    files.sort();
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325; // FNV-1a
    for file in files {
        // A checkout may lack the lock file for a moment; the sources still tell builds apart.
        let content = fs::read(&file).unwrap_or_default();
        let name = file.strip_prefix(&root)?.to_string_lossy().replace('\\', "/");
        for byte in name.bytes().chain([0]).chain(content) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
    Ok(hash)
}

fn walk(folder: &Path, ending: &str, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, ending, files)?;
        } else if path.extension().is_some_and(|extension| extension == ending) {
            files.push(path);
        }
    }
    Ok(())
}

/// The path below the folder, without extension, with `/` on every platform.
fn name(root: &Path, file: &Path) -> Result<String, Box<dyn Error>> {
    let path = file.strip_prefix(root)?.with_extension("");
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    Ok(parts.join("/"))
}
