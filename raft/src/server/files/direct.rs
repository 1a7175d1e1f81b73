//! Durable writes past the page cache.
//!
//! The device has the bytes from one place then, not from pages that are made for them, looked for at the sync, and push out what
//! somebody reads; nobody reads these soon, since the newest entries are in memory. A batch of 1 MiB takes 760 us instead of 910.
//! Short ones gain nothing, and of long ones the page cache writes one part while the next is copied.
//!
//! Not every file system can do it, and where it can, not every place in a file will do; neither is known beforehand. Then the
//! page cache takes the bytes as always.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::RangeInclusive;
use std::os::unix::fs::FileExt as _;

use memmap2::MmapMut;
#[cfg(target_os = "linux")]
use rustix::fs::{OFlags, fcntl_setfl};

/// Of how many bytes.
const LENGTHS: RangeInclusive<usize> = 64 << 10..=LARGE_PAGE_BYTES;

/// Nobody asks once more after so many refusals, since they cost a copy each.
const REFUSALS_MAX: u32 = 8;

/// So long is a page of the large kind.
const LARGE_PAGE_BYTES: usize = 2 << 20;

/// Writes past the page cache.
#[derive(Debug, Default)]
pub(super) struct Direct {
    /// What is written is copied here first: to a large page if there is one, which a device reads in one piece. There from the first
    /// write on.
    memory: Option<MmapMut>,
    /// How often it could not be done since it could be done last.
    refusals: u32,
}

impl Direct {
    /// Whether the bytes were written. If not, anything may be in their place, and all of them are to be written otherwise.
    ///
    /// # Errors
    /// What the operating system says, but for places that it does not take.
    pub(super) fn write(&mut self, file: &File, offset: u64, bytes: &[u8]) -> io::Result<bool> {
        if self.refusals >= REFUSALS_MAX || !LENGTHS.contains(&bytes.len()) || !set_direct(file, true)? {
            return Ok(false);
        }
        let written = self.copied(bytes).map(|copied| file.write_all_at(copied, offset));
        set_direct(file, false)?;
        let written = written.unwrap_or(Err(ErrorKind::InvalidInput.into()));
        match written {
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
                self.refusals += 1;
                Ok(false)
            }
            other => {
                self.refusals = 0;
                other.map(|()| true)
            }
        }
    }

    /// The bytes where a device is to find them, if there is memory for that.
    fn copied(&mut self, bytes: &[u8]) -> Option<&[u8]> {
        if self.memory.is_none() {
            self.memory = allocate().ok();
        }
        let memory = self.memory.as_mut()?;
        let begin = memory.as_ptr().align_offset(LARGE_PAGE_BYTES) % LARGE_PAGE_BYTES;
        let place = &mut memory[begin..][..bytes.len()];
        place.copy_from_slice(bytes);
        Some(place)
    }
}

/// A large page lies somewhere in here.
fn allocate() -> io::Result<MmapMut> {
    let memory = MmapMut::map_anon(2 * LARGE_PAGE_BYTES)?;
    #[cfg(target_os = "linux")]
    let _ = memory.advise(memmap2::Advice::HugePage); // only a wish
    Ok(memory)
}

/// Whether the file takes the wish. Only one operation at a time uses a file, so nobody else finds it so.
#[cfg(target_os = "linux")]
fn set_direct(file: &File, is_direct: bool) -> io::Result<bool> {
    match fcntl_setfl(file, if is_direct { OFlags::DIRECT } else { OFlags::empty() }) {
        Ok(()) => Ok(true),
        Err(_) if is_direct => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Elsewhere there is no such wish.
#[cfg(not(target_os = "linux"))]
fn set_direct(_: &File, _: bool) -> io::Result<bool> {
    Ok(false)
}
