//! `check "home" { http = "http://…"  retries = 5 }`: what is looked at after an apply.

use std::collections::{BTreeMap, BTreeSet};

use drover_base::Nanos;
use drover_hcl::{Block, Diagnostics, Type};

use super::blocks::Reader;
use super::scope::Scope;
use crate::desired::{Check, Probe};

const ATTRIBUTES: [&str; 10] =
    ["http", "tcp", "method", "status", "contains", "headers", "retries", "interval", "timeout", "depends_on"];
const SECOND: i64 = 1_000_000_000;
/// The most retries.
const MAX_RETRIES: i64 = 1000;

pub(super) fn block(
    block: &Block,
    label: &str,
    requirements: &BTreeSet<String>,
    scope: &mut Scope<'_>,
) -> Result<(), Diagnostics> {
    let context = scope.context();
    let mut reader = Reader::new(&block.body, "a `check` block", &ATTRIBUTES, &context);
    let probe = probe(&mut reader);
    let retries = reader.value("retries", &Type::Number).and_then(|value| value.as_number()?.as_i64());
    if retries.is_some_and(|retries: i64| !(0..=MAX_RETRIES).contains(&retries)) {
        reader.complain("retries", format!("`retries` is a number from 0 to {MAX_RETRIES}"), None);
    }
    let interval = duration(&mut reader, "interval").unwrap_or(Nanos(2 * SECOND));
    let timeout = duration(&mut reader, "timeout").unwrap_or(Nanos(5 * SECOND));
    let text = format!("{probe:?}");
    if scope.inputs.secrets.taint().masker().contains(&text) {
        let message = "a check must hold no secret: plans and reports show it".to_owned();
        reader.complain(if block.body.attribute("tcp").is_some() { "tcp" } else { "http" }, message, None);
    }
    reader.problems.into_result(())?;
    if let Some(probe) = probe {
        scope.add_check(Check {
            name: label.to_owned(),
            probe,
            retries: u32::try_from(retries.unwrap_or(5)).unwrap_or(0),
            interval,
            timeout,
            depends_on: scope.produced(requirements),
        });
    }
    Ok(())
}

fn probe(reader: &mut Reader<'_>) -> Option<Probe> {
    let (http, tcp) = (reader.text("http"), reader.text("tcp"));
    match (http, tcp) {
        (Some(url), None) => {
            if !(url.starts_with("http://") || url.starts_with("https://")) {
                reader.complain("http", "`http` is an address that begins with http:// or https://".to_owned(), None);
            }
            Some(page(url, reader))
        }
        (None, Some(address)) => {
            let has_port = address
                .rsplit_once(':')
                .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0));
            if !has_port {
                reader.complain("tcp", "`tcp` is a host and a port, as in \"127.0.0.1:5432\"".to_owned(), None);
            }
            Some(Probe::Tcp { address })
        }
        (both, _) if reader.problems.is_empty() => {
            let message = "a `check` block needs one of `http` and `tcp`".to_owned();
            if both.is_some() {
                reader.complain("tcp", message, None);
            } else {
                reader.missing(message, "write http = \"http://127.0.0.1:8080/health\"");
            }
            None
        }
        _ => None,
    }
}

fn page(url: String, reader: &mut Reader<'_>) -> Probe {
    let method = reader.text("method").unwrap_or_else(|| "GET".to_owned());
    if !["GET", "HEAD", "POST"].contains(&method.as_str()) {
        reader.complain("method", "`method` is \"GET\", \"HEAD\" or \"POST\"".to_owned(), None);
    }
    let status = reader.value("status", &Type::List(Box::new(Type::Number)));
    let status: Vec<u16> = status
        .as_ref()
        .and_then(|status| status.as_items())
        .into_iter()
        .flatten()
        .filter_map(|item| u16::try_from(item.as_number()?.as_i64()?).ok())
        .collect();
    let headers = reader.value("headers", &Type::Map(Box::new(Type::String)));
    let headers: BTreeMap<String, String> = headers
        .as_ref()
        .and_then(|headers| headers.as_entries())
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.to_string(), value.as_str()?.to_owned())))
        .collect();
    Probe::Http { url, method, status, contains: reader.text("contains"), headers }
}

fn duration(reader: &mut Reader<'_>, name: &str) -> Option<Nanos> {
    let text = reader.text(name)?;
    let duration = Nanos::parse(&text).ok().filter(|duration| duration.0 > 0);
    if duration.is_none() {
        reader.complain(name, format!("`{name}` is a duration such as \"2s\""), None);
    }
    duration
}
