//! One file: what is on the medium, what lies over it in the page cache, and what was promised.
//!
//! Where nothing has gone wrong, what is promised is what is on the medium, and there is one image. The two part when
//! a device lies or a sync fails, when a write goes astray and when bits rot; from then on both are kept until they
//! agree again. What a process reads is the medium with every pending edit laid over it, in the order of the edits.
//!
//! Not here: what a power loss does to it (`power`), rot and astray writes (`damage`).

use bytes::Bytes;
use squall_raft::process::DiskError;

use super::content::{Content, FILE_LEN_MAX};
use super::device::Field;
use super::{Disk, Draw, Stamp};

/// Something that was done and is not on the medium, or was not promised, or lies over what is not.
#[derive(Clone, Debug)]
pub(super) struct Pending<T> {
    pub(super) stamp: Stamp,
    pub(super) what: T,
    pub(super) hold: Hold,
    /// The medium has it.
    pub(super) on_media: bool,
    /// A sync answered Ok for it.
    pub(super) promised: bool,
}

/// What keeps a change from the medium. Each fault says whether what comes of it lies outside the atlas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// Nothing: the next sync that is honest makes it durable.
    Dirty,
    /// A device that lies has taken it. The next honest sync makes it durable all the same.
    Lied { outside_atlas: bool },
    /// A sync of this boot failed and marked it clean: no later sync makes it durable. A process that was told so and
    /// believes a later sync all the same has itself to blame: then nothing is kept for it, as outside of the atlas.
    Forgotten { boot: u32, outside_atlas: bool },
    /// The device has put it elsewhere.
    Astray { outside_atlas: bool },
}

impl Hold {
    /// Whether a sync that answers Ok and means it leaves it where it is.
    pub(super) const fn is_for_ever(self) -> bool {
        matches!(self, Self::Forgotten { .. } | Self::Astray { .. })
    }
}

impl<T> Pending<T> {
    pub(super) const fn new(stamp: Stamp, what: T) -> Self {
        Self { stamp, what, hold: Hold::Dirty, on_media: false, promised: false }
    }

    /// A sync of this boot is about to answer Ok.
    pub(super) fn believe(&mut self, by: u32) {
        if let Hold::Forgotten { boot, outside_atlas } = &mut self.hold {
            *outside_atlas |= !self.promised && *boot == by;
        }
    }
}

#[derive(Clone, Debug)]
pub(super) enum Edit {
    Write { offset: u64, bytes: Bytes },
    Truncate { len: u64 },
}

/// A promised write that may be the end of a log.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    pub(super) from: u64,
    pub(super) to: u64,
    /// Bits that rotted in it.
    pub(super) flips: u64,
}

/// The latest promised writes. More than one, because a log may take its last frame back by writing zeros over it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Latest(pub(super) [Extent; 3]);

impl Latest {
    #[inline]
    fn note(&mut self, from: u64, to: u64, bytes: &[u8]) {
        // A frame begins with something; what begins with a zero takes frames back.
        if bytes.first().is_none_or(|byte| *byte == 0) {
            return;
        }
        if self.0[0].to == 0 || self.0[0].from != from {
            self.0.rotate_right(1);
        }
        self.0[0] = Extent { from, to, flips: 0 };
    }

    /// Where the first of them begins.
    pub(super) fn from(&self) -> u64 {
        self.0.iter().filter(|extent| extent.to > 0).map(|extent| extent.from).min().unwrap_or(0)
    }
}

/// One file's bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct File {
    pub(super) media: Content,
    /// What was promised, where that is not what is on the medium.
    pub(super) parted: Option<Content>,
    /// Oldest first.
    pub(super) edits: Vec<Pending<Edit>>,
    /// How long it looks to the process.
    pub(super) len: u64,
    /// Where the latest promised writes lie, the last one first: what is damaged there may look as if it had never been.
    pub(super) latest: Latest,
    /// The two images differ by more than what is pending.
    pub(super) scarred: bool,
}

impl File {
    /// What was promised.
    pub(super) fn promised(&self) -> &Content {
        self.parted.as_ref().unwrap_or(&self.media)
    }

    /// Keeps the two images apart from now on.
    pub(super) fn part(&mut self) -> &mut Content {
        self.parted.get_or_insert_with(|| self.media.clone())
    }

    pub(super) fn write(&mut self, stamp: Stamp, offset: u64, bytes: Bytes) -> Result<(), DiskError> {
        // Nothing is written nowhere, however far away (POSIX leaves the file and its length alone).
        if bytes.is_empty() {
            return Ok(());
        }
        self.len = self.len.max(end_of(offset, &bytes)?);
        self.edits.push(Pending::new(stamp, Edit::Write { offset, bytes }));
        Ok(())
    }

    /// A write and an honest sync; returns the first byte that changed.
    #[inline]
    pub(super) fn write_sync(&mut self, stamp: Stamp, offset: u64, bytes: Bytes) -> Result<u64, DiskError> {
        if !self.edits.is_empty() || self.parted.is_some() || bytes.is_empty() {
            self.write(stamp, offset, bytes)?;
            return Ok(self.sync(stamp.boot));
        }
        // Nothing lies between the process and the medium.
        let end = end_of(offset, &bytes)?;
        let from = offset.min(self.media.len());
        self.media.write(offset, &bytes);
        self.len = self.media.len();
        self.latest.note(offset, end, &bytes);
        Ok(from)
    }

    pub(super) fn truncate(&mut self, stamp: Stamp, len: u64) -> Result<(), DiskError> {
        if len > FILE_LEN_MAX {
            return Err(DiskError::NoSpace);
        }
        self.len = len;
        self.edits.push(Pending::new(stamp, Edit::Truncate { len }));
        Ok(())
    }

    /// Only the length tells that there is space.
    pub(super) fn allocate(&mut self, stamp: Stamp, len: u64) -> Result<(), DiskError> {
        if len > self.len { self.truncate(stamp, len) } else { Ok(()) }
    }

    /// Makes everything durable that still can be, and promises all of it; returns the first byte of the promised
    /// image that changed.
    pub(super) fn sync(&mut self, boot: u32) -> u64 {
        if self.edits.iter().any(|edit| edit.hold.is_for_ever()) {
            self.part();
        }
        let mut from = u64::MAX;
        let mut edits = std::mem::take(&mut self.edits);
        for edit in &mut edits {
            if !edit.hold.is_for_ever() {
                // Again, if it is there already: what came before it may have been put over it just now.
                let changed = edit.what.first_changed(&self.media);
                if changed < u64::MAX {
                    edit.what.apply(&mut self.media);
                }
                if self.parted.is_none() {
                    from = from.min(changed);
                }
                (edit.hold, edit.on_media) = (Hold::Dirty, true);
            }
            edit.believe(boot);
            from = from.min(self.promise(edit));
        }
        self.edits = edits;
        self.settle();
        from
    }

    /// Promises everything and makes nothing durable.
    pub(super) fn sync_lying(&mut self, boot: u32, outside_atlas: bool) -> u64 {
        if self.edits.is_empty() {
            return u64::MAX;
        }
        self.part();
        let mut from = u64::MAX;
        let mut edits = std::mem::take(&mut self.edits);
        for edit in &mut edits {
            if edit.hold == Hold::Dirty && !edit.on_media {
                edit.hold = Hold::Lied { outside_atlas };
            }
            edit.believe(boot);
            from = from.min(self.promise(edit));
        }
        self.edits = edits;
        self.settle();
        from
    }

    /// Fails: a drawn part of what is dirty reaches the medium, and the rest is marked clean and never will. The page
    /// cache shows it all the same, or shows what was there before.
    pub(super) fn sync_failing(&mut self, boot: u32, outside_atlas: bool, reverts: bool, draw: &Draw<'_>) {
        if self.edits.is_empty() {
            return;
        }
        self.part();
        let mut edits = std::mem::take(&mut self.edits);
        for edit in edits.iter_mut().filter(|edit| edit.hold == Hold::Dirty && !edit.on_media) {
            if draw(edit.stamp, 0, Field::SyncFailed) & 1 == 1 {
                edit.what.apply(&mut self.media);
                edit.on_media = true;
            } else {
                edit.hold = Hold::Forgotten { boot, outside_atlas };
            }
        }
        if reverts {
            edits.retain(|edit| edit.promised || !matches!(edit.hold, Hold::Forgotten { .. }));
        }
        self.edits = edits;
        self.len = self.seen().len();
    }

    /// Promises an edit; returns the first byte that this changed, if the promised image is one of its own.
    fn promise(&mut self, edit: &mut Pending<Edit>) -> u64 {
        if std::mem::replace(&mut edit.promised, true) {
            return u64::MAX;
        }
        if let Edit::Write { offset, bytes } = &edit.what {
            self.latest.note(*offset, offset + bytes.len() as u64, bytes);
        }
        let Some(parted) = &mut self.parted else { return u64::MAX };
        let from = edit.what.first_changed(parted);
        edit.what.apply(parted);
        from
    }

    /// Lets go of what is durable and promised, unless it must be seen above something that stays.
    fn settle(&mut self) {
        if self.edits.iter().all(|edit| edit.on_media && edit.promised) {
            self.edits.clear();
        } else {
            let mut below: Vec<Edit> = Vec::new();
            self.edits.retain(|edit| {
                let stays = !edit.on_media || !edit.promised || below.iter().any(|other| other.touches(&edit.what));
                if stays {
                    below.push(edit.what.clone());
                }
                stays
            });
        }
        self.agree();
    }

    /// Keeps one image again, if there is no difference left.
    pub(super) fn agree(&mut self) {
        if self.edits.is_empty() && !self.scarred && self.parted.is_some() {
            debug_assert!(self.parted.as_ref().is_some_and(|parted| parted.same(&self.media)), "images that agree are equal");
            self.parted = None;
        }
    }

    /// What a process sees.
    pub(super) fn seen(&self) -> Content {
        let mut content = self.media.clone();
        self.edits.iter().for_each(|edit| edit.what.apply(&mut content));
        content
    }

    /// What a process would see if every promise had been kept.
    pub(super) fn due(&self) -> Content {
        let mut content = self.promised().clone();
        self.edits.iter().filter(|edit| !edit.promised).for_each(|edit| edit.what.apply(&mut content));
        content
    }

    /// Lays what is pending over what is on the medium.
    pub(super) fn read(&self, offset: u64, len: u64) -> Bytes {
        let len = len.min(self.len.saturating_sub(offset));
        let mut buffer = vec![0; usize::try_from(len).expect("files are shorter than 1 GiB")];
        self.media.read(offset, &mut buffer);
        for edit in &self.edits {
            edit.what.overlay(offset, &mut buffer);
        }
        buffer.into()
    }
}

fn end_of(offset: u64, bytes: &Bytes) -> Result<u64, DiskError> {
    offset.checked_add(bytes.len() as u64).filter(|end| *end <= FILE_LEN_MAX).ok_or(DiskError::NoSpace)
}

impl Edit {
    pub(super) fn apply(&self, content: &mut Content) {
        match self {
            Self::Write { offset, bytes } => content.write(*offset, bytes),
            Self::Truncate { len } => content.truncate(*len),
        }
    }

    /// Growing to a length changes what lies behind the old end. Zeros over what was never written change nothing, and whoever
    /// follows a log that is zeroed ahead need not read them.
    fn first_changed(&self, content: &Content) -> u64 {
        match self {
            Self::Write { offset, bytes } if content.would_stay(*offset, bytes) => u64::MAX,
            Self::Truncate { len: at } | Self::Write { offset: at, .. } => (*at).min(content.len()),
        }
    }

    fn touches(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Write { offset: one, bytes: some }, Self::Write { offset: two, bytes: more }) => {
                *one < two + more.len() as u64 && *two < one + some.len() as u64
            }
            _ => true,
        }
    }

    /// Shows the edit in a window of the file that begins at `start`.
    fn overlay(&self, start: u64, window: &mut [u8]) {
        let within = |position: u64| usize::try_from(position.saturating_sub(start)).unwrap_or(usize::MAX).min(window.len());
        match self {
            Self::Truncate { len } => {
                let cut = within(*len);
                window[cut..].fill(0);
            }
            Self::Write { offset, bytes } => {
                let (first, end) = (within(*offset), within(offset + bytes.len() as u64));
                if first < end {
                    let skipped = usize::try_from(start.saturating_sub(*offset)).unwrap_or(usize::MAX);
                    window[first..end].copy_from_slice(&bytes[skipped..skipped + (end - first)]);
                }
            }
        }
    }
}

/// Room on the device.
impl Disk {
    /// Bytes that files take; one that was removed frees its own.
    pub(super) fn used_bytes(&self) -> u64 {
        self.folder.live.iter().filter_map(|(_, id)| self.files[id.at()].as_ref()).map(|file| file.len).sum()
    }

    /// Lets files grow by so many bytes from now on, or by as many as they like.
    pub(super) fn limit(&mut self, free_bytes: Option<u64>) {
        self.capacity_bytes = free_bytes.map(|free| self.used_bytes().saturating_add(free));
    }

    /// Whether a file may become this long.
    pub(super) fn check_room(&self, file: &super::FileName, len: u64) -> Result<(), DiskError> {
        let Some(capacity) = self.capacity_bytes else { return Ok(()) };
        let grows = len.saturating_sub(self.file(file)?.len);
        if grows > 0 && self.used_bytes().saturating_add(grows) > capacity { Err(DiskError::NoSpace) } else { Ok(()) }
    }
}
