//! Whatever comes in, the parser, the evaluator and the formatter end: no panic, no hang, bounded memory.
//!
//! Each test is a fuzz target. `cargo test` runs the kept corpus and some random inputs; CONTRIBUTING.md says how to
//! let a coverage-guided engine search for more. An input that once failed stays in the corpus.

#![expect(clippy::expect_used, reason = "a test")]

use std::time::{Duration, Instant};

use bolero::check;
use drover_hcl::{Source, format, parse_body, parse_json_body};
use drover_jobspec::{Options, Places, parse, parse_submission};
use drover_wire::admission::review_anywhere;
use drover_wire::job::Canonical;

/// The longest that one input may take, in a build without optimisation.
const MAX_TIME: Duration = Duration::from_secs(20);
/// The largest input; larger ones only repeat.
const MAX_INPUT_BYTES: usize = 16 << 10;

fn bounded(input: &[u8], run: impl Fn(&str)) {
    let input = &input[..input.len().min(MAX_INPUT_BYTES)];
    let start = Instant::now();
    run(&String::from_utf8_lossy(input));
    assert!(start.elapsed() < MAX_TIME, "{:?} for {} bytes", start.elapsed(), input.len());
}

#[test]
fn fuzz_parser() {
    check!().for_each(|input: &[u8]| {
        bounded(input, |text| {
            let source = Source::new("input.hcl", text);
            for problems in [parse_body(&source).err(), parse_json_body(&source).err()].into_iter().flatten() {
                assert!(!problems.to_string().is_empty());
            }
            let _ = parse_submission(text);
            let list = "1 error occurred:\n\t* Task group g validation failed: 1 error occurred:\n\t* a\n\n\n\n";
            for places in [Places::of(&source), Places::of_submission(&source)].into_iter().flatten() {
                drop(places.explain(list));
            }
        });
    });
}

#[test]
fn fuzz_evaluator() {
    check!().for_each(|input: &[u8]| {
        bounded(input, |text| match parse(&Source::new("input.hcl", text), &Options::default()) {
            Ok(mut job) => {
                drop(review_anywhere(job.clone()));
                job.canonicalize();
                let once = job.clone();
                job.canonicalize();
                assert_eq!(once, job, "filling in the defaults twice differs");
            }
            Err(problems) => assert!(!problems.to_string().is_empty()),
        });
    });
}

#[test]
fn fuzz_formatter() {
    check!().for_each(|input: &[u8]| {
        bounded(input, |text| {
            let Ok(once) = format(&Source::new("input.hcl", text)) else { return };
            let again = format(&Source::new("input.hcl", &*once)).expect("what was formatted parses");
            assert_eq!(once, again, "formatting twice differs");
            assert_eq!(words(text), words(&once), "formatting changed more than the space between words");
        });
    });
}

/// All that is not white space, comments included.
fn words(text: &str) -> String {
    text.trim_start_matches('\u{feff}').chars().filter(|c| !c.is_whitespace()).collect()
}
