//! Values.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::number::Number;
use crate::types::Type;

/// The attributes of an object or the elements of a map, sorted by name.
pub type Entries = BTreeMap<Arc<str>, Value>;

/// A value of the language. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    String(Arc<str>),
    /// Elements of one type, by position.
    List(Arc<Vec<Value>>),
    /// Distinct elements of one type, sorted.
    Set(Arc<Vec<Value>>),
    /// Elements that each have a type of their own, by position; what `[…]` gives.
    Tuple(Arc<Vec<Value>>),
    /// Elements of one type by name.
    Map(Arc<Entries>),
    /// Attributes that each have a type of their own; what `{…}` gives.
    Object(Arc<Entries>),
    /// A value that will be known later, such as another resource's output.
    Unknown,
}

impl Value {
    /// A string.
    pub fn string(text: impl Into<Arc<str>>) -> Self {
        Self::String(text.into())
    }

    /// A tuple.
    pub fn tuple(items: impl IntoIterator<Item = Self>) -> Self {
        Self::Tuple(Arc::new(items.into_iter().collect()))
    }

    /// A list; the caller gives elements of one type.
    pub fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self::List(Arc::new(items.into_iter().collect()))
    }

    /// A set of the distinct elements; the caller gives elements of one type.
    pub fn set(items: impl IntoIterator<Item = Self>) -> Self {
        let mut items: Vec<Self> = items.into_iter().collect();
        items.sort_by(Self::order);
        items.dedup();
        Self::Set(Arc::new(items))
    }

    /// An object.
    pub fn object<K: Into<Arc<str>>>(items: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Object(Arc::new(items.into_iter().map(|(key, value)| (key.into(), value)).collect()))
    }

    /// A map; the caller gives elements of one type.
    pub fn map<K: Into<Arc<str>>>(items: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(Arc::new(items.into_iter().map(|(key, value)| (key.into(), value)).collect()))
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a bool.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The value of a number.
    #[must_use]
    pub fn as_number(&self) -> Option<&Number> {
        match self {
            Self::Number(value) => Some(value),
            _ => None,
        }
    }

    /// The elements of a list, set or tuple.
    #[must_use]
    pub fn as_items(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) | Self::Set(items) | Self::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a map or object.
    #[must_use]
    pub fn as_entries(&self) -> Option<&Entries> {
        match self {
            Self::Map(entries) | Self::Object(entries) => Some(entries),
            _ => None,
        }
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether it holds no [`Value::Unknown`] at any depth.
    #[must_use]
    pub fn is_known(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::List(items) | Self::Set(items) | Self::Tuple(items) => items.iter().all(Self::is_known),
            Self::Map(entries) | Self::Object(entries) => entries.values().all(Self::is_known),
            _ => true,
        }
    }

    /// The name of its kind, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Set(_) => "set",
            Self::Tuple(_) => "tuple",
            Self::Map(_) => "map",
            Self::Object(_) => "object",
            Self::Unknown => "unknown value",
        }
    }

    /// Its type; `any` where nothing decides (null, unknown, an empty list).
    #[must_use]
    pub fn type_of(&self) -> Type {
        let first = |items: &[Self]| Box::new(items.iter().find(|v| !v.is_null()).map_or(Type::Any, Self::type_of));
        match self {
            Self::Null | Self::Unknown => Type::Any,
            Self::Bool(_) => Type::Bool,
            Self::Number(_) => Type::Number,
            Self::String(_) => Type::String,
            Self::List(items) => Type::List(first(items)),
            Self::Set(items) => Type::Set(first(items)),
            Self::Tuple(items) => Type::Tuple(items.iter().map(Self::type_of).collect()),
            Self::Map(entries) => {
                Type::Map(Box::new(entries.values().find(|v| !v.is_null()).map_or(Type::Any, Self::type_of)))
            }
            Self::Object(entries) => Type::object(entries.iter().map(|(name, value)| (name.clone(), value.type_of()))),
        }
    }

    /// The value as JSON: whole numbers as integers, others as the nearest float.
    ///
    /// # Errors
    /// The value holds an infinite number or one that is not known yet.
    pub fn to_json(&self) -> Result<serde_json::Value, NoJson> {
        use serde_json::Value as Json;
        Ok(match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Number(Number::Int(value)) => Json::from(*value),
            Self::Number(number) => serde_json::Number::from_f64(number.to_f64())
                .map(Json::Number)
                .ok_or_else(|| NoJson::Infinite(number.to_string()))?,
            Self::String(text) => Json::String(text.to_string()),
            Self::List(items) | Self::Set(items) | Self::Tuple(items) => {
                Json::Array(items.iter().map(Self::to_json).collect::<Result<_, _>>()?)
            }
            Self::Map(entries) | Self::Object(entries) => Json::Object(
                entries.iter().map(|(k, v)| Ok((k.to_string(), v.to_json()?))).collect::<Result<_, NoJson>>()?,
            ),
            Self::Unknown => return Err(NoJson::Unknown),
        })
    }

    /// The value of a JSON text: arrays become tuples, objects become objects.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => {
                number.as_i64().map_or_else(|| number.to_string().parse().unwrap_or(Number::ZERO), Number::Int).into()
            }
            Json::String(text) => Self::string(text.as_str()),
            Json::Array(items) => Self::tuple(items.iter().map(Self::from_json)),
            Json::Object(entries) => Self::object(entries.iter().map(|(k, v)| (k.as_str(), Self::from_json(v)))),
        }
    }

    /// About how many bytes it takes, for limits.
    #[must_use]
    pub(crate) fn weight(&self) -> u64 {
        let own = size_of::<Self>() as u64;
        match self {
            Self::String(text) => own + text.len() as u64,
            Self::List(items) | Self::Set(items) | Self::Tuple(items) => {
                own + items.iter().map(Self::weight).sum::<u64>()
            }
            Self::Map(entries) | Self::Object(entries) => {
                own + entries.iter().map(|(key, value)| own + key.len() as u64 + value.weight()).sum::<u64>()
            }
            _ => own,
        }
    }

    /// A total order: within a kind as people expect it, across kinds by kind.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        let rank = |value: &Self| match value {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Number(_) => 2,
            Self::String(_) => 3,
            Self::List(_) => 4,
            Self::Set(_) => 5,
            Self::Tuple(_) => 6,
            Self::Map(_) => 7,
            Self::Object(_) => 8,
            Self::Unknown => 9,
        };
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.cmp(b),
            (Self::String(a), Self::String(b)) => a.cmp(b),
            (Self::List(a), Self::List(b)) | (Self::Set(a), Self::Set(b)) | (Self::Tuple(a), Self::Tuple(b)) => {
                order_all(a.iter().zip(b.iter())).then(a.len().cmp(&b.len()))
            }
            (Self::Map(a), Self::Map(b)) | (Self::Object(a), Self::Object(b)) => {
                a.keys().cmp(b.keys()).then_with(|| order_all(a.values().zip(b.values())))
            }
            _ => rank(self).cmp(&rank(other)),
        }
    }
}

fn order_all<'v>(pairs: impl Iterator<Item = (&'v Value, &'v Value)>) -> Ordering {
    pairs.map(|(a, b)| a.order(b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order(other)
    }
}

/// Equal kinds with equal contents; numbers by value.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.order(other).is_eq()
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Number::Int(number))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::string(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::string(text)
    }
}

/// Why a value has no JSON form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoJson {
    /// JSON knows no infinity.
    #[error("{0} is not a number that JSON can hold")]
    Infinite(String),
    /// The value is not known yet.
    #[error("the value is not known yet")]
    Unknown,
}
