//! From the text of a configuration to its settings, with all problems at once.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use drover_hcl::schema::Schema;
use drover_hcl::{Block, Diagnostic, Diagnostics, EvalContext, Source, Value, parse_body};
use url::Url;

use super::section::Section;
use super::{
    Audit, ClaimRule, Config, Issuer, Limits, Mirror, S3, SecretText, SignaturePolicy, SignatureRule, Storage, Tls,
};
use crate::access::{Grant, Scope};

/// Why a configuration is of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Its content is wrong.
    #[error(transparent)]
    Content(#[from] Diagnostics),
}

const TOP: Schema =
    Schema::attributes(&["listen", "public_url", "title", "refresh", "anonymous_read", "trusted_proxies"]).with_blocks(
        &[
            ("storage", &["kind"]),
            ("tls", &[]),
            ("signatures", &[]),
            ("oidc", &["name"]),
            ("mirror", &["name"]),
            ("limits", &[]),
            ("audit", &[]),
        ],
    );
const FOLDER: Schema = Schema::attributes(&["path"]);
const BUCKET: Schema = Schema::attributes(&[
    "bucket",
    "prefix",
    "region",
    "endpoint",
    "access_key_id",
    "secret_access_key",
    "session_token",
    "virtual_hosted",
    "allow_http",
]);
const TLS: Schema = Schema::attributes(&["cert_file", "key_file"]);
const SIGNATURES: Schema = Schema::attributes(&["required", "trusted_keys"]).with_blocks(&[("team", &["name"])]);
const SIGNATURES_OF_TEAM: Schema = Schema::attributes(&["required", "trusted_keys"]);
const OIDC: Schema =
    Schema::attributes(&["issuer", "audiences", "jwks_url", "ca_file", "token_ttl"]).with_blocks(&[("allow", &[])]);
const ALLOW: Schema = Schema::attributes(&["claims", "team", "scopes"]);
const MIRROR: Schema = Schema::attributes(&["url", "teams", "token", "ca_file", "ttl", "sync"]);
const LIMITS: Schema = Schema::attributes(&[
    "archive_bytes",
    "unpacked_bytes",
    "files",
    "requests_per_second",
    "burst",
    "publishes_per_minute",
    "concurrent_publishes",
    "connections_per_client",
    "example_time",
]);
const AUDIT: Schema = Schema::attributes(&["file", "downloads"]);

/// Reads a configuration file. `environment` is what `env.NAME` in it gives, and where keys of a bucket come from that
/// it does not name.
///
/// # Errors
/// The file cannot be read, or everything that is wrong with it.
pub fn read(path: &Path, environment: &BTreeMap<String, String>) -> Result<Config, ConfigError> {
    let text = std::fs::read(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    let source = Source::from_bytes(&path.display().to_string(), &text).map_err(Diagnostics::from)?;
    Ok(parse(&source, environment)?)
}

pub(super) fn parse(
    source: &std::sync::Arc<Source>,
    environment: &BTreeMap<String, String>,
) -> Result<Config, Diagnostics> {
    let body = parse_body(source)?;
    let mut context = EvalContext::new();
    context
        .set("env", Value::map(environment.iter().map(|(name, value)| (name.as_str(), Value::string(value.as_str())))));
    let mut top = Section::new(&body, &TOP, &context);
    let mut config = Config::in_folder("");
    if let Some(listen) = top.parsed("listen", parse_listen) {
        config.listen = listen;
    }
    config.public_url = top.parsed("public_url", parse_url);
    config.title = top.text("title").unwrap_or(config.title);
    config.anonymous_read = top.flag("anonymous_read").unwrap_or(true);
    if let Some(text) = body.attribute("trusted_proxies") {
        for address in top.texts("trusted_proxies") {
            match address.parse::<IpAddr>() {
                Ok(address) => config.trusted_proxies.push(address),
                Err(_) => top.wrong(text, format!("{address:?} is no address"), ""),
            }
        }
    }
    let refresh = top.duration("refresh");
    let mut problems = top.problems;
    let mut reader = Reader { context: &context, environment, problems: &mut problems };
    match reader.only(&body.blocks, "storage") {
        Some(block) => config.storage = reader.storage(block),
        None => problems.push(
            Diagnostic::error("the configuration has no `storage` block", "")
                .at(&body.source, body.span.start_point())
                .hint("storage \"folder\" { path = \"/var/lib/drover-registry\" }"),
        ),
    }
    let mut reader = Reader { context: &context, environment, problems: &mut problems };
    // A bucket may have several servers in front of it; a folder mostly has one.
    let shared = matches!(config.storage, Storage::S3(_));
    config.refresh = refresh.unwrap_or(if shared { Duration::from_secs(15) } else { Duration::ZERO });
    config.tls = reader.only(&body.blocks, "tls").map(|block| reader.tls(block));
    if let Some(block) = reader.only(&body.blocks, "signatures") {
        config.signatures = reader.signatures(block);
    }
    if let Some(block) = reader.only(&body.blocks, "limits") {
        config.limits = reader.limits(block);
    }
    config.audit = reader.only(&body.blocks, "audit").map(|block| reader.audit(block));
    config.issuers = body.blocks_of("oidc").map(|block| reader.issuer(block)).collect();
    config.mirrors = body.blocks_of("mirror").filter_map(|block| reader.mirror(block)).collect();
    problems.into_result(config)
}

struct Reader<'r> {
    context: &'r EvalContext<'r>,
    environment: &'r BTreeMap<String, String>,
    problems: &'r mut Diagnostics,
}

impl Reader<'_> {
    /// The block of a kind of which there may be one.
    fn only<'b>(&mut self, blocks: &'b [Block], kind: &str) -> Option<&'b Block> {
        let mut found = blocks.iter().filter(|block| &*block.kind == kind);
        let first = found.next();
        if let Some(second) = found.next() {
            self.problems.push(
                Diagnostic::error(format!("there are two `{kind}` blocks"), "only one may be there")
                    .at(&second.body.source, second.header_span()),
            );
        }
        first
    }

    fn section<T>(&mut self, block: &Block, schema: &Schema, read: impl FnOnce(&mut Section<'_>) -> T) -> T {
        let mut section = Section::new(&block.body, schema, self.context);
        let value = read(&mut section);
        self.problems.extend(section.problems);
        value
    }

    fn storage(&mut self, block: &Block) -> Storage {
        let environment = self.environment;
        match block.label(0) {
            Some("folder") => self
                .section(block, &FOLDER, |section| Storage::Folder(section.required_text("a folder", "path").into())),
            Some("s3") => self.section(block, &BUCKET, |section| {
                let given = |name: &str| environment.get(name).filter(|value| !value.is_empty()).cloned();
                let secret = |text: Option<String>, name: &str| text.or_else(|| given(name)).map(SecretText::new);
                Storage::S3(S3 {
                    bucket: section.required_text("a bucket", "bucket"),
                    prefix: section.text("prefix").unwrap_or_default(),
                    region: section
                        .text("region")
                        .or_else(|| given("AWS_REGION"))
                        .or_else(|| given("AWS_DEFAULT_REGION")),
                    endpoint: section
                        .text("endpoint")
                        .or_else(|| given("AWS_ENDPOINT_URL_S3"))
                        .or_else(|| given("AWS_ENDPOINT_URL")),
                    access_key_id: section.text("access_key_id").or_else(|| given("AWS_ACCESS_KEY_ID")),
                    secret_access_key: secret(section.text("secret_access_key"), "AWS_SECRET_ACCESS_KEY"),
                    session_token: secret(section.text("session_token"), "AWS_SESSION_TOKEN"),
                    virtual_hosted: section.flag("virtual_hosted").unwrap_or(false),
                    allow_http: section.flag("allow_http").unwrap_or(false),
                })
            }),
            kind => {
                let kind = kind.unwrap_or_default();
                self.problems.push(
                    Diagnostic::error(format!("there is no storage {kind:?}"), "it is \"folder\" or \"s3\"")
                        .at(&block.body.source, block.header_span()),
                );
                Storage::Folder(PathBuf::new())
            }
        }
    }

    fn tls(&mut self, block: &Block) -> Tls {
        self.section(block, &TLS, |section| Tls {
            cert_file: section.required_text("a `tls` block", "cert_file").into(),
            key_file: section.required_text("a `tls` block", "key_file").into(),
        })
    }

    fn signatures(&mut self, block: &Block) -> SignaturePolicy {
        let general = self.section(block, &SIGNATURES, signature_rule);
        let mut teams = BTreeMap::new();
        for team in block.body.blocks_of("team") {
            let rule = self.section(team, &SIGNATURES_OF_TEAM, signature_rule);
            teams.insert(team.label(0).unwrap_or_default().to_owned(), rule);
        }
        SignaturePolicy { general, teams }
    }

    fn issuer(&mut self, block: &Block) -> Issuer {
        let mut issuer = self.section(block, &OIDC, |section| Issuer {
            name: block.label(0).unwrap_or_default().to_owned(),
            issuer: section.required_text("an `oidc` block", "issuer"),
            audiences: {
                if section.body.attribute("audiences").is_none() {
                    section.missing("an `oidc` block", "audiences");
                }
                section.texts("audiences")
            },
            jwks_url: section.text("jwks_url"),
            ca_file: section.path("ca_file"),
            token_ttl: section.duration("token_ttl").unwrap_or(Duration::from_secs(900)),
            rules: Vec::new(),
        });
        for allow in block.body.blocks_of("allow") {
            issuer.rules.extend(self.claim_rule(allow));
        }
        if issuer.rules.is_empty() {
            self.problems.push(
                Diagnostic::error("this `oidc` block allows nothing: it has no `allow` block", "")
                    .at(&block.body.source, block.header_span())
                    .hint("allow { claims = { sub = \"repo:acme/*\" }  team = \"acme\"  scopes = [\"publish\"] }"),
            );
        }
        issuer
    }

    fn claim_rule(&mut self, block: &Block) -> Option<ClaimRule> {
        self.section(block, &ALLOW, |section| {
            let claims = section.text_map("claims");
            if claims.is_empty() {
                section.missing("an `allow` block", "claims");
            }
            let pattern = section.required_text("an `allow` block", "team");
            let mut scopes = Vec::new();
            if let Some(attribute) = section.body.attribute("scopes") {
                for text in section.texts("scopes") {
                    match text.parse::<Scope>() {
                        Ok(scope) => scopes.push(scope),
                        Err(error) => section.wrong(attribute, error.to_string(), ""),
                    }
                }
            } else {
                section.missing("an `allow` block", "scopes");
            }
            match Grant::new(&pattern, scopes) {
                Ok(grant) => Some(ClaimRule { claims, grants: vec![grant] }),
                Err(error) => {
                    if let Some(attribute) = section.body.attribute("team") {
                        section.wrong(attribute, error.to_string(), "");
                    }
                    None
                }
            }
        })
    }

    fn mirror(&mut self, block: &Block) -> Option<Mirror> {
        self.section(block, &MIRROR, |section| {
            if section.body.attribute("url").is_none() {
                section.missing("a `mirror` block", "url");
            }
            let url = section.parsed("url", parse_url)?;
            let teams = section.texts("teams");
            Some(Mirror {
                name: block.label(0).unwrap_or_default().to_owned(),
                url,
                teams: if teams.is_empty() { vec!["*".to_owned()] } else { teams },
                token: section.text("token").map(SecretText::new),
                ca_file: section.path("ca_file"),
                ttl: section.duration("ttl").unwrap_or(Duration::from_secs(60)),
                sync: section.duration("sync").unwrap_or(Duration::ZERO),
            })
        })
    }

    fn limits(&mut self, block: &Block) -> Limits {
        self.section(block, &LIMITS, |section| {
            let usual = Limits::default();
            Limits {
                archive_bytes: section.count("archive_bytes").unwrap_or(usual.archive_bytes),
                unpacked_bytes: section.count("unpacked_bytes").unwrap_or(usual.unpacked_bytes),
                files: section.count("files").unwrap_or(usual.files),
                requests_per_second: section.count("requests_per_second").unwrap_or(usual.requests_per_second),
                burst: section.count("burst").unwrap_or(usual.burst),
                publishes_per_minute: section.count("publishes_per_minute").unwrap_or(usual.publishes_per_minute),
                concurrent_publishes: section
                    .count("concurrent_publishes")
                    .unwrap_or(usual.concurrent_publishes)
                    .max(1),
                connections_per_client: section.count("connections_per_client").unwrap_or(usual.connections_per_client),
                example_time: section.duration("example_time").unwrap_or(usual.example_time),
            }
        })
    }

    fn audit(&mut self, block: &Block) -> Audit {
        self.section(block, &AUDIT, |section| Audit {
            file: section.required_text("an `audit` block", "file").into(),
            downloads: section.flag("downloads").unwrap_or(false),
        })
    }
}

fn signature_rule(section: &mut Section<'_>) -> SignatureRule {
    let trusted_keys = section.texts("trusted_keys");
    if let Some(attribute) = section.body.attribute("trusted_keys") {
        for key in &trusted_keys {
            if let Err(error) = key.parse::<drover_registry::sign::PublicKey>() {
                section.wrong(
                    attribute,
                    format!("{key:?} is no public key: {error}"),
                    "keys are written ed25519:BASE64",
                );
            }
        }
    }
    SignatureRule { required: section.flag("required").unwrap_or(!trusted_keys.is_empty()), trusted_keys }
}

fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("{text:?} is no address with a port, such as \"0.0.0.0:5080\""))
}

fn parse_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{text:?} is no URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(format!("{text:?} is no URL of a web server; write https://HOST"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Config, String> {
        let environment = BTreeMap::from([("MIRROR_TOKEN".to_owned(), "t0".to_owned())]);
        parse(&Source::new("registry.hcl", text), &environment).map_err(|problems| problems.to_string())
    }

    #[test]
    fn a_whole_configuration() {
        let config = parsed(
            r#"
            listen         = "0.0.0.0:5443"
            public_url     = "https://packs.example.com/registry/"
            anonymous_read = false
            storage "s3" {
              bucket   = "packs"
              endpoint = "http://127.0.0.1:9000"
              allow_http = true
            }
            tls {
              cert_file = "a.pem"
              key_file  = "b.pem"
            }
            signatures {
              required = true
              team "lab" { required = false }
            }
            oidc "ci" {
              issuer    = "https://ci.example.com"
              audiences = ["drover"]
              token_ttl = "5m"
              allow {
                claims = { repository = "acme/*" }
                team   = "acme"
                scopes = ["publish"]
              }
            }
            mirror "up" {
              url   = "https://up.example.com"
              token = env.MIRROR_TOKEN
            }
            limits { archive_bytes = 1000 }
            audit { file = "audit.log" }
            "#,
        )
        .unwrap();
        assert_eq!((config.base_path().as_str(), config.listen.port()), ("/registry", 5443));
        assert!(config.signatures.rule("shop").required && !config.signatures.rule("lab").required);
        assert_eq!(config.mirrors[0].token.as_ref().map(SecretText::expose), Some("t0"));
        assert_eq!((config.limits.archive_bytes, config.refresh.as_secs()), (1000, 15));
        assert_eq!(config.issuers[0].rules[0].claims["repository"], "acme/*");
    }

    #[test]
    fn every_problem_is_shown_with_its_place() {
        let error = parsed(
            "lisen = \"x\"\nlisten = \"here\"\nstorage \"tape\" {}\noidc \"ci\" {\n issuer = \"i\"\n}\nlimits {\n files = -1\n}\n",
        )
        .unwrap_err();
        for part in [
            "registry.hcl:1:1",
            "listen",
            "\"here\" is no address",
            "no storage \"tape\"",
            "audiences",
            "allows nothing",
            "whole number",
        ] {
            assert!(error.contains(part), "{part} not in {error}");
        }
        assert!(parsed("").unwrap_err().contains("no `storage` block"));
    }
}
