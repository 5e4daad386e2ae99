//! `to_hcl`, `quote`, `to_json`, `b64encode`, …: what Tera lacks for writing job files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tera::value::Key;
use tera::{Error, Kwargs, Map, State, Tera, TeraResult, Value};

use super::{Reach, functions};

pub(super) fn register(tera: &mut Tera, reach: &Reach) {
    tera.register_filter("to_hcl", |value: Value, _: Kwargs, _: &State| hcl(&value));
    tera.register_filter("quote", |value: Value, _: Kwargs, _: &State| quoted(&plain(&value)));
    tera.register_filter("to_json", |value: Value, kwargs: Kwargs, _: &State| -> TeraResult<String> {
        json(&value, kwargs.get::<bool>("pretty")?.unwrap_or(false))
    });
    tera.register_filter("b64encode", |value: &str, _: Kwargs, _: &State| STANDARD.encode(value));
    tera.register_filter("b64decode", |value: &str, _: Kwargs, _: &State| -> TeraResult<String> {
        let bytes = STANDARD.decode(value).map_err(|_| Error::message("b64decode: not base64"))?;
        String::from_utf8(bytes).map_err(|_| Error::message("b64decode: the result is not UTF-8 text"))
    });
    tera.register_filter("trim_prefix", |value: &str, kwargs: Kwargs, _: &State| -> TeraResult<String> {
        let part = kwargs.must_get::<&str>("pat")?;
        Ok(value.strip_prefix(part).unwrap_or(value).to_owned())
    });
    tera.register_filter("trim_suffix", |value: &str, kwargs: Kwargs, _: &State| -> TeraResult<String> {
        let part = kwargs.must_get::<&str>("pat")?;
        Ok(value.strip_suffix(part).unwrap_or(value).to_owned())
    });
    tera.register_filter("required", |value: Value, kwargs: Kwargs, _: &State| -> TeraResult<Value> {
        let empty = value.is_none() || value.is_undefined() || value.as_str() == Some("");
        if empty { Err(Error::message(kwargs.must_get::<&str>("message")?)) } else { Ok(value) }
    });
    let reach = reach.clone();
    tera.register_filter("secret", move |value: &str, kwargs: Kwargs, _: &State| {
        functions::secret(&reach, value, kwargs.get::<&str>("bind")?)
    });
}

/// A value as an HCL expression. Strings cannot end early or start an interpolation, whatever they hold.
fn hcl(value: &Value) -> String {
    if value.is_none() || value.is_undefined() {
        return "null".to_owned();
    }
    if let Some(text) = value.as_str() {
        return quoted(text);
    }
    if let Some(items) = value.as_array() {
        let items: Vec<_> = items.iter().map(hcl).collect();
        return format!("[{}]", items.join(", "));
    }
    if let Some(map) = value.as_map() {
        if map.is_empty() {
            return "{}".to_owned();
        }
        let members: Vec<_> =
            sorted(map).into_iter().map(|(key, value)| format!("{} = {}", quoted(&key), hcl(value))).collect();
        return format!("{{ {} }}", members.join(", "));
    }
    value.to_string()
}

/// Maps come out sorted by key, so that a rendering does not depend on the order of writing.
fn sorted(map: &Map) -> Vec<(String, &Value)> {
    let mut members: Vec<_> = map.iter().map(|(key, value)| (key_text(key), value)).collect();
    members.sort_by(|a, b| a.0.cmp(&b.0));
    members
}

fn key_text(key: &Key<'_>) -> String {
    key.as_str().map_or_else(|| key.as_value().to_string(), str::to_owned)
}

fn plain(value: &Value) -> String {
    if value.is_none() || value.is_undefined() { String::new() } else { value.to_string() }
}

/// An HCL string literal: quotes, backslashes, control characters and `${`, `%{` are escaped.
fn quoted(text: &str) -> String {
    let mut result = String::with_capacity(text.len() + 2);
    result.push('"');
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' => result.push_str("\\\""),
            '\\' => result.push_str("\\\\"),
            '\n' => result.push_str("\\n"),
            '\r' => result.push_str("\\r"),
            '\t' => result.push_str("\\t"),
            '$' | '%' if characters.peek() == Some(&'{') => {
                result.push(c);
                result.push(c);
            }
            c if c.is_control() => result.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => result.push(c),
        }
    }
    result.push('"');
    result
}

fn json(value: &Value, pretty: bool) -> TeraResult<String> {
    let written = if pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    written.map_err(|error| Error::message(format!("to_json: {error}")))
}

#[cfg(test)]
mod tests {
    use crate::template::tests::render;

    fn check(template: &str, wanted: &str) {
        assert_eq!(render(template).as_deref(), Ok(wanted), "{template}");
    }

    #[test]
    fn to_hcl_is_sorted_and_injection_safe() {
        check("{{ labels | to_hcl }}", r#"{ "a" = "$${x}", "z" = "1" }"#);
        check(
            "{{ tags | to_hcl }} {{ port | to_hcl }} {{ nothing | to_hcl }} {{ true | to_hcl }}",
            r#"["a", "b"] 80 null true"#,
        );
        check(r#"{{ 'x"\n} evil = "%{y}$' | to_hcl }}"#, r#""x\"\n} evil = \"%%{y}$""#);
    }

    #[test]
    fn quote_to_json_and_base64() {
        check("{{ port | quote }} {{ name | quote }}", r#""80" "web""#);
        check("{{ tags | to_json }}", r#"["a","b"]"#);
        check("{{ name | b64encode }} {{ name | b64encode | b64decode }}", "d2Vi web");
        check("{{ name | trim_prefix(pat='w') }}", "eb");
    }

    #[test]
    fn required_names_what_is_missing() {
        let error = render("{{ nothing | required(message='set `nothing`') }}").unwrap_err();
        assert!(error.contains("t.tera:1:") && error.contains("set `nothing`"), "{error}");
    }
}
