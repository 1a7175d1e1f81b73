//! The rules over the repository itself. This is the test that people mean by *tidy*.

use std::path::{Path, PathBuf};
use std::process::Command;

use squall_ci::rules;
use squall_ci::tree::{File, Ignored, Tree};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("ci lies in the root").to_owned()
}

fn tree() -> Tree {
    Tree::read(&root()).expect("a readable tree")
}

fn report(findings: &[squall_ci::finding::Finding]) {
    let lines: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} findings\n{}", lines.len(), lines.join("\n"));
}

#[test]
fn the_tree_is_tidy() {
    report(&rules::check(&tree()));
}

/// Builds `sim/build.rs` alone and looks at the table that it writes: a static rule could only guess at it.
#[test]
fn every_scenario_is_embedded() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("embedded");
    std::fs::create_dir_all(&out).unwrap();
    let script = out.join("build-script");
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut compile = Command::new(compiler);
    compile.args(["--edition", "2024", "-o"]).arg(&script).arg(root().join("sim/build.rs"));
    assert!(compile.status().unwrap().success(), "sim/build.rs builds with nothing but the standard library");
    let mut run = Command::new(script);
    run.env("CARGO_MANIFEST_DIR", root().join("sim")).env("OUT_DIR", &out);
    assert!(run.output().unwrap().status.success());
    let table = std::fs::read_to_string(out.join("bundled.rs")).unwrap();
    let tree = tree();
    assert!(!rules::scenarios::names(&tree).is_empty());
    report(&rules::scenarios::are_embedded(&tree, &table));
}

#[test]
fn the_walk_sees_sources_and_not_what_git_ignores() {
    let tree = tree();
    for path in ["ci/src/tree.rs", "Cargo.toml", ".ci/run", ".github/workflows/ci.yml", "LICENSE"] {
        assert!(tree.file(path).is_some(), "{path}");
    }
    assert!(tree.files.iter().all(|file| !file.path.starts_with("target/") && !file.path.starts_with(".git/")));
    assert!(tree.has("ci") && tree.has("ci/src") && !tree.has("ci/sr"));
}

#[test]
fn a_pattern_that_tidy_cannot_read_is_refused() {
    assert!(Ignored::parse("/target\n*.snap.new\n# why\n\n").is_ok());
    let error = Ignored::parse("/target\nsome/**/thing\n").unwrap_err();
    assert_eq!(error.to_string(), ".gitignore:2: found `some/**/thing`, expected `/path` or `*ending`");
}

#[test]
fn findings_of_all_rules_come_together_and_in_order() {
    let manifest = "[package]\nname = \"squall-raft\"\n[dependencies]\nsquall-sim.workspace = true\n[lints]\nworkspace = true\n";
    let source = "fn f() {\n    todo!()\n}\n";
    let tree = Tree::new(vec![
        File::new("raft/src/lib.rs", source),
        File::new("raft/Cargo.toml", manifest),
        File::new("ARCHITECTURE.md", "# Map\n"),
    ]);
    // Exceptions are for files that this tree does not have.
    let findings = rules::check(&tree).into_iter().filter(|finding| !finding.found.contains("exception"));
    let found: Vec<_> = findings.map(|finding| (finding.path, finding.line)).collect();
    let expected = [("raft/Cargo.toml", 4), ("raft/src/lib.rs", 1), ("raft/src/lib.rs", 2)];
    assert_eq!(found, expected.map(|(path, line)| (path.to_owned(), line)));
}
