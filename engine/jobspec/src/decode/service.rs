//! Services and checks.

use drover_hcl::schema::Schema;
use drover_wire::job::{CheckRestart, Service, ServiceCheck, ServiceWeights};

use super::job::push;
use super::{Decoder, Item};

const SERVICE: Schema = Schema::attributes(&[
    "name",
    "tags",
    "canary_tags",
    "enable_tag_override",
    "port",
    "address_mode",
    "address",
    "task",
    "on_update",
    "provider",
    "cluster",
    "kind",
])
.with_blocks(&[
    ("check", &[]),
    ("check_restart", &[]),
    ("connect", &[]),
    ("meta", &[]),
    ("canary_meta", &[]),
    ("tagged_addresses", &[]),
    ("identity", &[]),
    ("weights", &[]),
])
.with_dynamic();
const WEIGHTS: Schema = Schema::attributes(&["passing", "warning"]);
const CHECK: Schema = Schema::attributes(&[
    "name",
    "type",
    "command",
    "args",
    "path",
    "protocol",
    "port",
    "expose",
    "address_mode",
    "advertise",
    "interval",
    "timeout",
    "initial_status",
    "notes",
    "tls_server_name",
    "tls_skip_verify",
    "method",
    "grpc_service",
    "grpc_use_tls",
    "task",
    "success_before_passing",
    "failures_before_critical",
    "failures_before_warning",
    "body",
    "on_update",
])
.with_blocks(&[("header", &[]), ("check_restart", &[])])
.with_dynamic();
const CHECK_RESTART: Schema = Schema::attributes(&["limit", "grace", "ignore_warnings"]);

impl Decoder<'_> {
    pub(super) fn service(&mut self, item: &Item<'_>) -> Service {
        let fields = self.open(item, &SERVICE);
        let mut service = Service {
            name: self.plain_text(&fields, "name"),
            tags: self.texts(&fields, "tags"),
            canary_tags: self.texts(&fields, "canary_tags"),
            enable_tag_override: self.plain_flag(&fields, "enable_tag_override"),
            port_label: self.plain_text(&fields, "port"),
            address_mode: self.plain_text(&fields, "address_mode"),
            address: self.plain_text(&fields, "address"),
            task_name: self.plain_text(&fields, "task"),
            on_update: self.plain_text(&fields, "on_update"),
            provider: self.plain_text(&fields, "provider"),
            cluster: self.plain_text(&fields, "cluster"),
            kind: self.plain_text(&fields, "kind"),
            ..Service::default()
        };
        let mut identity = None;
        self.blocks(&fields, &SERVICE, &mut |decoder, item| match &*item.kind {
            "check" => push(&mut service.checks, decoder.check(item)),
            "check_restart" => service.check_restart = Some(decoder.check_restart(item)),
            "connect" => service.connect = Some(decoder.connect(item)),
            "meta" => service.meta = Some(decoder.text_block(item)),
            "canary_meta" => service.canary_meta = Some(decoder.text_block(item)),
            "tagged_addresses" => service.tagged_addresses = Some(decoder.text_block(item)),
            "identity" => {
                decoder.refuse_second_identity(item, identity.is_some());
                identity = Some(decoder.identity(item));
            }
            "weights" => {
                let fields = decoder.open(item, &WEIGHTS);
                service.weights = Some(ServiceWeights {
                    passing: decoder.plain_integer(&fields, "passing"),
                    warning: decoder.plain_integer(&fields, "warning"),
                });
            }
            _ => {}
        });
        service.identity = identity;
        service
    }

    /// Tasks may have several identities, services one.
    fn refuse_second_identity(&mut self, item: &Item<'_>, second: bool) {
        if second {
            let detail = "a service has only one identity block";
            let error = drover_hcl::Diagnostic::error("Duplicate identity block", detail);
            self.report(error.at(&item.body.source, item.header_span()));
        }
    }

    fn check(&mut self, item: &Item<'_>) -> ServiceCheck {
        let fields = self.open(item, &CHECK);
        let mut check = ServiceCheck {
            name: self.plain_text(&fields, "name"),
            kind: self.plain_text(&fields, "type"),
            command: self.plain_text(&fields, "command"),
            args: self.texts(&fields, "args"),
            path: self.plain_text(&fields, "path"),
            protocol: self.plain_text(&fields, "protocol"),
            port_label: self.plain_text(&fields, "port"),
            expose: self.plain_flag(&fields, "expose"),
            address_mode: self.plain_text(&fields, "address_mode"),
            advertise: self.plain_text(&fields, "advertise"),
            interval: self.duration(&fields, "interval").unwrap_or_default(),
            timeout: self.duration(&fields, "timeout").unwrap_or_default(),
            initial_status: self.plain_text(&fields, "initial_status"),
            notes: self.plain_text(&fields, "notes"),
            tls_server_name: self.plain_text(&fields, "tls_server_name"),
            tls_skip_verify: self.plain_flag(&fields, "tls_skip_verify"),
            header: None,
            method: self.plain_text(&fields, "method"),
            check_restart: None,
            grpc_service: self.plain_text(&fields, "grpc_service"),
            grpc_use_tls: self.plain_flag(&fields, "grpc_use_tls"),
            task_name: self.plain_text(&fields, "task"),
            success_before_passing: self.plain_integer(&fields, "success_before_passing"),
            failures_before_critical: self.plain_integer(&fields, "failures_before_critical"),
            failures_before_warning: self.plain_integer(&fields, "failures_before_warning"),
            body: self.plain_text(&fields, "body"),
            on_update: self.plain_text(&fields, "on_update"),
        };
        self.blocks(&fields, &CHECK, &mut |decoder, item| match &*item.kind {
            "header" => check.header = Some(decoder.list_block(item)),
            "check_restart" => check.check_restart = Some(decoder.check_restart(item)),
            _ => {}
        });
        check
    }

    fn check_restart(&mut self, item: &Item<'_>) -> CheckRestart {
        let fields = self.open(item, &CHECK_RESTART);
        CheckRestart {
            limit: self.plain_integer(&fields, "limit"),
            grace: self.duration(&fields, "grace"),
            ignore_warnings: self.plain_flag(&fields, "ignore_warnings"),
        }
    }
}
