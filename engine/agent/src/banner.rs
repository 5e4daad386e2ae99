//! What an agent says before its log begins.

use crate::config::AgentConfig;
use std::path::PathBuf;

/// The start-up summary, in the layout that operators know; `product` is what the program is called here.
pub fn text(product: &str, config: &AgentConfig, files: &[PathBuf], node_id: Option<&str>, version: &str) -> String {
    let mut out = String::new();
    if files.is_empty() {
        out.push_str("==> No configuration files loaded\n");
    } else {
        out.push_str("==> Loaded configuration from ");
        out.push_str(&files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>().join(", "));
        out.push('\n');
    }
    out.push_str(&format!("==> Starting {product} agent...\n==> {product} agent configuration:\n\n"));
    let (http, rpc, serf) = (show(config.http), show(config.rpc), show(config.serf));
    let advertise = config.advertise;
    let mut rows = vec![
        ("Advertise Addrs", format!("HTTP: {}; RPC: {}; Serf: {}", advertise[0], advertise[1], advertise[2])),
        ("Bind Addrs", format!("HTTP: [{http}]; RPC: {rpc}; Serf: {serf}")),
        ("Client", config.client.is_some().to_string()),
        ("Log Level", config.log_level.clone()),
        ("Region", format!("{} (DC: {})", config.region, config.datacenter)),
        ("Server", config.server.is_some().to_string()),
        ("Version", version.to_owned()),
    ];
    if let Some(id) = node_id {
        rows.insert(4, ("Node Id", id.to_owned()));
    }
    for (key, value) in rows {
        out.push_str(&format!("{key:>22}: {value}\n"));
    }
    out.push_str(&format!("\n==> {product} agent started! Log data will stream in below:\n"));
    out
}

fn show((address, port): (std::net::IpAddr, u16)) -> String {
    std::net::SocketAddr::new(address, port).to_string()
}

#[cfg(test)]
mod tests {
    use crate::config::{FileConfig, Overrides, resolve};

    #[test]
    fn the_summary_has_the_known_layout() {
        let config = resolve(FileConfig::default(), &Overrides { dev: true, ..Overrides::default() }).unwrap();
        let text = super::text("Drover", &config, &[], Some("1845c6b5"), "0.1.0");
        assert!(text.contains("==> Starting Drover agent...\n"));
        assert!(text.contains("==> No configuration files loaded\n"));
        assert!(
            text.contains("       Advertise Addrs: HTTP: 127.0.0.1:4646; RPC: 127.0.0.1:4647; Serf: 127.0.0.1:4648\n")
        );
        assert!(
            text.contains("               Node Id: 1845c6b5\n                Region: global (DC: dc1)\n"),
            "{text}"
        );
    }
}
