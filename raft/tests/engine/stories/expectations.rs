//! `expect`: what a story claims about its state, so that its point survives a careless
//! rewrite of its snapshot.
//!
//! ```text
//! expect 1 leader | follower | pre-candidate | candidate | down
//! expect 1 term 3 | vote 2 | vote none | commit 4     of node 1; `all` for every node
//! expect 1 log 1 1 4 | disk 1 1                       the entries by their terms
//! expect 1 held 2                                     messages that wait for node 1's disk
//! expect 1->2 carries 3                               messages under way
//! expect x at 2.3 | ready 3 | obeyed | refused | open   what became of request x
//! ```

use squall_raft::types::NodeId;

use super::cluster::{Cluster, Node, Outcome};
use super::commands::{link_of, node, number};
use super::invariants::log_ids;
use super::render;

/// Runs an expectation.
pub fn expect(cluster: &Cluster, words: &[&str]) -> Result<(), String> {
    let (subject, words) = words.split_first().ok_or("expected `expect SUBJECT ..`")?;
    if *subject == "all" {
        return cluster.nodes.iter().try_for_each(|node| of_node(node, words));
    }
    if subject.contains("->") {
        return of_link(cluster, subject, words);
    }
    if subject.starts_with(|first: char| first.is_ascii_digit()) {
        return of_node(cluster.node(node(subject)?)?, words);
    }
    of_request(cluster, subject, words)
}

fn of_node(node: &Node, words: &[&str]) -> Result<(), String> {
    let (what, expected) = words.split_first().ok_or("expected what to look at")?;
    let found = match *what {
        "disk" => terms(&node.disk.log),
        "held" => node.held().to_string(),
        "leader" | "follower" | "pre-candidate" | "candidate" | "down" => {
            let role = node.core.as_ref().map_or("down", |core| render::role(core.role().kind()));
            return compare(node.id, "role", role, what);
        }
        _ => of_core(node, what)?,
    };
    compare(node.id, what, &found, &expected.join(" "))
}

fn of_core(node: &Node, what: &str) -> Result<String, String> {
    let core = node.core.as_ref().ok_or_else(|| format!("node {} is down", node.id))?;
    Ok(match what {
        "term" => core.hard_state().term.to_string(),
        "vote" => core.hard_state().vote.map_or("none".to_owned(), |vote| vote.to_string()),
        "commit" => core.commit_index().to_string(),
        "log" => terms(core.log()),
        other => return Err(format!("found `{other}`, expected something that a node has")),
    })
}

fn of_link(cluster: &Cluster, link: &str, words: &[&str]) -> Result<(), String> {
    let (from, to) = link_of(link)?;
    let ["carries", expected] = words else { return Err("expected `carries N`".to_owned()) };
    let on_link = cluster.network.iter().filter(|m| (m.envelope.from.node, m.envelope.to.node) == (from, to)).count() as u64;
    let expected = number(expected)?;
    if on_link == expected { Ok(()) } else { Err(format!("found {on_link} messages under way, expected {expected}")) }
}

fn of_request(cluster: &Cluster, name: &str, words: &[&str]) -> Result<(), String> {
    let request = cluster.requests.iter().find(|(known, _)| known == name);
    let (_, outcome) = request.ok_or_else(|| format!("found no request `{name}`"))?;
    let found = match outcome {
        Outcome::Open => "open".to_owned(),
        Outcome::Placed(id) => format!("at {id}"),
        Outcome::Ready(index) => format!("ready {index}"),
        Outcome::Campaigning => "obeyed".to_owned(),
        Outcome::Forwarded => "forwarded".to_owned(),
        Outcome::Refused(_) => "refused".to_owned(),
    };
    let expected = words.join(" ");
    if found == expected { Ok(()) } else { Err(format!("found {name} {found}, expected {expected}")) }
}

fn terms(log: &squall_raft::log_view::LogView) -> String {
    log_ids(log).map(|id| id.term.to_string()).collect::<Vec<_>>().join(" ")
}

fn compare(id: NodeId, what: &str, found: &str, expected: &str) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("node {id}: found {what} [{found}], expected [{expected}]")) }
}
