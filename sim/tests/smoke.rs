//! Temporary.
use squall_sim::{campaign::single::*, plan::Plan, run::subject::KvSubject, scenario};
use std::sync::Arc;
#[test]
fn smoke() {
    let only = std::env::var("ONLY").unwrap_or_default();
    let seeds: u64 = std::env::var("N").ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    for source in scenario::bundled() {
        if !only.is_empty() && source.name != only {
            continue;
        }
        let scenario = source.scenario().unwrap();
        let mut missing: std::collections::BTreeSet<_> = scenario.sometimes.iter().copied().collect();
        let (mut ops, mut unknown, mut reads, mut ns, mut events, mut fails) = (0, 0, 0, 0, 0, 0);
        let began = squall_sim::campaign::sweep::cpu_ns();
        for seed in 0..seeds {
            let plan = Arc::new(Plan::draw(&source.name, &scenario, seed));
            let judged = judge(plan, &KvSubject, How::default()).unwrap();
            if let Some(failure) = &judged.failure {
                fails += 1;
                if fails <= 2 {
                    println!("FAIL {} {seed}: {:?} {}", source.name, failure.property, failure.message);
                    for line in &failure.evidence {
                        println!("   ev {line}");
                    }
                    for line in judged.last_events.iter().rev().take(12).rev() {
                        println!("   {line}");
                    }
                }
            }
            if let Some(outcome) = judged.outcome {
                ops += outcome.operations;
                unknown += outcome.unknown;
                reads += outcome.reads;
                ns += outcome.virtual_ns;
                events += outcome.events;
                for mark in outcome.marks.keys() {
                    missing.remove(mark);
                }
            }
        }
        let cpu = squall_sim::campaign::sweep::cpu_ns() - began;
        println!(
            "{:45} ops/run {} reads {} unknown {} virtual {}ms events {} cpu/run {}us fails {fails} missing {:?}",
            source.name,
            ops / seeds,
            reads / seeds,
            unknown / seeds,
            ns / seeds / 1000000,
            events / seeds,
            cpu / seeds / 1000,
            missing
        );
    }
}
