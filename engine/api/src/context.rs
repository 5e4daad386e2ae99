//! A request as the routes see it.

use crate::error::{ApiError, Result};
use crate::reply::{Layout, Reply, to_json};
use crate::state::ApiState;
use bytes::Bytes;
use drover_acl::{Acl, NamespaceCapability};
use drover_base::Nanos;
use drover_model::{JobKey, Namespace};
use drover_server::Access;
use http::{HeaderMap, Method};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

/// The longest that a read may wait.
const MAX_WAIT: Duration = Duration::from_secs(600);
/// How long a read waits when it does not say.
const DEFAULT_WAIT: Duration = Duration::from_secs(300);
/// Characters of a UUID.
const UUID_LEN: usize = 36;

/// A request.
pub(crate) struct Context {
    pub state: ApiState,
    pub method: Method,
    pub body: Bytes,
    query: Vec<(String, String)>,
    /// What the caller showed; empty: nothing.
    secret: String,
    /// Who calls. Routes that anybody may use never look at it.
    access: Result<Access>,
}

impl Context {
    pub(crate) fn new(state: ApiState, method: Method, query: &str, headers: &HeaderMap, body: Bytes) -> Self {
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let secret = secret_of(headers);
        let access = state.server.resolve(&secret).map_err(ApiError::from);
        Self { state, method, body, query, secret, access }
    }

    /// What the caller showed; empty: nothing.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// Who calls; an error for secrets that nobody has.
    pub(crate) fn access(&self) -> Result<&Access> {
        self.access.as_ref().map_err(Clone::clone)
    }

    /// What the caller may do.
    pub(crate) fn acl(&self) -> Result<&Acl> {
        Ok(&self.access()?.acl)
    }

    /// Refuses callers that may not.
    pub(crate) fn allow(&self, may: impl FnOnce(&Acl) -> bool) -> Result<()> {
        if may(self.acl()?) { Ok(()) } else { Err(ApiError::forbidden()) }
    }

    /// Refuses callers that may not do something in a namespace.
    pub(crate) fn allow_in(&self, namespace: &str, capability: NamespaceCapability) -> Result<()> {
        self.allow(|acl| acl.allows(namespace, capability))
    }

    /// Refuses callers that may do none of several things in a namespace.
    pub(crate) fn allow_any_in(&self, namespace: &str, capabilities: &[NamespaceCapability]) -> Result<()> {
        self.allow(|acl| acl.allows_any_of(namespace, capabilities))
    }

    /// Refuses callers without a management token.
    pub(crate) fn allow_management(&self) -> Result<()> {
        self.allow(Acl::is_management)
    }

    /// Whether it is a GET.
    pub(crate) fn is_read(&self) -> bool {
        self.method == Method::GET
    }
    /// Whether it is a PUT or POST.
    pub(crate) fn is_write(&self) -> bool {
        self.method == Method::PUT || self.method == Method::POST
    }
    /// Whether it is a DELETE.
    pub(crate) fn is_delete(&self) -> bool {
        self.method == Method::DELETE
    }
    /// Refuses anything but a GET.
    pub(crate) fn must_read(&self) -> Result<()> {
        if self.is_read() { Ok(()) } else { Err(ApiError::method()) }
    }
    /// Refuses anything but a PUT.
    pub(crate) fn must_put(&self) -> Result<()> {
        if self.method == Method::PUT { Ok(()) } else { Err(ApiError::method()) }
    }
    /// Refuses anything but a PUT or POST.
    pub(crate) fn must_write(&self) -> Result<()> {
        if self.is_write() { Ok(()) } else { Err(ApiError::method()) }
    }

    /// What is asked for, apart from who asks, and since when.
    pub(crate) fn question(&self, route: &str) -> String {
        let mut question = route.to_owned();
        let matters = |key: &str| !matches!(key, "index" | "wait" | "stale" | "consistent" | "region");
        for (key, value) in self.query.iter().filter(|(key, _)| matters(key)) {
            question.extend(["\0", key, "\0", value]);
        }
        question
    }

    /// A parameter of the query.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
    /// All values of a parameter.
    pub(crate) fn params<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
    /// A parameter that is there and not empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.param(name).filter(|value| !value.is_empty())
    }

    /// A boolean parameter, in Go's spellings.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>> {
        let Some(value) = self.text(name) else { return Ok(None) };
        parse_bool(value).map(Some).ok_or_else(|| {
            let reason = format!("strconv.ParseBool: parsing {value:?}: invalid syntax");
            ApiError::refused(format!("Failed to parse value of {name:?} ({value}) as a bool: {reason}"))
        })
    }

    /// A whole number, 0 to 2^63.
    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>> {
        let Some(value) = self.text(name) else { return Ok(None) };
        value.parse().map(Some).map_err(|_| {
            let reason = format!("strconv.Atoi: parsing {value:?}: invalid syntax");
            ApiError::refused(format!("Failed to parse value of {name:?} ({value}) as a int: {reason}"))
        })
    }

    /// The namespace that the request is about; may be `*`.
    pub(crate) fn namespace(&self) -> Namespace {
        self.text("namespace").unwrap_or(Namespace::DEFAULT).into()
    }

    /// A job of the request's namespace.
    pub(crate) fn job_key(&self, id: &str) -> JobKey {
        JobKey { namespace: self.namespace(), id: id.into() }
    }

    /// Refuses requests for other regions.
    pub(crate) fn check_region(&self) -> Result<()> {
        match self.text("region") {
            Some(region) if region != self.state.agent.region => Err(ApiError::refused("No path to region")),
            _ => Ok(()),
        }
    }

    /// The parameters that all reads of state share.
    pub(crate) fn read_options(&self) -> Result<ReadOptions> {
        let index = match self.text("index") {
            Some(text) => text.parse().map_err(|_| ApiError::bad_request("Invalid index"))?,
            None => 0,
        };
        let wait = match self.text("wait") {
            Some(text) => {
                let wait = Nanos::parse(text).map_err(|_| ApiError::bad_request("Invalid wait time"))?;
                wait.as_duration()
            }
            None => Duration::ZERO,
        };
        if let Some(value) = self.text("stale")
            && parse_bool(value).is_none()
        {
            let text = "Expect `true` or `false` for `stale` query string parameter";
            return Err(ApiError::bad_request(text));
        }
        let per_page = match self.text("per_page") {
            Some(text) => {
                let wanted = text.parse::<i32>();
                wanted.map_err(|_| ApiError::bad_request("Expect a number for `per_page` query string parameter"))?
            }
            None => 0,
        };
        let reverse = match self.text("reverse") {
            Some(value) => parse_bool(value).ok_or_else(|| {
                ApiError::bad_request("Expect `true` or `false` for `reverse` query string parameter")
            })?,
            None => false,
        };
        let wait = if wait.is_zero() { DEFAULT_WAIT } else { wait.min(MAX_WAIT) };
        Ok(ReadOptions {
            namespace: self.namespace(),
            prefix: self.text("prefix").unwrap_or("").to_owned(),
            index,
            wait,
            filter: self.text("filter").map(str::to_owned),
            per_page: usize::try_from(per_page).unwrap_or(0),
            next_token: self.text("next_token").map(str::to_owned),
            reverse,
            acl: self.access().map_or_else(|_| Arc::default(), |access| access.acl.clone()),
        })
    }

    /// How answers are laid out.
    pub(crate) fn layout(&self) -> Layout {
        match self.param("pretty") {
            None | Some("0" | "false") => Layout::Compact,
            Some(_) => Layout::Pretty,
        }
    }

    /// An answer with a document.
    pub(crate) fn json<T: Serialize + ?Sized>(&self, value: &T) -> Result<Reply> {
        Ok(Reply::json_bytes(to_json(value, self.layout())?))
    }

    /// The document of the body.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T> {
        if self.body.is_empty() {
            return Err(ApiError::bad_request("Request body is empty"));
        }
        self.body_or_error()
    }

    /// The document of the body, or the default when there is none.
    pub(crate) fn optional_body<T: DeserializeOwned + Default>(&self) -> Result<T> {
        if self.body.is_empty() { Ok(T::default()) } else { self.body_or_error() }
    }

    fn body_or_error<T: DeserializeOwned>(&self) -> Result<T> {
        // What is no character counts as the one for unknown ones, and no document as one without fields.
        let text = String::from_utf8_lossy(&self.body);
        let text = if text.trim() == "null" { "{}" } else { &text };
        if let Some(kind) = not_an_object(text) {
            return Err(ApiError::bad_request(format!("json: cannot unmarshal {kind} into Go value of an object")));
        }
        // What follows the document is ignored.
        let mut documents = serde_json::Deserializer::from_str(text).into_iter();
        match documents.next() {
            Some(Ok(value)) => Ok(value),
            Some(Err(error)) => Err(ApiError::bad_request(error.to_string())),
            None => Err(ApiError::bad_request("EOF")),
        }
    }
}

/// What a document is instead of an object, in the words of clients that look for them.
fn not_an_object(text: &str) -> Option<&'static str> {
    match text.trim_start().bytes().next()? {
        b'[' => Some("array"),
        b'"' => Some("string"),
        b't' | b'f' => Some("bool"),
        b'-' | b'0'..=b'9' => Some("number"),
        _ => None,
    }
}

/// The secret of a request: in a header of its own, or as a bearer.
pub(crate) fn secret_of(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(secret) = text("x-nomad-token").filter(|secret| !secret.is_empty()) {
        return secret.to_owned();
    }
    let bearer = text("authorization").and_then(|value| value.split_once(' '));
    let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    bearer.map(|(_, secret)| secret.trim().to_owned()).unwrap_or_default()
}

/// The parameters that all reads of state share.
#[derive(Clone, Debug)]
pub(crate) struct ReadOptions {
    pub namespace: Namespace,
    pub prefix: String,
    /// Wait until the index is above this; 0: do not wait.
    pub index: u64,
    pub wait: Duration,
    pub filter: Option<String>,
    /// 0: everything.
    pub per_page: usize,
    pub next_token: Option<String>,
    pub reverse: bool,
    /// What the caller may see of all namespaces.
    pub acl: Arc<Acl>,
}

impl ReadOptions {
    /// Whether objects of a namespace are asked for, and may be seen by who may read jobs.
    pub(crate) fn in_scope(&self, namespace: &Namespace) -> bool {
        self.in_scope_for(namespace, &[NamespaceCapability::ReadJob])
    }

    /// Whether objects of a namespace are asked for, and may be seen by who may do one of several things. Whether
    /// the caller may ask for a namespace by its name was decided before.
    pub(crate) fn in_scope_for(&self, namespace: &Namespace, capabilities: &[NamespaceCapability]) -> bool {
        match *self.namespace == *Namespace::ALL {
            true => self.acl.allows_any_of(namespace, capabilities),
            false => self.namespace == *namespace,
        }
    }
}

/// Go's spellings of truth.
pub(crate) fn parse_bool(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// Refuses ids that cannot be; `kind` is `alloc`, `eval`, `node` or `deployment`.
pub(crate) fn check_id(kind: &str, id: &str) -> Result<()> {
    if id.len() == UUID_LEN {
        return Ok(());
    }
    Err(ApiError::refused(format!("{kind} lookup failed: index error: UUID must be {UUID_LEN} characters")))
}

/// Refuses prefixes of ids that cannot be.
pub(crate) fn check_prefix(kind: &str, prefix: &str) -> Result<()> {
    let digits = prefix.bytes().filter(|byte| *byte != b'-').count();
    let fault = if digits % 2 != 0 {
        Cow::from("Input (without hyphens) must be even length")
    } else if prefix.len() > UUID_LEN {
        Cow::from(format!("Invalid UUID length: {}", prefix.len()))
    } else if let Some(byte) = prefix.bytes().find(|byte| *byte != b'-' && !byte.is_ascii_hexdigit()) {
        Cow::from(format!("Invalid UUID: encoding/hex: invalid byte: U+{byte:04X} {:?}", char::from(byte)))
    } else {
        return Ok(());
    };
    Err(ApiError::refused(format!("{kind} lookup failed: index error: {fault}")))
}
