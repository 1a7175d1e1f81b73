//! `squall scenario`: help with RON files.

use std::fs::OpenOptions;
use std::io::Write as _;

use super::arguments::Scenario;
use super::{Refused, USAGE, output};
use crate::scenario::lint::{self, Severity};
use crate::scenario::{self, template};

pub(super) fn scenario(command: &Scenario) -> Result<u8, Refused> {
    match command {
        Scenario::List { json } => list(*json),
        Scenario::Lint { scenarios } => lint(scenarios),
        Scenario::New { name } => new(name),
    }
}

fn list(json: bool) -> Result<u8, Refused> {
    let sources = scenario::bundled();
    if json {
        let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        output::json(&names)?;
        return Ok(0);
    }
    let width = sources.iter().map(|source| source.name.len()).max().unwrap_or(0);
    for source in &sources {
        println!("{:<width$}  {}", source.name, story(&source.text));
    }
    Ok(0)
}

/// The first sentence of a file's first comment, as far as it fits a line.
fn story(text: &str) -> String {
    let comment: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//")).map(str::trim).collect();
    let story = comment.join(" ");
    let sentence = story.split_inclusive(". ").next().unwrap_or_default().trim();
    if sentence.chars().count() <= 100 { sentence.to_owned() } else { sentence.chars().take(97).chain("...".chars()).collect() }
}

fn lint(arguments: &[String]) -> Result<u8, Refused> {
    let mut wrong = false;
    for argument in arguments {
        for source in scenario::load(argument)? {
            let findings = lint::lint(&source.file, &source.text);
            wrong |= findings.iter().any(|finding| finding.severity == Severity::Error);
            for finding in &findings {
                println!("{finding}");
            }
            if findings.is_empty() {
                println!("{}: fine", source.file);
            }
        }
    }
    Ok(if wrong { USAGE } else { 0 })
}

fn new(name: &str) -> Result<u8, Refused> {
    let file = if name.ends_with(".ron") { name.to_owned() } else { format!("{name}.ron") };
    let stem = file.trim_end_matches(".ron").rsplit('/').next().unwrap_or_default().to_owned();
    let mut out =
        OpenOptions::new().write(true).create_new(true).open(&file).map_err(|error| Refused(format!("{file}: {error}")))?;
    out.write_all(template::new_template(&stem).as_bytes()).map_err(|error| Refused(format!("{file}: {error}")))?;
    println!("{file}: edit it, then: {} run {file}", output::command());
    Ok(0)
}
