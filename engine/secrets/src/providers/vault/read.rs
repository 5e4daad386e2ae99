//! What a path means.

use serde_json::Value;

/// What is mounted where a path begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// With a slash at its end.
    pub(super) path: String,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Key-value engine without versions.
    Kv1,
    /// Key-value engine with versions.
    Kv2,
    /// Anything else.
    Other,
}

impl Mount {
    /// From the answer of `sys/internal/ui/mounts/…`.
    pub(super) fn parse(answer: &Value) -> Option<Self> {
        let data = &answer["data"];
        let kind = match data["type"].as_str()? {
            "kv" | "generic" if data["options"]["version"].as_str() == Some("2") => Kind::Kv2,
            "kv" | "generic" | "cubbyhole" => Kind::Kv1,
            _ => Kind::Other,
        };
        Some(Self { path: data["path"].as_str()?.to_owned(), kind })
    }

    /// The API's path of `path` below `part`, such as `data` or `metadata`.
    pub(super) fn below(&self, part: &str, path: &str) -> String {
        let rest = path.strip_prefix(self.path.as_str()).unwrap_or(path);
        format!("{}{part}/{rest}", self.path)
    }
}

/// A path and what stands behind `?`: the version of a key-value secret, or what is written to get an answer
/// (`pki/issue/web?common_name=web.example`).
pub(super) fn split(path: &str) -> (&str, Vec<(String, String)>) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let arguments = url::form_urlencoded::parse(query.as_bytes());
    (path.trim_matches('/'), arguments.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn mounts() {
        let answer = json!({"data": {"path": "team/kv/", "type": "kv", "options": {"version": "2"}}});
        let mount = Mount::parse(&answer).unwrap();
        assert_eq!(mount.kind, Kind::Kv2);
        assert_eq!(mount.below("data", "team/kv/shop/db"), "team/kv/data/shop/db");
        let answer = json!({"data": {"path": "kv/", "type": "kv", "options": null}});
        assert_eq!(Mount::parse(&answer).unwrap().kind, Kind::Kv1);
        assert_eq!(Mount::parse(&json!({})), None);
    }

    #[test]
    fn arguments_follow_a_question_mark() {
        let (path, arguments) = split("pki/issue/web?common_name=a%20b&ttl=1h");
        assert_eq!(path, "pki/issue/web");
        assert_eq!(arguments, [("common_name".to_owned(), "a b".to_owned()), ("ttl".to_owned(), "1h".to_owned())]);
        assert_eq!(split("/kv/x/"), ("kv/x", Vec::new()));
    }
}
