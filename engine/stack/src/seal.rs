//! Taking secrets out of what is stored, and putting them back.

use drover_secrets::{Form, Masker, Origin, ProviderSettings, Resolver, SecretRef};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::Sha256;

/// Stands at both ends of a marker; no job file can hold it, since HCL and JSON escape it.
const EDGE: char = '\u{1}';

/// A secret that was taken out: how to get it again, and how to tell whether it is still the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedSecret {
    /// `reference` or `variable`.
    kind: SealedKind,
    /// The reference or the variable's full name.
    name: String,
    /// HMAC-SHA256 of the value under the stack's key, in hexadecimal.
    keyed_hash: String,
}

impl SealedSecret {
    /// The reference or the variable's full name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SealedKind {
    Reference,
    /// A reference that has another value each time.
    Leased,
    Variable,
}

/// Why something cannot be stored without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// A value is written in a way that cannot be undone.
    #[error(
        "{origin} is used in a form that a saved plan cannot restore (part of a longer encoded text); apply without a saved plan"
    )]
    Irreversible {
        /// Where the value came from.
        origin: String,
    },
    /// A secret is the name of something.
    #[error("{origin} is used as a name; a saved plan keeps secrets out of values only")]
    InName {
        /// Where the value came from.
        origin: String,
    },
}

/// Why secrets cannot be put back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnsealError {
    /// A reference does not resolve.
    #[error(transparent)]
    Resolve(#[from] drover_secrets::ResolveError),
    /// The reference in the file is not one.
    #[error("the plan file names a secret that is no reference")]
    BadReference(#[from] drover_secrets::ParseReferenceError),
    /// A sensitive variable's value has to be given again.
    #[error("the plan needs the sensitive variable {name} again: give it with -var, -var-file or DROVER_VAR_…")]
    MissingVariable {
        /// Its full name.
        name: String,
    },
    /// The value is not the one that was planned with.
    #[error("the value of {name} is another one than when the plan was made; plan again")]
    Changed {
        /// The reference or variable.
        name: String,
    },
    /// A marker makes no sense.
    #[error("the plan file is damaged: a secret's place is not understood")]
    Damaged,
}

/// Takes secrets out, remembering each once.
pub struct Sealer<'a> {
    masker: &'a Masker,
    key: &'a [u8],
    secrets: Vec<SealedSecret>,
    origins: Vec<Origin>,
}

impl<'a> Sealer<'a> {
    /// `key` is the stack's.
    pub fn new(masker: &'a Masker, key: &'a [u8]) -> Self {
        Self { masker, key, secrets: Vec::new(), origins: Vec::new() }
    }

    /// `value` with a marker in place of each secret.
    ///
    /// # Errors
    /// When a secret is used in a way that cannot be undone.
    pub fn seal(&mut self, value: &Json) -> Result<Json, SealError> {
        Ok(match value {
            Json::String(text) => Json::String(self.text(text)?),
            Json::Array(items) => Json::Array(items.iter().map(|item| self.seal(item)).collect::<Result<_, _>>()?),
            Json::Object(members) => {
                let mut sealed = serde_json::Map::new();
                for (name, member) in members {
                    if let Some(found) = self.masker.find(name).first() {
                        return Err(SealError::InName { origin: found.origin.to_string() });
                    }
                    sealed.insert(name.clone(), self.seal(member)?);
                }
                Json::Object(sealed)
            }
            // A number may be a secret too; it is found in its text.
            Json::Number(number) => match self.masker.find(&number.to_string()).first() {
                Some(found) => return Err(SealError::Irreversible { origin: found.origin.to_string() }),
                None => value.clone(),
            },
            other => other.clone(),
        })
    }

    /// The secrets that were taken out, by the number in their markers.
    pub fn finish(self) -> Vec<SealedSecret> {
        self.secrets
    }

    fn text(&mut self, text: &str) -> Result<String, SealError> {
        let mut result = String::with_capacity(text.len());
        let mut end = 0;
        for found in self.masker.find(text) {
            if found.form == Form::Fragment {
                return Err(SealError::Irreversible { origin: found.origin.to_string() });
            }
            let number = self.number(found.origin, found.value.expose());
            result.push_str(&text[end..found.range.start]);
            result.push_str(&format!("{EDGE}secret:{number}:{}{EDGE}", found.form.name()));
            end = found.range.end;
        }
        result.push_str(&text[end..]);
        Ok(result)
    }

    fn number(&mut self, origin: &Origin, value: &str) -> usize {
        let keyed_hash = keyed_hash(self.key, value);
        // A sensitive object has several values of one origin.
        let known = |number: &usize| self.origins[*number] == *origin && self.secrets[*number].keyed_hash == keyed_hash;
        if let Some(number) = (0..self.secrets.len()).find(known) {
            return number;
        }
        let kind = match origin {
            Origin::Reference(_) => SealedKind::Reference,
            Origin::Leased(_) => SealedKind::Leased,
            _ => SealedKind::Variable,
        };
        self.origins.push(origin.clone());
        self.secrets.push(SealedSecret { kind, name: origin.to_string(), keyed_hash });
        self.secrets.len() - 1
    }
}

/// Chooses a secret's value among what the variable holds.
type Choose<'a> = &'a dyn Fn(&SealedSecret, Vec<String>) -> Result<String, UnsealError>;

/// Puts secrets back.
pub struct Unsealer {
    values: Vec<drover_secrets::Secret<String>>,
}

impl Unsealer {
    /// Gets all values again and checks that they are those of the plan. `variable` answers the values that a sensitive
    /// variable has now: one, or those within it.
    ///
    /// # Errors
    /// When a value is missing or has changed.
    pub fn new(
        secrets: &[SealedSecret],
        key: &[u8],
        resolver: &Resolver,
        variable: &dyn Fn(&str) -> Vec<String>,
    ) -> Result<Self, UnsealError> {
        Self::with(secrets, resolver, variable, &|secret, candidates| {
            let is_same = |value: &String| keyed_hash(key, value) == secret.keyed_hash;
            candidates.into_iter().find(is_same).ok_or_else(|| UnsealError::Changed { name: secret.name.clone() })
        })
    }

    /// As [`Self::new`], taking the values of today where they have changed.
    ///
    /// # Errors
    /// When a value is missing, or it is not clear which one is meant.
    pub fn anew(
        secrets: &[SealedSecret],
        key: &[u8],
        resolver: &Resolver,
        variable: &dyn Fn(&str) -> Vec<String>,
    ) -> Result<Self, UnsealError> {
        Self::with(secrets, resolver, variable, &|secret, mut candidates| {
            if candidates.len() == 1 {
                return Ok(candidates.remove(0));
            }
            let is_same = |value: &String| keyed_hash(key, value) == secret.keyed_hash;
            candidates.into_iter().find(is_same).ok_or_else(|| UnsealError::Changed { name: secret.name.clone() })
        })
    }

    fn with(
        secrets: &[SealedSecret],
        resolver: &Resolver,
        variable: &dyn Fn(&str) -> Vec<String>,
        choose: Choose<'_>,
    ) -> Result<Self, UnsealError> {
        let mut values = Vec::new();
        for secret in secrets {
            let candidates = match secret.kind {
                SealedKind::Reference | SealedKind::Leased => {
                    vec![resolver.resolve(&secret.name.parse::<SecretRef>()?)?.expose().clone()]
                }
                SealedKind::Variable => variable(&secret.name),
            };
            if candidates.is_empty() {
                return Err(UnsealError::MissingVariable { name: secret.name.clone() });
            }
            let value = match secret.kind {
                // It is made anew each time, so there is nothing to compare.
                SealedKind::Leased => candidates.into_iter().next().unwrap_or_default(),
                _ => choose(secret, candidates)?,
            };
            if secret.kind == SealedKind::Variable {
                resolver.taint().add(Origin::Variable(secret.name.clone()), &value);
            }
            let value = drover_secrets::Secret::new(value);
            values.push(value);
        }
        Ok(Self { values })
    }

    /// `value` with each marker replaced by its secret.
    ///
    /// # Errors
    /// When a marker makes no sense.
    pub fn unseal(&self, value: &Json) -> Result<Json, UnsealError> {
        Ok(match value {
            Json::String(text) => Json::String(self.text(text)?),
            Json::Array(items) => Json::Array(items.iter().map(|item| self.unseal(item)).collect::<Result<_, _>>()?),
            Json::Object(members) => Json::Object(
                members
                    .iter()
                    .map(|(name, member)| Ok((name.clone(), self.unseal(member)?)))
                    .collect::<Result<_, UnsealError>>()?,
            ),
            other => other.clone(),
        })
    }

    fn text(&self, text: &str) -> Result<String, UnsealError> {
        let mut parts = text.split(EDGE);
        let mut result = parts.next().unwrap_or_default().to_owned();
        while let Some(marker) = parts.next() {
            result.push_str(&self.value(marker).ok_or(UnsealError::Damaged)?);
            result.push_str(parts.next().ok_or(UnsealError::Damaged)?);
        }
        Ok(result)
    }

    fn value(&self, marker: &str) -> Option<String> {
        let (number, form) = marker.strip_prefix("secret:")?.split_once(':')?;
        let value = self.values.get(number.parse::<usize>().ok()?)?;
        Form::from_name(form)?.encode(value.expose())
    }
}

/// Makes the providers that something stored names. Where they cannot be made, the references to them say so.
pub(crate) fn configure(resolver: &Resolver, providers: &[ProviderSettings]) {
    for settings in providers.iter().filter(|_| resolver.can_configure()) {
        let _ = resolver.configure(settings);
    }
}

/// HMAC-SHA256 in hexadecimal.
pub fn keyed_hash(key: &[u8], text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use drover_secrets::Taint;
    use drover_secrets::providers::EnvProvider;
    use serde_json::json;

    use super::*;

    fn resolver(value: &'static str) -> Resolver {
        Resolver::new(Taint::default()).with(EnvProvider::new(move |_| Some(value.to_owned())))
    }

    fn sealed() -> (Json, Json, Vec<SealedSecret>) {
        let resolver = resolver("s3cret/value");
        resolver.resolve(&"env:P".parse().unwrap()).unwrap();
        resolver.taint().add(Origin::Variable("var.token".into()), "tok-12345");
        let job = json!({"Env": {"P": "s3cret/value", "URL": "pg://u:s3cret%2Fvalue@h", "T": "tok-12345"}, "n": 5});
        let masker = resolver.taint().masker();
        let mut sealer = Sealer::new(&masker, b"key");
        let stored = sealer.seal(&job).unwrap();
        (job, stored, sealer.finish())
    }

    #[test]
    fn what_is_stored_holds_no_secret_and_comes_back_whole() {
        let (job, stored, secrets) = sealed();
        let text = format!("{stored}{}", serde_json::to_string(&secrets).unwrap());
        assert!(!text.contains("s3cret") && !text.contains("tok-12345"), "{text}");
        assert!(text.contains("env:P"));
        let variable = |name: &str| if name == "var.token" { vec!["tok-12345".to_owned()] } else { vec![] };
        let unsealer = Unsealer::new(&secrets, b"key", &resolver("s3cret/value"), &variable).unwrap();
        assert_eq!(unsealer.unseal(&stored).unwrap(), job);
    }

    #[test]
    fn a_secret_that_changed_is_refused() {
        let (_, _, secrets) = sealed();
        let variable = |_: &str| vec!["tok-12345".to_owned()];
        let error = Unsealer::new(&secrets, b"key", &resolver("other-value"), &variable).err().unwrap();
        assert!(matches!(&error, UnsealError::Changed { name } if name == "env:P"), "{error}");
        assert!(!error.to_string().contains("other-value"));
    }

    #[test]
    fn a_missing_variable_is_named() {
        let (_, _, secrets) = sealed();
        let error = Unsealer::new(&secrets, b"key", &resolver("s3cret/value"), &|_| vec![]).err().unwrap();
        assert!(error.to_string().contains("var.token"), "{error}");
    }
}
