//! A log's folder in words: a line for each segment, damaged places in full, and what a boot would do.

use std::io::{self, Write as _};

use squall_raft::process::DiskOp;
use squall_raft::store::reader::Frame;

use super::survey::{AcceptsJson, BootJson, FrameJson, SegmentJson, Survey};

/// More damaged entries than this are for `--json`.
const IDS_MAX: usize = 10;

pub(super) fn survey(survey: &Survey) -> io::Result<()> {
    io::stdout().lock().write_all(describe(survey).as_bytes())
}

/// Prints a frame's records, a line each.
pub(super) fn frame(file: &str, frame: &Frame) -> io::Result<()> {
    let FrameJson { offset, frame: number, records, .. } = FrameJson::new(file, frame);
    let mut out = io::stdout().lock();
    for record in records {
        let number_of = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        let state = if record.intact { "intact" } else { "DAMAGED" };
        let next = record.next.map_or_else(String::new, |next| format!("  next {next}"));
        let (index, term) = (number_of(record.index), number_of(record.term));
        let (kind, bytes) = (record.kind, record.payload_bytes);
        writeln!(out, "{file}:{offset}  frame {number}  {kind:<13}  index {index}  term {term}  {bytes} bytes  {state}{next}")?;
    }
    Ok(())
}

fn describe(survey: &Survey) -> String {
    let mut out = match &survey.identity {
        Some(of) => format!("{}: node {} (incarnation {}) of cluster {}\n", survey.log, of.node, of.incarnation, of.cluster),
        None => format!("{}: no header says whose log this is\n", survey.log),
    };
    if survey.running {
        out += "a server runs here, so the picture may be moving\n";
    }
    out += &table(survey);
    for segment in &survey.segments {
        out += &damage(segment);
    }
    for other in &survey.others {
        out += &format!(
            "{}: {} bytes, {}\n",
            other.file,
            other.bytes,
            match other.what {
                "unfinished" => "a segment that never was whole",
                _ => "no file of a log",
            }
        );
    }
    out + &boot(&survey.boot)
}

fn table(survey: &Survey) -> String {
    let head =
        ["segment", "base", "previous", "bytes", "reserved", "frames", "records", "entries", "payloads", "damaged", "sealed by"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(survey.segments.iter().map(row));
    let all = &survey.totals;
    let [bytes, frames, records, entries, payloads, damaged] =
        [all.bytes, all.frames, all.records, all.entries, all.payload_bytes, all.damaged].map(|number| number.to_string());
    let none = String::new;
    rows.push(["all".to_owned(), none(), none(), bytes, none(), frames, records, entries, payloads, damaged, none()]);
    let mut widths = [0; 11];
    for row in &rows {
        widths.iter_mut().zip(row).for_each(|(width, cell)| *width = cell.len().max(*width));
    }
    let mut out = String::new();
    for row in &rows {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:>width$}")).collect();
        out += cells.join("  ").trim_end();
        out.push('\n');
    }
    out
}

fn row(segment: &SegmentJson) -> [String; 11] {
    let some = |what: &Option<String>| what.clone().unwrap_or_else(|| "-".to_owned());
    [
        segment.unique.clone(),
        segment.base.to_string(),
        some(&segment.previous),
        segment.bytes.to_string(),
        segment.reserved_bytes.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string()),
        segment.frames.to_string(),
        segment.records.to_string(),
        segment.entries.to_string(),
        segment.payload_bytes.to_string(),
        segment.damaged.to_string(),
        some(&segment.sealed_by),
    ]
}

fn damage(segment: &SegmentJson) -> String {
    let mut out = String::new();
    if let Some(error) = &segment.error {
        out += &format!("{}: {error}\n", segment.file);
    }
    for piece in &segment.pieces {
        let after = match (piece.followed, piece.written) {
            (true, _) => "an intact frame follows",
            (false, true) => "written to its end, and no intact frame follows",
            (false, false) => "not written to its end, and no intact frame follows",
        };
        let (offset, bytes) = (piece.offset, piece.end - piece.offset);
        out += &format!("{}: {bytes} bytes at {offset} are no frame: {}; {after}\n", segment.file, piece.fault);
    }
    if segment.damaged > 0 {
        out += &format!("{}: {} payloads do not match their checksums", segment.file, segment.damaged);
        if segment.unwritten_frames > 0 {
            out += &format!("; frames of them that were not written to their ends: {}", segment.unwritten_frames);
        }
        out += " (--records shows them)\n";
    }
    out
}

fn boot(boot: &BootJson) -> String {
    match boot {
        BootJson::Refuses { error, .. } => format!("a boot would refuse this log, and change nothing: {error}\n"),
        BootJson::Accepts(accepts) => self::accepts(accepts),
    }
}

/// What a boot finds and does.
pub(super) fn accepts(found: &AcceptsJson) -> String {
    let vote = found.vote.map_or_else(|| "no vote".to_owned(), |vote| format!("vote for {vote}"));
    let mut out = format!(
        "a boot would accept it: term {}, {vote}, purged through {}, {} entries up to {}, from {} frames in {} segments\n",
        found.term,
        found.purged.index,
        found.entries,
        found.last,
        found.frames,
        found.segments.len()
    );
    if !found.damaged.is_empty() {
        let mut ids: Vec<_> = found.damaged.iter().take(IDS_MAX).map(|id| format!("{} of term {}", id.index, id.term)).collect();
        if found.damaged.len() > IDS_MAX {
            ids.push(format!("and {} more", found.damaged.len() - IDS_MAX));
        }
        out += &format!("{} entries are damaged, and must come from a peer: {}\n", found.damaged.len(), ids.join(", "));
    }
    for does in &found.does {
        out += &format!("a boot would {does}\n");
    }
    out
}

/// What an operation of a recovery does; nothing for a sync.
pub(super) fn op(op: &DiskOp) -> Option<String> {
    match op {
        DiskOp::Remove { file } => Some(format!("remove {file}, which the log does not need")),
        DiskOp::Write { file, offset, bytes } => {
            Some(format!("overwrite {} bytes of a torn write at {offset} of {file} with zeros", bytes.len()))
        }
        DiskOp::WriteSync { file, offset, bytes } => {
            Some(format!("write a frame of {} bytes at {offset} of {file}", bytes.len()))
        }
        _ => None,
    }
}
