//! One record: its file format, reading and writing.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use squall_raft::wire::Sink as _;

use super::FINGERPRINT;
use crate::arena::ArenaKind;
use crate::campaign::single::Judged;
use crate::entropy::v1::Fold;
use crate::plan::Plan;
use crate::plan::text::{field, line, list};
use crate::run::tape::Line;
use crate::scenario::error::{parse_ron, read_file};
use crate::scenario::{Invalid, Mark, Path as FieldPath, ScenarioError};

/// The format that this build writes. Older ones are upgraded when read.
pub const FORMAT: u32 = 1;

/// What a person has said about a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Status {
    /// Nobody has looked yet.
    New,
    /// It fails, and this is why that is known and borne.
    Open(String),
    /// It must pass.
    Fixed,
}

/// A failed run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The file's format.
    pub format: u32,
    /// What a person has said about it.
    pub status: Status,
    /// Where it ran.
    pub arena: String,
    /// The planted bug that was active, by id. A build without planted bugs runs without it.
    #[serde(default)]
    pub bug: Option<String>,
    /// What was violated, by name.
    pub property: String,
    /// One sentence about it.
    pub message: String,
    /// The trace hash, in hexadecimal.
    pub trace_hash: String,
    /// The sources that it was run with.
    pub fingerprint: String,
    /// The plan as it was recorded: another one was edited.
    pub plan_hash: String,
    /// Marks that were reached and that the scenario asks for: without them it is another run.
    pub marks: Vec<Mark>,
    /// Tape lines beyond the limit.
    #[serde(default)]
    pub tape_dropped: u64,
    /// What was decided before the run.
    pub plan: Plan,
    /// What chance decided during it.
    #[serde(default)]
    pub tape: Vec<Line>,
}

#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

impl Record {
    /// The record of a failure; `None` if the run did what was expected.
    #[must_use]
    pub fn of(judged: &Judged, bug: Option<&str>) -> Option<Self> {
        let failure = judged.failure.as_ref()?;
        let plan = Plan::clone(&judged.plan);
        let reached = judged.outcome.as_ref().map(|outcome| &outcome.marks);
        let marks = plan.sometimes.iter().copied().filter(|mark| reached.is_some_and(|marks| marks.contains_key(mark)));
        Some(Self {
            format: FORMAT,
            status: if bug.is_some() { Status::Fixed } else { Status::New },
            arena: judged.arena.name().to_owned(),
            bug: bug.map(str::to_owned),
            property: failure.property.name().to_owned(),
            message: failure.message.clone(),
            trace_hash: hex(judged.outcome.as_ref().map_or(0, |outcome| outcome.hash)),
            fingerprint: FINGERPRINT.to_owned(),
            plan_hash: hex(plan.content_hash()),
            marks: marks.collect(),
            tape_dropped: judged.tape_dropped,
            tape: judged.tape.clone(),
            plan,
        })
    }

    /// The arena; the default one for a name that validation would have refused.
    #[must_use]
    pub fn arena(&self) -> ArenaKind {
        ArenaKind::from_name(&self.arena).unwrap_or_default()
    }

    /// Whether the plan is not the one that was recorded.
    #[must_use]
    pub fn is_edited(&self) -> bool {
        self.plan_hash != hex(self.plan.content_hash())
    }

    /// Whether the trace hash can be compared: same sources, same plan.
    #[must_use]
    pub fn hash_is_comparable(&self) -> bool {
        self.fingerprint == FINGERPRINT && !self.is_edited()
    }

    /// Reads and checks a record.
    ///
    /// # Errors
    /// What is wrong with the file, where, and what was expected.
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let file = path.display().to_string();
        Self::parse(&file, &read_file(path)?)
    }

    /// As [`Self::read`], from text; `file` is its name in errors.
    ///
    /// # Errors
    /// What is wrong with the text, where, and what was expected.
    pub fn parse(file: &str, text: &str) -> Result<Self, ScenarioError> {
        if let Ok(FormatOnly { format }) = ron::from_str(text)
            && !(1..=FORMAT).contains(&format)
        {
            let path = FieldPath::new().field("format");
            let expected = format!("a format from 1 to {FORMAT}: this record is of a newer build");
            return Err(ScenarioError::locate(file, text, &Invalid { path, found: format.to_string(), expected }));
        }
        let record: Self = parse_ron(file, text, "a seed record")?;
        record.validate().map_err(|invalid| ScenarioError::locate(file, text, &invalid))?;
        Ok(record)
    }

    fn validate(&self) -> Result<(), Invalid> {
        let invalid = |name, found: &str, expected: &str| {
            let path = FieldPath::new().field(name);
            Err(Invalid { path, found: format!("{found:?}"), expected: expected.to_owned() })
        };
        if ArenaKind::from_name(&self.arena).is_none() {
            let names = ArenaKind::ALL.map(|kind| format!("{:?}", kind.name()));
            return invalid("arena", &self.arena, &names.join(" or "));
        }
        if squall_checkers::violation::Property::from_name(&self.property).is_none() {
            return invalid("property", &self.property, "the name of a property (the guide lists them)");
        }
        for (name, value) in [("trace_hash", &self.trace_hash), ("plan_hash", &self.plan_hash)] {
            if u64::from_str_radix(value, 16).is_err() || value.len() != 16 {
                return invalid(name, value, "16 hexadecimal digits");
            }
        }
        self.plan.validate().map_err(|invalid| invalid.within("plan"))
    }

    /// The text of the file.
    #[must_use]
    pub fn to_ron(&self) -> String {
        let mut out = format!("// {}: {}\n(\n", self.property, self.message.replace(['\n', '\r'], " "));
        field(&mut out, "format", &self.format);
        field(&mut out, "status", &self.status);
        field(&mut out, "arena", &self.arena);
        if self.bug.is_some() {
            field(&mut out, "bug", &self.bug);
        }
        field(&mut out, "property", &self.property);
        field(&mut out, "message", &self.message);
        field(&mut out, "trace_hash", &self.trace_hash);
        field(&mut out, "fingerprint", &self.fingerprint);
        field(&mut out, "plan_hash", &self.plan_hash);
        field(&mut out, "marks", &self.marks);
        field(&mut out, "tape_dropped", &self.tape_dropped);
        let _ = writeln!(out, "    plan: {},", self.plan.to_ron().trim_end().replace('\n', "\n    "));
        list(&mut out, "tape", &self.tape);
        out.push_str(")\n");
        out
    }

    /// The file's name: what it is about, and a hash of what it holds.
    #[must_use]
    pub fn file_name(&self) -> String {
        let mut fold = Fold::new();
        fold.bytes(line(&self.bug).as_bytes());
        fold.bytes(self.property.as_bytes());
        fold.u64(self.plan.content_hash());
        if self.arena() != ArenaKind::default() {
            fold.bytes(self.arena.as_bytes());
        }
        let about = self.bug.as_deref().unwrap_or(&self.plan.scenario).to_lowercase();
        let slug: String = about.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        format!("{slug}-{:08x}.ron", fold.value() >> 32)
    }

    /// Writes it into a folder, which is made if it is not there. A record that is there already is left as it is,
    /// with whatever a person wrote into it.
    ///
    /// # Errors
    /// If the folder or the file cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<PathBuf> {
        fs::create_dir_all(folder)?;
        let path = folder.join(self.file_name());
        if path.exists() {
            return Ok(path);
        }
        // Whoever looks into the folder sees a whole record or none.
        let partial = folder.join(format!(".{}.partial-{:016x}", self.file_name(), self.plan.seed));
        let mut file = fs::File::create(&partial)?;
        file.write_all(self.to_ron().as_bytes())?;
        file.sync_all()?;
        fs::rename(&partial, &path)?;
        Ok(path)
    }
}

/// A hash as it is written everywhere.
#[must_use]
pub fn hex(hash: u64) -> String {
    format!("{hash:016x}")
}
