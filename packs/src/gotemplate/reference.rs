//! What each function of Go templates does. Signatures come from the functions themselves.

use std::rc::Rc;

use drover_gotemplate::{Functions, Map};

use super::{HostRules, View, World, functions, reads, spew};

/// A function.
#[derive(Clone, Debug)]
pub struct GoFunction {
    /// Its name.
    pub name: &'static str,
    /// The types of its arguments.
    pub signature: String,
    /// What it does.
    pub about: String,
}

/// All functions of templates in nomad-pack's format, by name.
pub fn go_functions() -> Vec<GoFunction> {
    let mut all = Functions::standard();
    let root = Rc::new(View {
        name: String::new(),
        path: String::new(),
        folder: String::new(),
        variables: Map::new(),
        metadata: Map::new(),
        dependencies: Vec::new(),
    });
    let rules = HostRules { environment: None, unbounded: false, folders: Vec::new(), current: "/".into() };
    let world = World { rules, engine: None, secrets: None };
    functions::add(&mut all, &root, &world, false);
    spew::add(&mut all);
    reads::add(&mut all, &world);
    all.names()
        .filter_map(|name| {
            let signature = all.get(name)?.signature();
            Some(GoFunction { name, signature, about: about(name).unwrap_or_default() })
        })
        .chain([GoFunction {
            name: "secret",
            signature: "(string, …string)".to_owned(),
            about: "A secret's value: secret \"vault:kv/shop#password\". It is masked in everything that is shown."
                .to_owned(),
        }])
        .collect()
}

fn about(name: &str) -> Option<String> {
    if let Some((_, text)) = ABOUT.iter().find(|(known, _)| known.split(' ').any(|known| known == name)) {
        return Some((*text).to_owned());
    }
    // `mustFirst`, `must_date_modify`: the same, strictly.
    let rest = name.strip_prefix("must")?;
    let rest = rest.strip_prefix('_').unwrap_or(rest);
    let mut letters = rest.chars();
    let base: String = letters.next()?.to_lowercase().chain(letters).collect();
    about(&base).map(|_| format!("As {base}, and an error where that gives nothing."))
}

/// Names (several for one function) and what it does.
const ABOUT: &[(&str, &str)] = &[
    // nomad-pack's own.
    ("var", "A variable's value by its dotted path, or nothing: var \"x\" ."),
    ("must_var", "The same, and an error when there is none."),
    ("vars", "All variables of a pack as a map."),
    ("meta", "An item of the metadata by its path: meta \"pack.name\" ."),
    ("must_meta", "The same, and an error when there is none."),
    ("metas", "All metadata of a pack as a map."),
    ("deps", "The packs that a pack depends on, by alias."),
    ("deps_tree", "The paths of all packs below a pack."),
    ("fileContents", "The text of a file of the pack, by its path from where the command runs."),
    ("fileRelative", "The text of a file of a pack, by its path in it: fileRelative \"files/a\" ."),
    ("packPath", "The pack's folder."),
    ("toStringList", "A list in HCL: [\"a\", \"b\"]."),
    ("tpl", "Renders a text as a template."),
    ("nomadNamespaces", "The engine's namespaces."),
    ("nomadNamespace", "One of the engine's namespaces."),
    ("nomadRegions", "The engine's regions."),
    ("nomadVariables", "The variables below a path of the engine."),
    ("nomadVariable", "The variables at a path of the engine."),
    ("spewDump", "A value with its types, over several lines."),
    ("spewPrintf", "As printf, with values as spewDump shows them."),
    ("customSpew", "A printer of values whose layout can be chosen."),
    ("withIndent", "The printer with another indentation."),
    ("withMaxDepth", "The printer with a limit of depth."),
    (
        "withDisableCapacities withDisableMethods withDisablePointerAddresses withDisablePointerMethods withSortKeys withSpewKeys withContinueOnMethod",
        "The printer with a setting changed.",
    ),
    // The language's own.
    ("and", "The first argument that is empty, else the last."),
    ("or", "The first argument that is not empty, else the last."),
    ("not", "Whether the argument is empty."),
    ("len", "How many bytes, items or members there are."),
    ("index", "An item or member: index .list 0, index .map \"a\"."),
    ("call", "Calls a function that is a value."),
    ("print", "The arguments as one text."),
    ("println", "The same with an end of line."),
    ("printf", "The arguments in a format: printf \"%s:%d\" .host .port."),
    ("html", "The text with HTML's marks escaped."),
    ("js", "The text escaped for JavaScript."),
    ("urlquery", "The text escaped for a URL's query."),
    ("eq", "Whether the first argument equals one of the others."),
    ("ne", "Whether two differ."),
    ("lt", "Whether the first is less."),
    ("le", "Whether the first is less or equal."),
    ("gt", "Whether the first is greater."),
    ("ge", "Whether the first is greater or equal."),
    // Text.
    ("hello", "\"Hello!\""),
    ("trim", "Without white space at both ends."),
    ("trimAll trimall", "Without any of the given characters at both ends: trimAll \"$\" .x."),
    ("trimPrefix", "Without a begin: trimPrefix \"v\" .x."),
    ("trimSuffix", "Without an end: trimSuffix \"/\" .x."),
    ("upper", "In capitals."),
    ("lower", "In small letters."),
    ("title", "With a capital at the begin of each word."),
    ("untitle", "With a small letter at the begin of each word."),
    ("swapcase", "With capitals for small letters, and small letters for capitals."),
    ("nospace", "Without white space."),
    ("initials", "The first letter of each word."),
    ("contains", "Whether the second holds the first: contains \"a\" .x."),
    ("hasPrefix", "Whether the second begins with the first."),
    ("hasSuffix", "Whether the second ends with the first."),
    ("repeat", "A text several times: repeat 3 \"a\"."),
    ("replace", "One text for another: replace \"a\" \"b\" .x."),
    ("substr", "From one place to before another: substr 0 3 .x."),
    ("trunc", "Cut to a length; a negative one keeps the end."),
    ("plural", "One of two words by a number: plural \"job\" \"jobs\" 2."),
    ("quote", "Each argument in double quotes."),
    ("squote", "Each argument in single quotes."),
    ("cat", "The arguments with spaces between."),
    ("snakecase", "As in snake_case."),
    ("kebabcase", "As in kebab-case."),
    ("camelcase", "As in CamelCase."),
    ("toString", "As a text."),
    ("toStrings", "A list with each item as a text."),
    ("join", "The items as one text: join \", \" .list."),
    ("sortAlpha", "The items as texts in order."),
    ("split", "A map _0, _1, … of the parts: split \",\" .x."),
    ("splitn", "The same with at most so many parts."),
    ("splitList", "A list of the parts: splitList \",\" .x."),
    ("indent", "With spaces before each line: indent 4 .x."),
    ("nindent", "The same after an end of line."),
    ("wrap", "Broken into lines of a width."),
    ("wrapWith", "The same with another text for ends of lines."),
    ("abbrev", "Cut to a width with dots at the end."),
    ("abbrevboth", "Cut at both ends."),
    // Numbers.
    ("add", "The sum of whole numbers."),
    ("add1", "One more."),
    ("sub", "The difference of whole numbers."),
    ("mul", "The product of whole numbers."),
    ("div", "The quotient of whole numbers, without a rest."),
    ("mod", "The rest of a division."),
    ("max biggest", "The greatest of whole numbers."),
    ("min", "The least of whole numbers."),
    ("maxf", "The greatest of numbers."),
    ("minf", "The least of numbers."),
    ("addf", "The sum of numbers with fractions."),
    ("add1f", "One more, with fractions."),
    ("subf", "The difference of numbers with fractions."),
    ("mulf", "The product of numbers with fractions."),
    ("divf", "The quotient of numbers with fractions."),
    ("floor", "Rounded down."),
    ("ceil", "Rounded up."),
    ("round", "Rounded to so many digits: round 1.234 2."),
    ("int", "As a whole number."),
    ("int64", "As a whole number of 64 bits."),
    ("float64", "As a number with a fraction."),
    ("atoi", "The whole number that a text writes."),
    ("toDecimal", "The number that a text writes in octal."),
    ("until", "The numbers from 0 to before n."),
    ("untilStep", "The numbers from, to, in steps: untilStep 0 10 2."),
    ("seq", "Numbers as the shell's seq writes them."),
    // Lists.
    ("list tuple", "A list of the arguments."),
    ("first", "The first item."),
    ("last", "The last item."),
    ("rest", "All items but the first."),
    ("initial", "All items but the last."),
    ("append push", "The list with an item after it."),
    ("prepend", "The list with an item before it."),
    ("concat", "The items of several lists as one."),
    ("reverse", "The items the other way round."),
    ("uniq", "Each item once."),
    ("without", "The list without some items."),
    ("has", "Whether the list holds an item: has 4 .list."),
    ("compact", "The list without empty items."),
    ("slice", "Items from one place to before another."),
    ("chunk", "Lists of so many items: chunk 3 .list."),
    // Maps.
    ("dict", "A map of names and values: dict \"a\" 1 \"b\" 2."),
    ("get", "A member of a map."),
    ("set", "Sets a member; gives the map."),
    ("unset", "Removes a member; gives the map."),
    ("hasKey", "Whether the map has a member."),
    ("keys", "The names of maps, in order."),
    ("values", "The values of a map, by name."),
    ("pluck", "The members of one name of several maps."),
    ("pick", "The map with these members only."),
    ("omit", "The map without these members."),
    ("merge", "The first map with what it lacks from the others."),
    ("mergeOverwrite", "The first map with what the others have."),
    ("dig", "A member of maps within maps, or a default: dig \"a\" \"b\" \"default\" .map."),
    ("deepCopy", "A copy that shares nothing."),
    // Defaults and kinds.
    ("default", "The second, or the first when it is empty: default 80 .port."),
    ("empty", "Whether it is empty."),
    ("coalesce", "The first that is not empty."),
    ("all", "Whether none is empty."),
    ("any", "Whether one is not empty."),
    ("ternary", "The first if the third is true, else the second."),
    ("fail", "Ends the rendering with this error."),
    ("typeOf", "The type of a value."),
    ("typeIs", "Whether a value has a type."),
    ("typeIsLike", "The same, pointers included."),
    ("kindOf", "The kind of a value: string, int, map, slice, …"),
    ("kindIs", "Whether a value is of a kind."),
    ("deepEqual", "Whether two values are equal throughout."),
    // Encodings.
    ("toJson", "As JSON."),
    ("toPrettyJson", "As JSON over several lines."),
    ("toRawJson", "As JSON, with <, > and & as they are."),
    ("fromJson", "The value that JSON writes."),
    ("b64enc", "In base64."),
    ("b64dec", "The text that base64 stands for."),
    ("b32enc", "In base32."),
    ("b32dec", "The text that base32 stands for."),
    ("sha1sum", "The SHA-1 digest in hexadecimal."),
    ("sha256sum", "The SHA-256 digest in hexadecimal."),
    ("sha512sum", "The SHA-512 digest in hexadecimal."),
    ("adler32sum", "The Adler-32 sum."),
    // Secrets and certificates.
    ("bcrypt", "The bcrypt hash of a password; another one each time."),
    ("htpasswd", "A line of an htpasswd file: htpasswd \"user\" \"password\"."),
    ("encryptAES", "Encrypted with AES in CBC mode, in base64."),
    ("decryptAES", "What encryptAES made readable again."),
    ("derivePassword", "A password from a master password, as Master Password makes it."),
    ("genPrivateKey", "A new private key in PEM: rsa, dsa, ecdsa or ed25519."),
    ("genCA", "A new certificate authority: genCA \"name\" 365."),
    ("genCAWithKey", "The same with a given key."),
    ("genSelfSignedCert", "A new certificate that signs itself."),
    ("genSelfSignedCertWithKey", "The same with a given key."),
    ("genSignedCert", "A new certificate signed by an authority."),
    ("genSignedCertWithKey", "The same with a given key."),
    ("buildCustomCert", "A certificate from base64 of its PEM and key."),
    ("randAlpha", "Random letters."),
    ("randNumeric", "Random digits."),
    ("randAlphaNum", "Random letters and digits."),
    ("randAscii", "Random printable characters."),
    ("randBytes", "Random bytes in base64."),
    ("randInt", "A random number from one to before another."),
    ("shuffle", "The characters in random order."),
    ("uuidv4", "A random UUID."),
    // Dates.
    ("now", "The time now."),
    ("date", "A time in a layout: date \"2006-01-02\" now."),
    ("dateInZone date_in_zone", "The same in a time zone."),
    ("dateModify date_modify", "A time moved by a duration: dateModify \"-1h\" now."),
    ("ago", "How long a time is past."),
    ("duration", "Seconds as a duration: duration 95 is 1m35s."),
    ("durationRound", "A duration in its largest unit."),
    ("toDate", "The time that a text writes in a layout."),
    ("unixEpoch", "Seconds since 1970."),
    ("htmlDate", "A date for HTML."),
    ("htmlDateInZone", "The same in a time zone."),
    // Patterns and versions.
    ("regexMatch", "Whether a pattern matches: regexMatch \"^a\" .x."),
    ("regexFind", "The first match."),
    ("regexFindAll", "All matches, at most so many; -1 for all."),
    ("regexReplaceAll", "With each match replaced; $1 stands for a group."),
    ("regexReplaceAllLiteral", "The same, without groups."),
    ("regexSplit", "The parts between matches."),
    ("regexQuoteMeta", "The text as a pattern that matches just it."),
    ("semver", "A semantic version with its parts."),
    ("semverCompare", "Whether a version is in a range: semverCompare \">=1.2\" .version."),
    // Paths and addresses.
    ("base osBase", "The last part of a path."),
    ("dir osDir", "The path without its last part."),
    ("clean osClean", "The path without . and ..."),
    ("ext osExt", "The ending of a file's name."),
    ("isAbs osIsAbs", "Whether the path begins at the root."),
    ("urlParse", "The parts of a URL as a map."),
    ("urlJoin", "The URL of parts."),
    ("env", "An environment variable, where that is allowed."),
    ("expandenv", "A text with $NAME replaced by the environment's values, where that is allowed."),
    ("getHostByName", "An address of a host, with -allow-host-functions."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_described_and_nothing_else() {
        let all = go_functions();
        let bare: Vec<&str> =
            all.iter().filter(|function| function.about.is_empty()).map(|function| function.name).collect();
        assert_eq!(bare, Vec::<&str>::new(), "functions without a description");
        let stale: Vec<&str> = ABOUT
            .iter()
            .flat_map(|(names, _)| names.split(' '))
            .filter(|name| all.iter().all(|function| function.name != *name))
            .collect();
        assert_eq!(stale, Vec::<&str>::new(), "descriptions without a function");
    }
}
