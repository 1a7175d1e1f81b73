//! What lies in a folder: the segments of a log, in order, and what a crash has left beside them.

use crate::process::FileName;
use crate::store::StoreError;
use crate::store::format::SegmentId;

/// A file that bears a segment's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) file: FileName,
    pub(super) segment: SegmentId,
    pub(super) bytes: u64,
}

/// A folder's files.
#[derive(Clone, Debug, Default)]
pub(super) struct Folder {
    /// In the order in which they were made.
    pub(super) segments: Vec<Listed>,
    /// Never became segments.
    pub(super) unfinished: Vec<FileName>,
}

impl Folder {
    /// Sorts a listing out.
    ///
    /// # Errors
    /// If it holds what no store makes, or two segments of one unique id.
    pub(super) fn sort(files: &[(FileName, u64)]) -> Result<Self, StoreError> {
        let mut folder = Self::default();
        for (file, bytes) in files {
            if let Some(segment) = SegmentId::parse(file) {
                folder.segments.push(Listed { file: file.clone(), segment, bytes: *bytes });
            } else if SegmentId::parse_unfinished(file).is_some() {
                folder.unfinished.push(file.clone());
            } else {
                return Err(StoreError::UnknownFile { file: file.clone() });
            }
        }
        folder.segments.sort_by_key(|listed| listed.segment.unique);
        for pair in folder.segments.windows(2) {
            if pair[0].segment.unique == pair[1].segment.unique {
                let [one, other] = [&pair[0], &pair[1]].map(|listed| listed.file.clone());
                return Err(StoreError::StraySegment { file: one, before: pair[0].segment.unique, behind: other });
            }
        }
        Ok(folder)
    }

    /// Which segment the one at a position follows, by its header: one that is there, or none if the log begins there or
    /// what comes before it is gone.
    ///
    /// # Errors
    /// If another segment lies between the two.
    pub(super) fn before(&self, at: usize, previous: u64) -> Result<Option<usize>, StoreError> {
        let Some(before) = at.checked_sub(1) else { return Ok(None) };
        let (earlier, later) = (&self.segments[before], &self.segments[at]);
        if earlier.segment.unique > previous {
            let (file, behind) = (earlier.file.clone(), later.file.clone());
            return Err(StoreError::StraySegment { file, before: previous, behind });
        }
        Ok((earlier.segment.unique == previous).then_some(before))
    }
}
