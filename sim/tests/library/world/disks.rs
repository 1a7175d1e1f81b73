//! The disk against a model of plain vectors, with a power loss after any operation.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;
use squall_raft::process::{DiskError, DiskOp, DiskReply, FileName};
use squall_sim::disk::{Disk, Stamp};

/// Files as the process sees them, and as they are promised.
#[derive(Clone, Debug, Default)]
struct Model {
    live: BTreeMap<FileName, usize>,
    durable: BTreeMap<FileName, usize>,
    files: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Model {
    fn execute(&mut self, op: &DiskOp) -> Result<DiskReply, DiskError> {
        let find = |name: &FileName| self.live.get(name).copied().ok_or(DiskError::NotFound);
        match op {
            DiskOp::Create { file } => {
                if self.live.contains_key(file) {
                    return Err(DiskError::Exists);
                }
                self.live.insert(file.clone(), self.files.len());
                self.files.push(Default::default());
            }
            DiskOp::Write { file, offset, bytes } => {
                let at = find(file)?;
                let start = usize::try_from(*offset).unwrap();
                let live = &mut self.files[at].0;
                if !bytes.is_empty() {
                    live.resize(live.len().max(start + bytes.len()), 0);
                    live[start..start + bytes.len()].copy_from_slice(bytes);
                }
            }
            DiskOp::Truncate { file, len } => {
                let at = find(file)?;
                self.files[at].0.resize(usize::try_from(*len).unwrap(), 0);
            }
            DiskOp::Sync { file } => {
                let at = find(file)?;
                self.files[at].1 = self.files[at].0.clone();
            }
            DiskOp::WriteSync { file, offset, bytes } => {
                self.execute(&DiskOp::Write { file: file.clone(), offset: *offset, bytes: bytes.clone() })?;
                self.execute(&DiskOp::Sync { file: file.clone() })?;
            }
            DiskOp::Allocate { file, len } => {
                let at = find(file)?;
                let len = usize::try_from(*len).unwrap().max(self.files[at].0.len());
                self.files[at].0.resize(len, 0);
            }
            DiskOp::Read { file, offset, len } => {
                let live = &self.files[find(file)?].0;
                let start = usize::try_from(*offset).unwrap().min(live.len());
                let end = (start + usize::try_from(*len).unwrap()).min(live.len());
                return Ok(DiskReply::Bytes(Bytes::copy_from_slice(&live[start..end])));
            }
            DiskOp::SyncDir => self.durable = self.live.clone(),
            DiskOp::Rename { from, to } => {
                let at = find(from)?;
                self.live.remove(from);
                self.live.insert(to.clone(), at);
            }
            DiskOp::Remove { file } => {
                find(file)?;
                self.live.remove(file);
            }
            DiskOp::List => {
                let list = self.live.iter().map(|(name, at)| (name.clone(), self.files[*at].0.len() as u64));
                return Ok(DiskReply::Files(list.collect()));
            }
        }
        Ok(DiskReply::Done)
    }
}

fn op() -> impl Strategy<Value = DiskOp> {
    let file = || prop::sample::select(vec!["a", "b", "c"]).prop_map(FileName::from);
    let bytes = prop::collection::vec(1..=255u8, 0..1500).prop_map(Bytes::from);
    let offset = || prop_oneof![0..3000u64, 15_000..18_000u64];
    prop_oneof![
        2 => file().prop_map(|file| DiskOp::Create { file }),
        8 => (file(), offset(), bytes.clone()).prop_map(|(file, offset, bytes)| DiskOp::Write { file, offset, bytes }),
        2 => (file(), offset(), bytes).prop_map(|(file, offset, bytes)| DiskOp::WriteSync { file, offset, bytes }),
        1 => (file(), offset()).prop_map(|(file, len)| DiskOp::Allocate { file, len }),
        3 => (file(), offset(), 0..20_000u64).prop_map(|(file, offset, len)| DiskOp::Read { file, offset, len }),
        3 => file().prop_map(|file| DiskOp::Sync { file }),
        2 => Just(DiskOp::SyncDir),
        1 => (file(), file()).prop_map(|(from, to)| DiskOp::Rename { from, to }),
        1 => file().prop_map(|file| DiskOp::Remove { file }),
        2 => (file(), offset()).prop_map(|(file, len)| DiskOp::Truncate { file, len }),
        1 => Just(DiskOp::List),
    ]
}

fn promised(disk: &Disk) -> BTreeMap<FileName, Vec<u8>> {
    let bytes = |content: &squall_sim::disk::Content| {
        let mut bytes = vec![0; usize::try_from(content.len()).unwrap()];
        assert_eq!(content.read(0, &mut bytes), bytes.len());
        bytes
    };
    disk.promised_files().map(|(name, content)| (name.clone(), bytes(content))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_model(ops in prop::collection::vec(op(), 1..40)) {
        let (mut disk, mut model) = (Disk::default(), Model::default());
        for (ordinal, op) in ops.iter().enumerate() {
            let stamp = Stamp { boot: 1, ordinal: ordinal as u64 };
            // A clone that goes elsewhere shares pages with the one that is checked.
            let mut branch = disk.clone();
            prop_assert_eq!(disk.execute(op, stamp), model.execute(op), "{:?}", op);
            for file in ["a", "b", "c"].map(FileName::from) {
                let _ = branch.execute(&DiskOp::Write { file: file.clone(), offset: 7, bytes: "elsewhere".into() }, stamp);
                let _ = branch.execute(&DiskOp::Sync { file }, stamp);
            }
            let expected = model.durable.iter().map(|(name, at)| (name.clone(), model.files[*at].1.clone()));
            prop_assert_eq!(promised(&disk), expected.collect());
        }
    }
}
