//! From claims to values, and from values to roles and policies. Pure.

use drover_filter::Filter;
use drover_model::acl::{AclAuthMethod, AclBindingRule, AuthMethodConfig, TokenRole};
use drover_state::Snapshot;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The values that rules see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Values {
    single: BTreeMap<String, String>,
    lists: BTreeMap<String, Vec<String>>,
}

/// What somebody gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// No rule fits.
    Nothing,
    /// Everything.
    Management,
    /// These.
    Rights {
        /// Roles.
        roles: Vec<TokenRole>,
        /// Names of policies.
        policies: Vec<String>,
    },
}

impl Values {
    /// The claims that a method maps, under the names that it gives them. A claim that is not there gives no value.
    pub(super) fn map(claims: &Map<String, Value>, config: &AuthMethodConfig) -> Result<Self, String> {
        let mut values = Self::default();
        for (claim, name) in &config.claim_mappings {
            if let Some(found) = find(claims, claim) {
                let text = text_of(found).ok_or_else(|| {
                    format!("error converting claim '{claim}' to string from unknown type {}", type_of(found))
                })?;
                values.single.insert(name.clone(), text);
            }
        }
        for (claim, name) in &config.list_claim_mappings {
            if let Some(found) = find(claims, claim) {
                let one = std::slice::from_ref(found);
                let items = found.as_array().map_or(one, Vec::as_slice);
                let texts = items.iter().map(|item| {
                    text_of(item).ok_or_else(|| format!("{claim:?} list claim could not be converted to string list"))
                });
                values.lists.insert(name.clone(), texts.collect::<Result<_, _>>()?);
            }
        }
        Ok(values)
    }

    /// The name of the token of somebody with these values.
    pub(super) fn token_name(&self, method: &AclAuthMethod) -> Result<String, String> {
        interpolate(&method.token_name_format, |name| match name {
            "auth_method_type" => Some(method.kind.as_str()),
            "auth_method_name" => Some(method.name.as_str()),
            name => self.value(name),
        })
        .map_err(|error| format!("failed to generate ACL token name: {error}"))
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.single.get(name.strip_prefix("value.")?).map(String::as_str)
    }

    fn document(&self) -> Value {
        json!({ "value": self.single, "list": self.lists })
    }
}

/// What the rules give to somebody with these values. Names that do not exist give nothing.
pub(super) fn bind<'a>(
    rules: impl Iterator<Item = &'a AclBindingRule>,
    values: &Values,
    snapshot: &Snapshot,
) -> Result<Bound, String> {
    let document = values.document();
    let (mut roles, mut policies): (BTreeMap<String, TokenRole>, BTreeSet<String>) = Default::default();
    let mut is_management = false;
    for rule in rules.filter(|rule| fits(rule, &document)) {
        if rule.bind_type == "management" {
            is_management = true;
            continue;
        }
        let name = interpolate(&rule.bind_name, |name| values.value(name))
            .map_err(|error| format!("cannot compute the bind name of binding rule {}: {error}", rule.id))?;
        match rule.bind_type.as_str() {
            "role" => {
                if let Some(role) = snapshot.acl_role_named(&name) {
                    roles.insert(role.id.clone(), TokenRole { id: role.id.clone(), name: role.name.clone() });
                }
            }
            _ => {
                if snapshot.acl_policy(&name).is_some() {
                    policies.insert(name);
                }
            }
        }
    }
    Ok(match () {
        () if is_management => Bound::Management,
        () if roles.is_empty() && policies.is_empty() => Bound::Nothing,
        () => Bound::Rights { roles: roles.into_values().collect(), policies: policies.into_iter().collect() },
    })
}

/// Whether a rule is for somebody with these values. A selector that names what is not there fits nobody.
fn fits(rule: &AclBindingRule, document: &Value) -> bool {
    if rule.selector.is_empty() {
        return true;
    }
    Filter::parse(&rule.selector, &[]).and_then(|filter| filter.matches(document)).unwrap_or(false)
}

/// A claim by its name, or by a path as `/a/b`.
fn find<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let Some(path) = name.strip_prefix('/') else { return claims.get(name) };
    let mut parts = path.split('/').map(|part| part.replace("~1", "/").replace("~0", "~"));
    let mut found = claims.get(&parts.next()?)?;
    for part in parts {
        found = match found {
            Value::Object(map) => map.get(&part)?,
            Value::Array(list) => list.get(part.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(found)
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "list",
        Value::Object(_) => "map",
        _ => "null",
    }
}

/// Fills in `${name}`; `$${` stands for itself.
pub(super) fn interpolate<'a>(text: &str, value: impl Fn(&str) -> Option<&'a str>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if let Some(kept) = rest[..at].strip_suffix('$') {
            out.push_str(kept);
            out.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(&rest[..at]);
        let after = &rest[at + 2..];
        let end = after.find('}').ok_or_else(|| format!("{text:?}: \"${{\" without its \"}}\""))?;
        let name = after[..end].trim();
        out.push_str(value(name).ok_or_else(|| format!("{text:?}: unknown variable accessed: {name}"))?);
        rest = &after[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Map<String, Value> {
        let claims = json!({
            "sub": "alice", "level": 3, "admin": true, "groups": ["ops", "dev"], "one": "x",
            "deep": {"a": [{"b": "found"}]}, "odd": {"x": 1},
        });
        claims.as_object().unwrap().clone()
    }

    fn config(single: &[(&str, &str)], lists: &[(&str, &str)]) -> AuthMethodConfig {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        AuthMethodConfig { claim_mappings: map(single), list_claim_mappings: map(lists), ..Default::default() }
    }

    #[test]
    fn claims_become_values() {
        let mapped = config(
            &[("sub", "user"), ("level", "level"), ("admin", "admin"), ("/deep/a/0/b", "deep"), ("none", "none")],
            &[("groups", "groups"), ("one", "one")],
        );
        let values = Values::map(&claims(), &mapped).unwrap();
        let single: Vec<_> = values.single.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(single, ["admin=true", "deep=found", "level=3", "user=alice"]);
        assert_eq!(values.lists["groups"], ["ops", "dev"]);
        assert_eq!(values.lists["one"], ["x"]);
        assert!(Values::map(&claims(), &config(&[("odd", "odd")], &[])).unwrap_err().contains("odd"));
        assert!(Values::map(&claims(), &config(&[], &[("odd", "odd")])).is_err());
    }

    #[test]
    fn names_are_filled_in() {
        let values = Values::map(&claims(), &config(&[("sub", "user")], &[])).unwrap();
        let method = AclAuthMethod {
            name: "ci".to_owned(),
            kind: "JWT".to_owned(),
            token_name_format: "${auth_method_type}-${ value.user }-$${x}".to_owned(),
            ..AclAuthMethod::default()
        };
        assert_eq!(values.token_name(&method).unwrap(), "JWT-alice-${x}");
        assert!(interpolate("${value.none}", |name| values.value(name)).is_err());
        assert!(interpolate("a ${b", |name| values.value(name)).is_err());
    }

    #[test]
    fn selectors_see_values_and_lists() {
        let values = Values::map(&claims(), &config(&[("sub", "user")], &[("groups", "groups")])).unwrap();
        let check = |selector: &str| {
            let rule = AclBindingRule { selector: selector.to_owned(), ..AclBindingRule::default() };
            fits(&rule, &values.document())
        };
        assert!(check(""));
        assert!(check("value.user == alice"));
        assert!(check("ops in list.groups and value.user != bob"));
        assert!(!check("value.user == bob"));
        assert!(!check("value.nobody == alice"));
        assert!(!check("zork == 1"));
    }
}
