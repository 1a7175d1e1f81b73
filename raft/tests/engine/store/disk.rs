//! A small disk that forgets: what was not synced survives a power loss by the sector, or not.
//!
//! It follows the fault model that is stated in `squall_raft::store::recovery`.

use std::collections::BTreeMap;

use bytes::Bytes;
use squall_raft::process::{DiskError, DiskOp, DiskReply, FileName};

const SECTOR: usize = 512;

/// Random numbers from a seed (SplitMix64).
#[derive(Clone, Debug)]
pub struct Draws(pub u64);

impl Draws {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        small(self.next() % n as u64)
    }

    pub fn coin(&mut self) -> bool {
        self.next() & 1 == 1
    }
}

#[derive(Clone, Debug)]
enum Pending {
    Write { offset: usize, bytes: Bytes },
    Truncate { len: usize },
}

#[derive(Clone, Debug, Default)]
struct File {
    cache: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Pending>,
}

/// What this disk pretends to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lies {
    pub sync: bool,
    pub sync_dir: bool,
}

/// Changes are absolute, so that any of them can be lost.
#[derive(Clone, Debug)]
enum Change {
    Link(FileName, usize),
    Unlink(FileName, usize),
    Rename(FileName, FileName, usize),
}

type Folder = BTreeMap<FileName, usize>;

#[derive(Clone, Debug, Default)]
pub struct Disk {
    files: Vec<File>,
    live: Folder,
    durable: Folder,
    changes: Vec<Change>,
    pub lies: Lies,
}

impl Disk {
    /// An empty folder on a disk that does not do all it says.
    pub fn lying(lies: Lies) -> Self {
        Self { lies, ..Self::default() }
    }

    /// A folder with these files, all durable.
    pub fn holding<'a>(files: impl IntoIterator<Item = (&'a FileName, Vec<u8>)>) -> Self {
        let mut disk = Self::default();
        for (name, content) in files {
            disk.live.insert(name.clone(), disk.files.len());
            disk.files.push(File { cache: content.clone(), durable: content, pending: Vec::new() });
        }
        disk.durable = disk.live.clone();
        disk
    }

    /// Names and contents as a process sees them.
    pub fn contents(&self) -> Vec<(FileName, Vec<u8>)> {
        self.live.iter().map(|(name, at)| (name.clone(), self.files[*at].cache.clone())).collect()
    }

    /// The folder's only file.
    pub fn only(&self) -> (FileName, Vec<u8>) {
        let [one] = &self.contents()[..] else { panic!("one file") };
        one.clone()
    }

    pub fn carry_out(&mut self, op: &DiskOp) -> Result<DiskReply, DiskError> {
        match op {
            DiskOp::Create { file } if self.live.contains_key(file) => return Err(DiskError::Exists),
            DiskOp::Create { file } => {
                self.files.push(File::default());
                self.change(Change::Link(file.clone(), self.files.len() - 1));
            }
            DiskOp::Rename { from, to } => {
                let at = self.at(from)?;
                self.change(Change::Rename(from.clone(), to.clone(), at));
            }
            DiskOp::Remove { file } => {
                let at = self.at(file)?;
                self.change(Change::Unlink(file.clone(), at));
            }
            DiskOp::Write { file, offset, bytes } => {
                let offset = small(*offset);
                self.file(file)?.change(Pending::Write { offset, bytes: bytes.clone() });
            }
            DiskOp::WriteSync { file, offset, bytes } => {
                self.carry_out(&DiskOp::Write { file: file.clone(), offset: *offset, bytes: bytes.clone() })?;
                self.carry_out(&DiskOp::Sync { file: file.clone() })?;
            }
            DiskOp::Allocate { file, len } => {
                let len = small(*len);
                let file = self.file(file)?;
                file.change(Pending::Truncate { len: len.max(file.cache.len()) });
            }
            DiskOp::Truncate { file, len } => {
                self.file(file)?.change(Pending::Truncate { len: small(*len) });
            }
            DiskOp::Read { file, offset, len } => {
                let cache = &self.file(file)?.cache;
                let from = small(*offset).min(cache.len());
                let to = from.saturating_add(small(*len)).min(cache.len());
                return Ok(DiskReply::Bytes(Bytes::copy_from_slice(&cache[from..to])));
            }
            DiskOp::Sync { file } => {
                if !self.lies.sync {
                    self.file(file)?.sync();
                }
            }
            DiskOp::SyncDir => {
                if !self.lies.sync_dir {
                    self.durable = self.live.clone();
                    self.changes.clear();
                }
            }
            DiskOp::List => {
                let list = self.live.iter().map(|(name, at)| (name.clone(), self.files[*at].cache.len() as u64));
                return Ok(DiskReply::Files(list.collect()));
            }
        }
        Ok(DiskReply::Done)
    }

    fn at(&self, name: &FileName) -> Result<usize, DiskError> {
        self.live.get(name).copied().ok_or(DiskError::NotFound)
    }

    fn file(&mut self, name: &FileName) -> Result<&mut File, DiskError> {
        let at = self.at(name)?;
        Ok(&mut self.files[at])
    }

    fn change(&mut self, change: Change) {
        apply(&mut self.live, &change);
        self.changes.push(change);
    }

    /// Keeps a drawn part of what was not synced.
    pub fn lose_power(&mut self, draws: &mut Draws) {
        for change in std::mem::take(&mut self.changes) {
            if draws.coin() {
                apply(&mut self.durable, &change);
            }
        }
        self.live = self.durable.clone();
        self.files.iter_mut().for_each(|file| file.lose_power(draws));
    }
}

fn apply(folder: &mut Folder, change: &Change) {
    match change {
        Change::Link(name, at) => _ = folder.insert(name.clone(), *at),
        Change::Unlink(name, at) => folder.retain(|known, file| (known, *file) != (name, *at)),
        Change::Rename(from, to, at) => {
            folder.retain(|known, file| (known, *file) != (from, *at));
            folder.insert(to.clone(), *at);
        }
    }
}

impl File {
    fn change(&mut self, change: Pending) {
        match &change {
            Pending::Write { offset, bytes } => put(&mut self.cache, *offset, bytes),
            Pending::Truncate { len } => self.cache.resize(*len, 0),
        }
        self.pending.push(change);
    }

    fn sync(&mut self) {
        self.durable.clone_from(&self.cache);
        self.pending.clear();
    }

    fn lose_power(&mut self, draws: &mut Draws) {
        for change in std::mem::take(&mut self.pending) {
            match change {
                Pending::Truncate { len } if draws.coin() => self.durable.resize(len, 0),
                Pending::Truncate { .. } => {}
                Pending::Write { offset, bytes } => self.tear(offset, &bytes, draws),
            }
        }
        self.cache.clone_from(&self.durable);
    }

    /// Each sector: old, new, new up to some byte, or garbage. Sometimes all alike.
    fn tear(&mut self, offset: usize, bytes: &[u8], draws: &mut Draws) {
        let end = offset + bytes.len();
        if draws.below(4) == 0 && self.durable.len() < end {
            self.durable.resize(end, 0); // the length alone got through
        }
        let all = [None, None, Some(0), Some(1)][draws.below(4)];
        let mut at = offset;
        while at < end {
            let next = ((at / SECTOR + 1) * SECTOR).min(end);
            let new = &bytes[at - offset..next - offset];
            match all.unwrap_or_else(|| draws.below(4)) {
                0 => {}
                1 => put(&mut self.durable, at, new),
                2 => put(&mut self.durable, at, &new[..draws.below(new.len())]),
                _ => {
                    let garbage: Vec<u8> = new.iter().map(|_| draws.next().to_le_bytes()[0]).collect();
                    put(&mut self.durable, at, &garbage);
                }
            }
            at = next;
        }
    }
}

fn small(number: u64) -> usize {
    usize::try_from(number).expect("files in tests fit into memory")
}

fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}
