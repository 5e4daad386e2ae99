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
                        while let Some(key) = map.next_key::<String>()? {
                            $(
                                if key.eq_ignore_ascii_case($json) {
                                    if let Some(given) = map.next_value::<Option<$kind>>()? {
                                        value.$field = given;
                                    }
                                    continue;
                                }
                            )*
                            map.next_value::<serde::de::IgnoredAny>()?;
                        }
                        Ok(value)
                    }
                }
                deserializer.deserialize_map(Reader)
            }
        }
    )*};
}

pub(crate) use shape;
