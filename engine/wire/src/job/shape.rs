//! How the job's types read and write JSON: Go's `encoding/json` on Nomad's API types.

/// Declares a type of the submission form: `field: Type = "JSONName"`.
///
/// All fields are written, unset ones as null. Reading accepts keys in any case, ignores unknown ones, and takes null
/// for a field's default.
macro_rules! shape {
    ($(
        $(#[$meta:meta])*
        $name:ident { $($field:ident: $kind:ty = $json:literal $([$attribute:meta])?,)* }
    )*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
        pub struct $name {
            $(
                #[doc = concat!("`", $json, "` on the wire.")]
                #[serde(rename = $json $(, $attribute)?)]
                pub $field: $kind,
            )*
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Reader;
                impl<'de> serde::de::Visitor<'de> for Reader {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        let mut value = $name::default();
                        const NAMES: &[&str] = &[$($json),*];
                        while let Some(found) = map.next_key_seed($crate::job::shape::FieldName(NAMES))? {
                            #[allow(unused_mut, reason = "a shape may have no field")]
                            let mut index = 0;
                            $(
                                if found == Some(index) {
                                    if let Some(given) = map.next_value::<$crate::job::given::Field<$kind>>()?.0 {
                                        value.$field = given;
                                    }
                                    continue;
                                }
                                index += 1;
                            )*
                            let _ = index;
                            map.next_value::<serde::de::IgnoredAny>()?;
                        }
                        Ok(value)
                    }
                }
                deserializer.deserialize_map(Reader)
            }
        }

        impl $crate::job::given::Given for $name {
            fn read<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                serde::Deserialize::deserialize(deserializer)
            }
        }
    )*};
}

pub(crate) use shape;

/// The place of a key among names, in any case; `None` for a key that is not among them. Makes no copy of the key.
pub(crate) struct FieldName(pub(crate) &'static [&'static str]);

impl<'de> serde::de::DeserializeSeed<'de> for FieldName {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl serde::de::Visitor<'_> for FieldName {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        let exact = self.0.iter().position(|name| *name == key);
        Ok(exact.or_else(|| self.0.iter().position(|name| name.eq_ignore_ascii_case(key))))
    }
}
