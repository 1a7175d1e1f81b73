//! The bytes of a file in pages that clones share until one of them writes.
//!
//! A clone costs one pointer for each page that was written, and a copy of the last one; the first write after a clone
//! copies the one page that it touches. Pages that were never written hold no memory.
//!
//! Not here: what is durable and what is not ([`super`]).

use std::sync::Arc;

/// Nothing grows past this: an offset that is absurd is refused and not allocated.
pub(super) const FILE_LEN_MAX: u64 = 1 << 30;

const PAGE: usize = 16 * 1024;

static ZEROS: [u8; PAGE] = [0; PAGE];

/// Up to [`PAGE`] bytes; those behind its end are zero. A log grows at its end, so that no page has to be filled with zeros
/// before it is written.
type Page = Vec<u8>;

/// A file's length and bytes. Bytes that were never written are zero.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// Bytes behind `len` are zero in every page, so that growing needs no write. The list itself is not shared: a file is
    /// cloned seldom, and to ask at each write whether it must be copied costs as much as the write.
    pages: Vec<Option<Arc<Page>>>,
    /// The page behind them. It is not shared either, because a log writes nowhere else.
    last: Page,
    len: u64,
}

impl Content {
    /// The length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the length is 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Copies bytes from an offset on and returns how many there were before the end of the file.
    pub fn read(&self, offset: u64, into: &mut [u8]) -> usize {
        let there = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX).min(into.len());
        let mut rest = &mut into[..there];
        let mut position = offset;
        while !rest.is_empty() {
            let (page, within) = split(position);
            let (now, later) = rest.split_at_mut(rest.len().min(PAGE - within));
            match self.page(page) {
                Some(page) => read_page(page, within, now),
                None => now.fill(0),
            }
            position += now.len() as u64;
            rest = later;
        }
        there
    }

    /// Puts bytes at an offset; the file grows as needed. The caller keeps within `FILE_LEN_MAX`.
    #[inline]
    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let mut rest = bytes;
        let mut position = offset;
        while !rest.is_empty() {
            let (page, within) = split(position);
            let (now, later) = rest.split_at(rest.len().min(PAGE - within));
            if is_zero(now) {
                self.clear(page, within, now.len());
            } else {
                write_page(self.page_mut(page), within, now);
            }
            position += now.len() as u64;
            rest = later;
        }
        self.len = self.len.max(position);
    }

    /// Whether bytes are zeros and would be put where there is nothing else up to the end.
    pub(super) fn would_stay(&self, offset: u64, bytes: &[u8]) -> bool {
        let end = offset + bytes.len() as u64;
        bytes.first() == Some(&0) && end <= self.len && self.data_len() <= offset && bytes.chunks(PAGE).all(is_zero)
    }

    /// Flips bits of a byte; behind the end there is none.
    pub(super) fn flip(&mut self, position: u64, mask: u8) {
        if position < self.len {
            let mut byte = [0];
            self.read(position, &mut byte);
            self.write(position, &[byte[0] ^ mask]);
        }
    }

    /// Whether length and bytes are equal.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.len == other.len
            && (0..=self.pages.len().max(other.pages.len())).all(|at| match (self.page(at), other.page(at)) {
                (Some(one), Some(two)) => std::ptr::eq(one, two) || without_zeros(one) == without_zeros(two),
                (Some(page), None) | (None, Some(page)) => without_zeros(page).is_empty(),
                (None, None) => true,
            })
    }

    /// The length without the zeros at the end.
    #[must_use]
    pub fn data_len(&self) -> u64 {
        let last = (0..=self.pages.len()).rev().find_map(|at| {
            let bytes = without_zeros(self.page(at)?).len();
            (bytes > 0).then_some((at * PAGE + bytes) as u64)
        });
        last.unwrap_or(0)
    }

    /// Cuts the file or lets it grow by zeros.
    pub(super) fn truncate(&mut self, len: u64) {
        if len < self.len {
            let (page, within) = split(len);
            if let Some(cut) = self.pages.get_mut(page) {
                self.last = cut.take().map(Arc::unwrap_or_clone).unwrap_or_default();
                self.pages.truncate(page);
            }
            if page == self.pages.len() {
                self.last.truncate(within);
            }
        }
        self.len = len;
    }

    #[inline]
    fn page(&self, at: usize) -> Option<&Page> {
        if at == self.pages.len() { Some(&self.last) } else { self.pages.get(at)?.as_deref() }
    }

    #[inline]
    fn page_mut(&mut self, at: usize) -> &mut Page {
        if at < self.pages.len() {
            return Arc::make_mut(self.pages[at].get_or_insert_default());
        }
        if at > self.pages.len() {
            self.begin_page(at);
        }
        &mut self.last
    }

    /// Zeros part of a page. A page that was never written stays so, which makes zeros that come ahead of a log cheap.
    #[cold]
    fn clear(&mut self, page: usize, within: usize, len: usize) {
        let there = self.page(page).map_or(0, Vec::len);
        if within < there {
            self.page_mut(page)[within..there.min(within + len)].fill(0);
        }
    }

    #[cold]
    fn begin_page(&mut self, at: usize) {
        let full = std::mem::replace(&mut self.last, Vec::with_capacity(PAGE));
        self.pages.push((!full.is_empty()).then(|| Arc::new(full)));
        self.pages.resize(at, None);
    }
}

#[inline]
fn is_zero(bytes: &[u8]) -> bool {
    bytes[0] == 0 && *bytes == ZEROS[..bytes.len()]
}

fn split(position: u64) -> (usize, usize) {
    let position = usize::try_from(position).expect("files are shorter than 1 GiB");
    (position / PAGE, position % PAGE)
}

fn read_page(page: &Page, at: usize, into: &mut [u8]) {
    let there = page.get(at..).unwrap_or_default();
    let (written, never) = into.split_at_mut(there.len().min(into.len()));
    written.copy_from_slice(&there[..written.len()]);
    never.fill(0);
}

#[inline]
fn write_page(page: &mut Page, at: usize, bytes: &[u8]) {
    if page.len() < at {
        page.resize(at, 0);
    }
    let (over, behind) = bytes.split_at(bytes.len().min(page.len() - at));
    page[at..at + over.len()].copy_from_slice(over);
    page.extend_from_slice(behind);
}

fn without_zeros(page: &Page) -> &[u8] {
    &page[..page.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_was_written_across_pages() {
        let mut content = Content::default();
        let bytes: Vec<u8> = (0..=255).cycle().take(40_000).collect();
        content.write(10_000, &bytes);
        let mut read = vec![9; 60_000];
        assert_eq!(content.read(0, &mut read), 50_000);
        assert!(read[..10_000].iter().all(|byte| *byte == 0));
        assert_eq!(read[10_000..50_000], bytes);
        assert_eq!(content.read(50_000, &mut read), 0);
        assert_eq!(content.read(u64::MAX, &mut read), 0);
    }

    #[test]
    fn zeros_take_no_memory_where_nothing_was_written_and_overwrite_what_was() {
        let mut content = Content::default();
        content.write(0, &[7; PAGE + 100]);
        content.write(PAGE as u64 - 10, &[0; 3 * PAGE]);
        assert_eq!((content.len(), content.data_len()), (4 * PAGE as u64 - 10, PAGE as u64 - 10));
        assert_eq!((content.pages.len(), content.last.len()), (1, 100));
        let mut read = vec![9; 2 * PAGE];
        assert_eq!(content.read(0, &mut read), 2 * PAGE);
        assert!(read[..PAGE - 10].iter().all(|byte| *byte == 7) && read[PAGE - 10..].iter().all(|byte| *byte == 0));
        // What is all zeros but for its end is written.
        content.write(2 * PAGE as u64, &[0, 0, 1]);
        assert_eq!(content.data_len(), 2 * PAGE as u64 + 3);
        let len = content.len();
        assert!(content.would_stay(2 * PAGE as u64 + 3, &[0; PAGE]));
        assert!(content.would_stay(len - 1, &[0]) && !content.would_stay(len - 1, &[0, 0]), "the file would grow");
        assert!(!content.would_stay(2 * PAGE as u64 + 2, &[0; PAGE]), "there is a 1");
        assert!(!content.would_stay(2 * PAGE as u64 + 3, &[0, 0, 1]));
        let clone = content.clone();
        content.write(0, &[0; PAGE]);
        assert_eq!((content.data_len(), clone.data_len()), (2 * PAGE as u64 + 3, 2 * PAGE as u64 + 3));
        assert_eq!(clone.read(0, &mut read[..1]), 1);
        assert_eq!(read[0], 7, "the clone has kept its page");
    }

    #[test]
    fn what_was_cut_off_comes_back_as_zeros() {
        for len in [0, 1, PAGE as u64, PAGE as u64 + 1] {
            let mut content = Content::default();
            content.write(0, &[7; 2 * PAGE]);
            content.truncate(len);
            content.truncate(2 * PAGE as u64);
            let mut read = vec![9; 2 * PAGE];
            assert_eq!(content.read(0, &mut read), 2 * PAGE);
            let sevens = read.iter().take_while(|byte| **byte == 7).count();
            assert_eq!(sevens as u64, len);
            assert!(read[sevens..].iter().all(|byte| *byte == 0));
        }
    }

    #[test]
    fn clones_part_when_one_writes() {
        let mut original = Content::default();
        original.write(0, &[1; 4 * PAGE]);
        let clone = original.clone();
        original.write(5, &[2]);
        let mut read = [0; 10];
        clone.read(0, &mut read);
        assert_eq!(read, [1; 10]);
        original.read(0, &mut read);
        assert_eq!(read[5], 2);
        let shared = (0..3).filter(|at| Arc::ptr_eq(original.pages[*at].as_ref().unwrap(), clone.pages[*at].as_ref().unwrap()));
        assert_eq!(shared.count(), 2);
    }
}
