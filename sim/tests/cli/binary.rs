//! What is in the binary's bytes: a build without the feature `mutants` knows nothing of planted bugs.

use crate::support::Folder;

/// Where the bugs are described, so that a new one is looked for, too.
const MUTANTS: &str = include_str!("../../../raft/src/mutants.rs");

/// Ids and descriptions: of each line that is `ID = "description",`.
fn texts() -> Vec<&'static str> {
    let bugs = MUTANTS.lines().filter_map(|line| line.trim().strip_suffix("\",")?.split_once(" = \""));
    bugs.flat_map(|(id, description)| [id, description]).collect()
}

/// Runs of printable characters, as `strings` finds them.
fn strings(bytes: &[u8]) -> impl Iterator<Item = &str> {
    bytes.split(|byte| !(b' '..=b'~').contains(byte)).filter(|run| run.len() >= 6).filter_map(|run| std::str::from_utf8(run).ok())
}

/// Which of the texts are there: descriptions as they are, ids as words.
fn found(bytes: &[u8]) -> Vec<&'static str> {
    let texts = texts();
    let (ids, descriptions): (Vec<_>, Vec<_>) = texts.into_iter().partition(|text| text.len() <= 4);
    assert!(ids.len() >= 7 && descriptions.len() >= ids.len(), "{ids:?} {descriptions:?}");
    let mut found: Vec<_> = Vec::new();
    for run in strings(bytes) {
        found.extend(descriptions.iter().filter(|text| run.contains(**text)));
        // Behind a space, as in prose; alone, three characters come up by chance.
        found.extend(ids.iter().filter(|id| run.match_indices(**id).any(|(at, _)| is_word(run, at, id.len()))));
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn is_word(run: &str, at: usize, len: usize) -> bool {
    let before = run[..at].bytes().next_back();
    let after = run[at + len..].bytes().next();
    before == Some(b' ') && after.is_none_or(|byte| b" ,.:;)".contains(&byte))
}

fn binary() -> Vec<u8> {
    std::fs::read(env!("CARGO_BIN_EXE_squall")).unwrap()
}

#[test]
#[cfg(not(feature = "mutants"))]
fn a_plain_build_knows_no_bugs() {
    assert_eq!(found(&binary()), Vec::<&str>::new());
    let folder = Folder::new("no-bugs");
    for arguments in [&["bugs"][..], &["bugs", "list"], &["bugs", "hunt", "none"]] {
        let said = folder.squall(arguments);
        assert!(said.code == 2 && said.err.contains("unrecognized subcommand 'bugs'"), "{said:?}");
    }
    assert!(!folder.squall(&["--help"]).out.contains("bugs"));
}

/// The search above finds what there is to find.
#[test]
#[cfg(feature = "mutants")]
fn a_build_with_planted_bugs_lists_them() {
    assert!(found(&binary()).len() >= 7, "{:?}", found(&binary()));
    let said = Folder::new("bugs").squall(&["bugs", "list"]);
    assert!(said.code == 0 && texts().iter().all(|text| said.out.contains(text)), "{said:?}");
}
