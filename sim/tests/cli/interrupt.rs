//! Ctrl-C: the summary so far, and exit code 130.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use crate::support::Folder;

#[test]
fn an_interrupted_campaign_sums_up_what_it_has() {
    let folder = Folder::new("interrupt");
    let mut command = folder.command(&["run", "calm", "leader-crash", "--seeds", "1000000", "--jobs", "2", "--json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    err.read_line(&mut line).unwrap();
    assert!(line.starts_with("base seed "), "the handler is in place before anything is printed: {line}");
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let (mut out, mut rest) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    err.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest}");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(json["runs"].as_u64().unwrap() < 100_000, "{json}");
    assert_eq!(json["passed"], json["runs"]);
    assert!(rest.starts_with("scenario ") && rest.lines().any(|line| line.starts_with("all ")), "{rest}");
}
