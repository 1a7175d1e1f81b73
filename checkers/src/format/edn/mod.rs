//! EDN, as Jepsen's `history.edn`: a map for each invocation and each return.
//!
//! Either one map a line, or all in one vector or list; records such as `#jepsen.history.Op{..}`
//! are maps. Their keys:
//!
//! | key | |
//! | --- | --- |
//! | `:process` | a whole number; maps of other processes, such as `:nemesis`, are skipped and counted |
//! | `:type` | `:invoke`, then `:ok`, `:fail` (it surely did not happen) or `:info` (nobody knows) |
//! | `:f` | what is done, see [`super::spelling`] |
//! | `:value` | the argument, `[expected new]` of a compare-and-set; of a read's return what was read, `nil` being "nothing there" |
//! | `:key` | the key; without it, a value of the form `[key value]` is taken for an operation on that key |
//! | `:time` | if given, nanoseconds: it must not run backwards within a process, nor by more than a sixteenth or a second among processes |
//! | `:index` | if given, it must rise |
//!
//! Other keys are not looked at. The order of the maps is the order of events: recorders take the
//! time before they wait for their turn to write, so times of two processes may be swapped by some
//! milliseconds in histories that are perfectly well. A process whose operation
//! ended in `:info`, or never, leaves it open for ever. A compare-and-set that `:fail`ed did not
//! happen, for whatever reason; it is not taken for an observation of some other value.
//! Transactions (`:f :txn`) are refused.
//!
//! Not here: EDN as such (`syntax`), and which return belongs to which invocation (`events`).

pub(super) mod syntax;

use super::RecordedOf;
use super::error::{Misplaced, Place, Wrong};
use super::events::{Event, Events, Returned};
use super::spelling::Spelling;
use super::value::Value;
use std::collections::BTreeMap;
use syntax::Forms;

/// Reads a whole file.
pub(super) fn read<M: Spelling>(model: &M, text: &str) -> Result<RecordedOf<M>, Misplaced> {
    let mut events = Events::new(model);
    let mut rising = Rising::default();
    for form in Forms::of_history(text)? {
        let (place, map) = form?;
        let at = |wrong: Wrong| wrong.at(place);
        if !matches!(map, Value::Map(_)) {
            return Err(at(Wrong::value(&map, "a map of an invocation or a return")));
        }
        rising.check(&map).map_err(at)?;
        match Of::new(&map, place).map_err(at)? {
            Of::Nobody => events.skipped += 1,
            Of::Invocation(event) => events.invoke(&event)?,
            Of::Return(returned, event) => events.ret(returned, &event)?,
        }
    }
    events.finish()
}

/// What a map is about.
enum Of<'a> {
    /// No client.
    Nobody,
    Invocation(Event<'a>),
    Return(Returned, Event<'a>),
}

impl<'a> Of<'a> {
    fn new(map: &'a Value, place: Place) -> Result<Self, Wrong> {
        let field = |name: &str| map.get(name).ok_or_else(|| Wrong::new(format!("no `:{name}`"), "it in every map"));
        let process = match field("process")? {
            Value::Int(process) => u64::try_from(*process)
                .map_err(|_| Wrong::new(format!("process {process}"), "a process number of 64 bits, not negative"))?,
            Value::Keyword(_) => return Ok(Self::Nobody),
            other => return Err(Wrong::value(other, "the number of a process, or a name such as `:nemesis`")),
        };
        let f = match field("f")? {
            Value::Keyword(f) => f,
            other => return Err(Wrong::value(other, "the name of an operation, such as `:read`")),
        };
        let key = map.get("key").filter(|key| **key != Value::Null);
        let event = Event { process, f, key, value: map.get("value").unwrap_or(&Value::Null), place };
        let expected = ":invoke, :ok, :fail or :info";
        match field("type")? {
            Value::Keyword(name) => match Returned::from_name(name) {
                Some(returned) => Ok(Self::Return(returned, event)),
                None if name == "invoke" => Ok(Self::Invocation(event)),
                None => Err(Wrong::new(format!("type :{name}"), expected)),
            },
            other => Err(Wrong::value(other, expected)),
        }
    }
}

impl Returned {
    /// The one that EDN calls so.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "ok" => Some(Self::Ok),
            "fail" => Some(Self::Fail),
            "info" => Some(Self::Info),
            _ => None,
        }
    }
}

/// How far the time of a map may lie behind that of another process at most, in nanoseconds.
const SWAPPED_MAX_NS: i128 = 1_000_000_000;

/// A swap is short against the time that has passed; this part of it is not.
const SWAPPED_PART: i128 = 16;

/// The last times and index.
#[derive(Default)]
struct Rising {
    latest: Option<i128>,
    /// By process.
    times: BTreeMap<i128, i128>,
    index: Option<i128>,
}

impl Rising {
    fn check(&mut self, map: &Value) -> Result<(), Wrong> {
        if let Some(time) = number(map, "time")? {
            let swapped = self.latest.filter(|latest| time < latest - (latest / SWAPPED_PART).clamp(0, SWAPPED_MAX_NS));
            let backwards = match map.get("process") {
                Some(Value::Int(process)) => self.times.insert(*process, time).filter(|last| time < *last),
                _ => None,
            };
            if let Some(last) = backwards {
                return Err(Wrong::new(format!("`:time` {time}"), format!("{last}, when this process was last seen, or later")));
            }
            if let Some(latest) = swapped {
                return Err(Wrong::new(format!("`:time` {time}"), format!("{latest} or shortly before, the latest so far")));
            }
            self.latest = self.latest.max(Some(time));
        }
        if let Some(index) = number(map, "index")?
            && let Some(last) = self.index.replace(index).filter(|last| index <= *last)
        {
            return Err(Wrong::new(format!("`:index` {index}"), format!("more than {last}")));
        }
        Ok(())
    }
}

/// A number that need not be given.
fn number(map: &Value, name: &str) -> Result<Option<i128>, Wrong> {
    match map.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Int(number)) => Ok(Some(*number)),
        Some(other) => Err(Wrong::value(other, format!("`:{name}`, a whole number"))),
    }
}
