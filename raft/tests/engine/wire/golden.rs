//! The bytes of every kind of message, as files that a person can read and only a decision may change.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use squall_raft::server::codec::Heard;

use crate::wire::hostile::{TIGHT, encoded};
use crate::wire::samples::{Sample, samples};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/wire-v1")
}

fn path(sample: &Sample) -> PathBuf {
    folder().join(sample.name).with_extension("hex")
}

/// The story, what it means, and the bytes: 32 per line, a frame after the other.
fn render(sample: &Sample) -> String {
    let mut text = format!("# {}\n# {:?}\n", sample.story, sample.said);
    for line in encoded(&sample.said, &TIGHT).chunks(32) {
        for (at, byte) in line.iter().enumerate() {
            write!(text, "{}{byte:02x}", if at == 0 { "" } else { " " }).expect("a string takes everything");
        }
        text.push('\n');
    }
    text
}

fn parse(text: &str) -> Vec<u8> {
    let digits = text.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace);
    digits.map(|byte| u8::from_str_radix(byte, 16).expect("two hexadecimal digits")).collect()
}

/// Whether files are rewritten; in CI that is refused, because there it would hide a change of the format.
fn rewrites(golden: Option<&str>, ci: Option<&str>) -> Result<bool, String> {
    match (golden, ci) {
        (None | Some(""), _) => Ok(false),
        (Some("rewrite"), None | Some("" | "false" | "0")) => Ok(true),
        (Some("rewrite"), Some(_)) => Err("found SQUALL_GOLDEN=rewrite in CI, expected that CI compares only".to_owned()),
        (Some(other), _) => Err(format!("found SQUALL_GOLDEN={other}, expected rewrite or nothing")),
    }
}

#[test]
fn the_format_is_as_recorded() {
    let var = |name: &str| std::env::var(name).ok();
    let rewrite = rewrites(var("SQUALL_GOLDEN").as_deref(), var("CI").as_deref()).expect("the variables make sense");
    for sample in samples() {
        let (path, rendered) = (path(&sample), render(&sample));
        if rewrite {
            fs::create_dir_all(folder()).expect("the folder can be made");
            fs::write(&path, &rendered).expect("the file can be written");
        }
        let recorded = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(rendered, recorded, "{}: peers of another release would not understand this", path.display());
        let heard = Heard::from_pieces(TIGHT, [&parse(&recorded)[..]]);
        assert_eq!(heard, Heard { incoming: vec![sample.said], end: Ok(()) }, "{}", path.display());
    }
}

#[test]
fn every_file_has_a_sample() {
    let files: BTreeSet<PathBuf> = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path()).collect();
    let expected: BTreeSet<PathBuf> = samples().iter().map(path).collect();
    assert_eq!(expected.len(), samples().len(), "names are different");
    assert_eq!(files, expected);
}

#[test]
fn ci_rewrites_nothing() {
    assert_eq!(rewrites(Some("rewrite"), None), Ok(true));
    assert_eq!(rewrites(None, Some("true")), Ok(false));
    assert!(rewrites(Some("rewrite"), Some("true")).is_err());
    assert!(rewrites(Some("yes"), None).is_err());
}
