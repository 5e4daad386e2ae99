//! Placement rules and policies: constraints, affinities, spreads, updates, restarts, rescheduling, scaling.

use super::settings::Settings;
use super::shape::shape;

shape! {
    /// What a node must be.
    Constraint {
        l_target: String = "LTarget",
        r_target: String = "RTarget",
        operand: String = "Operand",
    }

    /// What a node should be.
    Affinity {
        l_target: String = "LTarget",
        r_target: String = "RTarget",
        operand: String = "Operand",
        weight: Option<i8> = "Weight",
    }

    /// Over what to spread allocations.
    Spread {
        attribute: String = "Attribute",
        weight: Option<i8> = "Weight",
        spread_target: Option<Vec<SpreadTarget>> = "SpreadTarget",
    }

    /// The share of one value of a spread's attribute.
    SpreadTarget {
        value: String = "Value",
        percent: u8 = "Percent",
    }

    /// How a new version replaces an old one. Times in nanoseconds.
    UpdateStrategy {
        stagger: Option<i64> = "Stagger",
        max_parallel: Option<i64> = "MaxParallel",
        health_check: Option<String> = "HealthCheck",
        min_healthy_time: Option<i64> = "MinHealthyTime",
        healthy_deadline: Option<i64> = "HealthyDeadline",
        progress_deadline: Option<i64> = "ProgressDeadline",
        canary: Option<i64> = "Canary",
        auto_revert: Option<bool> = "AutoRevert",
        auto_promote: Option<bool> = "AutoPromote",
    }

    /// How allocations leave a node that is drained. Times in nanoseconds.
    MigrateStrategy {
        max_parallel: Option<i64> = "MaxParallel",
        health_check: Option<String> = "HealthCheck",
        min_healthy_time: Option<i64> = "MinHealthyTime",
        healthy_deadline: Option<i64> = "HealthyDeadline",
    }

    /// How a failed task is started again on its node. Times in nanoseconds.
    RestartPolicy {
        interval: Option<i64> = "Interval",
        attempts: Option<i64> = "Attempts",
        delay: Option<i64> = "Delay",
        mode: Option<String> = "Mode",
        render_templates: Option<bool> = "RenderTemplates",
    }

    /// How a failed allocation is placed again. Times in nanoseconds.
    ReschedulePolicy {
        attempts: Option<i64> = "Attempts",
        interval: Option<i64> = "Interval",
        delay: Option<i64> = "Delay",
        delay_function: Option<String> = "DelayFunction",
        max_delay: Option<i64> = "MaxDelay",
        unlimited: Option<bool> = "Unlimited",
    }

    /// What happens to allocations whose node is out of reach. Times in nanoseconds.
    DisconnectStrategy {
        lost_after: Option<i64> = "LostAfter",
        stop_on_client_after: Option<i64> = "StopOnClientAfter",
        replace: Option<bool> = "Replace",
        reconcile: Option<String> = "Reconcile",
    }

    /// The bounds of a count or resource, and a policy for the autoscaler.
    ScalingPolicy {
        min: Option<i64> = "Min",
        max: Option<i64> = "Max",
        policy: Option<Settings> = "Policy",
        enabled: Option<bool> = "Enabled",
        kind: String = "Type",
        id: String = "ID",
        namespace: String = "Namespace",
        target: Option<super::TextMap> = "Target",
        create_index: u64 = "CreateIndex",
        modify_index: u64 = "ModifyIndex",
    }
}
