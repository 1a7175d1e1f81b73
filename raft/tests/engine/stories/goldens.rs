//! Protocol stories: command files whose every consequence is pinned by a snapshot.
//!
//! A new file `*.story` is a new test without any code; the language is described
//! in `interpreter.rs`, and `README.md` says which rule of the paper each shows.
//! `INSTA_UPDATE=always cargo test -p squall-raft --test engine stories` rewrites the snapshots, but never in CI.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::cluster::Setup;
use super::interpreter::{Failure, Story};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/stories")
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let listed = std::fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("it can be listed").path());
    let mut files: Vec<PathBuf> = listed.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    files.sort();
    files
}

fn tell(path: &Path, setup: Setup) -> Result<String, Failure> {
    Story::new(setup).run(&std::fs::read_to_string(path).expect("a story is text"))
}

#[test]
#[expect(clippy::disallowed_methods, reason = "insta's macro names the function by its type; the snapshot's name is given")]
fn stories_end_as_they_must() {
    let var = |name: &str| std::env::var(name).ok();
    if let Err(refusal) = may_run(var("CI").as_deref(), |name| var(name)) {
        panic!("{refusal}");
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut broken = 0;
    settings.bind(|| {
        insta::glob!("*.story", |path| match tell(path, Setup::default()) {
            Ok(transcript) => insta::assert_snapshot!("story", transcript),
            Err(Failure { line, message, before }) => {
                // At once, because differences of other snapshots end `glob!` by a panic.
                eprintln!("{before}\n{}:{line}: {message}\n", path.display());
                broken += 1;
            }
        });
    });
    assert_eq!(broken, 0, "stories broke; where and why is printed above");
}

/// CI compares; it neither rewrites, nor lets a difference pass, nor leaves stories out.
fn may_run(ci: Option<&str>, var: impl Fn(&str) -> Option<String>) -> Result<(), String> {
    let in_ci = ci.is_some_and(|value| !value.is_empty() && value != "false" && value != "0");
    let harmless = |name: &str, value: &str| name == "INSTA_UPDATE" && matches!(value, "no" | "auto");
    for name in ["INSTA_UPDATE", "INSTA_FORCE_UPDATE", "INSTA_FORCE_UPDATE_SNAPSHOTS", "INSTA_FORCE_PASS", "INSTA_GLOB_FILTER"] {
        match var(name) {
            Some(value) if in_ci && !harmless(name, &value) => {
                return Err(format!("found {name}={value} in CI, expected snapshots to be compared only"));
            }
            _ => {}
        }
    }
    Ok(())
}

#[test]
fn ci_never_rewrites_a_story() {
    let only = |name: &'static str, value: &'static str| move |asked: &str| (asked == name).then(|| value.to_owned());
    assert!(may_run(Some("true"), |_| None).is_ok());
    assert!(may_run(Some("true"), only("INSTA_UPDATE", "no")).is_ok());
    assert!(may_run(None, only("INSTA_UPDATE", "always")).is_ok());
    assert!(may_run(Some("false"), only("INSTA_UPDATE", "always")).is_ok());
    for (name, value) in
        [("INSTA_UPDATE", "always"), ("INSTA_UPDATE", "new"), ("INSTA_FORCE_PASS", "1"), ("INSTA_GLOB_FILTER", "x")]
    {
        let refusal = may_run(Some("1"), only(name, value)).expect_err("it would not compare");
        assert!(refusal.contains(name), "{refusal}");
    }
}

#[test]
fn every_story_opens_with_prose_and_expects_something() {
    let stories = files(&folder(), "story");
    assert!(stories.len() >= 15, "found {} stories", stories.len());
    for path in stories {
        let text = std::fs::read_to_string(&path).expect("a story is text");
        let opening = text.lines().take_while(|line| line.starts_with('#')).count();
        assert!(opening >= 2, "{}: found {opening} lines of prose, expected to be told why its end is right", path.display());
        assert!(text.lines().any(|line| line.starts_with("expect ")), "{} expects nothing", path.display());
    }
}

#[test]
fn no_snapshot_outlives_its_story() {
    let stories = files(&folder(), "story").iter().map(|path| format!("story@{}.snap", name(path))).collect::<BTreeSet<_>>();
    let snapshots = files(&folder().join("snapshots"), "snap").iter().map(|path| name(path)).collect::<BTreeSet<_>>();
    // One that is missing fails where it is compared.
    assert_eq!(snapshots.difference(&stories).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// `README.md` leads to every story, and nowhere that is not there.
#[test]
fn the_guide_links_every_story_and_only_what_is_there() {
    let guide = std::fs::read_to_string(folder().join("README.md")).expect("the guide is text");
    let stories = files(&folder(), "story").iter().map(|path| name(path)).collect();
    assert_eq!(faults(&guide, &stories, |link| folder().join(link).exists()), Vec::<String>::new());
}

#[test]
fn a_bad_guide_is_told_what_is_wrong() {
    let stories = BTreeSet::from(["a.story".to_owned(), "b.story".to_owned()]);
    let faults = |guide: &str| faults(guide, &stories, |link| matches!(link, "a.story" | "b.story" | "../c.rs"));
    assert_eq!(faults("| 5.1 | x | [a](a.story) |\n[b](b.story), [c](../c.rs)"), Vec::<String>::new());
    assert_eq!(faults("[a](a.story)"), ["b.story is linked nowhere"]);
    assert_eq!(faults("[a](a.story) [b](b.story) [d](d.story)"), ["line 1: found d.story, expected a file or a folder"]);
    assert_eq!(
        faults("[a](a.story) [b](b.story)\n| 5.1 | x | `a` |"),
        ["line 2: found a rule that nothing shows, expected a link"]
    );
}

/// What is wrong with a guide: links that lead nowhere, rows without one, stories without a link.
fn faults(guide: &str, stories: &BTreeSet<String>, is_there: impl Fn(&str) -> bool) -> Vec<String> {
    let mut unlinked = stories.clone();
    let mut faults = Vec::new();
    for (line, number) in guide.lines().zip(1..) {
        let links: Vec<&str> = line.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
        let is_row = line.starts_with("| ") && !["| where ", "| what ", "| --- "].iter().any(|head| line.starts_with(head));
        if is_row && links.is_empty() {
            faults.push(format!("line {number}: found a rule that nothing shows, expected a link"));
        }
        for link in links {
            unlinked.remove(link);
            if !is_there(link) {
                faults.push(format!("line {number}: found {link}, expected a file or a folder"));
            }
        }
    }
    faults.extend(unlinked.iter().map(|story| format!("{story} is linked nowhere")));
    faults
}

fn name(path: &Path) -> String {
    path.file_name().expect("a file").to_string_lossy().into_owned()
}

#[test]
fn a_bad_story_names_its_line() {
    for (text, line, expected) in [
        ("campaign 1", 1, "expected `cluster N`"),
        ("# prose\ncluster 9", 2, "expected 1 to 7"),
        ("cluster 3\n\nfly 1", 3, "found `fly`"),
        ("cluster 3\ndeliver 1->2", 2, "found 0 messages"),
        ("cluster 3\ndeliver 12", 2, "expected FROM->TO"),
        ("cluster 3\ncampaign 4", 2, "found node 4, expected 1 to 3"),
        ("cluster 3\nlog 1: 2 1", 2, "terms from 1 that never fall"),
        ("cluster 3\nlog 1: 2\nhard 1: 1", 3, "expected at least that of the log's end"),
        ("cluster 3\ntick 1\nlog 1: 2", 3, "found a setting in the plot"),
        ("cluster 3\ndurable 1", 2, "has written nothing"),
        ("cluster 3\ntick 1\ncrash 1 keeping 2", 3, "expected at most the 1 writes"),
        ("cluster 3\ntick 1\nexpect 1 leader", 3, "found role [candidate], expected [leader]"),
        ("cluster 3\nheartbeat 1", 2, "its timer does something else"),
        ("cluster 3\ncrash 1\ncampaign 1", 3, "node 1 is down"),
    ] {
        let failure = Story::new(Setup::default()).run(text).expect_err(text);
        assert_eq!(failure.line, line, "{}", failure.message);
        assert!(failure.message.contains(expected), "found `{}`, expected it to say `{expected}`", failure.message);
    }
}

/// A story told by nodes that all have the same planted bug ends in a violation.
#[cfg(feature = "mutants")]
#[test]
fn planted_bugs_break_the_stories_about_them() {
    use squall_raft::mutants::Bug;

    // Of the others D02 lives in the store.
    for (bug, story) in [
        (Bug::E01, "candidate-yields-to-the-elected"),
        (Bug::E02, "asking-clears-no-vote"),
        (Bug::E03, "late-votes-of-an-earlier-term"),
        (Bug::E05, "duplicate-votes-count-once"),
        (Bug::E06, "vote-is-durable-before-it-leaves"),
        (Bug::E11, "higher-term-deposes-once"),
        (Bug::V10, "priority-stretches-the-timeout"),
        (Bug::E09, "later-term-beats-longer-log"),
        (Bug::L01, "figure-8-overwritten"),
        (Bug::L02, "follower-commits-what-was-covered"),
        (Bug::R01, "deposed-leader-refuses-its-reads"),
        (Bug::Z01, "deposed-leader-refuses-its-reads"),
    ] {
        let setup = Setup { bug: Some(bug), ..Setup::default() };
        assert!(tell(&folder().join(format!("{story}.story")), setup).is_err(), "{} does not break {story}", bug.id());
    }
}
