//! `acl token …`.

use super::{NONE, or_none};
use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::{CliError, During};
use crate::output::{self, Table, bold, fields};
use crate::registry::{Invoke, Outcome};
use drover_base::{Nanos, UnixNanos, WireTime};
use drover_model::acl::{AclToken, TokenRole};
use drover_sdk::Query;
use jiff::tz::TimeZone;

/// Shows a token: as asked for, or for people.
pub fn print(format: &output::Format, token: &AclToken) -> Outcome {
    if format.is_set() {
        format.print(token)?;
    } else {
        output::line(&text(token));
    }
    Ok(0)
}

fn text(token: &AclToken) -> String {
    let mut pairs = vec![
        ("Accessor ID", token.accessor_id.clone()),
        ("Secret ID", token.secret_id.clone()),
        ("Name", token.name.clone()),
        ("Type", token.kind.to_string()),
        ("Global", token.global.to_string()),
        ("Create Time", time(Some(token.create_time))),
        ("Expiry Time", time(token.expiration_time)),
        ("Create Index", token.create_index.to_string()),
        ("Modify Index", token.modify_index.to_string()),
    ];
    if token.is_management() {
        pairs.extend([("Policies", "n/a".to_owned()), ("Roles", "n/a".to_owned())]);
        return fields(&pairs);
    }
    pairs.push(("Policies", format!("[{}]", token.policy_names().join(" "))));
    let roles = if token.roles.is_empty() {
        NONE.to_owned()
    } else {
        let mut table = Table::new(&["ID", "Name"]);
        token.roles.iter().for_each(|role| table.row([role.id.clone(), role.name.clone()]));
        table.render()
    };
    format!("{}\n\n{}\n{roles}", fields(&pairs), bold("Roles"))
}

/// As the reference prints times here.
fn time(time: Option<WireTime>) -> String {
    let Some(time) = time.and_then(|time| time.nanos()) else { return NONE.to_owned() };
    time.timestamp().to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S%.f +0000 UTC").to_string()
}

/// Roles as they are given: by id or by name.
fn roles(ids: &[String], names: &[String]) -> Vec<TokenRole> {
    let by_id = ids.iter().map(|id| TokenRole { id: id.clone(), name: String::new() });
    let by_name = names.iter().map(|name| TokenRole { id: String::new(), name: name.clone() });
    by_id.chain(by_name).collect()
}

/// Makes a token.
#[derive(clap::Args)]
#[command(next_help_heading = "Create Options")]
pub struct Create {
    #[command(flatten)]
    engine: ServerArgs,
    /// What people call it.
    #[arg(long, value_name = "name")]
    name: Option<String>,
    /// client or management.
    #[arg(long = "type", value_name = "type", default_value = "client")]
    kind: String,
    /// All regions are to know it.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "bool")]
    global: Option<bool>,
    /// A policy of it. Can be given several times.
    #[arg(long, value_name = "policy")]
    policy: Vec<String>,
    /// A role of it, by id. Can be given several times.
    #[arg(long, value_name = "id")]
    role_id: Vec<String>,
    /// A role of it, by name. Can be given several times.
    #[arg(long, value_name = "name")]
    role_name: Vec<String>,
    /// How long it lives, as 8h.
    #[arg(long, value_name = "duration")]
    ttl: Option<String>,
    #[command(flatten)]
    format: output::Format,
    /// Brings a client token from elsewhere: its accessor. Its secret is read from the file, or from `-`.
    #[arg(long, value_name = "accessor")]
    accessor: Option<String>,
    #[arg(hide = true)]
    path: Vec<String>,
}

impl Invoke for Create {
    fn invoke(self, context: &Context) -> Outcome {
        let secret = match (&self.accessor, self.path.as_slice()) {
            (None, []) => None,
            (None, _) => return Err(context.usage("A path can only be given together with -accessor")),
            (Some(_), [path]) => Some(super::bootstrap::read_secret(path)?),
            (Some(_), _) => {
                return Err(context.usage("-accessor needs one argument: <path>, or - for the standard input"));
            }
        };
        let ttl = self.ttl.as_deref().map(Nanos::parse).transpose().map_err(|_| {
            let text = self.ttl.as_deref().unwrap_or_default();
            CliError::new(format!("Failed to parse TTL as time duration: time: invalid duration {text:?}"))
        })?;
        let token = AclToken {
            accessor_id: self.accessor.unwrap_or_default(),
            secret_id: secret.unwrap_or_default(),
            name: self.name.unwrap_or_default(),
            policies: Some(self.policy).filter(|policies| !policies.is_empty()),
            roles: roles(&self.role_id, &self.role_name),
            global: self.global.unwrap_or(false),
            expiration_ttl: ttl.unwrap_or_default(),
            ..AclToken::default()
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let made = client.put_acl_token(&token, &self.kind).await.during("Error creating token")?;
            print(&self.format, &made)
        })
    }
}

/// Changes a token; what is not given stays.
#[derive(clap::Args)]
#[command(next_help_heading = "Update Options")]
pub struct Update {
    #[command(flatten)]
    engine: ServerArgs,
    /// What people call it.
    #[arg(long, value_name = "name")]
    name: Option<String>,
    /// client or management.
    #[arg(long = "type", value_name = "type")]
    kind: Option<String>,
    /// A policy of it, instead of those that it has. Can be given several times.
    #[arg(long, value_name = "policy")]
    policy: Vec<String>,
    /// A role of it by id, instead of those that it has. Can be given several times.
    #[arg(long, value_name = "id")]
    role_id: Vec<String>,
    /// A role of it by name, instead of those that it has. Can be given several times.
    #[arg(long, value_name = "name")]
    role_name: Vec<String>,
    #[command(flatten)]
    format: output::Format,
    #[arg(hide = true)]
    accessor: Vec<String>,
}

impl Invoke for Update {
    fn invoke(self, context: &Context) -> Outcome {
        let [accessor] = self.accessor.as_slice() else {
            return Err(context.usage("This command takes one argument: <token_accessor_id>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let mut token = client.acl_token(accessor).await.during("Error fetching token")?;
            if let Some(name) = self.name {
                token.name = name;
            }
            if !self.policy.is_empty() {
                token.policies = Some(self.policy);
            }
            let given = roles(&self.role_id, &self.role_name);
            if !given.is_empty() {
                token.roles = given;
            }
            let kind = self.kind.unwrap_or_else(|| token.kind.to_string());
            let done = client.put_acl_token(&token, &kind).await.during("Error updating token")?;
            print(&self.format, &done)
        })
    }
}

/// Removes a token.
#[derive(clap::Args)]
pub struct Delete {
    #[command(flatten)]
    engine: ServerArgs,
    #[arg(hide = true)]
    accessor: Vec<String>,
}

impl Invoke for Delete {
    fn invoke(self, context: &Context) -> Outcome {
        let [accessor] = self.accessor.as_slice() else {
            return Err(context.usage("This command takes one argument: <token_accessor_id>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            client.delete_acl_token(accessor).await.during("Error deleting token")?;
            output::line(&format!("Token {accessor} successfully deleted"));
            Ok(0)
        })
    }
}

/// Displays a token.
#[derive(clap::Args)]
#[command(next_help_heading = "Info Options")]
pub struct Info {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    format: output::Format,
    #[arg(hide = true)]
    accessor: Vec<String>,
}

impl Invoke for Info {
    fn invoke(self, context: &Context) -> Outcome {
        let [accessor] = self.accessor.as_slice() else {
            return Err(context.usage("This command takes one argument: <token_accessor_id>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let token = client.acl_token(accessor).await.during("Error fetching token")?;
            print(&self.format, &token)
        })
    }
}

/// Displays the token of the caller itself.
#[derive(clap::Args)]
#[command(next_help_heading = "Self Options")]
pub struct Own {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    format: output::Format,
}

impl Invoke for Own {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            if !client.has_token() {
                return Err(CliError::new("No token present in the environment or set via the CLI flag"));
            }
            let token = client.own_acl_token().await.during("Error fetching self token")?;
            print(&self.format, &token)
        })
    }
}

/// Lists tokens.
#[derive(clap::Args)]
#[command(next_help_heading = "List Options")]
pub struct List {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    format: output::Format,
}

impl Invoke for List {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let list = client.acl_tokens(&Query::new()).await.during("Error listing tokens")?.value;
            if self.format.is_set() {
                self.format.print(&list)?;
                return Ok(0);
            }
            if list.is_empty() {
                output::line("No tokens found");
                return Ok(0);
            }
            let now: UnixNanos = output::now();
            let mut table = Table::new(&["Name", "Type", "Global", "Accessor ID", "Expired"]);
            for token in list {
                let end = token.expiration_time.and_then(|time| time.nanos());
                let expired = end.is_some_and(|end| end <= now);
                let name = or_none(&token.name);
                table.row([name, token.kind, token.global.to_string(), token.accessor_id, expired.to_string()]);
            }
            output::line(&table.render());
            Ok(0)
        })
    }
}
