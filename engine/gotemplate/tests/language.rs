//! The language, its printing rules and its limits.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use drover_gotemplate::{Functions, Map, Sealed, Templates, Text, Value, limits};
use std::rc::Rc;
use std::time::{Duration, Instant};

fn templates(text: &str) -> Result<Templates, String> {
    let mut templates = Templates::new(Functions::standard(), Rc::new(Sealed), "[[", "]]");
    templates.add("t", text).map_err(|error| error.to_string())?;
    Ok(templates)
}

fn render_with(text: &str, dot: &Value) -> Result<String, String> {
    let bytes = templates(text)?.render("t", dot).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(bytes).unwrap())
}

fn render(text: &str) -> String {
    render_with(text, &Value::Absent).unwrap()
}

fn check_error(text: &str, parts: &[&str]) {
    let error = render_with(text, &Value::Absent).expect_err("an error");
    for part in parts {
        assert!(error.contains(part), "{part:?} not in {error:?}");
    }
}

#[test]
fn actions_text_and_trimming() {
    assert_eq!(render("a [[- 1 -]]  b [[/* gone */]]c"), "a1b c");
    assert_eq!(render("[[ \"]]\" ]] [[ `x\n` ]]"), "]] x\n");
    assert_eq!(render("x {{ y }} ${z}"), "x {{ y }} ${z}");
}

#[test]
fn control_and_scopes() {
    assert_eq!(render("[[ $x := 1 ]][[ if true ]][[ $x = 2 ]][[ $x := 3 ]][[ $x ]][[ end ]][[ $x ]]"), "32");
    assert_eq!(render("[[ range $i, $v := list \"a\" \"b\" ]][[ $i ]][[ $v ]][[ else ]]none[[ end ]]"), "0a1b");
    assert_eq!(
        render(
            "[[ range until 9 ]][[ if eq . 1 ]][[ continue ]][[ end ]][[ if gt . 3 ]][[ break ]][[ end ]][[ . ]][[ end ]]"
        ),
        "023"
    );
    assert_eq!(render("[[ with \"\" ]]a[[ else with \"b\" ]]<[[ . ]]>[[ end ]]"), "<b>");
    assert_eq!(
        render("[[ define \"t2\" ]]([[ . ]])[[ end ]][[ template \"t2\" 5 ]][[ block \"b\" 7 ]][[ . ]][[ end ]]"),
        "(5)7"
    );
}

#[test]
fn values_print_as_in_go() {
    assert_eq!(render("[[ 1e6 ]] [[ 100000.0 ]] [[ 1e-5 ]] [[ 2i ]] [[ 'a' ]]"), "1e+06 100000 1e-05 (0+2i) 97");
    assert_eq!(render("[[ list 1 \"a\" nil (dict \"b\" true) ]]"), "[1 a <nil> map[b:true]]");
    assert_eq!(
        render("[[ printf \"%05d|%-4s|%x|%q|%T|%6.2f\" 42 \"é\" \"hi\" \"a\\n\" (list) 3.14159 ]]"),
        "00042|é   |6869|\"a\\n\"|[]interface {}|  3.14"
    );
    assert_eq!(render("[[ printf \"%d %s\" \"a\" ]]"), "%!d(string=a) %!s(MISSING)");
}

#[test]
fn the_context_is_reached_by_fields() {
    let inner = Map::new();
    inner.set(Text::from("port"), Value::int(80));
    let outer = Map::new();
    outer.set(Text::from("web"), Value::Map(inner));
    let dot = Value::Map(outer);
    assert_eq!(
        render_with("[[ .web.port ]] [[ with .web ]][[ .port ]] [[ $.web.port ]][[ end ]]", &dot).unwrap(),
        "80 80 80"
    );
    assert!(render_with("[[ .db.port ]]", &dot).unwrap_err().contains("nil pointer evaluating interface {}.port"));
}

#[test]
fn faults_have_their_place() {
    check_error("one\ntwo [[ nope ]]", &["template: t:2: function \"nope\" not defined"]);
    check_error("[[ if true ]]", &["unexpected EOF"]);
    check_error("a\nb [[ index (list 1) 9 ]]", &["template: t:2:", "executing \"t\"", "out of range: 9"]);
    check_error("[[ upper 1 ]]", &["expected string; found 1"]);
    let error = templates("x\n  [[ fail \"no\" ]]").unwrap().render("t", &Value::Absent).unwrap_err();
    assert_eq!((error.line, error.column, error.source_line.as_str()), (2, 6, "  [[ fail \"no\" ]]"));
}

#[test]
fn functions_of_sprig() {
    assert_eq!(render("[[ \"a,b\" | splitList \",\" | join \"-\" | upper | quote ]]"), "\"A-B\"");
    assert_eq!(render("[[ merge (dict \"a\" 1) (dict \"a\" 2 \"b\" 3) | toJson ]]"), "{\"a\":1,\"b\":3}");
    assert_eq!(
        render("[[ semverCompare \"~1.2\" \"1.2.9\" ]] [[ regexReplaceAll \"a(b)\" \"ab\" \"${1}\" ]]"),
        "true b"
    );
    assert_eq!(
        render("[[ addf 0.1 0.2 ]] [[ round 2.55 1 ]] [[ dateInZone \"2006-01-02\" 0 \"UTC\" ]]"),
        "0.3 2.6 1970-01-01"
    );
}

#[test]
fn a_sealed_host_refuses() {
    check_error("[[ env \"HOME\" ]]", &["may not be read"]);
    check_error("[[ getHostByName \"example.org\" ]]", &["may not be looked up"]);
    check_error("[[ randAlpha 3 ]]", &["random"]);
}

/// Ends with an error, soon.
fn check_hostile(text: &str) {
    let start = Instant::now();
    let text = text.to_owned();
    let thread = std::thread::Builder::new().stack_size(256 << 20);
    let error = thread.spawn(move || render_with(&text, &Value::Absent)).unwrap().join().unwrap();
    assert!(error.is_err(), "it renders");
    assert!(start.elapsed() < Duration::from_secs(60), "it takes {:?}", start.elapsed());
}

#[test]
fn hostile_templates_end() {
    check_hostile("[[ define \"x\" ]][[ template \"x\" ]][[ end ]][[ template \"x\" ]]");
    check_hostile("[[ range until 100000000 ]][[ end ]]");
    check_hostile("[[ repeat 1000000000 \"abc\" ]]");
    check_hostile("[[ $s := \"x\" ]][[ range until 100 ]][[ $s = printf \"%s%s\" $s $s ]][[ end ]]");
    check_hostile("[[ indent 1000000000 \"a\" ]]");
    check_hostile("[[ $d := dict ]][[ $_ := set $d \"d\" $d ]][[ toJson $d ]]");
    assert!(render("[[ $d := dict ]][[ $_ := set $d \"d\" $d ]][[ $d ]][[ deepEqual $d $d ]]").ends_with("false"));
    check_hostile(&format!("[[ {} ]]", "(".repeat(limits::MAX_NESTING + 1)));
    check_hostile("[[ mustRegexMatch \"((a{1,100}){1,100}){1,100}\" \"a\" ]]");
}
