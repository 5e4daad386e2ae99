//! Whatever comes in, parsing, evaluation and formatting end without a panic, in bounded time and memory.

use drover_hcl::variables::Declarations;
use drover_hcl::{EvalContext, Source, TypeRules, Unresolved, format, locals, parse_body, parse_json_body};
use proptest::prelude::*;

fn run(text: &str) {
    let source = Source::new("input.hcl", text);
    if let Ok(body) = parse_body(&source) {
        let mut context = EvalContext::new().with_unresolved(Unresolved::KeepText);
        let _ = Declarations::parse(&body, TypeRules::Constraint);
        let _ = locals::resolve(&body, &mut context);
        for attribute in body.attributes.iter().chain(body.blocks.iter().flat_map(|block| &block.body.attributes)) {
            match attribute.value.evaluate(&context) {
                Ok(value) => drop(value.to_json()),
                Err(problems) => assert!(!problems.to_string().is_empty()),
            }
        }
        let once = format(&source).expect("what parses can be formatted");
        let again = format(&Source::new("input.hcl", &*once)).expect("what was formatted parses");
        assert_eq!(once, again, "formatting twice differs for {text:?}");
    }
    let _ = parse_json_body(&source);
}

/// Words of the language, put together at random: far more of them parse than of random characters.
fn words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "a",
        "b",
        "locals",
        "variable",
        "type",
        "default",
        "for",
        "in",
        "if",
        "true",
        "null",
        "var.a",
        "local.b",
        "attr.x",
        "1",
        "2.5",
        "-",
        "!",
        "+",
        "*",
        "/",
        "%",
        "==",
        "<",
        "&&",
        "||",
        "?",
        ":",
        "=",
        "=>",
        "...",
        ".",
        "[",
        "]",
        "[*]",
        "(",
        ")",
        "{",
        "}",
        ",",
        "\"x\"",
        "\"${a}\"",
        "\"${ attr.x }}\"",
        "\"%{ if true }y%{ endif }\"",
        "\"",
        "${",
        "}",
        "<<EOT\n",
        "EOT\n",
        "<<-E\n  x\nE\n",
        "\n",
        "\n",
        "# c\n",
        "/* c */",
        "upper(",
        "range(",
        "join(\",\",",
        "format(\"%d\",",
        "jsondecode(",
        "\\",
        "é",
        "\u{1f680}",
        "\r\n",
    ]);
    prop::collection::vec(word, 0..40).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_words(text in words()) {
        run(&text);
    }

    #[test]
    fn random_attributes(value in words()) {
        run(&format!("a = {value}\n"));
        run(&format!("locals {{\n  b = [{value}]\n}}\n"));
    }

    #[test]
    fn random_characters(text in "\\PC{0,80}") {
        run(&text);
    }
}

#[test]
fn nesting_has_a_limit() {
    for (open, close) in [("[", "]"), ("(", ")"), ("{a=", "}"), ("-", ""), ("!", ""), ("\"${", "}\""), ("f(", ")")] {
        let text = format!("a = {}1{}\n", open.repeat(100_000), close.repeat(100_000));
        let error = parse_body(&Source::new("deep.hcl", text)).unwrap_err().to_string();
        assert!(error.contains("at most 100 levels"), "{error}");
    }
    let json = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(parse_json_body(&Source::new("deep.json", json)).is_err());
    let blocks = "a {\n".repeat(100_000);
    assert!(parse_body(&Source::new("deep.hcl", blocks)).is_err());
}

#[test]
fn what_is_just_deep_enough_is_evaluated() {
    for (open, close) in
        [("[", "]"), ("(", ")"), ("{a=", "}"), ("try(", ")"), ("true ? 1 : ", ""), ("[for x in [1] : ", "]")]
    {
        let text = format!("a = {}1{}\n", open.repeat(95), close.repeat(95));
        let body = parse_body(&Source::new("deep.hcl", text)).unwrap();
        body.attributes[0].value.evaluate(&EvalContext::new()).unwrap();
    }
    let text = format!("a = 1{}\nb = [1]{}\n", " + 1".repeat(199), "[*]".repeat(99));
    let body = parse_body(&Source::new("long.hcl", text)).unwrap();
    assert_eq!(body.attributes[0].value.evaluate(&EvalContext::new()).unwrap(), 200.into());
    body.attributes[1].value.evaluate(&EvalContext::new()).unwrap();
}

#[test]
fn chains_have_a_limit() {
    for link in [" + 1", "[var.x]", ".*", " && true"] {
        let text = format!("a = f(1){}\n", link.repeat(200_000));
        assert!(parse_body(&Source::new("long.hcl", text)).is_err(), "{link}");
    }
    let mut text = String::from("locals {\n  a0 = 1\n");
    for i in 1..100_000 {
        text.push_str(&format!("  a{i} = local.a{}\n", i - 1));
    }
    text.push_str("}\n");
    let body = parse_body(&Source::new("chain.hcl", text.replace("a0 = 1", "a0 = local.a99999"))).unwrap();
    assert!(locals::resolve(&body, &mut EvalContext::new()).is_err());
}

#[test]
fn what_grows_by_doubling_is_stopped() {
    let mut text = String::from("locals {\n  a0 = \"0123456789\"\n");
    for i in 1..60 {
        text.push_str(&format!("  a{i} = \"${{local.a{p}}}${{local.a{p}}}\"\n", p = i - 1));
    }
    text.push_str("}\n");
    let body = parse_body(&Source::new("bomb.hcl", text)).unwrap();
    let error = locals::resolve(&body, &mut EvalContext::new()).unwrap_err().to_string();
    assert!(error.contains("Too much to evaluate"), "{}", &error[..error.len().min(300)]);
}

#[test]
fn nested_loops_are_stopped() {
    let text = "a = [for a in range(1000) : [for b in range(1000) : [for c in range(1000) : a + b + c]]]\n";
    let body = parse_body(&Source::new("loops.hcl", text)).unwrap();
    let error = body.attributes[0].value.evaluate(&EvalContext::new()).unwrap_err().to_string();
    assert!(error.contains("Too much to evaluate"), "{error}");
}
