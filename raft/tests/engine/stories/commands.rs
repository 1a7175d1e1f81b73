//! The commands of stories, one function each. Their grammar: [`super::interpreter`].
//!
//! A function reads its words, moves the cluster, and says how much of it to print.

use bytes::Bytes;
use squall_raft::core::Input;
use squall_raft::entry::{Entry, HardState, Payload, StoredEntry};
use squall_raft::message::{Body, Envelope, Message};
use squall_raft::observation::RoleKind;
use squall_raft::types::{ClusterId, LogId, LogIndex, NodeId, Peer, Term};

use super::cluster::{Cluster, Setup};
use super::disk::Disk;
use super::expectations;
use super::interpreter::{Shown, Story};
use super::render;

type Ran = Result<Shown, String>;

/// Runs one command.
pub fn run(story: &mut Story, command: &str) -> Ran {
    let words: Vec<&str> = command.split_whitespace().collect();
    let (name, words) = words.split_first().ok_or("found nothing, expected a command")?;
    match *name {
        "cluster" => cluster(story, words),
        "limit" => limit(story, words),
        "with" => with(story, words),
        "priority" => priority(story, words),
        "log" => log(story, words),
        "hard" => hard(story, words),
        "fetched" => fetched(story, words),
        "campaign" => fire(story, words, RoleKind::Candidate),
        "heartbeat" => fire(story, words, RoleKind::Leader),
        "ask" => ask(story, words),
        "order" => order(story, words),
        "wait" => wait(story, words),
        "tick" => tick(story, words),
        "next" => next(story, words),
        "deliver" => deliver(story, words),
        "drop" => drop(story, words),
        "duplicate" => duplicate(story, words),
        "durable" => durable(story, words),
        "settle" => settle(story, words),
        "propose" => propose(story, words),
        "read" => read(story, words),
        "crash" => crash(story, words),
        "restart" => restart(story, words),
        "forge" => forge(story, words),
        "show" => show(story, words),
        "expect" => expectations::expect(story.cluster()?, words).map(|()| Shown::Events),
        other => Err(format!("found `{other}`, expected a command")),
    }
}

fn cluster(story: &mut Story, words: &[&str]) -> Ran {
    let [size] = words else { return usage("cluster SIZE") };
    match number(size)? {
        size @ 1..=7 => story.assemble(size, story.setup())?,
        other => return Err(format!("found {other} nodes, expected 1 to 7")),
    }
    Ok(Shown::Events)
}

fn limit(story: &mut Story, words: &[&str]) -> Ran {
    let [what, value] = words else { return usage("limit WHAT N") };
    let (mut setup, value): (Setup, u64) = (story.setup(), number(value)?);
    let small = u32::try_from(value).map_err(|_| format!("found {value}, expected a smaller number"))?;
    match *what {
        "batch" => setup.limits.append_entries_max = small,
        "inflight" => setup.limits.inflight_appends_max = small,
        "inflight-bytes" => (setup.limits.inflight_bytes_max, setup.limits.append_bytes_max) = (value, value),
        "reads" => setup.limits.pending_reads_max = small,
        "bytes" => (setup.limits.command_bytes_max, setup.limits.uncommitted_bytes_max) = (value, value),
        other => return Err(format!("found `{other}`, expected batch, inflight, inflight-bytes, reads or bytes")),
    }
    let size = story.cluster()?.nodes.len() as u64;
    story.assemble(size, setup)?;
    Ok(Shown::Events)
}

fn with(story: &mut Story, words: &[&str]) -> Ran {
    let [what] = words else { return usage("with WHAT") };
    let mut setup = story.setup();
    match *what {
        "pre-vote" => setup.elections.pre_vote = true,
        "check-quorum" => setup.elections.check_quorum = true,
        "forwarding" => setup.forward_proposals = true,
        other => return Err(format!("found `{other}`, expected pre-vote, check-quorum or forwarding")),
    }
    let size = story.cluster()?.nodes.len() as u64;
    story.assemble(size, setup)?;
    Ok(Shown::Events)
}

fn priority(story: &mut Story, words: &[&str]) -> Ran {
    let [who, value] = words else { return usage("priority NODE: N") };
    let value = value.parse().map_err(|_| format!("found `{value}`, expected a priority"))?;
    let cluster = story.prepare()?;
    for id in some_nodes(cluster, who.trim_end_matches(':'))? {
        cluster.set_priority(id, value)?;
    }
    Ok(Shown::Events)
}

fn log(story: &mut Story, words: &[&str]) -> Ran {
    let (who, terms) = words.split_first().ok_or("expected `log NODE: TERM ..`")?;
    let cluster = story.prepare()?;
    for id in some_nodes(cluster, who.trim_end_matches(':'))? {
        let mut disk = Disk::default();
        for (word, index) in terms.iter().zip(1..) {
            append(&mut disk, word, index)?;
        }
        disk.hard.term = disk.log.last().term;
        cluster.set_disk(id, disk)?;
    }
    Ok(Shown::Events)
}

fn append(disk: &mut Disk, word: &str, index: u64) -> Result<(), String> {
    let id = LogId::new(number(word.trim_end_matches(['?', '!']))?, index);
    if id.term < disk.log.last().term || id.term.0 == 0 {
        return Err(format!("found term {} behind {}, expected terms from 1 that never fall", id.term, disk.log.last()));
    }
    match word.chars().last() {
        Some('?') => disk.log.append_stored(id, 0, entry(id).payload.digest()),
        Some('!') => disk.log.append_damaged(id),
        _ => {
            disk.log.append(&entry(id));
        }
    }
    Ok(())
}

/// Equal ids must mean equal entries, so the id is all that it says.
const fn entry(id: LogId) -> Entry {
    Entry { id, payload: Payload::Command(Bytes::new()) }
}

fn fetched(story: &mut Story, words: &[&str]) -> Ran {
    let (who, indexes) = words.split_first().ok_or("expected `fetched NODE: INDEX ..`")?;
    let id = node(who.trim_end_matches(':'))?;
    let cluster = story.play()?;
    let log = cluster.node(id)?.core.as_ref().ok_or("the node is down, expected it to run")?.log();
    let mut entries = Vec::new();
    for word in indexes {
        let index = number(word.trim_end_matches('!'))?;
        let id = log.id_at(LogIndex(index)).ok_or_else(|| format!("found index {index}, expected one of the log"))?;
        entries.push(StoredEntry { id, payload: (!word.ends_with('!')).then(|| entry(id).payload) });
    }
    cluster.input(id, Input::Fetched(entries))?;
    Ok(Shown::Events)
}

fn hard(story: &mut Story, words: &[&str]) -> Ran {
    let (who, term, vote) = match words {
        [who, term] => (who, term, None),
        [who, term, "vote", vote] => (who, term, Some(node(vote)?)),
        _ => return usage("hard NODE: TERM [vote NODE]"),
    };
    let cluster = story.prepare()?;
    for id in some_nodes(cluster, who.trim_end_matches(':'))? {
        let log = cluster.node(id)?.disk.log.clone();
        let hard = HardState { term: Term(number(term)?), vote };
        if hard.term < log.last().term {
            return Err(format!("found term {}, expected at least that of the log's end, {}", hard.term, log.last()));
        }
        cluster.set_disk(id, Disk::holding(hard, log))?;
    }
    Ok(Shown::Events)
}

fn fire(story: &mut Story, words: &[&str], becomes: RoleKind) -> Ran {
    let [id] = words else { return usage("campaign|heartbeat NODE") };
    let (id, cluster) = (node(id)?, story.play()?);
    let core = cluster.node(id)?.core.as_ref().ok_or_else(|| format!("node {id} is down"))?;
    let (leads, term) = (core.role().kind() == RoleKind::Leader, core.hard_state().term);
    if leads != (becomes == RoleKind::Leader) {
        return Err(format!("node {id} is {}: its timer does something else", render::role(core.role().kind())));
    }
    cluster.tick(id)?;
    let after = cluster.node(id)?.core.as_ref().map_or(term, |core| core.hard_state().term);
    if !leads && after != term.next() {
        return Err(format!("node {id} is still in term {after}, expected it to campaign in term {}", term.next()));
    }
    Ok(Shown::Events)
}

fn ask(story: &mut Story, words: &[&str]) -> Ran {
    let [id] = words else { return usage("ask NODE") };
    let (id, cluster) = (node(id)?, story.play()?);
    cluster.tick(id)?;
    match cluster.node(id)?.core.as_ref().map(|core| core.role().kind()) {
        Some(RoleKind::PreCandidate) => Ok(Shown::Events),
        Some(other) => Err(format!("node {id} is {}, expected it to ask", render::role(other))),
        None => Err(format!("node {id} is down")),
    }
}

fn order(story: &mut Story, words: &[&str]) -> Ran {
    let [id, name] = words else { return usage("order NODE NAME") };
    story.play()?.order(node(id)?, name)?;
    Ok(Shown::Events)
}

fn wait(story: &mut Story, words: &[&str]) -> Ran {
    let [span] = words else { return usage("wait MILLISECONDS") };
    let span_ms = number(span)?;
    story.play()?.wait(span_ms);
    Ok(Shown::Events)
}

fn tick(story: &mut Story, words: &[&str]) -> Ran {
    let [id] = words else { return usage("tick NODE") };
    story.play()?.tick(node(id)?)?;
    Ok(Shown::Events)
}

fn next(story: &mut Story, words: &[&str]) -> Ran {
    let [] = words else { return usage("next") };
    let cluster = story.play()?;
    let due = cluster.nodes.iter().filter_map(|node| Some((node.core.as_ref()?.deadline(), node.id))).min();
    let (_, id) = due.ok_or("everybody is down")?;
    cluster.tick(id)?;
    Ok(Shown::Events)
}

fn deliver(story: &mut Story, words: &[&str]) -> Ran {
    let cluster = story.play()?;
    for (taken, position) in under_way(cluster, words)?.into_iter().enumerate() {
        cluster.deliver(position - taken)?;
    }
    Ok(Shown::Events)
}

fn drop(story: &mut Story, words: &[&str]) -> Ran {
    let cluster = story.play()?;
    for (taken, position) in under_way(cluster, words)?.into_iter().enumerate() {
        cluster.lose(position - taken);
    }
    Ok(Shown::Events)
}

fn duplicate(story: &mut Story, words: &[&str]) -> Ran {
    let cluster = story.play()?;
    for position in under_way(cluster, words)? {
        cluster.double(position);
    }
    Ok(Shown::Events)
}

fn durable(story: &mut Story, words: &[&str]) -> Ran {
    let cluster = story.play()?;
    if let [id, "first", count] = words {
        let (id, count) = (node(id)?, count_of(count)?);
        at_most(count, cluster.node(id)?.disk.under_way())?;
        cluster.sync(id, count)?;
        return Ok(Shown::Events);
    }
    for who in words {
        for id in some_nodes(cluster, who)? {
            let writes = cluster.node(id)?.disk.under_way();
            if *who != "all" && writes == 0 {
                return Err(format!("node {id} has written nothing"));
            }
            cluster.sync(id, writes)?;
        }
    }
    Ok(Shown::Events)
}

fn settle(story: &mut Story, words: &[&str]) -> Ran {
    let cluster = story.play()?;
    let among = match words {
        [] => some_nodes(cluster, "all")?,
        some => some.iter().map(|id| node(id)).collect::<Result<_, _>>()?,
    };
    cluster.settle(&among)?;
    Ok(Shown::Decisions)
}

fn propose(story: &mut Story, words: &[&str]) -> Ran {
    match words {
        [id, name] => story.play()?.propose(node(id)?, name)?,
        [id, names @ ..] if !names.is_empty() => story.play()?.propose_all(node(id)?, names)?,
        _ => return usage("propose NODE NAME .."),
    }
    Ok(Shown::Events)
}

fn read(story: &mut Story, words: &[&str]) -> Ran {
    let [id, name] = words else { return usage("read NODE NAME") };
    story.play()?.read(node(id)?, name)?;
    Ok(Shown::Events)
}

fn crash(story: &mut Story, words: &[&str]) -> Ran {
    let (id, kept) = match words {
        [id] => (node(id)?, 0),
        [id, "keeping", kept] => (node(id)?, count_of(kept)?),
        _ => return usage("crash NODE [keeping N]"),
    };
    let cluster = story.play()?;
    at_most(kept, cluster.node(id)?.disk.under_way())?;
    cluster.crash(id, kept)?;
    Ok(Shown::Events)
}

fn restart(story: &mut Story, words: &[&str]) -> Ran {
    let [id] = words else { return usage("restart NODE") };
    story.play()?.restart(node(id)?)?;
    Ok(Shown::Events)
}

/// An empty append: the protocol allows it to a leader, though ours hardly ever sends one.
fn forge(story: &mut Story, words: &[&str]) -> Ran {
    let [link, "append", term, "behind", prev, "commit", commit] = words else {
        return usage("forge FROM->TO append TERM behind TERM.INDEX commit N");
    };
    let (from, to) = link_of(link)?;
    let (prev_term, prev_index) = prev.split_once('.').ok_or("expected TERM.INDEX")?;
    let prev = LogId::new(number(prev_term)?, number(prev_index)?);
    let body = Body::Append { prev, entries: [].into(), commit: LogIndex(number(commit)?) };
    let peer = |node| Peer { node, ..Peer::default() };
    let envelope =
        Envelope { cluster: ClusterId(1), from: peer(from), to: peer(to), term: Term(number(term)?), ..Envelope::default() };
    story.play()?.forge(Message { envelope, body });
    Ok(Shown::Events)
}

fn show(story: &mut Story, words: &[&str]) -> Ran {
    let [] = words else { return usage("show") };
    let nodes = &story.cluster()?.nodes;
    Ok(Shown::Text(nodes.iter().map(|node| format!("  {}\n", render::node(node))).collect()))
}

/// The positions of the messages that are meant, ascending.
fn under_way(cluster: &Cluster, words: &[&str]) -> Result<Vec<usize>, String> {
    let (link, which) = match words {
        ["all"] => return Ok((0..cluster.network.len()).collect()),
        [link] => (link, "#1"),
        [link, which] => (link, *which),
        _ => return Err("expected `all`, `FROM->TO`, `FROM->TO #N` or `FROM->TO all`".to_owned()),
    };
    let link = link_of(link)?;
    let on_link = |m: &Message| (m.envelope.from.node, m.envelope.to.node) == link;
    let all: Vec<usize> = (0..cluster.network.len()).filter(|position| on_link(&cluster.network[*position])).collect();
    if which == "all" {
        return Ok(all);
    }
    let nth = count_of(which.strip_prefix('#').ok_or("expected `#N` or `all`")?)?;
    let chosen = nth.checked_sub(1).and_then(|nth| all.get(nth));
    chosen
        .map(|position| vec![*position])
        .ok_or_else(|| format!("found {} messages under way, expected at least {nth}", all.len()))
}

fn some_nodes(cluster: &Cluster, word: &str) -> Result<Vec<NodeId>, String> {
    if word == "all" { Ok(cluster.nodes.iter().map(|node| node.id).collect()) } else { Ok(vec![node(word)?]) }
}

fn usage(usage: &str) -> Ran {
    Err(format!("expected `{usage}`"))
}

fn at_most(count: usize, writes: usize) -> Result<(), String> {
    if count <= writes { Ok(()) } else { Err(format!("found {count}, expected at most the {writes} writes under way")) }
}

/// Reads `1->2`.
pub fn link_of(word: &str) -> Result<(NodeId, NodeId), String> {
    let (from, to) = word.split_once("->").ok_or_else(|| format!("found `{word}`, expected FROM->TO"))?;
    Ok((node(from)?, node(to)?))
}

/// Reads a node's number.
pub fn node(word: &str) -> Result<NodeId, String> {
    number(word).map(NodeId)
}

/// Reads a number.
pub fn number(word: &str) -> Result<u64, String> {
    word.parse().map_err(|_| format!("found `{word}`, expected a number"))
}

fn count_of(word: &str) -> Result<usize, String> {
    word.parse().map_err(|_| format!("found `{word}`, expected a number"))
}
