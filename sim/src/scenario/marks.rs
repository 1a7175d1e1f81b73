//! What a campaign must have seen at least once: the words for `sometimes`.
//!
//! A scenario that never reaches the situation that it is about proves nothing, so each file lists marks, and one
//! that stays at zero over a campaign is a failure. Not here: detection, which is the run's business.

use std::fmt;

use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::suggest;
use super::means::Means;

macro_rules! marks {
    ($($variant:ident = $name:literal: $doc:literal,)+) => {
        /// A situation worth having been in. Names are stable: recorded seeds hold them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Mark {
            $(#[doc = $doc] $variant,)+
        }

        impl Mark {
            /// Every mark, in the order of the guide.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its name in scenarios and summaries.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What it says has happened.
            #[must_use]
            pub const fn describe(self) -> &'static str {
                match self { $(Self::$variant => $doc,)+ }
            }
        }
    };
}

marks! {
    LeaderChanged = "leader_changed": "A leader was elected after another one had led.",
    TermRose = "term_rose": "A term above the first was reached.",
    SplitVote = "split_vote": "A term passed in which nodes campaigned and none was elected.",
    PreCandidateGaveWay = "pre_candidate_gave_way": "A node asked for pre-votes and followed again, without having raised its term.",
    VoteRequestIgnored = "vote_request_ignored": "A node ignored a request for a vote because its leader was alive.",
    GrantWithheldAfterStart = "grant_withheld_after_start": "A node ignored a request for a vote because it had just been started again.",
    LeaderLostQuorum = "leader_lost_quorum": "A leader stepped down because it heard from no quorum.",
    LeaderDiskStalled = "leader_disk_stalled": "A leader stepped down because its disk got nothing done.",
    CampaignWithheld = "campaign_withheld": "A node did not campaign because its disk got nothing done.",
    OperatorCampaigned = "operator_campaigned": "A node campaigned because an operator told it to.",
    FavouriteElected = "favourite_elected": "A node was elected while another of a lower priority was up.",
    UnderdogElected = "underdog_elected": "A node was elected although another had a higher priority.",
    CandidateLost = "candidate_lost": "A candidate became follower without having been elected.",
    ElectionWithoutFault = "election_without_fault": "A leader was replaced although nothing but clocks had gone wrong so far.",
    TwoLeadersAtOnce = "two_leaders_at_once": "A leader of an older term still led while a newer one did.",
    LeaderKilled = "leader_killed": "A leader's process was killed.",
    LeaderPowerLost = "leader_power_lost": "A leader's machine lost power.",
    FollowerPowerLost = "follower_power_lost": "A follower's machine lost power.",
    PowerLostBetweenAppendAndFsync = "power_lost_between_append_and_fsync": "A machine lost power while an appended entry was not synced yet.",
    UnsyncedBytesLost = "unsynced_bytes_lost": "A power loss took bytes that had been written and not synced.",
    TornTailRepaired = "torn_tail_repaired": "A node cut an incomplete record off its log when it started.",
    ConflictTruncated = "conflict_truncated": "A follower removed entries that conflicted with its leader's.",
    OlderTermEntryOnMajorityOverwritten = "older_term_entry_on_majority_overwritten": "An entry of an older term that a majority held was overwritten (paper, figure 8).",
    LeaderCutWhileClientsWrote = "leader_cut_while_clients_wrote": "The leader lost links while writes were under way.",
    MinorityPartition = "minority_partition": "The network was split with the leader on the smaller side.",
    MajorityPartition = "majority_partition": "The network was split with the leader on the larger side.",
    OneWayCutOfLeader = "one_way_cut_of_leader": "Messages from or to the leader were cut in one direction only.",
    LinkFlapped = "link_flapped": "A link was cut and restored at least twice by one fault.",
    ConnectionResetWhileClientsWrote = "connection_reset_while_clients_wrote": "A connection of the leader was reset while writes were under way.",
    PausedLongerThanElection = "paused_longer_than_election": "A node stood still for longer than the largest election timeout.",
    FsyncSlowerThanElection = "fsync_slower_than_election": "A sync took longer than the shortest election timeout.",
    MessageLost = "message_lost": "The network lost a message.",
    MessageDuplicated = "message_duplicated": "The network delivered a message twice.",
    MessageReordered = "message_reordered": "A message overtook an earlier one of its link.",
    EntriesResent = "entries_resent": "A leader sent an entry to the same follower again.",
    CommandDeduplicated = "command_deduplicated": "A command that had taken effect arrived again and was answered from the session.",
    LateDuplicateRefused = "late_duplicate_refused": "A request was repeated after its answer and had no second effect.",
    ReadConfirmedByRound = "read_confirmed_by_round": "A read was answered after a heartbeat round had confirmed the leader.",
    ClientRetried = "client_retried": "A client sent a request again with the same id.",
    UnknownOutcome = "unknown_outcome": "A client gave up on an operation without knowing its outcome.",
    ProposalForwarded = "proposal_forwarded": "A node passed a client's command on to its leader.",
    ForwardSettled = "forward_settled": "A node answered a client when it applied the command that it had passed on.",
    ProposalsBatched = "proposals_batched": "A leader wrote and sent proposals together because they had come together.",
    Busy = "busy": "A leader turned a request away because a limit was reached.",
    InflightAppendsBound = "inflight_appends_bound": "A leader kept entries at home because too many appends were under way.",
    InflightBytesBound = "inflight_bytes_bound": "A leader kept entries at home because too many bytes were under way.",
    AppendBytesBound = "append_bytes_bound": "An append was cut short because its entries were too large.",
    AppendEntriesBound = "append_entries_bound": "An append was cut short because its entries were too many.",
    UncommittedBytesBound = "uncommitted_bytes_bound": "A leader turned a command away because too many bytes were not committed yet.",
    PendingReadsBound = "pending_reads_bound": "A leader turned a read away because too many waited.",
    ForwardsBound = "forwards_bound": "A node did not pass a command on because too many were not settled.",
    SessionsBound = "sessions_bound": "A session gave way to a new one.",
    SegmentRotated = "segment_rotated": "A node went on in a new segment of its log.",
    LogZeroedAhead = "log_zeroed_ahead": "A node zeroed space that was reserved for its log before it wrote there.",
    LogCacheBound = "log_cache_bound": "A node let go of payloads of its log because it held too many bytes in memory.",
    EntriesReadBack = "entries_read_back": "A node read entries back from its disk that were no longer in memory.",
    DiskErrorHaltedNode = "disk_error_halted_node": "A node gave up after an operation of its disk had failed.",
    FullDiskHaltedNode = "full_disk_halted_node": "A node gave up because its disk was full.",
    DamageHaltedNode = "damage_halted_node": "A node gave up, and its disk lacked something that it had promised.",
    LeaderHaltedByDisk = "leader_halted_by_disk": "A leader gave up because of its disk.",
    HaltedNodeCameBack = "halted_node_came_back": "A node that had given up was started again and takes part.",
    WipedNodeStayedOut = "wiped_node_stayed_out": "A node that had lost all its files did not take part again.",
    CrashedWhileRecovering = "crashed_while_recovering": "A process was ended while it read its disk.",
    PowerLostAtDiskOperation = "power_lost_at_disk_operation": "A machine lost power right before a certain disk operation was heard of.",
    TornSectorWithGarbage = "torn_sector_with_garbage": "A power loss left garbage in a sector that was being written.",
    FsyncLied = "fsync_lied": "A sync answered Ok and made nothing durable.",
    PromiseBroken = "promise_broken": "A power loss took what a sync had promised.",
    BitsRotted = "bits_rotted": "Bits on a disk flipped that had been promised.",
    RotReported = "rot_reported": "A node came up and reported entries of its log as damaged.",
    RotFoundByReading = "rot_found_by_reading": "A node that was running read an entry back and found that it had rotted.",
    ReadWentAstray = "read_went_astray": "A disk read another place than it was told to.",
    WriteWentAstray = "write_went_astray": "A disk wrote to another place than it was told to.",
    MisdirectedWriteReported = "misdirected_write_reported": "A node gave up because a write had gone astray on its disk.",
    DiskWiped = "disk_wiped": "A disk lost all its files.",
    FaultSuppressedByAtlas = "fault_suppressed_by_atlas": "The atlas forbade a fault of a disk that no cluster survives.",
    CoreSmallerThanCluster = "core_smaller_than_cluster": "Faults stayed when the storm ended, and some nodes with them outside the core.",
    LeaderOutsideCore = "leader_outside_core": "Such a node led when the storm ended.",
}

impl Mark {
    /// What it depends on: one of these must be possible for it to be reached. Empty if whatever goes wrong may do.
    #[must_use]
    pub const fn needs(self) -> &'static [Means] {
        match self {
            Self::LeaderKilled => &[Means::Kill],
            Self::LeaderPowerLost | Self::FollowerPowerLost | Self::PowerLostBetweenAppendAndFsync | Self::UnsyncedBytesLost => {
                &[Means::PowerLoss]
            }
            Self::TornTailRepaired => &[Means::PowerLoss, Means::DiskErrors, Means::FullDisk],
            Self::LeaderCutWhileClientsWrote | Self::LinkFlapped => &[Means::Cut, Means::OneWayCut],
            Self::MinorityPartition | Self::MajorityPartition => &[Means::Cut],
            Self::OneWayCutOfLeader => &[Means::OneWayCut],
            Self::ConnectionResetWhileClientsWrote => &[Means::Reset],
            Self::PausedLongerThanElection => &[Means::Pause],
            Self::FsyncSlowerThanElection => &[Means::DiskLatency],
            Self::LeaderDiskStalled | Self::CampaignWithheld => &[Means::DiskLatency, Means::DiskStall],
            Self::MessageLost => &[Means::Loss],
            Self::MessageDuplicated => &[Means::Duplication],
            Self::MessageReordered => &[Means::Reordering],
            Self::OperatorCampaigned => &[Means::Campaign],
            Self::DiskErrorHaltedNode => &[Means::DiskErrors],
            Self::FullDiskHaltedNode => &[Means::FullDisk],
            Self::DamageHaltedNode => &[Means::BitRot, Means::Misdirection, Means::Wipe, Means::LyingFsync],
            Self::LeaderHaltedByDisk | Self::HaltedNodeCameBack => {
                &[Means::DiskErrors, Means::FullDisk, Means::BitRot, Means::Misdirection]
            }
            Self::WipedNodeStayedOut | Self::DiskWiped => &[Means::Wipe],
            Self::PowerLostAtDiskOperation => &[Means::DiskOps],
            Self::TornSectorWithGarbage => &[Means::PowerLoss],
            Self::FsyncLied => &[Means::LyingFsync],
            Self::PromiseBroken => &[Means::LyingFsync, Means::DiskErrors, Means::Misdirection],
            Self::BitsRotted | Self::RotReported | Self::RotFoundByReading => &[Means::BitRot],
            Self::ReadWentAstray | Self::WriteWentAstray | Self::MisdirectedWriteReported => &[Means::Misdirection],
            Self::FaultSuppressedByAtlas => {
                &[Means::BitRot, Means::Misdirection, Means::Wipe, Means::LyingFsync, Means::DiskErrors]
            }
            Self::CrashedWhileRecovering => &[Means::Kill, Means::PowerLoss],
            Self::GrantWithheldAfterStart => &[Means::Kill, Means::PowerLoss],
            Self::LeaderChanged
            | Self::TermRose
            | Self::SplitVote
            | Self::PreCandidateGaveWay
            | Self::VoteRequestIgnored
            | Self::LeaderLostQuorum
            | Self::FavouriteElected
            | Self::UnderdogElected
            | Self::CandidateLost
            | Self::ElectionWithoutFault
            | Self::TwoLeadersAtOnce
            | Self::ConflictTruncated
            | Self::OlderTermEntryOnMajorityOverwritten
            | Self::EntriesResent
            | Self::CommandDeduplicated
            | Self::LateDuplicateRefused
            | Self::ReadConfirmedByRound
            | Self::ClientRetried
            | Self::UnknownOutcome
            | Self::Busy
            | Self::InflightAppendsBound
            | Self::InflightBytesBound
            | Self::AppendBytesBound
            | Self::AppendEntriesBound
            | Self::UncommittedBytesBound
            | Self::PendingReadsBound
            | Self::SessionsBound
            | Self::SegmentRotated
            | Self::LogZeroedAhead
            | Self::LogCacheBound
            | Self::EntriesReadBack
            | Self::ForwardsBound
            | Self::ProposalForwarded
            | Self::ForwardSettled
            | Self::ProposalsBatched
            | Self::CoreSmallerThanCluster
            | Self::LeaderOutsideCore => &[],
        }
    }

    /// The mark of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|mark| mark.name() == name)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Mark {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Mark {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MarkVisitor)
    }
}

struct MarkVisitor;

impl Visitor<'_> for MarkVisitor {
    type Value = Mark;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a mark such as \"leader_changed\" (the guide lists them)")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Mark, E> {
        Mark::from_name(name).ok_or_else(|| {
            let hint = suggest(name, Mark::ALL.iter().map(|mark| mark.name()));
            E::invalid_value(Unexpected::Str(name), &format!("{}{hint}", "the name of a mark (the guide lists them)").as_str())
        })
    }
}
