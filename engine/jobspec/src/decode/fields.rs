//! Attributes in the types of the job's fields.

use std::collections::BTreeMap;

use drover_base::Nanos;
use drover_hcl::convert::{to_bool, to_number, to_text};
use drover_hcl::{Body, ConvertError, Expression, Number, Type, Value, convert};
use drover_wire::job::TextMap;

use super::{Decoder, Fields, Item};

const UNSUITABLE: &str = "Unsuitable value type";

impl Decoder<'_> {
    /// The value of an attribute with its expression; `None` where it is absent or wrong.
    fn given(&mut self, fields: &Fields<'_>, name: &str) -> Option<(Value, Expression)> {
        let expression = fields.body.attribute(name)?.value.clone();
        let value = self.evaluate(&expression, &fields.scope)?;
        Some((value, expression))
    }

    fn read<T>(
        &mut self,
        fields: &Fields<'_>,
        name: &str,
        to: impl Fn(&Value) -> Result<T, ConvertError>,
    ) -> Option<T> {
        let (value, expression) = self.given(fields, name)?;
        if value.is_null() {
            return None;
        }
        self.converted(&value, &expression, to)
    }

    fn converted<T>(
        &mut self,
        value: &Value,
        at: &Expression,
        to: impl Fn(&Value) -> Result<T, ConvertError>,
    ) -> Option<T> {
        match to(value) {
            Ok(converted) => Some(converted),
            Err(error) => {
                self.report(at.error(UNSUITABLE, format!("unsuitable value: {error}")));
                None
            }
        }
    }

    /// A value of a field that cannot be null: its default where it is absent or wrong.
    fn read_plain<T: Default>(
        &mut self,
        fields: &Fields<'_>,
        name: &str,
        to: impl Fn(&Value) -> Result<T, ConvertError>,
    ) -> T {
        let Some((value, expression)) = self.given(fields, name) else { return T::default() };
        if value.is_null() {
            let error = expression.error(UNSUITABLE, "unsuitable value: null value is not allowed");
            self.report(error.hint(format!("leave {name} out instead")));
            return T::default();
        }
        self.converted(&value, &expression, to).unwrap_or_default()
    }

    /// A text; null and absent are none.
    pub(super) fn text(&mut self, fields: &Fields<'_>, name: &str) -> Option<String> {
        self.read(fields, name, |value| to_text(value).map(|text| text.to_string()))
    }

    /// A text that is empty where it is absent, and must not be null.
    pub(super) fn plain_text(&mut self, fields: &Fields<'_>, name: &str) -> String {
        self.read_plain(fields, name, |value| to_text(value).map(|text| text.to_string()))
    }

    /// True or false.
    pub(super) fn flag(&mut self, fields: &Fields<'_>, name: &str) -> Option<bool> {
        self.read(fields, name, to_bool)
    }

    /// True or false, false where it is absent.
    pub(super) fn plain_flag(&mut self, fields: &Fields<'_>, name: &str) -> bool {
        self.read_plain(fields, name, to_bool)
    }

    /// A whole number of 64 bits.
    pub(super) fn integer(&mut self, fields: &Fields<'_>, name: &str) -> Option<i64> {
        self.read(fields, name, whole::<i64>)
    }

    /// A whole number within the bounds of its type.
    pub(super) fn bounded<T: TryFrom<i64> + Bounds>(&mut self, fields: &Fields<'_>, name: &str) -> Option<T> {
        self.read(fields, name, whole::<T>)
    }

    /// A whole number, zero where it is absent.
    pub(super) fn plain_integer<T: TryFrom<i64> + Bounds + Default>(&mut self, fields: &Fields<'_>, name: &str) -> T {
        self.read_plain(fields, name, whole::<T>)
    }

    /// A number cut to eight bits, as the reference does with the weight of an affinity.
    pub(super) fn cut_to_eight_bits(&mut self, fields: &Fields<'_>, name: &str) -> Option<i8> {
        let number = self.read(fields, name, to_number)?;
        let is_negative = number.signum() < 0;
        let towards_zero = if is_negative { number.ceil() } else { number.floor() };
        Some(towards_zero.as_i64().unwrap_or(if is_negative { i64::MIN } else { i64::MAX }) as i8)
    }

    /// A duration in nanoseconds: a text such as `30s`, or a number of nanoseconds.
    pub(super) fn duration(&mut self, fields: &Fields<'_>, name: &str) -> Option<i64> {
        let (value, expression) = self.given(fields, name)?;
        let problem = match &value {
            Value::String(text) => match Nanos::parse(text) {
                Ok(nanos) => return Some(nanos.0),
                Err(error) => error.to_string(),
            },
            Value::Number(_) => return self.converted(&value, &expression, whole::<i64>),
            Value::Null => "a duration must not be null; leave it out instead".to_owned(),
            other => format!("a text such as \"30s\" is required, but have {}", other.kind()),
        };
        self.report(expression.error(UNSUITABLE, format!("unsuitable duration value: {problem}")));
        None
    }

    /// A list of texts; null and absent are none.
    pub(super) fn texts(&mut self, fields: &Fields<'_>, name: &str) -> Option<Vec<String>> {
        self.read(fields, name, text_list)
    }

    /// A list of port numbers; null and absent are none.
    pub(super) fn ports(&mut self, fields: &Fields<'_>, name: &str) -> Option<Vec<u16>> {
        self.read(fields, name, |value| {
            let kind = Type::List(Box::new(Type::Number));
            let list = convert(value, &kind)?;
            list.as_items().unwrap_or_default().iter().map(whole::<u16>).collect()
        })
    }

    /// Texts by name from an attribute.
    pub(super) fn text_map(&mut self, fields: &Fields<'_>, name: &str) -> Option<TextMap> {
        let (value, expression) = self.given(fields, name)?;
        if value.is_null() {
            return None;
        }
        let Some(entries) = value.as_entries() else {
            let detail = format!("unsuitable value: map of string required, but have {}", value.kind());
            self.report(expression.error(UNSUITABLE, detail));
            return None;
        };
        let mut map = TextMap::new();
        for (key, value) in entries {
            match (value, to_text(value)) {
                (Value::Null, _) => {
                    let detail = format!("unsuitable value of {key:?}: null value is not allowed");
                    self.report(expression.error(UNSUITABLE, detail));
                }
                (_, Ok(text)) => {
                    map.insert(key.to_string(), text.to_string());
                }
                (_, Err(error)) => {
                    self.report(expression.error(UNSUITABLE, format!("unsuitable value of {key:?}: {error}")));
                }
            }
        }
        Some(map)
    }

    /// Texts by name from the attributes of a block.
    pub(super) fn text_block(&mut self, item: &Item<'_>) -> TextMap {
        let values = self.free_values(item);
        let mut map = TextMap::new();
        for (name, value, expression) in values {
            if value.is_null() {
                let detail = format!("unsuitable value of {name:?}: null value is not allowed");
                self.report(expression.error(UNSUITABLE, detail));
            } else if let Some(text) = self.converted(&value, &expression, to_text) {
                map.insert(name, text.to_string());
            }
        }
        map
    }

    /// Lists of texts by name from the attributes of a block.
    pub(super) fn list_block(&mut self, item: &Item<'_>) -> BTreeMap<String, Vec<String>> {
        let values = self.free_values(item);
        let list = |(name, value, expression): (String, Value, Expression)| {
            Some((name, self.converted(&value, &expression, text_list)?))
        };
        values.into_iter().filter_map(list).collect()
    }

    fn free_values(&mut self, item: &Item<'_>) -> Vec<(String, Value, Expression)> {
        let body = self.free_attributes(&item.body);
        let mut values = Vec::new();
        for attribute in &body.attributes {
            if let Some(value) = self.evaluate(&attribute.value, &item.scope) {
                values.push((attribute.name.to_string(), value, attribute.value.clone()));
            }
        }
        values
    }

    fn free_attributes<'b>(&mut self, body: &'b Body) -> std::borrow::Cow<'b, Body> {
        body.just_attributes(&mut self.problems)
    }
}

fn text_list(value: &Value) -> Result<Vec<String>, ConvertError> {
    let list = convert(value, &Type::List(Box::new(Type::String)))?;
    let text = |item: &Value| match item {
        Value::Null => {
            Err(ConvertError { path: String::new(), message: "null value is not allowed in a list".to_owned() })
        }
        item => Ok(item.as_str().unwrap_or_default().to_owned()),
    };
    list.as_items().unwrap_or_default().iter().map(text).collect()
}

/// The bounds of an integer type, for messages.
pub(super) trait Bounds {
    /// Smallest and largest value.
    const BOUNDS: (i128, i128);
}

macro_rules! bounds {
    ($($kind:ty),*) => {
        $(impl Bounds for $kind {
            const BOUNDS: (i128, i128) = (<$kind>::MIN as i128, <$kind>::MAX as i128);
        })*
    };
}

bounds!(i8, u8, u16, u32, i64, u64);

fn whole<T: TryFrom<i64> + Bounds>(value: &Value) -> Result<T, ConvertError> {
    let number: Number = to_number(value)?;
    number.as_i64().and_then(|number| T::try_from(number).ok()).ok_or_else(|| {
        let (least, most) = T::BOUNDS;
        ConvertError {
            path: String::new(),
            message: format!("value must be a whole number, between {least} and {most}, but is {number}"),
        }
    })
}
