//! Plans for damaged folders: accepted once they are carried out, never a log that never was, and nothing is lost unless they say so.

use proptest::prelude::*;
use squall_raft::process::DiskOp;
use squall_raft::store::format::SegmentId;
use squall_raft::store::repair::{Change, Next, Plan, Planner};
use squall_raft::store::{Fault, Identity, StoreError};

use crate::store::disk::{Disk, Draws};
use crate::store::folders::random::{self, any_harm, any_step};
use crate::store::folders::sample::{Files, Sample, damaged_beside, recover, small};
use crate::store::folders::{program, samples, with};
use crate::store::inspect::rehearse;
use crate::store::model::Do;

fn disk_of(files: &Files) -> Disk {
    Disk::holding(files.iter().map(|(name, content)| (name, content.clone())))
}

/// The plan for a folder, or why there is none.
fn plan(files: &Files) -> Result<Plan, StoreError> {
    let mut disk = disk_of(files);
    let (mut planner, mut op) = Planner::start(Identity::default());
    for _ in 0..100_000 {
        assert!(matches!(op, DiskOp::List | DiskOp::Read { .. }), "{op:?} is no look");
        match planner.step(disk.carry_out(&op).expect("a healthy disk")) {
            Next::Do(next) => op = next,
            Next::Plan(plan) => return Ok(plan),
            Next::Hopeless(error) => return Err(error),
        }
    }
    panic!("the planner does not end");
}

/// The operations that carry changes out.
fn ops(disk: &Disk, changes: &[Change]) -> Vec<DiskOp> {
    let mut lens: Vec<_> = disk.contents().into_iter().map(|(name, content)| (name, content.len() as u64)).collect();
    let mut ops = Vec::new();
    for change in changes {
        match change {
            Change::SetAside { file } => ops.extend([DiskOp::Remove { file: file.clone() }, DiskOp::SyncDir]),
            Change::Lengthen { .. } | Change::Zero { .. } => {
                let known = lens.iter_mut().find(|(name, _)| name == change.file()).expect("it is there");
                ops.extend(change.ops(known.1));
                if let Change::Lengthen { len, .. } = change {
                    known.1 = *len;
                }
            }
        }
    }
    ops
}

fn carried_out(files: &Files, plan: &Plan) -> Files {
    let mut disk = disk_of(files);
    for op in ops(&disk, &plan.changes()) {
        disk.carry_out(&op).expect("a healthy disk");
    }
    disk.contents()
}

/// Carries a plan out and judges what it leaves.
fn check(sample: &Sample, files: &Files, plan: &Plan) -> Result<(), TestCaseError> {
    let repaired = carried_out(files, plan);
    prop_assert_eq!(rehearse(&repaired), Ok(plan.forecast.clone()), "what was planned for is what is there");
    let found = match recover(&repaired).0 {
        Ok(found) => found,
        Err(error) => return Err(TestCaseError::fail(format!("refused after {plan:?}: {error}"))),
    };
    let was = sample.snapshots.iter().any(|snapshot| damaged_beside(&found, &snapshot.state).is_some());
    prop_assert!(was, "not what the log ever was: {:?}", found);
    if !plan.discards() {
        // No more than a boot would lose in silence.
        let mut by_age = repaired;
        by_age.sort_by_key(|(name, _)| SegmentId::parse(name).map(|segment| segment.unique));
        random::check(sample, &by_age)?;
    }
    Ok(())
}

#[test]
fn a_folder_in_order_needs_nothing() {
    for sample in samples() {
        let plan = plan(sample.files()).unwrap();
        assert!(plan.remedies.is_empty() && !plan.discards());
        check(&sample, sample.files(), &plan).unwrap();
    }
}

#[test]
fn what_does_not_belong_to_the_log_is_set_aside_and_nothing_is_lost() {
    for sample in samples() {
        let (name, content) = sample.files()[1].clone();
        let id = SegmentId::parse(&name).unwrap();
        let previous = SegmentId::parse(&sample.files()[0].0).unwrap().unique - 1;
        for other in [
            "notes.txt".into(),
            SegmentId { unique: id.unique + (1 << 40), ..id }.file_name(),
            SegmentId { base: id.base.next(), ..id }.file_name(),
            SegmentId { unique: previous, ..id }.file_name(),
        ] {
            let mut files = sample.files().clone();
            files.push((other.clone(), content.clone()));
            let plan = plan(&files).unwrap_or_else(|error| panic!("{other}: {error}"));
            assert_eq!((plan.changes(), plan.discards()), (vec![Change::SetAside { file: other }], false));
            assert!(
                carried_out(&files, &plan) == {
                    let mut files = sample.files().clone();
                    files.sort();
                    files
                }
            );
        }
    }
}

#[test]
fn a_log_ends_before_its_damage_if_that_is_wanted() {
    for sample in samples() {
        let (newest, content, frames) = sample.newest();
        let name = &sample.files()[newest].0;
        // The header of a frame in the middle: rot, since the next one follows.
        let mut rotten = content.to_vec();
        rotten[small(frames[1].offset) + 20] ^= 1;
        let files = with(sample.files(), newest, rotten);
        let plan = plan(&files).unwrap();
        assert_eq!(plan.changes(), [Change::Zero { file: name.clone(), from: frames[1].offset }]);
        assert!(plan.discards());
        let against = StoreError::Damaged { file: name.clone(), offset: frames[1].offset, fault: Fault::FrameHeader };
        assert_eq!(plan.remedies[0].against, against);
        let found = recover(&carried_out(&files, &plan)).0.unwrap();
        assert_eq!(damaged_beside(&found, sample.state_with(1)), Some(0));
    }
}

#[test]
fn without_its_newest_segment_a_log_ends_with_the_one_before_if_that_is_wanted() {
    for sample in samples() {
        let (newest, ..) = sample.newest();
        let mut files = sample.files().clone();
        files.truncate(newest);
        let plan = plan(&files).unwrap();
        assert!(matches!(&plan.changes()[..], [Change::Zero { file, .. }] if *file == files[newest - 1].0));
        assert!(plan.discards());
        let found = recover(&carried_out(&files, &plan)).0.unwrap();
        assert_eq!(damaged_beside(&found, sample.state_with(0)), Some(0));
    }
}

/// A crash has left a segment in which everything is purged, and it rotted: the log needs it no more.
#[test]
fn a_damaged_segment_that_is_not_needed_is_set_aside_and_nothing_is_lost() {
    let mut program = program();
    program.extend([Do::Purge(1), Do::Append(vec![30])]);
    for preallocate in [false, true] {
        let sample = Sample::live(preallocate, &program);
        let oldest = &sample.files()[0];
        let previous = squall_raft::store::format::FileHeader::decode(oldest.1.first_chunk().unwrap()).unwrap().previous;
        let named = |name: &squall_raft::process::FileName| SegmentId::parse(name).is_some_and(|id| id.unique == previous);
        let left = sample.snapshots.iter().rev().flat_map(|snapshot| &snapshot.files).find(|(name, _)| named(name)).unwrap();
        for at in [30, 512 + 20] {
            let mut files = sample.files().clone();
            let mut content = left.1.clone();
            content[at] ^= 1;
            files.insert(0, (left.0.clone(), content));
            let plan = plan(&files).unwrap();
            assert_eq!((plan.changes(), plan.discards()), (vec![Change::SetAside { file: left.0.clone() }], false), "{at}");
        }
    }
}

#[test]
fn what_was_cut_gets_its_length_back() {
    let sample = Sample::live(true, &program());
    let (newest, ..) = sample.newest();
    for (at, (name, content)) in sample.files().iter().enumerate() {
        let end = crate::store::folders::sample::frames(content).last().map_or(512, |last| small(last.offset + last.len));
        if end == content.len() {
            continue;
        }
        let files = with(sample.files(), at, content[..end].to_vec());
        let plan = plan(&files).unwrap();
        assert_eq!(plan.changes(), [Change::Lengthen { file: name.clone(), len: content.len() as u64 }]);
        assert_eq!(plan.discards(), at == newest, "only the next segment can say that nothing is missing");
        let mut whole = sample.files().clone();
        whole.sort();
        assert!(carried_out(&files, &plan) == whole);
    }
}

#[test]
fn where_nothing_is_left_before_the_damage_there_is_no_plan() {
    for sample in samples() {
        let mut files = sample.files().clone();
        files[0].1[40] ^= 1; // the oldest header
        let expected = StoreError::Damaged { file: files[0].0.clone(), offset: 0, fault: Fault::FileHeader };
        assert_eq!(plan(&files), Err(expected));
        let gone: Files = sample.files()[1..].to_vec();
        assert!(matches!(plan(&gone), Err(StoreError::MissingSegment { what: "follows", .. })));
        assert!(matches!(plan(&Files::new()), Err(StoreError::NoLog { .. })));
    }
}

/// Power fails after any operation of a plan: the folder is refused as before, or is what was planned.
#[test]
fn a_plan_may_be_interrupted_anywhere() {
    let mut plans = 0;
    for sample in samples() {
        for at in 1..sample.files().len() {
            for byte in [20, 512 + 20] {
                let mut files = sample.files().clone();
                files[at].1[byte] ^= 1;
                // Where the damage hides what was purged, the log's head is missing.
                let Ok(planned) = plan(&files) else { continue };
                plans += 1;
                let steps = ops(&disk_of(&files), &planned.changes());
                for seed in 0..8 {
                    for count in 0..=steps.len() {
                        let mut disk = disk_of(&files);
                        steps[..count].iter().for_each(|op| _ = disk.carry_out(op).unwrap());
                        disk.lose_power(&mut Draws(seed));
                        if let Ok(forecast) = rehearse(&disk.contents()) {
                            let state =
                                |of: &squall_raft::store::recovery::Forecast| (of.hard_state, of.last, of.entries, of.end);
                            assert_eq!(state(&forecast), state(&planned.forecast), "{at}, {byte}: after {count} of {steps:?}");
                        }
                        let again = plan(&disk.contents()).unwrap();
                        assert_eq!(again.forecast.end, planned.forecast.end, "whoever is interrupted plans anew");
                        check(&sample, &disk.contents(), &again).unwrap();
                    }
                }
            }
        }
    }
    assert!(plans >= 6, "{plans} plans");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_plan_leads_to_a_log_that_was(
        program in proptest::collection::vec(any_step(), 1..40),
        preallocate in any::<bool>(),
        harms in proptest::collection::vec(proptest::collection::vec(any_harm(), 1..4), 24),
    ) {
        let sample = Sample::live(preallocate, &program);
        for harm in harms {
            let files = harm.iter().fold(sample.files().clone(), |files, harm| harm.strike(&files, &sample));
            let planned = plan(&files);
            match (rehearse(&files), &planned) {
                (Ok(forecast), Ok(plan)) => prop_assert_eq!(&Plan { remedies: vec![], forecast }, plan),
                (Err(error), Ok(plan)) => prop_assert_eq!(&error, &plan.remedies[0].against),
                (Err(error), Err(hopeless)) => prop_assert_eq!(&error, hopeless),
                (Ok(_), Err(hopeless)) => return Err(TestCaseError::fail(format!("{hopeless} of what is accepted"))),
            }
            if let Ok(plan) = &planned {
                check(&sample, &files, plan)?;
            }
        }
    }
}
