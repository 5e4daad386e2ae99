//! What the properties of a job in JSON are called in HCL, so that one search finds places in all forms of a job.

use drover_hcl::syntax::JsonLabel;

/// Blocks with a label in HCL's JSON syntax.
const LABELLED: &[&str] = &[
    "action",
    "device",
    "envoy_gateway_bind_addresses",
    "group",
    "job",
    "port",
    "region",
    "reserved_ports",
    "secret",
    "target",
    "task",
    "volume",
];

const NAME: JsonLabel = JsonLabel::Field(&["Name"]);

/// Properties of the API's JSON that are not called in HCL as their own name in lower case.
const RENAMED: &[(&str, &str, JsonLabel)] = &[
    ("actions", "action", NAME),
    ("affinities", "affinity", JsonLabel::Absent),
    ("artifacts", "artifact", JsonLabel::Absent),
    ("checks", "check", NAME),
    ("constraints", "constraint", JsonLabel::Absent),
    ("csipluginconfig", "csi_plugin", JsonLabel::Absent),
    ("devices", "device", NAME),
    ("dynamicports", "port", JsonLabel::Field(&["Label"])),
    ("identities", "identity", NAME),
    ("job", "job", JsonLabel::Field(&["ID", "Name"])),
    ("logconfig", "logs", JsonLabel::Absent),
    ("networks", "network", JsonLabel::Absent),
    ("parameterizedjob", "parameterized", JsonLabel::Absent),
    ("reschedulepolicy", "reschedule", JsonLabel::Absent),
    ("reservedports", "port", JsonLabel::Field(&["Label"])),
    ("restartpolicy", "restart", JsonLabel::Absent),
    ("scalingpolicies", "scaling", JsonLabel::Absent),
    ("secrets", "secret", NAME),
    ("services", "service", NAME),
    ("spreads", "spread", JsonLabel::Absent),
    ("taskgroups", "group", NAME),
    ("tasks", "task", NAME),
    ("templates", "template", JsonLabel::Absent),
    ("volumemounts", "volume_mount", JsonLabel::Absent),
    ("volumes", "volume", JsonLabel::Key),
];

/// The names of a job in HCL's JSON syntax.
pub(crate) fn hcl_names(name: &str) -> (String, JsonLabel) {
    let label = if LABELLED.contains(&name) { JsonLabel::Key } else { JsonLabel::Absent };
    (name.to_owned(), label)
}

/// The names of a job in the API's JSON.
pub(crate) fn api_names(name: &str) -> (String, JsonLabel) {
    match RENAMED.iter().find(|(known, ..)| name.eq_ignore_ascii_case(known)) {
        Some((_, kind, label)) => ((*kind).to_owned(), *label),
        None => (snake_case(name), JsonLabel::Absent),
    }
}

/// `KillTimeout` is `kill_timeout`. Names that are data, such as those of a driver's config, are in lower case already.
fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut was_lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && was_lower {
            out.push('_');
        }
        was_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_api_are_those_of_hcl() {
        for (api, hcl) in [("KillTimeout", "kill_timeout"), ("MemoryMB", "memory_mb"), ("TaskGroups", "group")] {
            assert_eq!(api_names(api).0, hcl);
        }
    }
}
