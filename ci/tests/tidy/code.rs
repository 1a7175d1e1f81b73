//! Rules for Rust sources, each with what breaks it and what comes close without breaking it.

use squall_ci::rules::{determinism, directions, modules, sources};
use squall_ci::tokens::{find, tokens};
use squall_ci::tree::{File, Tree};

use crate::{NONE, lines, messages};

const CORE: &str = "raft/src/core/mod.rs";

#[test]
fn a_source_opens_with_what_it_is() {
    assert_eq!(lines(sources::opens_with_doc, CORE, "use std::fmt;\n//! Late.\n"), [1]);
    assert_eq!(lines(sources::opens_with_doc, CORE, "//!\nfn f() {}\n"), [1], "an empty line says nothing");
    assert_eq!(lines(sources::opens_with_doc, CORE, ""), [1]);
    assert_eq!(lines(sources::opens_with_doc, CORE, "//! Consensus.\n"), NONE);
    assert_eq!(lines(sources::opens_with_doc, "README.md", "# Squall\n"), NONE);
}

#[test]
fn a_source_has_900_lines_at_most() {
    assert_eq!(lines(sources::is_short, CORE, &"\n".repeat(900)), NONE);
    assert_eq!(lines(sources::is_short, CORE, &"\n".repeat(901)), [901]);
    assert_eq!(lines(sources::is_short, "Cargo.lock", &"\n".repeat(5_000)), NONE);
}

#[test]
fn a_source_is_rust_and_utf8() {
    assert_eq!(lines(sources::is_rust, CORE, "fn f() {\n"), [1]);
    assert_eq!(lines(sources::is_rust, CORE, "fn f() {}\n"), NONE);
    let broken = File { path: CORE.to_owned(), text: Err(17) };
    assert_eq!(sources::is_rust(&broken)[0].to_string(), format!("{CORE}:1: found no UTF-8 at byte 17, expected UTF-8"));
}

#[test]
fn tests_run_and_assert() {
    let rule = sources::runs_its_tests;
    assert_eq!(lines(rule, CORE, "#[test]\n#[ignore]\nfn f() {}\n"), [2]);
    assert_eq!(lines(rule, CORE, "#[test]\n#[ignore = \"slow\"]\nfn f() {}\n"), [2]);
    assert_eq!(lines(rule, CORE, "#[cfg_attr(\n    miri,\n    ignore\n)]\nfn f() {}\n"), [3]);
    assert_eq!(lines(rule, CORE, "#[test]\n#[should_panic(expected = \"x\")]\nfn f() {}\n"), [2]);
    assert_eq!(lines(rule, CORE, "fn f() {\n    trial.with_ignored_flag(true);\n}\n"), [2]);
    assert_eq!(lines(rule, CORE, "/// ```ignore\n/// f();\n/// ```\nfn f() {}\n"), [1]);
    assert_eq!(lines(rule, CORE, "//! ```rust,should_panic\n//! f();\n//! ```\n"), [1]);
    let close = "/// #[ignore] is banned, ignore\n/// ```text\n/// ```\n#[doc = \"#[ignore]\"]\nfn ignore() {}\n";
    assert_eq!(lines(rule, CORE, close), NONE);
}

#[test]
fn nothing_is_left_for_later() {
    let bad = "fn f() {\n    todo!();\n    unimplemented! (\"x\");\n    std::dbg!(1);\n}\n";
    assert_eq!(lines(sources::is_finished, CORE, bad), [2, 3, 4]);
    let close = "// todo!\nfn todo(x: u8) -> bool {\n    todo(\"dbg!\") != true\n}\n";
    assert_eq!(lines(sources::is_finished, CORE, close), NONE);
}

#[test]
fn select_takes_branches_in_order() {
    let bad = "fn f() {\n    tokio::select! {\n        x = y => {}\n    }\n}\n";
    assert_eq!(lines(sources::selects_in_order, CORE, bad), [2]);
    let close = "fn f() {\n    tokio::select! {\n        biased;\n        x = y => {}\n    }\n    select != 3\n}\n";
    assert_eq!(lines(sources::selects_in_order, CORE, close), NONE);
}

#[test]
fn runs_are_deterministic() {
    let cases = [
        "use std::collections::HashMap;",
        "type X = std::collections::HashSet<u8>;",
        "use std::time::Instant;",
        "use std::time::{Duration, SystemTime};",
        "use std::thread;",
        "fn f() { thread::spawn(|| ()); }",
        "thread_local! { static X: u8 = 0; }",
        "use std::hash::RandomState;",
        "use rand::Rng;",
        "fn f() { getrandom::fill(&mut x); }",
        "fn f() -> u32 { std::process::id() }",
    ];
    for case in cases {
        for path in
            [CORE, "raft/src/server/peer.rs", "checkers/src/lib.rs", "sim/src/world/mod.rs", "sim/src/arena/madsim/env.rs"]
        {
            assert!(!lines(determinism::is_deterministic, path, case).is_empty(), "{path}: {case}");
        }
        for path in ["sim/tests/smoke.rs", "ci/src/lib.rs", "notes.md"] {
            assert_eq!(lines(determinism::is_deterministic, path, case), NONE, "{path}: {case}");
        }
    }
    assert_eq!(lines(determinism::is_deterministic, CORE, "use std::fs;"), [1], "the engine has no files");
    assert_eq!(lines(determinism::is_deterministic, "sim/src/scenario/load.rs", "use std::fs;"), NONE);
    assert_eq!(lines(determinism::is_deterministic, "sim/src/world/mod.rs", "use std::env;"), [1], "a run has no environment");
    let close = "// A HashMap or Instant::now()\nuse rand_chacha::ChaCha8Rng;\nconst X: &str = \"std::thread\";\n";
    assert_eq!(lines(determinism::is_deterministic, CORE, close), NONE);
}

#[test]
fn the_driver_reaches_the_machine_through_its_env_only() {
    let rule = determinism::is_deterministic;
    for case in [
        "fn f() { tokio::spawn(g()); }",
        "use tokio::time::sleep;",
        "use tokio::net::TcpStream;",
        "fn f() { std::env::var_os(\"HOME\"); }",
        "use std::fs::File;",
        "use std::net::TcpStream;",
    ] {
        assert_eq!(lines(rule, "raft/src/server/connection.rs", case), [1], "{case}");
        assert_eq!(lines(rule, "raft/src/server/native.rs", case), NONE, "{case}");
    }
    let anywhere = "use tokio::io::AsyncRead;\nuse tokio::sync::{Notify, mpsc};\nfn f() { tokio::select! { biased; } }\n";
    assert_eq!(lines(rule, "raft/src/server/connection.rs", anywhere), NONE);
    assert_eq!(lines(rule, CORE, anywhere), [1, 2, 3], "the engine knows no tasks");
}

#[test]
fn only_what_is_planted_is_left_out() {
    let cfg = "#[cfg(feature = \"unordered\")]";
    let rule = determinism::is_deterministic;
    for planted in [
        "use std::collections::HashSet;",
        "let x = HashSet::from([1, 2]);",
        "fn f(x: (u8, u8)) { HashSet::new(); }",
        "{ HashSet::new(); }",
    ] {
        assert_eq!(lines(rule, CORE, &format!("{cfg}\n{planted}\n{cfg} {planted}")), NONE, "{planted}");
        assert_eq!(lines(rule, CORE, &format!("{cfg}\n{planted}\nuse x::HashSet;\n")), [3], "{planted}");
        assert_eq!(lines(rule, CORE, &format!("#[cfg(not(feature = \"unordered\"))]\n{planted}")), [2], "{planted}");
    }
    assert_eq!(lines(rule, CORE, cfg), NONE, "nothing follows");
}

#[test]
fn decisions_count_in_integers() {
    for case in ["fn f(x: f64) {}", "const X: u64 = 3 as f32 as u64;", "fn f() { g(1.5); }", "fn f() { g(1e3); }"] {
        assert_eq!(lines(determinism::has_no_floats, "sim/src/world/mod.rs", case), [1], "{case}");
        assert_eq!(lines(determinism::has_no_floats, "sim/benches/world.rs", case), NONE, "{case}");
    }
    let close = "fn f() { x.0.1 + 0xfe + 1_000_u64 + 0b1 + 7usize + 1_isize; a[1..2]; g(\"1.5\", '.') }";
    assert_eq!(lines(determinism::has_no_floats, CORE, close), NONE);
}

#[test]
fn an_exception_covers_its_file_and_must_be_needed() {
    let threads = "fn f() { std::thread::scope(|_| ()); }";
    assert_eq!(lines(determinism::is_deterministic, "sim/src/campaign/sweep.rs", threads), NONE);
    assert_eq!(lines(determinism::is_deterministic, "sim/src/campaign/sweep.rs", "use std::collections::HashMap;"), [1]);
    let edges: &[determinism::Edge] = &[("sim/src/a.rs", &[determinism::Ban::Threads, determinism::Ban::Clock], "why")];
    let tree = Tree::new(vec![File::new("sim/src/a.rs", threads)]);
    let stale = determinism::stale_edges(&tree, edges);
    assert_eq!(stale.len(), 1);
    assert_eq!(stale[0].to_string(), "sim/src/a.rs:1: found an unused exception for Clock, expected its removal from EDGES");
}

#[test]
fn sources_know_only_the_crates_below_them() {
    let rule = directions::uses_allowed_crates;
    for (path, bad) in [
        ("raft/tests/x.rs", "use squall_sim::world::World;"),
        ("raft/src/lib.rs", "fn f() { squall_checkers::judge() }"),
        ("raft/tests/x.rs", "use madsim::time;"),
        ("checkers/src/lib.rs", "use squall_raft as engine;\nuse squall_raft::types::Term;"),
        ("ci/src/lib.rs", "use squall_sim::seeds;"),
        ("ci/peers/benches/peers/main.rs", "use squall_ci::tree;"),
        ("sim/src/lib.rs", "use squall_ci::tree;"),
    ] {
        assert!(!lines(rule, path, bad).is_empty(), "{path}: {bad}");
    }
    for (path, good) in [
        ("sim/src/lib.rs", "use squall_raft::types::Term;\nuse squall_checkers::Violation;\nuse madsim::time;"),
        ("raft/tests/x.rs", "//! Not here: `squall_sim::world`.\nuse squall_raft::types::Term;"),
        ("ci/peers/benches/peers/main.rs", "use squall_peers::links;\nuse squall_sim::plan;"),
        ("ci/tests/x.rs", "use squall_ci::tree;\nconst X: &str = \"use squall_sim::x;\";"),
    ] {
        assert_eq!(lines(rule, path, good), NONE, "{path}: {good}");
    }
}

#[test]
fn a_module_has_one_form() {
    let mixed = [("raft/src/core.rs", ""), ("raft/src/core/read.rs", ""), ("raft/src/store/mod.rs", "")];
    assert_eq!(
        messages(modules::have_one_form, &mixed),
        ["raft/src/core.rs:1: found a file next to a folder of its name, \
          expected `raft/src/core/mod.rs`, the form of every other module"]
    );
    let fine = [
        ("raft/src/core/mod.rs", ""),
        ("raft/src/core/read.rs", ""),
        ("raft/tests/stories.rs", ""),
        ("raft/tests/stories/mod.rs", ""),
    ];
    assert!(messages(modules::have_one_form, &fine).is_empty());
}

#[test]
fn tokens_are_found_by_line_and_alternatives() {
    let source = tokens("fn f() {\n    a::b;\n    a::c\n}\n").unwrap();
    let found: Vec<_> = find(&source, "a : : b|c").into_iter().map(|at| source[at].line).collect();
    assert_eq!(found, [2, 3]);
    assert_eq!(tokens("fn f() {}\n)"), Err(2));
}
