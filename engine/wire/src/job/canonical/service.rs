//! Defaults of services and of the mesh.

use super::super::*;
use super::{Canonical, SECOND, default_text, default_to, drop_empty};

impl Service {
    /// Fills in defaults; `name` is for services that have none.
    pub(super) fn canonicalize_as(&mut self, name: &str) {
        default_text(&mut self.name, name);
        default_text(&mut self.address_mode, "auto");
        default_text(&mut self.on_update, "require_healthy");
        default_text(&mut self.provider, "consul");
        default_text(&mut self.cluster, "default");
        if let Some(weights) = &mut self.weights {
            weights.passing = weights.passing.max(1);
            weights.warning = weights.warning.max(1);
        }
        drop_empty(&mut self.meta);
        drop_empty(&mut self.canary_meta);
        drop_empty(&mut self.tagged_addresses);
        if let Some(connect) = &mut self.connect {
            connect.canonicalize();
        }
        for check in self.checks.iter_mut().flatten() {
            let merged = merge_check_restart(self.check_restart.as_ref(), check.check_restart.take());
            check.check_restart = merged;
            check.success_before_passing = check.success_before_passing.max(0);
            check.failures_before_critical = check.failures_before_critical.max(0);
            check.failures_before_warning = check.failures_before_warning.max(0);
            default_text(&mut check.on_update, &self.on_update);
        }
    }
}

/// The check's own settings over those of its service; zero and false count as not given.
fn merge_check_restart(above: Option<&CheckRestart>, own: Option<CheckRestart>) -> Option<CheckRestart> {
    let mut merged = match (above, own) {
        (None, None) => return None,
        (Some(above), None) => above.clone(),
        (None, Some(own)) => own,
        (Some(above), Some(own)) => CheckRestart {
            limit: if own.limit == 0 { above.limit } else { own.limit },
            grace: own.grace.or(above.grace),
            ignore_warnings: own.ignore_warnings || above.ignore_warnings,
        },
    };
    default_to(&mut merged.grace, SECOND);
    Some(merged)
}

impl Canonical for ConsulConnect {
    fn canonicalize(&mut self) {
        if let Some(sidecar) = &mut self.sidecar_service {
            drop_empty(&mut sidecar.tags);
            drop_empty(&mut sidecar.meta);
            if let Some(proxy) = &mut sidecar.proxy {
                proxy.canonicalize();
            }
        }
        if let Some(task) = &mut self.sidecar_task {
            task.canonicalize();
        }
        if let Some(gateway) = &mut self.gateway {
            gateway.canonicalize();
        }
    }
}

impl Canonical for ConsulProxy {
    fn canonicalize(&mut self) {
        drop_empty(&mut self.upstreams);
        drop_empty(&mut self.config);
        for upstream in self.upstreams.iter_mut().flatten() {
            drop_empty(&mut upstream.config);
        }
    }
}

impl Canonical for SidecarTask {
    fn canonicalize(&mut self) {
        drop_empty(&mut self.config);
        drop_empty(&mut self.env);
        self.resources.get_or_insert_default().canonicalize();
        self.log_config.get_or_insert_default().canonicalize();
        self.volume_mounts.iter_mut().flatten().for_each(Canonical::canonicalize);
        default_to(&mut self.kill_timeout, 5 * SECOND);
        default_to(&mut self.shutdown_delay, 0);
    }
}

impl Canonical for ConsulGateway {
    fn canonicalize(&mut self) {
        if let Some(proxy) = &mut self.proxy {
            default_to(&mut proxy.connect_timeout, 5 * SECOND);
            drop_empty(&mut proxy.envoy_gateway_bind_addresses);
            drop_empty(&mut proxy.config);
        }
        if let Some(ingress) = &mut self.ingress {
            ingress.canonicalize();
        }
        if let Some(terminating) = &mut self.terminating {
            drop_empty(&mut terminating.services);
        }
    }
}

impl Canonical for ConsulIngressConfigEntry {
    fn canonicalize(&mut self) {
        drop_empty(&mut self.listeners);
        for listener in self.listeners.iter_mut().flatten() {
            default_text(&mut listener.protocol, "tcp");
            drop_empty(&mut listener.services);
            for service in listener.services.iter_mut().flatten() {
                drop_empty(&mut service.hosts);
            }
        }
    }
}
