//! A folder that a store has written, what it held after every step, and what a recovery makes of a changed copy.

use squall_raft::log_view::View;
use squall_raft::process::FileName;
use squall_raft::store::format::{FileHeader, SECTOR_BYTES, SegmentId};
use squall_raft::store::reader::{Frame, Reader, Step};
use squall_raft::store::{Identity, Options, Recovered, StoreError, StoreEvent, wal::Wal};
use squall_raft::types::BootNumber;

use crate::store::disk::Disk;
use crate::store::model::{Do, Ended, Life, Planted, State};

/// Names and contents, oldest first.
pub type Files = Vec<(FileName, Vec<u8>)>;

/// Far more operations than any recovery of these folders takes.
const OPS_MAX: usize = 2_000;

/// Segments of a few frames each.
pub fn options(preallocate: bool) -> Options {
    Options { segment_bytes: 5 * 512, preallocate, ..Options::new(Identity::default()) }
}

/// A folder at rest, everything in it durable.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub files: Files,
    pub state: State,
}

impl Snapshot {
    fn of(life: &Life) -> Self {
        let mut files = life.disk.contents();
        files.sort_by_key(|(name, _)| SegmentId::parse(name).map(|segment| segment.unique));
        Self { files, state: life.state() }
    }
}

/// What a life leaves: the folder after every step, oldest first.
#[derive(Clone, Debug)]
pub struct Sample {
    pub snapshots: Vec<Snapshot>,
}

impl Sample {
    /// Runs a life, each step to its end, so that each has a frame of its own.
    pub fn live(preallocate: bool, program: &[Do]) -> Self {
        let mut life = Life::new(options(preallocate), Planted::default());
        assert_eq!(life.boot(None), Ok(Ended::Quiet));
        let mut snapshots = vec![Snapshot::of(&life)];
        for what in program {
            for what in [what, &Do::Flush] {
                life.act(what, None).expect("a healthy disk");
            }
            life.settle(None).expect("a healthy disk");
            snapshots.push(Snapshot::of(&life));
        }
        Self { snapshots }
    }

    pub fn last(&self) -> &Snapshot {
        self.snapshots.last().expect("one at least")
    }

    pub fn files(&self) -> &Files {
        &self.last().files
    }

    /// The newest segment, its position, and its frames.
    pub fn newest(&self) -> (usize, &[u8], Vec<Frame>) {
        let at = self.files().len() - 1;
        let content = &self.files()[at].1;
        (at, content, frames(content))
    }

    /// The state when the newest segment held so many frames.
    pub fn state_with(&self, newest_frames: usize) -> &State {
        let name = &self.files()[self.files().len() - 1].0;
        let held = |snapshot: &&Snapshot| match snapshot.files.last() {
            Some((file, content)) if file == name => frames(content).len() <= newest_frames,
            _ => true,
        };
        &self.snapshots.iter().rfind(held).expect("the empty log at least").state
    }
}

/// Every frame of a segment, its seal too.
pub fn frames(content: &[u8]) -> Vec<Frame> {
    let header = FileHeader::decode(content.first_chunk::<SECTOR_BYTES>().expect("a header")).expect("an intact header");
    let mut reader = Reader::new(&header);
    let mut frames = Vec::new();
    while let Step::Complete(frame) = reader.next(&content[small(reader.offset()).min(content.len())..]) {
        frames.push(frame);
    }
    frames
}

pub fn small(number: u64) -> usize {
    usize::try_from(number).expect("files in tests fit into memory")
}

/// What a boot makes of a folder, and what the folder is then. A member that has a log does not begin one.
pub fn recover(files: &Files) -> (Result<Recovered, StoreError>, Files) {
    let mut disk = Disk::holding(files.iter().map(|(name, content)| (name, content.clone())));
    let mut out = Vec::new();
    let options = Options { initialize: false, ..options(true) };
    let mut wal = Wal::boot(options, BootNumber(9), &mut out);
    for _ in 0..OPS_MAX {
        let (op, what) = out.pop().expect("an operation is under way until the end");
        let result = disk.carry_out(&what);
        match wal.disk_done(op, result, &mut out) {
            None => {}
            Some(StoreEvent::Recovered(recovered)) => return (Ok(recovered), disk.contents()),
            Some(StoreEvent::Failed(error)) => return (Err(error), disk.contents()),
            Some(StoreEvent::Durable(_) | StoreEvent::Fetched(_)) => panic!("nothing was asked for"),
        }
    }
    panic!("recovery does not end");
}

/// What came of a changed folder.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Refused, and nothing in the folder was changed.
    Refused(StoreError),
    /// All that was durable is there.
    Whole,
    /// All but the payloads of so many entries, which are reported.
    Damaged(usize),
    /// Something else.
    Other(Box<Recovered>),
}

/// Recovers a changed copy of a folder and judges what comes of it.
pub fn outcome(changed: &Files, whole: &State) -> Outcome {
    let (result, after) = recover(changed);
    match result {
        Err(error) => {
            let mut before = changed.clone();
            before.sort();
            assert!(after == before, "a folder that is refused is left as it is: {error}");
            Outcome::Refused(error)
        }
        Ok(found) => {
            let (again, _) = recover(&after);
            let again = again.map(|again| (again.hard_state, again.purged, again.log, again.torn_bytes));
            let once = (found.hard_state, found.purged, found.log.clone(), 0);
            assert_eq!(again, Ok(once), "what was recovered is recovered again");
            match damaged_beside(&found, whole) {
                Some(0) => Outcome::Whole,
                Some(count) => Outcome::Damaged(count),
                None => Outcome::Other(Box::new(found)),
            }
        }
    }
}

/// How many payloads are reported as damaged, if all else is as in a state.
pub fn damaged_beside(found: &Recovered, whole: &State) -> Option<usize> {
    let mut damaged = 0;
    let same = found.hard_state == whole.hard_state
        && found.purged.index == whole.purged
        && found.log.len() == whole.entries.len()
        && found.log.iter().zip(&whole.entries).all(|((id, payload), whole)| {
            id == whole.id
                && match payload {
                    View::Ready(payload) => *payload == whole.payload,
                    // A folder is small, and nothing of it is let go of.
                    View::Pending => false,
                    View::Damaged(_) => {
                        damaged += 1;
                        true
                    }
                }
        });
    same.then_some(damaged)
}
