//! What pages of other origins may do: read what nodes tell, and read and write variables.

use http::Method;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue,
    ORIGIN, VARY,
};

/// Methods of routes that are read.
const READ: &[&str] = &["GET", "HEAD", "OPTIONS"];
/// Methods of routes with objects that are written, too.
const WRITE: &[&str] = &["GET", "HEAD", "OPTIONS", "PUT", "DELETE"];

/// What is said to a request about other origins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cors {
    /// The route is for its own origin only.
    None,
    /// An answer as any other, which depends on the origin.
    Answer {
        /// Whether the page may have it.
        may_read: bool,
    },
    /// A question what is allowed, with what to say.
    Preflight(Vec<(http::HeaderName, HeaderValue)>),
}

/// The methods that pages of other origins may use; `None`: they may not use the route at all.
fn methods(path: &str) -> Option<&'static [&'static str]> {
    let below = |prefix: &str| path.starts_with(prefix);
    match path {
        "/v1/vars"
        | "/v1/client/stats"
        | "/v1/client/metadata"
        | "/v1/client/identity"
        | "/v1/client/identity/renew" => Some(READ),
        _ if below("/v1/client/fs/") || below("/v1/client/allocation/") => Some(READ),
        _ if below("/v1/var/") => Some(WRITE),
        _ => None,
    }
}

impl Cors {
    pub(crate) fn of(path: &str, method: &Method, headers: &HeaderMap) -> Self {
        let Some(methods) = methods(path) else { return Self::None };
        let origin = headers.get(ORIGIN);
        match headers.get(ACCESS_CONTROL_REQUEST_METHOD) {
            Some(asked) if *method == Method::OPTIONS && !asked.is_empty() => {
                let may = origin.is_some() && asked.to_str().is_ok_and(|asked| methods.contains(&asked));
                Self::Preflight(if may { permission(asked, headers) } else { Vec::new() })
            }
            _ => Self::Answer { may_read: origin.is_some() && methods.contains(&method.as_str()) },
        }
    }

    /// Whether the request is answered already.
    pub(crate) const fn is_preflight(&self) -> bool {
        matches!(self, Self::Preflight(_))
    }

    pub(crate) fn apply(self, headers: &mut HeaderMap) {
        match self {
            Self::None => {}
            Self::Answer { may_read } => {
                headers.append(VARY, HeaderValue::from_static("Origin"));
                if may_read {
                    headers.extend(open());
                }
            }
            Self::Preflight(permission) => {
                let vary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
                headers.append(VARY, HeaderValue::from_static(vary));
                headers.extend(permission);
            }
        }
    }
}

fn open() -> [(http::HeaderName, HeaderValue); 2] {
    [
        (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true")),
    ]
}

fn permission(method: &HeaderValue, headers: &HeaderMap) -> Vec<(http::HeaderName, HeaderValue)> {
    let mut permission = open().to_vec();
    permission.push((ACCESS_CONTROL_ALLOW_METHODS, method.clone()));
    if let Some(wanted) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        permission.push((ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone()));
    }
    permission
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, method: &Method, given: &[(http::HeaderName, &'static str)]) -> HeaderMap {
        let given = given.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        let mut answer = HeaderMap::new();
        Cors::of(path, method, &given).apply(&mut answer);
        answer
    }

    #[test]
    fn pages_elsewhere_may_read_nodes_and_write_variables_only() {
        let origin = (ORIGIN, "http://pages.example");
        assert!(check("/v1/jobs", &Method::GET, std::slice::from_ref(&origin)).is_empty());
        let stats = check("/v1/client/stats", &Method::GET, std::slice::from_ref(&origin));
        assert_eq!(
            (&stats[ACCESS_CONTROL_ALLOW_ORIGIN], &stats[VARY]),
            (&"*".parse().unwrap(), &"Origin".parse().unwrap())
        );
        let written = check("/v1/client/metadata", &Method::PUT, std::slice::from_ref(&origin));
        assert!(!written.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
        let put = [origin.clone(), (ACCESS_CONTROL_REQUEST_METHOD, "PUT")];
        assert_eq!(check("/v1/var/a", &Method::OPTIONS, &put)[ACCESS_CONTROL_ALLOW_METHODS], "PUT");
        assert!(!check("/v1/client/stats", &Method::OPTIONS, &put).contains_key(ACCESS_CONTROL_ALLOW_METHODS));
    }
}
