//! Why a group could not be placed, in lines for people.

use drover_model::AllocMetric;

/// One line per reason, each behind `prefix`; scores only when asked.
pub fn failure_lines(metric: &AllocMetric, prefix: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut say = |text: String| lines.push(format!("{prefix}{text}"));
    if metric.nodes_evaluated == 0 {
        say("No nodes were eligible for evaluation".to_owned());
    }
    for (datacenter, available) in metric.nodes_available.iter().flatten() {
        if *available == 0 {
            say(format!("No nodes are available in datacenter \"{datacenter}\""));
        }
    }
    if !metric.node_pool.is_empty() && metric.nodes_in_pool == 0 {
        say(format!("No nodes are available in node pool \"{}\"", metric.node_pool));
    }
    for (class, count) in &metric.class_filtered {
        say(format!("Class \"{class}\": {count} nodes excluded by filter"));
    }
    for (constraint, count) in &metric.constraint_filtered {
        say(format!("Constraint \"{constraint}\": {count} nodes excluded by filter"));
    }
    if metric.nodes_exhausted > 0 {
        say(format!("Resources exhausted on {} nodes", metric.nodes_exhausted));
    }
    for (class, count) in &metric.class_exhausted {
        say(format!("Class \"{class}\" exhausted on {count} nodes"));
    }
    for (dimension, count) in &metric.dimension_exhausted {
        say(format!("Dimension \"{dimension}\" exhausted on {count} nodes"));
    }
    for dimension in &metric.quota_exhausted {
        say(format!("Quota limit hit \"{dimension}\""));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_one_line_each() {
        let json = r#"{"NodesEvaluated":1,"NodesInPool":1,"NodePool":"default","NodesAvailable":{"dc1":1},
            "ConstraintFiltered":{"${attr.kernel.name} = windows":1},"NodesExhausted":1,"DimensionExhausted":{"memory":1},
            "ClassFiltered":null,"ClassExhausted":null,"QuotaExhausted":null,"ResourcesExhausted":null,"Scores":null,"ScoreMetaData":null}"#;
        let mut value: serde_json::Value = serde_json::from_str(json).unwrap();
        value.as_object_mut().unwrap().retain(|_, field| !field.is_null());
        let metric: AllocMetric = serde_json::from_value(value).unwrap();
        assert_eq!(
            failure_lines(&metric, "* "),
            [
                "* Constraint \"${attr.kernel.name} = windows\": 1 nodes excluded by filter",
                "* Resources exhausted on 1 nodes",
                "* Dimension \"memory\" exhausted on 1 nodes"
            ]
        );
    }
}
