//! A process that appends to its log and is killed with SIGKILL, over and over, in one folder.
//!
//! What it told its parent must be in the log that the next process finds, and beyond that at most the one batch that was under
//! way. Batches follow from one another, so the parent knows what each of them leads to.
//! Not here: power losses, which take what was not synced as well (`files/crash_images`).
#![cfg(all(feature = "server", unix))]
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "real processes, on the clock on the wall")]

use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use bytes::Bytes;
use squall_raft::entry::{Entry, HardState, Payload, Persist};
use squall_raft::log_view::View;
use squall_raft::process::{DiskOp, OpId};
use squall_raft::server::files::{Disk as _, Files, Folder, OpenError};
use squall_raft::store::wal::Wal;
use squall_raft::store::{Identity, Options, Recovered, StoreEvent};
use squall_raft::types::{BootNumber, IoId, LogId, LogIndex, NodeId, Term};

/// Set for children: the folder.
const FOLDER: &str = "SQUALL_KILL_FOLDER";

/// Set for children that are to tell of each batch before they write it.
const TOO_EARLY: &str = "SQUALL_KILL_TOO_EARLY";

const KILLS: usize = 200;

/// A child that tells too early is found out long before so many.
const KILLS_TOO_EARLY_MAX: usize = 100;

/// A child that is not killed ends after this, and the test with it.
const CHILD_LIFE: Duration = Duration::from_secs(30);

/// Segments of a few batches, so that many kills come amid a rotation.
const SEGMENT_BYTES: u64 = 16 << 10;

/// Where a log stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct At {
    /// One per batch.
    term: u64,
    last: u64,
    purged: u64,
}

impl At {
    /// Behind the next batch; some of them drop entries first.
    fn next(self) -> Self {
        Self { term: self.term + 1, last: self.kept() + (self.term + 1) % 5 + 1, ..self }
    }

    /// How far the log reaches before the next batch appends to it.
    fn kept(self) -> u64 {
        let dropped = if (self.term + 1).is_multiple_of(7) { 3 } else { 0 };
        self.last.saturating_sub(dropped).max(self.purged)
    }

    /// Behind the purge that follows some batches.
    fn purged(self) -> Self {
        let through = if self.term.is_multiple_of(11) { self.last.saturating_sub(20) } else { 0 };
        Self { purged: self.purged.max(through), ..self }
    }

    fn line(self) -> String {
        format!("at {} {} {}", self.term, self.last, self.purged)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut numbers = line.strip_prefix("at ")?.split(' ').map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Self { term: next()?, last: next()?, purged: next()? })
    }
}

/// A payload that its identifiers give.
fn entry(term: u64, index: u64) -> Entry {
    let size = usize::try_from(term * 37 % 900 + index % 300 + 16).expect("small");
    let word = (term << 32 | index).to_le_bytes();
    let bytes: Bytes = word.iter().copied().cycle().take(size).collect();
    Entry { id: LogId::new(term, index), payload: Payload::Command(bytes) }
}

struct Store {
    boot: BootNumber,
    files: Files,
    wal: Wal,
    out: Vec<(OpId, DiskOp)>,
    seq: u64,
    at: At,
}

impl Store {
    fn boot(folder: &Path) -> Result<(Self, Recovered), String> {
        let Folder { boot, files } = Folder::open(folder).map_err(|error| error.to_string())?;
        let options = Options { segment_bytes: SEGMENT_BYTES, ..Options::new(Identity::default()) };
        let mut out = Vec::new();
        let wal = Wal::boot(options, boot, &mut out);
        let mut store = Self { boot, files, wal, out, seq: 0, at: At::default() };
        match store.run()? {
            StoreEvent::Recovered(recovered) => {
                let purged = recovered.purged.index.0;
                store.at = At { term: recovered.hard_state.term.0, last: recovered.log.last().index.0, purged };
                Ok((store, recovered))
            }
            other => Err(format!("found {other:?}, expected a recovered log")),
        }
    }

    fn run(&mut self) -> Result<StoreEvent, String> {
        loop {
            if self.out.is_empty() {
                self.wal.flush(&mut self.out);
            }
            let (op, what) = self.out.pop().ok_or("nothing is under way")?;
            let result = self.files.execute(&what);
            match self.wal.disk_done(op, result, &mut self.out) {
                Some(StoreEvent::Failed(error)) => return Err(error.to_string()),
                Some(event) => return Ok(event),
                None => {}
            }
        }
    }

    /// One batch, and the purge that may follow it.
    fn advance(&mut self, tells_too_early: bool, mut tell: impl FnMut(At)) -> Result<(), String> {
        let (kept, next) = (self.at.kept(), self.at.next());
        let hard_state = HardState { term: Term(next.term), vote: Some(NodeId(next.term % 3 + 1)) };
        let entries: Vec<Entry> = (kept + 1..=next.last).map(|index| entry(next.term, index)).collect();
        for what in [Persist::HardState(hard_state), Persist::Truncate { last: LogIndex(kept) }, Persist::Append(entries.into())]
        {
            let id = self.id();
            self.wal.persist(id, what);
        }
        if tells_too_early {
            tell(next);
        }
        self.run()?;
        if !tells_too_early {
            tell(next);
        }
        let purged = next.purged();
        if purged != next {
            let id = self.id();
            // The term is not looked at: what is purged is known by its index here.
            self.wal.purge(id, LogId::new(next.term, purged.purged));
            self.run()?;
            tell(purged);
        }
        self.at = purged;
        Ok(())
    }

    fn id(&mut self) -> IoId {
        self.seq += 1;
        IoId { boot: self.boot, seq: self.seq }
    }
}

/// Not a test by itself: what a child process does, which is this program with a folder in its environment.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let too_early = std::env::var_os(TOO_EARLY).is_some();
    let began = Instant::now();
    let mut out = std::io::stdout().lock();
    let mut tell = |line: &str| writeln!(out, "{line}").and_then(|()| out.flush()).expect("the parent listens");
    let mut store = match Store::boot(Path::new(&folder)) {
        Ok((store, _)) => store,
        Err(error) => return tell(&format!("refused {error}")),
    };
    tell(&store.at.line());
    while began.elapsed() < CHILD_LIFE {
        store.advance(too_early, |at| tell(&at.line())).expect("a store that works");
    }
}

/// A child and what it has told.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(folder: &Path, too_early: bool) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        if too_early {
            command.env(TOO_EARLY, "yes");
        }
        command.args(["child", "--exact", "--nocapture"]).env(FOLDER, folder).stdout(Stdio::piped());
        let mut child = command.spawn().expect("this program can be started");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Self { child, lines }
    }

    /// The next thing that it tells; libtest's own lines are left out.
    fn told(&mut self) -> Option<String> {
        let of_child = |line: &String| line.starts_with("at ") || line.starts_with("refused ");
        // The last line may end amid a word.
        self.lines.by_ref().map_while(Result::ok).find(of_child)
    }

    fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was killed");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Everything that is in the log, as the identifiers say.
fn check(recovered: &Recovered, at: At) -> Result<(), String> {
    for ((id, payload), index) in recovered.log.iter().zip(at.purged + 1..) {
        let View::Ready(payload) = payload else { return Err(format!("entry {index} is damaged")) };
        let expected = entry(id.term.0, index);
        if (id, payload) != (expected.id, &expected.payload) {
            return Err(format!("found another entry at {index}: {id}"));
        }
    }
    let last = if recovered.log.is_empty() { at.term } else { recovered.log.last().term.0 };
    if last == at.term { Ok(()) } else { Err(format!("found the hard state of batch {}, and the entries of {last}", at.term)) }
}

fn fresh(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kill").join(test);
    let _ = fs::remove_dir_all(&path);
    path
}

/// Numbers that differ between kills; which moments they hit is the machine's business.
fn drawn(number: usize) -> u64 {
    let mut z = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^ (z >> 31)
}

/// Runs a child and kills it; returns the last thing that it told, if it told anything.
fn killed(folder: &Path, number: usize, too_early: bool, before: At) -> Result<Option<At>, String> {
    let mut running = Running::start(folder, too_early);
    let draw = drawn(number);
    let mut told = Vec::new();
    if draw.is_multiple_of(4) {
        // Most likely amid its boot.
        sleep(Duration::from_micros(draw % 20_000));
    } else {
        (0..draw % 16).for_each(|_| told.extend(running.told()));
        sleep(Duration::from_micros((draw >> 8) % 1_500));
    }
    running.kill();
    told.extend(std::iter::from_fn(|| running.told()));
    let mut last = None;
    for line in told {
        let at = At::parse(&line).ok_or(line)?;
        // Its first line is what it found.
        if last.is_none() && at != before {
            return Err(format!("the child found {at:?}, expected {before:?}"));
        }
        last = Some(at);
    }
    Ok(last)
}

/// What came of a loop of kills.
#[derive(Debug, Default)]
struct Loop {
    at: At,
    amid_boot: usize,
    /// Batches that were there, and nobody had been told.
    unacknowledged: usize,
}

fn kill_again_and_again(folder: &Path, kills: usize, too_early: bool) -> Result<Loop, String> {
    let mut found = Loop::default();
    for number in 0..kills {
        let told = killed(folder, number, too_early, found.at)?;
        found.amid_boot += usize::from(told.is_none());
        let at = told.unwrap_or(found.at);
        let (store, recovered) = Store::boot(folder).map_err(|error| format!("kill {number} behind {at:?}: {error}"))?;
        let allowed = [at, at.purged(), at.next()];
        if !allowed.contains(&store.at) {
            return Err(format!("kill {number}: recovered {:?}, expected one of {allowed:?}", store.at));
        }
        check(&recovered, store.at).map_err(|error| format!("kill {number}: {error}"))?;
        found.unacknowledged += usize::from(store.at != at);
        found.at = store.at;
    }
    Ok(found)
}

#[test]
fn what_a_killed_process_acknowledged_is_found_by_the_next() {
    let found = kill_again_and_again(&fresh("loop"), KILLS, false).unwrap_or_else(|error| panic!("{error}"));
    println!("{KILLS} kills: {found:?}");
    assert!(found.at.term > 500 && found.at.purged > 0, "{found:?}");
}

#[test]
fn what_is_acknowledged_too_early_is_noticed() {
    let error = kill_again_and_again(&fresh("too-early"), KILLS_TOO_EARLY_MAX, true).expect_err("a child that promises too much");
    assert!(error.contains(": recovered At"), "{error}");
}

#[test]
fn two_processes_in_one_folder_are_one_too_many() {
    let folder = fresh("locked");
    let mut first = Running::start(&folder, false);
    assert!(first.told().is_some_and(|line| line.starts_with("at ")));
    let here = Folder::open(&folder).map(drop).expect_err("a folder in use");
    assert!(matches!(here, OpenError::Locked { .. }), "{here}");
    let named = fs::canonicalize(&folder).expect("a folder").join("lock").display().to_string();
    assert!(here.to_string().contains(&named), "{here}");
    let refused = Running::start(&folder, false).told().expect("the second one says why it ends");
    assert!(refused.contains(&named) && refused.contains("locked by a running server"), "{refused}");
    first.kill();
    assert!(Store::boot(&folder).is_ok(), "the lock ends with the process");
}
