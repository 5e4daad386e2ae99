//! Every function, filter and test of templates in Tera, with how it is used and an example that a test tries.
//! The names that errors suggest come from here too, so that the two cannot differ.

/// What something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `name(argument=value)`
    Function,
    /// `value | name(argument=value)`
    Filter,
    /// `value is name`
    Test,
}

/// What is said of one.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// How it is written.
    pub usage: &'static str,
    /// What it does.
    pub about: &'static str,
    /// A template, and what it renders to.
    pub example: Option<(&'static str, &'static str)>,
}

const fn entry(kind: Kind, name: &'static str, usage: &'static str, about: &'static str) -> Entry {
    Entry { name, kind, usage, about, example: None }
}

const fn filter(
    name: &'static str,
    usage: &'static str,
    about: &'static str,
    template: &'static str,
    result: &'static str,
) -> Entry {
    Entry { name, kind: Kind::Filter, usage, about, example: Some((template, result)) }
}

const fn test(
    name: &'static str,
    usage: &'static str,
    about: &'static str,
    template: &'static str,
    result: &'static str,
) -> Entry {
    Entry { name, kind: Kind::Test, usage, about, example: Some((template, result)) }
}

/// All of them: functions, then filters, then tests.
pub const ENTRIES: [Entry; 69] = [
    entry(
        Kind::Function,
        "secret",
        "secret(ref=\"provider:path#field\")",
        "A secret's value. It is masked in everything that is shown; of the environment only what -allow-env names.",
    ),
    entry(Kind::Function, "file", "file(path=\"files/run.sh\")", "The text of a file of the pack."),
    entry(
        Kind::Function,
        "env",
        "env(name=\"HOME\", default=\"…\")",
        "An environment variable that -allow-env names, else the default.",
    ),
    Entry {
        name: "uuid5",
        kind: Kind::Function,
        usage: "uuid5(name=\"web\", namespace=\"url\")",
        about: "A UUID that is always the same for a name; the namespace is url (default), dns, oid, x500 or a UUID.",
        example: Some(("{{ uuid5(name='web') }}", "0dd2964a-6550-55d4-8f62-19b72c5eef9f")),
    },
    Entry {
        name: "range",
        kind: Kind::Function,
        usage: "range(end=3, start=0, step_by=1)",
        about: "Whole numbers from start to before end, at most 100,000.",
        example: Some(("{{ range(end=3) | join(sep=',') }}", "0,1,2")),
    },
    entry(Kind::Function, "throw", "throw(message=\"count must be odd\")", "Ends the rendering with this error."),
    filter(
        "to_hcl",
        "value | to_hcl",
        "Any value as HCL; nothing in it can end a text or start an interpolation.",
        "{{ ['a', '${b}'] | to_hcl }}",
        "[\"a\", \"$${b}\"]",
    ),
    filter("quote", "value | quote", "The value's text as an HCL string.", "{{ 80 | quote }}", "\"80\""),
    filter("to_json", "value | to_json(pretty=true)", "Any value as JSON.", "{{ [1, 'a'] | to_json }}", "[1,\"a\"]"),
    filter("b64encode", "text | b64encode", "The text in base64.", "{{ 'web' | b64encode }}", "d2Vi"),
    filter("b64decode", "text | b64decode", "The text that base64 stands for.", "{{ 'd2Vi' | b64decode }}", "web"),
    entry(Kind::Filter, "secret", "\"provider:path#field\" | secret", "As the function secret()."),
    filter(
        "trim_prefix",
        "text | trim_prefix(pat=\"v\")",
        "The text without this begin.",
        "{{ 'v1' | trim_prefix(pat='v') }}",
        "1",
    ),
    filter(
        "trim_suffix",
        "text | trim_suffix(pat=\"/\")",
        "The text without this end.",
        "{{ 'a/' | trim_suffix(pat='/') }}",
        "a",
    ),
    filter(
        "required",
        "value | required(message=\"…\")",
        "The value; an error with the message when it is null or empty.",
        "{{ 'a' | required(message='set it') }}",
        "a",
    ),
    filter(
        "safe",
        "text | safe",
        "The text, never escaped. Templates of packs escape nothing.",
        "{{ '<a>' | safe }}",
        "<a>",
    ),
    filter(
        "default",
        "value | default(value=1)",
        "The value, or another one when the variable is not defined.",
        "{{ nope | default(value=1) }}",
        "1",
    ),
    filter("upper", "text | upper", "In capitals.", "{{ 'web' | upper }}", "WEB"),
    filter("lower", "text | lower", "In small letters.", "{{ 'WEB' | lower }}", "web"),
    filter("wordcount", "text | wordcount", "How many words there are.", "{{ 'a b c' | wordcount }}", "3"),
    filter("escape", "text | escape", "With the marks of HTML escaped.", "{{ '<a>' | escape }}", "&lt;a&gt;"),
    filter(
        "escape_html",
        "text | escape_html",
        "With the marks of HTML escaped.",
        "{{ '<a>' | escape_html }}",
        "&lt;a&gt;",
    ),
    filter(
        "escape_xml",
        "text | escape_xml",
        "With the marks of XML escaped.",
        "{{ 'a & b' | escape_xml }}",
        "a &amp; b",
    ),
    entry(Kind::Filter, "newlines_to_br", "text | newlines_to_br", "With <br> for ends of lines."),
    filter(
        "pluralize",
        "number | pluralize(singular=\"\", plural=\"s\")",
        "The end of a word that counts something.",
        "job{{ 2 | pluralize }}",
        "jobs",
    ),
    filter(
        "trim",
        "text | trim(pat=\"/\")",
        "Without white space, or the given text, at both ends.",
        "{{ ' a ' | trim }}",
        "a",
    ),
    filter(
        "trim_start",
        "text | trim_start(pat=\"/\")",
        "The same at the begin.",
        "{{ '//a' | trim_start(pat='/') }}",
        "a",
    ),
    filter("trim_end", "text | trim_end(pat=\"/\")", "The same at the end.", "{{ 'a//' | trim_end(pat='/') }}", "a"),
    filter(
        "replace",
        "text | replace(from=\"a\", to=\"b\")",
        "With another text in place of one.",
        "{{ 'a.b' | replace(from='.', to='-') }}",
        "a-b",
    ),
    filter(
        "capitalize",
        "text | capitalize",
        "With a capital at the begin, small letters after it.",
        "{{ 'wEB' | capitalize }}",
        "Web",
    ),
    filter("title", "text | title", "With a capital at the begin of each word.", "{{ 'a web' | title }}", "A Web"),
    filter(
        "truncate",
        "text | truncate(length=3, end=\"…\")",
        "Cut to a length.",
        "{{ 'abcdef' | truncate(length=3) }}",
        "abc…",
    ),
    filter(
        "indent",
        "text | indent(width=4, first=false, blank=false)",
        "With spaces before each line; before the first and blank ones only when asked.",
        "{{ file(path='files/two') | indent(width=2) }}",
        "a\n  b",
    ),
    filter("str", "value | str", "As a text.", "{{ 80 | str ~ '/tcp' }}", "80/tcp"),
    filter("int", "value | int(base=10)", "As a whole number.", "{{ '80' | int + 1 }}", "81"),
    filter("float", "value | float", "As a number with a fraction.", "{{ '1.5' | float * 2 }}", "3.0"),
    filter(
        "length",
        "value | length",
        "How many items, members or characters there are.",
        "{{ [1, 2] | length }}",
        "2",
    ),
    filter("reverse", "value | reverse", "The other way round.", "{{ [1, 2] | reverse | join(sep=',') }}", "2,1"),
    filter("split", "text | split(pat=\",\")", "A list of the parts.", "{{ 'a,b' | split(pat=',') | length }}", "2"),
    filter("abs", "number | abs", "Without its sign.", "{{ -3 | abs }}", "3"),
    filter(
        "round",
        "number | round(method=\"ceil\", precision=0)",
        "Rounded; method is common, ceil or floor.",
        "{{ 2.5 | round(method='floor') }}",
        "2.0",
    ),
    filter("first", "list | first", "The first item.", "{{ ['a', 'b'] | first }}", "a"),
    filter("last", "list | last", "The last item.", "{{ ['a', 'b'] | last }}", "b"),
    filter("nth", "list | nth(n=1)", "The item at a place; the first is 0.", "{{ ['a', 'b'] | nth(n=1) }}", "b"),
    filter("join", "list | join(sep=\", \")", "The items as one text.", "{{ ['a', 'b'] | join(sep='-') }}", "a-b"),
    filter("sort", "list | sort(attribute=\"name\")", "In order.", "{{ [2, 1] | sort | join(sep=',') }}", "1,2"),
    filter("unique", "list | unique(attribute=\"name\")", "Each item once.", "{{ [1, 1, 2] | unique | length }}", "2"),
    filter("get", "map | get(key=\"a\", default=1)", "The member of a map.", "{{ {'a': 2} | get(key='a') }}", "2"),
    filter("values", "map | values", "The values of a map.", "{{ {'a': 2} | values | first }}", "2"),
    filter("keys", "map | keys", "The names of a map.", "{{ {'a': 2} | keys | first }}", "a"),
    filter(
        "pairs",
        "map | pairs",
        "Names and values of a map, as a list of pairs.",
        "{{ {'a': 2} | pairs | length }}",
        "1",
    ),
    entry(
        Kind::Filter,
        "group_by",
        "list | group_by(attribute=\"zone\")",
        "A map of lists, by an attribute of the items.",
    ),
    test("string", "value is string", "Whether it is a text.", "{{ 'a' is string }}", "true"),
    test("number", "value is number", "Whether it is a number.", "{{ 1 is number }}", "true"),
    test("map", "value is map", "Whether it is a map.", "{{ {'a': 1} is map }}", "true"),
    test("bool", "value is bool", "Whether it is true or false.", "{{ true is bool }}", "true"),
    test("array", "value is array", "Whether it is a list.", "{{ [1] is array }}", "true"),
    test("integer", "value is integer", "Whether it is a whole number.", "{{ 1 is integer }}", "true"),
    test("float", "value is float", "Whether it is a number with a fraction.", "{{ 1.5 is float }}", "true"),
    test("none", "value is none", "Whether it is null.", "{{ none is none }}", "true"),
    test("iterable", "value is iterable", "Whether `for` can walk over it.", "{{ [1] is iterable }}", "true"),
    test("defined", "name is defined", "Whether there is such a variable.", "{{ nope is defined }}", "false"),
    test("undefined", "name is undefined", "Whether there is no such variable.", "{{ nope is undefined }}", "true"),
    test("odd", "number is odd", "Whether it is odd.", "{{ 3 is odd }}", "true"),
    test("even", "number is even", "Whether it is even.", "{{ 3 is even }}", "false"),
    test(
        "divisible_by",
        "number is divisible_by(3)",
        "Whether it can be divided without a rest.",
        "{{ 9 is divisible_by(divisor=3) }}",
        "true",
    ),
    test(
        "starting_with",
        "text is starting_with(pat=\"a\")",
        "Whether it begins so.",
        "{{ 'abc' is starting_with(pat='a') }}",
        "true",
    ),
    test(
        "ending_with",
        "text is ending_with(pat=\"c\")",
        "Whether it ends so.",
        "{{ 'abc' is ending_with(pat='c') }}",
        "true",
    ),
    test(
        "containing",
        "value is containing(pat=\"b\")",
        "Whether it holds this.",
        "{{ 'abc' is containing(pat='b') }}",
        "true",
    ),
];

/// The names of one kind.
pub(super) fn names(kind: Kind) -> impl Iterator<Item = &'static str> {
    ENTRIES.iter().filter(move |entry| entry.kind == kind).map(|entry| entry.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::tests::render;

    #[test]
    fn every_example_gives_what_it_says() {
        let wrong: Vec<_> = ENTRIES
            .iter()
            .filter_map(|entry| entry.example)
            .filter(|(template, wanted)| render(template).as_deref() != Ok(*wanted))
            .map(|(template, _)| (template, render(template)))
            .collect();
        assert_eq!(wrong, []);
    }

    #[test]
    fn every_name_is_known_to_the_engine() {
        for entry in &ENTRIES {
            let template = match entry.kind {
                Kind::Function => format!("{{% if false %}}{{{{ {}(a=1) }}}}{{% endif %}}", entry.name),
                Kind::Filter => format!("{{% if false %}}{{{{ 1 | {} }}}}{{% endif %}}", entry.name),
                Kind::Test => format!("{{% if false and 1 is {} %}}{{% endif %}}", entry.name),
            };
            assert_eq!(render(&template).as_deref(), Ok(""), "{template}");
        }
    }
}
