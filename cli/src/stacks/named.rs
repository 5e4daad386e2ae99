//! Clients of the engines that a stack names.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::CliError;
use drover_sdk::Client;
use drover_stack::desired::EngineChoice;
use std::collections::BTreeMap;

/// A client for each engine. The stack's block says where it is; its token comes from the block, else from `DROVER_TOKEN_NAME`, else
/// it is that of the stack's own engine. An engine without an address is another region of the stack's own.
pub fn clients(
    engines: &BTreeMap<String, EngineChoice>,
    own: &EngineArgs,
    context: &Context,
) -> Result<BTreeMap<String, Client>, CliError> {
    let client = |(name, choice): (&String, &EngineChoice)| {
        let mut arguments = own.clone();
        if choice.address.is_some() {
            arguments.server.address.clone_from(&choice.address);
        }
        if choice.region.is_some() {
            arguments.server.region.clone_from(&choice.region);
        }
        let variable = format!("DROVER_TOKEN_{}", name.to_uppercase().replace('-', "_"));
        let token = choice.token.as_ref().map(|token| token.0.clone());
        if let Some(token) = token.or_else(|| std::env::var(variable).ok().filter(|token| !token.is_empty())) {
            arguments.server.token = Some(token);
        }
        let client = arguments.connect(context).map_err(|mut error| {
            error.message = format!("engine {name}: {}", error.message);
            error
        })?;
        Ok((name.clone(), client))
    };
    engines.iter().map(client).collect()
}
