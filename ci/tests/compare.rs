//! The comparison of two builds, end to end: programs that print reports stand in for `squall`.
//!
//! Not here: the rules of tidy (`tidy`).

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use squall_ci::traces::{first_difference, parse};

/// Held while a program is written and while one is started: a process that is just being started has a copy of
/// every open file, and the system refuses to run a file that somebody has open for writing.
static WRITING: Mutex<()> = Mutex::new(());

/// A program whose trace of `storm` is what the shell makes of `hash`; `$seed` is its seed.
fn program(name: &str, hash: &str, status: u8) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let script = format!(
        "#!/bin/sh\nwhile [ \"$1\" != --seed ]; do shift; done\nseed=$2\necho progress >&2\n\
         echo '{{\"results\":[{{\"name\":\"calm\",\"verdict\":\"pass\",\"trace_hash\":\"00\"}},'\\\n\
         '{{\"name\":\"storm\",\"verdict\":\"pass\",\"trace_hash\":\"'\"{hash}\"'\"}}]}}'\nexit {status}\n"
    );
    let guard = WRITING.lock();
    std::fs::write(&path, script).expect("a writable target folder");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a script of ours");
    drop(guard);
    path
}

fn compare(first: &Path, second: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_compare"));
    command.arg(first).arg(second).args(more).stdout(Stdio::piped()).stderr(Stdio::piped());
    let guard = WRITING.lock();
    let child = command.spawn().expect("cargo built it");
    drop(guard);
    let output = child.wait_with_output().expect("a program that ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn equal_programs_are_equal_also_when_a_run_fails() {
    let (first, second) = (program("equal-1", "$seed", 10), program("equal-2", "$seed", 10));
    let (code, stdout, stderr) = compare(&first, &second, &["--seeds", "7", "--base", "3"]);
    assert_eq!((code, stdout.as_str()), (Some(0), "14 traces of each program, all equal\n"), "{stderr}");
}

#[test]
fn the_first_difference_is_told_with_seed_and_scenario() {
    let (first, second) = (program("differs-1", "$seed", 0), program("differs-2", "$((seed == 5 ? 99 : seed))", 0));
    let (code, stdout, _) = compare(&first, &second, &["--seeds", "7", "--base", "3"]);
    assert_eq!(code, Some(1));
    assert!(stdout.starts_with("seed 5: storm: trace 5 (pass) against 99 (pass)\n"), "{stdout}");
    assert_eq!(compare(&first, &second, &["--seeds", "2", "--base", "3"]).0, Some(0), "seed 5 was not asked for");
}

#[test]
fn a_scenario_that_did_not_run_is_no_pass() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scenarios");
    std::fs::create_dir_all(&folder).unwrap();
    let program = program("missing", "$seed", 0);
    let run = || compare(&program, &program, &["--seeds", "1", "--scenarios", folder.to_str().unwrap()]);
    std::fs::write(folder.join("calm.ron"), "// Fair weather.\n").unwrap();
    let _ = std::fs::remove_file(folder.join("gale.ron"));
    assert_eq!(run().0, Some(0));
    std::fs::write(folder.join("gale.ron"), "// Foul weather.\n").unwrap();
    let (code, _, stderr) = run();
    assert_eq!(code, Some(2));
    assert!(stderr.contains("seed 1: `gale` did not run"), "{stderr}");
}

/// The stand-in prints the arena it was given as the trace of `storm`, so both must have been given it.
#[test]
fn the_arena_is_handed_on_to_both() {
    let told = program("arena", "$(while [ $# -gt 0 ] && [ $1 != --arena ]; do shift; done; echo $2)", 0);
    let fixed = program("arena-of-reference", "madsim", 0);
    let run = |first: &Path, second: &Path, more: &[&str]| compare(first, second, &[&["--seeds", "1"], more].concat()).0;
    assert_eq!(run(&told, &fixed, &["--arena", "madsim"]), Some(0));
    assert_eq!(run(&fixed, &told, &["--arena", "madsim"]), Some(0));
    assert_eq!(run(&told, &fixed, &["--arena", "world"]), Some(1));
    assert_eq!(run(&fixed, &told, &["--arena"]), Some(2));
}

#[test]
fn what_cannot_be_compared_is_said() {
    let good = program("good", "$seed", 0);
    let silent = Path::new("false");
    assert_eq!(compare(&good, silent, &["--seeds", "1"]).0, Some(2));
    assert_eq!(compare(&good, Path::new("no/such/program"), &["--seeds", "1"]).0, Some(2));
    assert_eq!(compare(&good, &good, &["--seeds", "many"]).0, Some(2));
    assert_eq!(compare(&good, &good, &["--seeds", "0"]).0, Some(2));
    assert_eq!(compare(&good, &good, &["--base", "18446744073709551615"]).0, Some(2));
    assert_eq!(compare(&good, &good, &["--sedes", "1"]).0, Some(2));
}

#[test]
fn reports_that_prove_nothing_are_refused() {
    let result = |fields: &str| format!("{{\"results\":[{{{fields}}}]}}");
    let full = "\"name\":\"calm\",\"verdict\":\"pass\",\"trace_hash\":\"ab\"";
    assert_eq!(parse(&format!("noise\n{}\n", result(full))).unwrap().len(), 1);
    for (bad, message) in [
        (String::new(), "expected JSON"),
        ("{}".to_owned(), "no `results`"),
        ("{\"results\":[]}".to_owned(), "empty `results`"),
        (result("\"name\":\"calm\",\"verdict\":\"pass\""), "no text `trace_hash`"),
        (result(&full.replace("ab", "")), "no text `trace_hash`"),
        (format!("{{\"results\":[{{{full}}},{{{full}}}]}}"), "`calm` twice"),
    ] {
        let error = parse(&bad).unwrap_err();
        assert!(error.contains(message), "{bad}: {error}");
    }
}

#[test]
fn a_scenario_of_one_side_is_a_difference() {
    let report = |name: &str| {
        parse(&format!("{{\"results\":[{{\"name\":\"{name}\",\"verdict\":\"pass\",\"trace_hash\":\"ab\"}}]}}")).unwrap()
    };
    assert_eq!(first_difference(&report("a"), &report("a")), None);
    assert_eq!(first_difference(&report("a"), &report("b")).unwrap(), "a: only the first program ran it");
    assert_eq!(first_difference(&report("b"), &report("a")).unwrap(), "a: only the second program ran it");
}
