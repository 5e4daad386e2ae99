//! Results for programs: JUnit's XML, and JSON.

use serde_json::{Value as Json, json};

use super::RunReport;

/// The results as JUnit's XML, one suite for each file.
pub fn junit(pack: &str, reports: &[RunReport]) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let seconds = |reports: &[&RunReport]| reports.iter().map(|report| report.took.as_secs_f64()).sum::<f64>();
    let failed = |reports: &[&RunReport]| reports.iter().filter(|report| !report.passed()).count();
    let all: Vec<&RunReport> = reports.iter().collect();
    text.push_str(&format!(
        "<testsuites name=\"{}\" tests=\"{}\" failures=\"{}\" time=\"{:.3}\">\n",
        escaped(pack),
        all.len(),
        failed(&all),
        seconds(&all)
    ));
    let mut files: Vec<&str> = reports.iter().map(|report| report.file.as_str()).collect();
    files.dedup();
    for file in files {
        let runs: Vec<&RunReport> = reports.iter().filter(|report| report.file == file).collect();
        text.push_str(&format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" time=\"{:.3}\">\n",
            escaped(file),
            runs.len(),
            failed(&runs),
            seconds(&runs)
        ));
        runs.iter().for_each(|report| case(report, pack, &mut text));
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn case(report: &RunReport, pack: &str, text: &mut String) {
    text.push_str(&format!(
        "    <testcase classname=\"{}.{}\" name=\"{}\" file=\"{}\" line=\"{}\" time=\"{:.3}\"",
        escaped(pack),
        escaped(report.file.rsplit('/').next().unwrap_or(&report.file).trim_end_matches(super::FILE_END)),
        escaped(&report.name),
        escaped(&report.file),
        report.line,
        report.took.as_secs_f64()
    ));
    if report.passed() {
        text.push_str("/>\n");
        return;
    }
    text.push_str(">\n");
    for failure in &report.failures {
        let first = failure.message.lines().next().unwrap_or_default();
        let body = [vec![failure.message.clone()], failure.details.clone()].concat().join("\n");
        text.push_str(&format!("      <failure message=\"{}\">{}</failure>\n", escaped(first), escaped(&body)));
    }
    text.push_str("    </testcase>\n");
}

/// One result as an object.
pub fn object(report: &RunReport) -> Json {
    let failures: Vec<Json> =
        report.failures.iter().map(|failure| json!({"message": failure.message, "details": failure.details})).collect();
    json!({
        "type": "run", "file": report.file, "name": report.name, "line": report.line, "passed": report.passed(),
        "milliseconds": u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX), "failures": failures,
        "updated": report.updated.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
    })
}

/// Text in XML; characters that XML cannot hold become spaces.
fn escaped(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => result.push_str("&amp;"),
            '<' => result.push_str("&lt;"),
            '>' => result.push_str("&gt;"),
            '"' => result.push_str("&quot;"),
            '\n' => result.push_str("&#10;"),
            '\t' => result.push('\t'),
            c if c.is_control() => result.push(' '),
            c => result.push(c),
        }
    }
    result
}
