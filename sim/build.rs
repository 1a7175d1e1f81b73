//! Embeds every scenario under `sim/scenarios`, so that the binary runs anywhere and a new file needs no code.
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
    walk(&root, &mut files)?;
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
    Ok(())
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "ron") {
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
