//! `replay --trace`, `diff`, and observations as log lines.

use crate::support::{Folder, Said, brief};

/// The virtual time at the start of a trace line, in nanoseconds.
fn at_ns(line: &str) -> u64 {
    let (seconds, rest) = line.split_once('.').unwrap_or_else(|| panic!("no time in {line}"));
    seconds.parse::<u64>().unwrap() * 1_000_000_000 + rest[..9].parse::<u64>().unwrap()
}

#[test]
fn a_trace_is_cut_out_between_two_times() {
    let folder = Folder::new("trace");
    let said = folder.squall(&["replay", "calm", "--seed", "3", "--trace", "--from", "1s", "--until", "1.1s"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let times: Vec<_> = said.out.lines().map(at_ns).collect();
    assert!(times.len() > 200 && times.is_sorted(), "{} lines", times.len());
    assert!(times.iter().all(|at| (1_000_000_000..=1_100_000_000).contains(at)));
    for part in ["append t", "commits up to", "disk: write and sync", "heartbeat", "request", "answer"] {
        assert!(said.out.contains(part), "no {part} in {}", said.out);
    }
    let whole = folder.squall(&["replay", "calm", "--seed", "3", "--trace"]);
    assert!(whole.out.contains(&said.out) && whole.out.lines().count() > 20 * times.len(), "a part of the whole");
    let nothing = folder.squall(&["replay", "calm", "--seed", "3", "--trace", "--from", "2s", "--until", "1s"]);
    assert_eq!((nothing.code, nothing.out.as_str()), (0, ""));
}

#[test]
fn a_trace_in_a_file_is_the_one_that_is_printed() {
    let folder = Folder::new("trace-out");
    folder.write("brief.ron", brief(""));
    let printed = folder.squall(&["replay", "brief.ron", "--seed", "3", "--trace"]);
    let quiet = folder.squall(&["replay", "brief.ron", "--seed", "3", "--trace-out", "trace.txt", "--json"]);
    assert_eq!((quiet.code, quiet.out.lines().count()), (0, 1));
    assert_eq!(folder.read("trace.txt"), printed.out);
    let same = folder.squall(&["diff", "trace.txt", "brief.ron@3"]);
    assert_eq!(same.code, 0, "a trace file is as good as its run: {same:?}");
}

#[test]
fn diff_names_the_first_difference() {
    let folder = Folder::new("diff");
    let same = folder.squall(&["diff", "calm@1", "calm@1"]);
    assert_eq!((same.code, same.err.as_str()), (0, ""));
    assert!(same.out.starts_with("no difference in ") && same.out.lines().count() == 1, "{same:?}");
    let other = folder.squall(&["diff", "calm@1", "calm@2"]);
    assert_eq!(other.code, 1, "{other:?}");
    assert!(other.out.contains("the first difference is in line "), "{other:?}");
    let lines: Vec<_> = folder.squall(&["replay", "calm", "--seed", "1", "--trace"]).out.lines().map(str::to_owned).collect();
    let of = |sign: &str| other.out.lines().find_map(|line| line.strip_prefix(sign)).unwrap().to_owned();
    let first = lines.iter().position(|line| *line == of("- ")).unwrap();
    assert!(other.out.contains(&format!("in line {}, after {first} common ones", first + 1)), "{other:?}");
    assert_ne!(of("- "), of("+ "));
    let context: Vec<_> = other.out.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    assert_eq!(context, lines[first - 3..first]);
}

#[test]
fn a_trace_that_ends_early_differs_at_its_end() {
    let folder = Folder::new("diff-end");
    folder.write("long", "a\nb\nc\n");
    folder.write("short", "a\nb\n");
    let said = folder.squall(&["diff", "long", "short"]);
    assert_eq!(said.code, 1);
    assert_eq!(said.out.lines().collect::<Vec<_>>()[2..4], ["- c", "+ (the end)"]);
}

#[test]
fn rust_log_prints_observations_with_virtual_time_and_node() {
    let folder = Folder::new("rust-log");
    let arguments = ["replay", "calm", "--seed", "3", "--from", "1s", "--until", "1.1s"];
    let log = |filter: &str| Said::new(&folder.command(&arguments).env("RUST_LOG", filter).output().unwrap());
    let said = log("squall=debug");
    let lines: Vec<_> = said.err.lines().filter(|line| line.contains("DEBUG squall: ")).collect();
    assert!(said.code == 0 && said.out.is_empty() && lines.len() > 50, "{said:?}");
    for line in &lines {
        let (_, fields) = line.split_once(" at=").unwrap_or_else(|| panic!("no time in {line}"));
        let (time, node) = fields.split_once(" node=").unwrap_or_else(|| panic!("no node in {line}"));
        assert!((1_000_000_000..=1_100_000_000).contains(&at_ns(time)), "{line}");
        assert!((1..=5).contains(&node.trim().parse::<u32>().unwrap()), "{line}");
    }
    assert!(lines.iter().any(|line| line.contains("commits up to")));
    assert!(!log("squall=info").err.contains("DEBUG"));
    assert!(!folder.squall(&arguments).err.contains("DEBUG"));
}
