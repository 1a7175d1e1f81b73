//! The guide for writers of scenarios says what is true: its examples are valid, its tables are the schema.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use squall_sim::plan::Plan;
use squall_sim::scenario::lint::lint;
use squall_sim::scenario::template::new_template;
use squall_sim::scenario::{
    Clock, Cut, Disk, Engine, Event, Expect, Fault, Kv, Limits, Load, Mark, Mix, Network, Property, Scenario, Target, What, When,
};

const GUIDE: &str = include_str!("../../scenarios/README.md");

/// The fenced blocks of a language, each with the line on which it begins.
fn blocks(language: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (n, line) in GUIDE.lines().enumerate() {
        match &mut open {
            Some(_) if line == "```" => blocks.extend(open.take()),
            Some((_, text)) => {
                text.push_str(line);
                text.push('\n');
            }
            None if line == format!("```{language}") => open = Some((n + 2, String::new())),
            None => {}
        }
    }
    blocks
}

/// The rows of the first table behind a line that starts like this, cell by cell.
fn table(behind: &str) -> Vec<Vec<String>> {
    let start =
        GUIDE.lines().position(|line| line.starts_with(behind)).unwrap_or_else(|| panic!("no line `{behind}` in the guide"));
    let rows = GUIDE.lines().skip(start).skip_while(|line| !line.starts_with('|'));
    let cells = |line: &str| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
    rows.take_while(|line| line.starts_with('|')).skip(2).map(cells).collect()
}

fn code(cell: &str) -> String {
    cell.split('`').nth(1).unwrap_or_default().to_owned()
}

fn first_column(behind: &str) -> BTreeSet<String> {
    let word = |cell: &Vec<String>| code(&cell[0]).split('(').next().unwrap_or_default().to_owned();
    table(behind).iter().map(word).collect()
}

/// The names that ron expects where it finds one that nobody would choose.
fn names<T: DeserializeOwned>(text: &str) -> BTreeSet<String> {
    match ron::from_str::<T>(text).err().map(|error| error.code) {
        Some(ron::Error::NoSuchStructField { expected, .. } | ron::Error::NoSuchEnumVariant { expected, .. }) => {
            expected.iter().map(|name| (*name).to_owned()).collect()
        }
        other => panic!("{text}: {other:?}"),
    }
}

fn whole(block: &str) -> String {
    if block.contains("Scenario(") {
        return block.to_owned();
    }
    let base = [("nodes:", "nodes: 5"), ("safety:", "safety: \"12s\""), ("clients:", "clients: [Kv()]")];
    let missing: Vec<_> =
        base.iter().filter(|(name, _)| !block.lines().any(|line| line.starts_with(name))).map(|(_, text)| *text).collect();
    format!("Scenario({},\n{block})", missing.join(", "))
}

#[test]
fn every_example_is_a_valid_scenario() {
    let blocks = blocks("ron");
    assert!(blocks.len() >= 12, "{}", blocks.len());
    for (line, block) in blocks {
        let scenario = Scenario::parse("example", &whole(&block)).unwrap_or_else(|error| panic!("README.md:{line}: {error}"));
        for seed in 0..5 {
            assert_eq!(Plan::draw("example", &scenario, seed).validate(), Ok(()), "README.md:{line}");
        }
    }
}

#[test]
fn the_first_example_is_beyond_advice() {
    let (_, block) = &blocks("ron")[0];
    assert_eq!(lint("example", block), []);
    assert_eq!(lint("template", &new_template("my-storm")), []);
}

#[test]
fn tables_list_the_fields_of_the_schema() {
    let schema: Vec<(&str, BTreeSet<String>)> = vec![
        ("## `Scenario`", names::<Scenario>("(zz: 1)")),
        ("## `Engine`", names::<Engine>("(zz: 1)")),
        ("## `Limits`", names::<Limits>("(zz: 1)")),
        ("## `Kv`", names::<Kv>("(zz: 1)")),
        ("### `Load`", names::<Load>("Zz")),
        ("### `Mix`", names::<Mix>("(zz: 1)")),
        ("## `Network`", names::<Network>("(zz: 1)")),
        ("## `Disk`", names::<Disk>("(zz: 1)")),
        ("## `Clock`", names::<Clock>("(zz: 1)")),
        ("## `Fault`", names::<Fault>("(zz: 1)")),
        ("### `when`", names::<When>("Zz")),
        ("The fields of `On`", names::<When>("On(zz: 1)")),
        ("The fields of `DiskOp`", names::<When>("DiskOp(zz: 1)")),
        ("| event |", names::<Event>("Zz")),
        ("### Targets", names::<Target>("Zz")),
        ("### `what`", names::<What>("Zz")),
        ("| cut |", names::<Cut>("Zz")),
        ("| expect |", names::<Expect>("Zz")),
        ("## Marks", Mark::ALL.iter().map(|mark| mark.name().to_owned()).collect()),
        ("| property |", Property::ALL.iter().map(|(name, _)| (*name).to_owned()).collect()),
    ];
    for (heading, fields) in schema {
        assert_eq!(first_column(heading), fields, "{heading}");
    }
}

#[test]
fn marks_and_properties_are_described_as_in_the_code() {
    for row in table("## Marks") {
        assert_eq!(Mark::from_name(&code(&row[0])).unwrap().describe(), row[1]);
    }
    for row in table("| property |") {
        assert!(Property::ALL.iter().any(|(name, promise)| *name == code(&row[0]) && *promise == row[1]), "{row:?}");
    }
}

/// Every field, and every field of every variant, is written down in some example.
#[test]
fn every_field_has_an_example() {
    let examples: String = blocks("ron").into_iter().map(|(_, block)| block).collect();
    let mut fields = BTreeSet::new();
    for text in [
        "Link(zz: 1)",
        "Reset(zz: 1)",
        "SlowFsync(zz: 1)",
        "ClockRate(zz: 1)",
        "ClockJump(zz: 1)",
        "Flap(zz: 1)",
        "DiskErrors(zz: 1)",
        "FullDisk(zz: 1)",
        "BitRot(zz: 1)",
        "Misdirect(zz: 1)",
    ] {
        fields.extend(names::<What>(text));
    }
    for text in ["Split(zz: 1)", "OneWay(zz: 1)"] {
        fields.extend(names::<Cut>(text));
    }
    for text in ["Closed(zz: 1)", "Rate(zz: 1)"] {
        fields.extend(names::<Load>(text));
    }
    fields.extend(names::<When>("On(zz: 1)"));
    fields.extend(names::<When>("DiskOp(zz: 1)"));
    for of in [names::<Scenario>, names::<Engine>, names::<Limits>, names::<Kv>, names::<Mix>, names::<Network>] {
        fields.extend(of("(zz: 1)"));
    }
    for of in [names::<Disk>, names::<Clock>, names::<Fault>] {
        fields.extend(of("(zz: 1)"));
    }
    let missing: Vec<_> = fields.iter().filter(|field| !examples.contains(&format!("{field}: "))).collect();
    assert_eq!(missing, Vec::<&String>::new());
    for name in names::<What>("Zz").union(&names::<Cut>("Zz")) {
        assert!(examples.contains(&format!("{name}(")), "{name}");
    }
}

/// A default in a table, written out, gives the same as leaving the field out.
#[test]
fn defaults_are_as_documented() {
    fn same<T: DeserializeOwned + PartialEq + std::fmt::Debug>(heading: &str, required: &str) {
        let absent: T = ron::from_str(&format!("({required})")).unwrap();
        for row in table(heading) {
            let (field, default) = (code(&row[0]), &row[2]);
            if default.as_str() == "required" || default.as_str() == "none" {
                continue;
            }
            let written: T = ron::from_str(&format!("({required}{field}: {})", code(default))).unwrap();
            assert_eq!(written, absent, "{heading} {field}");
        }
    }
    same::<Scenario>("## `Scenario`", "nodes: 5, safety: \"5s\", clients: [], ");
    same::<Engine>("## `Engine`", "");
    same::<Limits>("## `Limits`", "");
    same::<Kv>("## `Kv`", "");
    same::<Mix>("### `Mix`", "");
    same::<Network>("## `Network`", "");
    same::<Disk>("## `Disk`", "");
    same::<Clock>("## `Clock`", "who: All, ");
    same::<Fault>("## `Fault`", "when: At(\"1s\"), what: Kill(Any), ");
    let counted: When = ron::from_str("On(event: Append)").unwrap();
    let defaults: BTreeMap<_, _> = table("The fields of `On`").iter().map(|row| (code(&row[0]), code(&row[2]))).collect();
    for (field, default) in defaults.iter().filter(|(field, _)| *field != "event") {
        assert_eq!(ron::from_str::<When>(&format!("On(event: Append, {field}: {default})")).unwrap(), counted, "{field}");
    }
}
