//! `-ci`: lines that GitHub shows beside the commit.

use crate::output;
use drover_stack::apply::Event;

/// Prints the annotation of an event, if it is worth one.
pub fn show(event: &Event) {
    if let Some(line) = annotation(event) {
        output::line(&line);
    }
}

fn annotation(event: &Event) -> Option<String> {
    let (level, address, text) = match event {
        Event::Failed(failure) => {
            let kind = super::progress::kind(failure.kind);
            ("error", &failure.address, format!("{kind}: {}", failure.reasons.join("\n")))
        }
        Event::Reverted { address, problem: Some(problem) } => {
            ("error", address, format!("could not be put back: {problem}"))
        }
        Event::Reverted { address, problem: None } => ("warning", address, "was put back as it was".to_owned()),
        Event::Skipped { address, reason } => ("warning", address, format!("not done: {reason}")),
        _ => return None,
    };
    Some(format!("::{level} title={}::{}", property(address), data(&text)))
}

/// GitHub's rules for texts.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// And for what stands before them.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use drover_stack::apply::{Failure, FailureKind};

    #[test]
    fn texts_cannot_break_out_of_their_line() {
        let failure = Failure {
            address: "pack.web[\"a,b\"].job.web".into(),
            kind: FailureKind::Unhealthy,
            reasons: vec!["100% broken".into(), "::error::x".into()],
            look_at: vec![],
            was_written: true,
        };
        assert_eq!(
            annotation(&Event::Failed(failure)).unwrap(),
            "::error title=pack.web[\"a%2Cb\"].job.web::unhealthy: 100%25 broken%0A::error::x"
        );
    }
}
