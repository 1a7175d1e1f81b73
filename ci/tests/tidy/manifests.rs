//! Rules for `Cargo.toml`, `Cargo.lock` and cargo's configuration, with what breaks them.

use squall_ci::rules::{directions, manifests};

use crate::{NONE, lines, messages};

#[test]
fn manifests_follow_the_directions() {
    let rule = directions::depends_on_allowed_crates;
    for (path, bad) in [
        ("raft/Cargo.toml", "[dependencies]\nsquall-checkers.workspace = true\n"),
        ("raft/Cargo.toml", "[dev-dependencies]\nsquall-sim = { path = \"../sim\" }\n"),
        ("raft/Cargo.toml", "[dev-dependencies]\nmadsim = \"0.2\"\n"),
        ("raft/Cargo.toml", "[dependencies]\nstorm = { package = \"squall-sim\", version = \"1\" }\n"),
        ("raft/Cargo.toml", "[dependencies]\nstorm = { path = \"../sim\" }\n"),
        ("raft/Cargo.toml", "[target.'cfg(unix)'.dependencies]\nsquall-sim.workspace = true\n"),
        ("checkers/Cargo.toml", "[build-dependencies]\nsquall-raft.workspace = true\n"),
        ("checkers/Cargo.toml", "[dependencies.squall-raft]\nworkspace = true\n"),
        ("sim/Cargo.toml", "[dev-dependencies]\nsquall-ci.workspace = true\n"),
        ("raft/fuzz/Cargo.toml", "[dependencies]\nsquall-sim = { path = \"../../sim\" }\n"),
        ("raft/fuzz/Cargo.toml", "[dependencies]\nmadsim = \"0.2\"\n"),
        ("ci/Cargo.toml", "[dependencies]\nsquall-raft.workspace = true\n"),
    ] {
        assert_eq!(lines(rule, path, bad).len(), 1, "{path}: {bad}");
    }
    let sim = "[dependencies]\nsquall-raft.workspace = true\nsquall-checkers.workspace = true\nmadsim = \"0.2\"\n";
    assert_eq!(lines(rule, "sim/Cargo.toml", sim), NONE);
    assert_eq!(lines(rule, "ci/peers/Cargo.toml", "[dependencies]\nsquall-sim.workspace = true\nmadsim = \"0.2\"\n"), NONE);
    assert_eq!(lines(rule, "raft/fuzz/Cargo.toml", "[dependencies]\nsquall-raft = { path = \"..\" }\n"), NONE);
    assert_eq!(lines(rule, "raft/Cargo.toml", "[dependencies]\nbytes.workspace = true\n"), NONE);
    assert_eq!(lines(rule, "other/Cargo.toml", "[package]\n"), [1], "a crate that nobody gave a place");
    assert_eq!(lines(rule, "raft/Cargo.toml", "[package]\nname = \n"), [2]);
}

#[test]
fn crates_inherit_the_lints() {
    let rule = manifests::inherits_lints;
    assert_eq!(lines(rule, "raft/Cargo.toml", "[package]\nname = \"x\"\n"), [1]);
    assert_eq!(lines(rule, "raft/Cargo.toml", "[package]\nname = \"x\"\n[lints]\nworkspace = false\n"), [1]);
    assert_eq!(lines(rule, "raft/Cargo.toml", "[package]\nname = \"x\"\n[lints.rust]\nmissing_docs = \"warn\"\n"), [1]);
    assert_eq!(lines(rule, "raft/Cargo.toml", "[package]\nname = \"x\"\n[lints]\nworkspace = true\n"), NONE);
    assert_eq!(lines(rule, "Cargo.toml", "[workspace]\n"), NONE);
}

#[test]
fn crates_draw_from_seeds_only() {
    let rule = manifests::draws_from_seeds_only;
    for (bad, line) in [
        ("[dependencies]\nrand = \"0.8\"\n", 2),
        ("[workspace.dependencies]\nbytes = \"1\"\nfastrand = { version = \"2\" }\n", 3),
        ("[dev-dependencies]\ndice = { package = \"rand\", version = \"0.8\" }\n", 2),
        ("[target.'cfg(unix)'.build-dependencies]\ngetrandom.workspace = true\n", 2),
    ] {
        assert_eq!(lines(rule, "sim/Cargo.toml", bad), [line], "{bad}");
    }
    assert_eq!(lines(rule, "sim/Cargo.toml", "[dependencies]\nrand_chacha.workspace = true\n"), NONE);
}

#[test]
fn profiles_check_overflow() {
    let rule = manifests::checks_overflow;
    let good = "[workspace]\n[profile.dev]\noverflow-checks = true\n[profile.release]\noverflow-checks = true\n\
                [profile.bench]\noverflow-checks = true\n[profile.slow]\ninherits = \"dev\"\n";
    assert_eq!(lines(rule, "Cargo.toml", good), NONE);
    assert_eq!(lines(rule, "Cargo.toml", &format!("{good}overflow-checks = false\n")), [10]);
    assert_eq!(lines(rule, "Cargo.toml", &good.replacen("= true", "= false", 1)), [3]);
    assert_eq!(lines(rule, "Cargo.toml", &good.replacen("overflow-checks = true\n", "", 1)), [2]);
    assert_eq!(lines(rule, "Cargo.toml", "[workspace]\n"), [1, 1, 1]);
}

#[test]
fn automation_stays_out_of_the_default_members() {
    let rule = manifests::keeps_default_members;
    assert_eq!(lines(rule, "Cargo.toml", "[workspace]\ndefault-members = [\"raft\", \"sim\", \"checkers\"]\n"), NONE);
    assert_eq!(lines(rule, "Cargo.toml", "[workspace]\ndefault-members = [\"raft\", \"sim\", \"checkers\", \"ci\"]\n"), [2]);
    assert_eq!(lines(rule, "Cargo.toml", "[workspace]\n"), [1]);
    assert_eq!(lines(rule, "raft/fuzz/Cargo.toml", "[workspace]\n"), NONE, "a package alone");
    assert_eq!(lines(rule, "raft/fuzz/Cargo.toml", "[workspace]\nmembers = [\"a\"]\n"), [2]);
}

#[test]
fn planted_bugs_are_switched_on_by_hand() {
    let rule = manifests::keeps_mutants_apart;
    let good =
        "[features]\nmutants = [\"squall-raft/mutants\"]\n[dependencies]\nclap = { version = \"4\", features = [\"std\"] }\n";
    assert_eq!(lines(rule, "sim/Cargo.toml", good), NONE);
    let dev = "[dev-dependencies]\nsquall-raft = { path = \"../raft\", features = [\"mutants\"] }\n";
    assert_eq!(lines(rule, "sim/Cargo.toml", dev), [2]);
    assert_eq!(lines(rule, "sim/Cargo.toml", "[features]\ndefault = [\"mutants\"]\nmutants = []\n"), [2]);
    assert_eq!(lines(rule, "sim/Cargo.toml", "[features]\nfull = [\"squall-raft/mutants\"]\n"), [2]);
    assert_eq!(lines(rule, "sim/Cargo.toml", "[features]\ndefault = [\"unordered\"]\n"), [2]);
}

#[test]
fn packages_come_from_crates_io() {
    let rule = manifests::names_no_registry;
    let lock = "[[package]]\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
    assert_eq!(lines(rule, "Cargo.lock", lock), NONE);
    assert_eq!(lines(rule, "Cargo.lock", "[[package]]\nsource = \"sparse+https://packages.example/\"\n"), [2]);
    assert_eq!(lines(rule, "Cargo.lock", "[[package]]\nsource = \"git+https://github.com/a/b#1\"\n"), [2]);
    assert_eq!(lines(rule, "raft/Cargo.toml", "[dependencies]\nbytes = { git = \"https://github.com/a/b\" }\n"), [2]);
    assert_eq!(lines(rule, "raft/Cargo.toml", "[dependencies]\nbytes = { version = \"1\", registry = \"ours\" }\n"), [2]);
    assert_eq!(lines(rule, ".cargo/config.toml", "[alias]\ntidy = \"test\"\n"), NONE);
    assert_eq!(lines(rule, ".cargo/config.toml", "[alias]\n[source.crates-io]\nreplace-with = \"x\"\n").len(), 1);
}

#[test]
fn dependencies_have_a_reason() {
    let rule = manifests::dependencies_are_explained;
    let root = ("Cargo.toml", "[workspace.dependencies]\nron = \"1\"\nbytes = \"1\"\nsquall-raft = { path = \"raft\" }\n");
    let raft = ("raft/Cargo.toml", "[dependencies]\nbytes.workspace = true\n[target.'cfg(unix)'.dependencies]\nlibc = \"1\"\n");
    let map = ("ARCHITECTURE.md", "- `bytes`: payloads that are shared in an environment.\n");
    let found = messages(rule, &[root, raft, map]);
    assert_eq!(
        found,
        [
            "Cargo.toml:2: found `ron`, of which ARCHITECTURE.md says nothing, expected its reason there, or no dependency",
            "raft/Cargo.toml:4: found `libc`, of which ARCHITECTURE.md says nothing, expected its reason there, or no dependency",
        ]
    );
    assert!(messages(rule, &[root, raft, ("ARCHITECTURE.md", "bytes, ron (files) and `libc`.")]).is_empty());
    assert_eq!(messages(rule, &[root]).len(), 1, "no map is a finding, not a pass");
}
