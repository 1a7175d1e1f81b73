//! The page holds what it must, and nothing in a history can change what it is.

use super::*;
use crate::cli::check::describe;
use bytes::Bytes;
use squall_checkers::format;
use squall_checkers::linearizability::{Limits, check};
use squall_checkers::model::register::Register;

/// The page of a register\'s history, read as a file.
fn page(file: &str, edn: &str) -> String {
    let model = Register { initial: None::<Bytes> };
    let recorded = format::read(&model, file, edn.as_bytes(), None).expect("a history");
    let verdict = check(&model, &recorded.history, Limits::default());
    let (json, orders) = describe(&model, &recorded, verdict, Limits::default());
    let json = FileJson { file: file.to_owned(), model: "register".to_owned(), ..json };
    PageJson::new(&model, &recorded, &orders, &json).html().expect("numbers and text are JSON")
}

fn stale(value: &str) -> String {
    format!(
        "[{{:process 0, :type :invoke, :f :write, :value {value}}}
 {{:process 0, :type :ok, :f :write, :value {value}}}
 {{:process 3, :type :invoke, :f :write, :value 9}}
 {{:process 1, :type :invoke, :f :write, :value 2}}
 {{:process 1, :type :ok, :f :write, :value 2}}
 {{:process 2, :type :invoke, :f :read, :value nil}}
 {{:process 2, :type :ok, :f :read, :value {value}}}]"
    )
}

/// The page without what is the same in every page.
fn without_assets(page: &str) -> String {
    let page = page.replace(STYLE, "(style)\n");
    page.replace(&SCRIPTS.concat(), "(script)\n")
}

#[expect(clippy::disallowed_methods, reason = "insta names its files by it")]
#[test]
fn a_small_page_as_a_whole() {
    insta::assert_snapshot!(without_assets(&page("stale.edn", &stale("1"))));
}

#[test]
fn hostile_values_and_names_stay_text() {
    let value = "</script><script>alert(1)</script><!-- {{script}} {{data}} &lt; \u{2028} \u{1f980}";
    let hostile = page("<img src=x onerror=alert(1)>&{{data}}.edn", &stale(&format!("\"{value}\"")));
    let harmless = page("stale.edn", &stale("1"));
    let count = |page: &str, part: &str| page.matches(part).count();
    for part in ["<", ">", "<script", "</script", "<!--"] {
        assert_eq!(count(&hostile, part), count(&harmless, part), "{part}");
    }
    let data = hostile.split_once("id=\"data\">").and_then(|(_, rest)| rest.split_once("</script>")).expect("it has data").0;
    let data: serde_json::Value = serde_json::from_str(data).expect("JSON");
    assert_eq!(data["file"], "<img src=x onerror=alert(1)>&{{data}}.edn");
    let call = data["operations"][0][8].as_str().expect("a call");
    assert!(call.starts_with("write \"</script><script>alert(1)</script><!-- {{script}}"), "{call}");
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let page = page("stale.edn", &stale("1"));
    for part in ["http:", "https:", "url(", "@import", "import(", "fetch(", "src="] {
        assert!(!page.contains(part), "{part}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn long_calls_are_cut_in_the_middle() {
    let long = cut(format!("{}{}", "a".repeat(300), "z".repeat(300)));
    assert_eq!(long, format!("{}…{}", "a".repeat(200), "z".repeat(200)));
}
