//! EDN: the forms that Jepsen's histories come in.

use crate::{judge, read};
use squall_checkers::history::Outcome;
use squall_checkers::model::append_list::AppendList;
use squall_checkers::model::cas_register::{Action, CasRegister, Output};
use squall_checkers::model::kv::Kv;
use squall_checkers::model::lock::Lock;
use squall_checkers::model::queue::Queue;
use squall_checkers::model::register::Register;
use squall_checkers::model::set::Set;

const MAPS: &str = r"{:process 0, :type :invoke, :f :write, :value 1}
{:process 0, :type :ok, :f :write, :value 1}
{:process 1, :type :invoke, :f :read, :value nil}
{:process 1, :type :ok, :f :read, :value 1}
";

#[test]
fn maps_stand_alone_in_a_vector_in_a_list_or_as_records() {
    let register = Register::default();
    let plain = read(&register, MAPS).unwrap();
    assert_eq!((plain.history.operations().len(), plain.lines.clone()), (2, vec![1, 3]));
    for wrapped in [
        format!("[{MAPS}]"),
        format!("; a comment\n ( {MAPS} ; another\n )\n#_ [discarded #_ twice {{}} ]"),
        MAPS.replace('{', "#jepsen.history.Op{:index-of-nothing 3.5, :error [\"a\\u00e9\\n\" \\x #{1 2} 1/2], "),
        format!("[{}]", MAPS.replace('{', "#knossos.op.Op {")),
    ] {
        let recorded = read(&register, &wrapped).unwrap_or_else(|error| panic!("{error}\n{wrapped}"));
        assert_eq!(recorded.history, plain.history, "{wrapped}");
    }
}

#[test]
fn what_never_returned_or_ended_in_info_is_unknown_and_what_failed_did_not_happen() {
    let recorded = read(
        &CasRegister::default(),
        "{:process 0, :type :invoke, :f :write, :value 1}
         {:process 0, :type :info, :f :write, :value 1, :error :timeout}
         {:process 5, :type :invoke, :f :cas, :value [1 2]}
         {:process 5, :type :fail, :f :cas, :value [1 2]}
         {:process :nemesis, :type :info, :f :start, :value nil}
         {:process 6, :type :invoke, :f :cas, :value [nil 4]}",
    )
    .unwrap();
    let outcomes: Vec<_> = recorded.history.operations().iter().map(|operation| operation.outcome.clone()).collect();
    assert_eq!(outcomes, [Outcome::Unknown, Outcome::Fail, Outcome::Unknown]);
    assert!(matches!(&recorded.history.operations()[2].input.action, Action::Cas { expected: None, .. }));
    assert_eq!(recorded.skipped, 1);
}

#[test]
fn a_cas_that_is_ok_matched() {
    let file = |last| {
        format!(
            "{{:process 0, :type :invoke, :f :write, :value 1}} {{:process 0, :type :ok, :f :write}}
             {{:process 0, :type :invoke, :f :cas, :value [1 2]}} {{:process 0, :type :ok, :f :cas, :value [1 2]}}
             {{:process 0, :type :invoke, :f :read}} {{:process 0, :type :ok, :f :read, :value {last}}}"
        )
    };
    let model = CasRegister::default();
    assert!(judge(&model, &file("2")) && !judge(&model, &file("1")));
    let recorded = read(&model, &file("2")).unwrap();
    assert_eq!(recorded.history.operations()[1].outcome, Outcome::Ok(Output::Changed(true)));
}

#[test]
fn keys_stand_under_key_or_as_tuples() {
    let model = CasRegister::default();
    let file = "{:process 0, :type :invoke, :f :write, :value [\"x\" 1]}
        {:process 0, :type :ok, :f :write, :value [\"x\" 1]}
        {:process 0, :type :invoke, :f :cas, :value [\"x\" [1 2]]}
        {:process 0, :type :ok, :f :cas, :value [\"x\" [1 2]]}
        {:process 0, :type :invoke, :f :read, :value [\"y\" nil]}
        {:process 0, :type :ok, :f :read, :value [\"y\" nil]}
        {:process 0, :type :invoke, :f :read, :key \"x\", :value nil}
        {:process 0, :type :ok, :f :read, :key \"x\", :value 2}";
    assert!(judge(&model, file));
    assert!(!judge(&model, &file.replace("[\"y\" nil]", "[\"x\" nil]")));
    let lists = "{:process 0, :type :invoke, :f :append, :value [7 1]}
        {:process 0, :type :ok, :f :append, :value [7 1]}
        {:process 0, :type :invoke, :f :append, :value [8 2]}
        {:process 0, :type :ok, :f :append, :value [8 2]}
        {:process 0, :type :invoke, :f :read, :value [7 nil]}
        {:process 0, :type :ok, :f :read, :value [7 [1]]}";
    assert!(judge(&AppendList, lists));
    let plain = "{:process 0, :type :invoke, :f :append, :value 1} {:process 0, :type :ok, :f :append, :value 1}
        {:process 0, :type :invoke, :f :append, :value 2} {:process 0, :type :ok, :f :append, :value 2}
        {:process 0, :type :invoke, :f :read} {:process 0, :type :ok, :f :read, :value [1 2]}";
    assert!(judge(&AppendList, plain) && !judge(&AppendList, &plain.replace("[1 2]", "[2 1]")));
}

#[test]
fn queues_sets_locks_and_stores() {
    let queue = |value| {
        format!(
            "{{:process 0 :type :invoke :f :dequeue}} {{:process 0 :type :fail :f :dequeue :error :empty}}
             {{:process 0 :type :invoke :f :enqueue :value 5}} {{:process 0 :type :ok :f :enqueue :value 5}}
             {{:process 0 :type :invoke :f :dequeue :value nil}} {{:process 0 :type :ok :f :dequeue :value {value}}}"
        )
    };
    assert!(judge(&Queue, &queue("5")) && !judge(&Queue, &queue("6")) && !judge(&Queue, &queue("nil")));
    let set = |value| {
        format!(
            "{{:process 0 :type :invoke :f :add :value 5}} {{:process 0 :type :ok :f :add :value 5}}
             {{:process 0 :type :invoke :f :read :value nil}} {{:process 0 :type :ok :f :read :value {value}}}"
        )
    };
    assert!(judge(&Set, &set("#{5}")) && judge(&Set, &set("[5]")) && !judge(&Set, &set("#{}")));
    let mutex = |f| {
        format!(
            "[{{:type :invoke, :f :acquire, :process 3, :time 3, :index 2}}
              {{:type :ok, :f :acquire, :process 3, :time 3, :index 3}}
              {{:type :invoke, :f :{f}, :process 4, :time 9, :index 4}}
              {{:type :ok, :f :{f}, :process 4, :time 10, :index 5}}]"
        )
    };
    assert!(judge(&Lock, &mutex("release")) && !judge(&Lock, &mutex("acquire")), "a second holder");
    let store = |value| {
        format!(
            "{{:process 0, :type :invoke, :f :get, :key \"7\", :value nil}}
             {{:process 0, :type :ok, :f :get, :key \"7\", :value \"\"}}
             {{:process 0, :type :invoke, :f :append, :key \"7\", :value \"x 0 y\"}}
             {{:process 0, :type :ok, :f :append, :key \"7\", :value \"x 0 y\"}}
             {{:process 1, :type :invoke, :f :get, :key \"7\", :value nil}}
             {{:process 1, :type :ok, :f :get, :key \"7\", :value {value}}}"
        )
    };
    assert!(judge(&Kv, &store("\"x 0 y\"")) && !judge(&Kv, &store("\"\"")));
}

/// Histories that were completed have in the invocation what the return will tell.
#[test]
fn a_read_may_be_filled_in_when_it_begins() {
    let file = "[{:process 4, :type :invoke, :f :write, :value 2} {:process 4, :type :ok, :f :write, :value 2}
        {:process 14, :type :invoke, :f :read, :value 2} {:process 14, :type :ok, :f :read, :value 2}]";
    assert!(judge(&CasRegister::default(), file));
}

#[test]
fn times_of_two_processes_may_be_swapped_a_little_and_the_order_of_the_maps_counts() {
    let file = |process, time: i64| {
        format!(
            "{{:process 0, :type :invoke, :f :write, :value 1, :time 584353142}}
             {{:process 0, :type :ok, :f :write, :value 1, :time 585400396}}
             {{:process {process}, :type :invoke, :f :read, :time {time}}}
             {{:process {process}, :type :ok, :f :read, :value nil, :time 585478186}}"
        )
    };
    let register = Register::default();
    assert!(!judge(&register, &file(1, 584_335_820)), "the read began after the write, whatever the clock says");
    let too_early = read(&register, &file(1, 500_000_000)).unwrap_err().to_string();
    assert_eq!(too_early, "file:3:14: found `:time` 500000000, expected 585400396 or shortly before, the latest so far");
    let backwards = read(&register, &file(0, 585_400_395)).unwrap_err().to_string();
    assert_eq!(backwards, "file:3:14: found `:time` 585400395, expected 585400396, when this process was last seen, or later");
}
