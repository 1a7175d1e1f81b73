//! `squall wal repair`: says what would make a boot accept a log, and does it if it is told to.
//!
//! What is to be done is planned by `squall_raft::store::repair`, against the folder as it would be then. Here it is carried out, in the
//! order that the plan gives, with the server's lock, and after copies were made of all that goes ([`super::cut`]).

use std::path::Path;

use squall_raft::process::{DiskOp, DiskReply, FileName};
use squall_raft::server::files::{Disk, Files, Place, ReadOnly};
use squall_raft::store::Identity;
use squall_raft::store::format::{FileHeader, SECTOR_BYTES, SegmentId};
use squall_raft::store::repair::{Change, Next, Plan, Planner};

use super::super::Refused;
use super::cut::Cut;
use super::survey::{AcceptsJson, list};
use super::{DAMAGED, text};

const WARNING: &str = "WARNING: acknowledged entries and votes may be lost by this. Afterwards the node must not vote, nor count \
                       towards a quorum, as who it was: remove it from its cluster, and let it join as a new member.";

pub(super) fn repair(dir: &Path, yes: bool, discard: bool) -> Result<u8, Refused> {
    let place = Place::find(dir)?;
    if place.is_locked()? {
        return Err(Refused(format!("{}: found a server running here, expected none", dir.display())));
    }
    // From here on no server starts, so that the plan stays right. Nothing is made where nothing will be done.
    let mut files = if yes { Some(place.lock()?) } else { None };
    let mut disk = place.read_only();
    let Some(plan) = plan(&mut disk)? else { return Ok(DAMAGED) };
    let found = AcceptsJson::from(&plan.forecast);
    print!("{}", describe(&plan));
    if plan.remedies.is_empty() && found.does.is_empty() {
        println!("there is nothing to do");
        return Ok(0);
    }
    if plan.discards() && !discard {
        eprintln!("nothing was changed: this needs --discard-acknowledged, and after it the node must join as a new member");
        return Ok(DAMAGED);
    }
    let Some(files) = &mut files else {
        eprintln!("nothing was changed: --yes does it");
        return Ok(if plan.remedies.is_empty() { 0 } else { DAMAGED });
    };
    let cut = carry_out(&place, files, &plan)?;
    if let Some(cut) = cut {
        println!("what was taken out lies in {}", cut.path().display());
    }
    verify(&mut disk)
}

/// The folder must need nothing now.
fn verify(disk: &mut ReadOnly) -> Result<u8, Refused> {
    match plan(disk)? {
        Some(plan) if plan.remedies.is_empty() => {
            println!("a boot accepts the log now");
            Ok(0)
        }
        _ => {
            eprintln!("a boot would still refuse the log, which is a bug of this command");
            Ok(DAMAGED)
        }
    }
}

/// What is to be done; nothing if it is hopeless, which is said.
fn plan(disk: &mut ReadOnly) -> Result<Option<Plan>, Refused> {
    let (mut planner, mut op) = Planner::start(newest_identity(disk)?);
    loop {
        let Ok(reply) = disk.execute(&op) else {
            return Err(Refused(disk.last_failure().map_or_else(String::new, ToString::to_string)));
        };
        match planner.step(reply) {
            Next::Do(next) => op = next,
            Next::Plan(plan) => return Ok(Some(plan)),
            Next::Hopeless(error) => {
                eprintln!("{error}");
                eprintln!("nothing was changed: no intact log is left without this; the node must join as a new member");
                return Ok(None);
            }
        }
    }
}

/// Whose log it is, by the newest header that is intact. A mixture is refused by the recovery.
fn newest_identity(disk: &mut ReadOnly) -> Result<Identity, Refused> {
    let files = list(disk)?.into_iter().filter(|(_, bytes)| *bytes >= SECTOR_BYTES as u64);
    let mut segments: Vec<_> = files.filter_map(|(file, _)| Some((SegmentId::parse(&file)?.unique, file))).collect();
    segments.sort_by(|one, other| other.cmp(one));
    for (_, file) in segments {
        let header = DiskOp::Read { file, offset: 0, len: SECTOR_BYTES as u64 };
        if let Ok(DiskReply::Bytes(bytes)) = disk.execute(&header)
            && let Some(Ok(header)) = bytes.first_chunk().map(FileHeader::decode)
        {
            return Ok(header.identity);
        }
    }
    Ok(Identity::default())
}

fn describe(plan: &Plan) -> String {
    let mut out = String::new();
    for remedy in &plan.remedies {
        out += &format!("{}\n", remedy.against);
        remedy.changes.iter().for_each(|change| out += &format!("  {}\n", words(change)));
    }
    if plan.discards() {
        out += &format!("{WARNING}\n");
    }
    let then = if plan.remedies.is_empty() { "" } else { "then " };
    out + then + &text::accepts(&AcceptsJson::from(&plan.forecast))
}

fn words(change: &Change) -> String {
    match change {
        Change::SetAside { file } => format!("take {file} out"),
        Change::Lengthen { file, len } => format!("make {file} {len} bytes long again, with zeros"),
        Change::Zero { file, from } => format!("overwrite {file} with zeros from byte {from} on"),
    }
}

/// Makes copies of all that goes, then every change, then what a boot would do.
fn carry_out(place: &Place, files: &mut Files, plan: &Plan) -> Result<Option<Cut>, Refused> {
    let (gone, overwritten) = taken(plan, &mut place.read_only())?;
    let mut cut = None;
    if !gone.is_empty() || !overwritten.is_empty() {
        let made = cut.insert(Cut::make(&place.log)?);
        gone.iter().for_each(|(file, why)| made.announce(file, why));
        for (file, from, why) in &overwritten {
            made.copy(file, *from, why)?;
        }
        made.seal()?;
        for (file, _) in &gone {
            made.take(file)?;
        }
    }
    execute(files, &DiskOp::SyncDir)?;
    for change in plan.changes() {
        let Ok(DiskReply::Files(listing)) = files.execute(&DiskOp::List) else { return Err(failed(files)) };
        let bytes = listing.iter().find(|(file, _)| file == change.file()).map_or(0, |(_, bytes)| *bytes);
        for op in change.ops(bytes) {
            execute(files, &op)?;
        }
    }
    for op in plan.forecast.ops.iter().filter(|op| !matches!(op, DiskOp::Remove { .. })) {
        execute(files, op)?;
    }
    Ok(cut)
}

type Gone = Vec<(FileName, String)>;
type Overwritten = Vec<(FileName, u64, String)>;

/// Files that go, in their order, and what is overwritten of others.
fn taken(plan: &Plan, disk: &mut ReadOnly) -> Result<(Gone, Overwritten), Refused> {
    let reason = |change: &Change| {
        let of_it = plan.remedies.iter().find(|remedy| remedy.changes.contains(change));
        of_it.map_or_else(String::new, |remedy| remedy.against.to_string())
    };
    let (mut gone, mut overwritten) = (Gone::new(), Overwritten::new());
    for change in plan.changes() {
        match &change {
            Change::SetAside { file } => gone.push((file.clone(), reason(&change))),
            Change::Zero { file, from } => overwritten.push((file.clone(), *from, reason(&change))),
            Change::Lengthen { .. } => {}
        }
    }
    for op in &plan.forecast.ops {
        match op {
            DiskOp::Remove { file } => gone.push((file.clone(), "the log does not need it".to_owned())),
            DiskOp::Write { file, offset, bytes } | DiskOp::WriteSync { file, offset, bytes } => {
                let read = DiskOp::Read { file: file.clone(), offset: *offset, len: bytes.len() as u64 };
                let is_new = !matches!(disk.execute(&read), Ok(DiskReply::Bytes(there)) if there == *bytes);
                if is_new && overwritten.iter().all(|(other, ..)| other != file) {
                    overwritten.push((file.clone(), *offset, "a write that the power failed in".to_owned()));
                }
            }
            _ => {}
        }
    }
    Ok((gone, overwritten))
}

fn execute(files: &mut Files, op: &DiskOp) -> Result<(), Refused> {
    files.execute(op).map(|_| ()).map_err(|_| failed(files))
}

fn failed(files: &Files) -> Refused {
    Refused(files.last_failure().map_or_else(|| "a disk operation failed".to_owned(), ToString::to_string))
}
