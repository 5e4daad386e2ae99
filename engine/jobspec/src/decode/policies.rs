//! Placement rules and policies.

use drover_hcl::Diagnostic;
use drover_hcl::convert::to_bool;
use drover_hcl::schema::Schema;
use drover_wire::job::{
    Affinity, Constraint, DisconnectStrategy, MigrateStrategy, ReschedulePolicy, RestartPolicy, ScalingPolicy, Spread,
    SpreadTarget, UpdateStrategy,
};

use super::job::push;
use super::{Decoder, Fields, Item};

const CONSTRAINT: Schema = Schema::attributes(&[
    "attribute",
    "value",
    "operator",
    "version",
    "semver",
    "regexp",
    "distinct_hosts",
    "distinct_property",
    "set_contains",
    "set_contains_all",
    "set_contains_any",
    "is_set",
    "is_not_set",
]);
const AFFINITY: Schema = Schema::attributes(&[
    "attribute",
    "value",
    "operator",
    "weight",
    "version",
    "semver",
    "regexp",
    "set_contains",
    "set_contains_all",
    "set_contains_any",
]);
const SPREAD: Schema =
    Schema::attributes(&["attribute", "weight"]).with_blocks(&[("target", &["value"])]).with_dynamic();
const TARGET: Schema = Schema::attributes(&["percent"]);
const UPDATE: Schema = Schema::attributes(&[
    "stagger",
    "max_parallel",
    "health_check",
    "min_healthy_time",
    "healthy_deadline",
    "progress_deadline",
    "canary",
    "auto_revert",
    "auto_promote",
]);
const MIGRATE: Schema = Schema::attributes(&["max_parallel", "health_check", "min_healthy_time", "healthy_deadline"]);
const RESTART: Schema = Schema::attributes(&["interval", "attempts", "delay", "mode", "render_templates"]);
const RESCHEDULE: Schema =
    Schema::attributes(&["attempts", "interval", "delay", "delay_function", "max_delay", "unlimited"]);
const DISCONNECT: Schema = Schema::attributes(&["lost_after", "stop_on_client_after", "replace", "reconcile"]);
const GROUP_SCALING: Schema = Schema::attributes(&["enabled", "type", "min"])
    .with_required(&["max"])
    .with_blocks(&[("policy", &[])])
    .with_dynamic();
const TASK_SCALING: Schema =
    Schema::attributes(&["enabled", "type", "min", "max"]).with_blocks(&[("policy", &[])]).with_dynamic();

impl Decoder<'_> {
    pub(super) fn constraint(&mut self, item: &Item<'_>) -> Constraint {
        let fields = self.open(item, &CONSTRAINT);
        let mut constraint = Constraint {
            l_target: self.plain_text(&fields, "attribute"),
            r_target: self.plain_text(&fields, "value"),
            operand: self.plain_text(&fields, "operator"),
        };
        for operand in ["version", "semver", "regexp", "set_contains"] {
            self.shorthand(&fields, operand, &mut constraint.operand, &mut constraint.r_target);
        }
        // The reference accepts these but does nothing with them.
        for ignored in ["set_contains_all", "set_contains_any", "is_set", "is_not_set"] {
            self.text(&fields, ignored);
        }
        self.shorthand(&fields, "distinct_property", &mut constraint.operand, &mut constraint.l_target);
        if let Some(attribute) = fields.body.attribute("distinct_hosts")
            && let Some(value) = self.evaluate(&attribute.value, &fields.scope)
        {
            match to_bool(&value) {
                Ok(distinct) => {
                    constraint.operand = "distinct_hosts".to_owned();
                    constraint.r_target = distinct.to_string();
                }
                Err(error) => {
                    self.report(
                        attribute.value.error("Incorrect attribute value type", format!("distinct_hosts: {error}")),
                    );
                }
            }
        }
        if constraint.operand.is_empty() {
            constraint.operand = "=".to_owned();
        }
        constraint
    }

    pub(super) fn affinity(&mut self, item: &Item<'_>) -> Affinity {
        let fields = self.open(item, &AFFINITY);
        let mut affinity = Affinity {
            l_target: self.plain_text(&fields, "attribute"),
            r_target: self.plain_text(&fields, "value"),
            operand: self.plain_text(&fields, "operator"),
            weight: self.cut_to_eight_bits(&fields, "weight"),
        };
        for operand in ["version", "semver", "regexp", "set_contains", "set_contains_all", "set_contains_any"] {
            self.shorthand(&fields, operand, &mut affinity.operand, &mut affinity.r_target);
        }
        if affinity.operand.is_empty() {
            affinity.operand = "=".to_owned();
        }
        affinity
    }

    /// `version = "…"` stands for `operator = "version"` and a value.
    fn shorthand(&mut self, fields: &Fields<'_>, name: &str, operand: &mut String, target: &mut String) {
        if let Some(value) = self.text(fields, name) {
            name.clone_into(operand);
            *target = value;
        }
    }

    pub(super) fn spread(&mut self, item: &Item<'_>) -> Spread {
        let fields = self.open(item, &SPREAD);
        let mut spread = Spread {
            attribute: self.plain_text(&fields, "attribute"),
            weight: self.bounded(&fields, "weight"),
            spread_target: None,
        };
        self.blocks(&fields, &SPREAD, &mut |decoder, item| {
            if &*item.kind == "target" {
                let fields = decoder.open(item, &TARGET);
                let target = SpreadTarget { value: item.label(), percent: decoder.plain_integer(&fields, "percent") };
                push(&mut spread.spread_target, target);
            }
        });
        spread
    }

    pub(super) fn update(&mut self, item: &Item<'_>) -> UpdateStrategy {
        let fields = self.open(item, &UPDATE);
        UpdateStrategy {
            stagger: self.duration(&fields, "stagger"),
            max_parallel: self.integer(&fields, "max_parallel"),
            health_check: self.text(&fields, "health_check"),
            min_healthy_time: self.duration(&fields, "min_healthy_time"),
            healthy_deadline: self.duration(&fields, "healthy_deadline"),
            progress_deadline: self.duration(&fields, "progress_deadline"),
            canary: self.integer(&fields, "canary"),
            auto_revert: self.flag(&fields, "auto_revert"),
            auto_promote: self.flag(&fields, "auto_promote"),
        }
    }

    pub(super) fn migrate(&mut self, item: &Item<'_>) -> MigrateStrategy {
        let fields = self.open(item, &MIGRATE);
        MigrateStrategy {
            max_parallel: self.integer(&fields, "max_parallel"),
            health_check: self.text(&fields, "health_check"),
            min_healthy_time: self.duration(&fields, "min_healthy_time"),
            healthy_deadline: self.duration(&fields, "healthy_deadline"),
        }
    }

    pub(super) fn restart(&mut self, item: &Item<'_>) -> RestartPolicy {
        let fields = self.open(item, &RESTART);
        RestartPolicy {
            interval: self.duration(&fields, "interval"),
            attempts: self.integer(&fields, "attempts"),
            delay: self.duration(&fields, "delay"),
            mode: self.text(&fields, "mode"),
            render_templates: self.flag(&fields, "render_templates"),
        }
    }

    pub(super) fn reschedule(&mut self, item: &Item<'_>) -> ReschedulePolicy {
        let fields = self.open(item, &RESCHEDULE);
        ReschedulePolicy {
            attempts: self.integer(&fields, "attempts"),
            interval: self.duration(&fields, "interval"),
            delay: self.duration(&fields, "delay"),
            delay_function: self.text(&fields, "delay_function"),
            max_delay: self.duration(&fields, "max_delay"),
            unlimited: self.flag(&fields, "unlimited"),
        }
    }

    pub(super) fn disconnect(&mut self, item: &Item<'_>) -> DisconnectStrategy {
        let fields = self.open(item, &DISCONNECT);
        DisconnectStrategy {
            lost_after: self.duration(&fields, "lost_after"),
            stop_on_client_after: self.duration(&fields, "stop_on_client_after"),
            replace: self.flag(&fields, "replace"),
            reconcile: self.text(&fields, "reconcile"),
        }
    }

    pub(super) fn group_scaling(&mut self, item: &Item<'_>) -> ScalingPolicy {
        let mut policy = self.scaling(item, &GROUP_SCALING);
        if !matches!(policy.kind.as_str(), "" | "horizontal") {
            let detail = format!("a group scales horizontally; its scaling policy has the type {:?}", policy.kind);
            self.type_error(item, "Invalid group scaling type", detail);
        }
        policy.kind = "horizontal".to_owned();
        policy
    }

    pub(super) fn task_scaling(&mut self, item: &Item<'_>) -> ScalingPolicy {
        let mut policy = self.scaling(item, &TASK_SCALING);
        let kind = match item.label().to_lowercase().as_str() {
            "cpu" => "vertical_cpu",
            "mem" => "vertical_mem",
            _ => {
                let error = Diagnostic::error(
                    "Invalid scaling policy name",
                    "a task's scaling policy is named \"cpu\" or \"mem\"",
                );
                let span = item.labels.first().map_or(item.kind_span, |label| label.span);
                self.report(error.at(&item.body.source, span));
                return policy;
            }
        };
        if !policy.kind.is_empty() && policy.kind != kind {
            let detail = format!("the scaling policy {:?} has the type {kind}, not {:?}", item.label(), policy.kind);
            self.type_error(item, "Invalid task scaling type", detail);
        }
        policy.kind = kind.to_owned();
        policy
    }

    fn type_error(&mut self, item: &Item<'_>, summary: &str, detail: String) {
        let error = match item.body.attribute("type") {
            Some(attribute) => attribute.value.error(summary, detail),
            None => Diagnostic::error(summary, detail).at(&item.body.source, item.header_span()),
        };
        self.report(error);
    }

    fn scaling(&mut self, item: &Item<'_>, schema: &Schema) -> ScalingPolicy {
        let fields = self.open(item, schema);
        let mut policy = ScalingPolicy {
            min: self.integer(&fields, "min"),
            max: self.integer(&fields, "max"),
            enabled: self.flag(&fields, "enabled"),
            kind: self.plain_text(&fields, "type"),
            ..ScalingPolicy::default()
        };
        self.blocks(&fields, schema, &mut |decoder, item| {
            if &*item.kind == "policy" {
                policy.policy = Some(decoder.settings(item));
            }
        });
        policy
    }
}
