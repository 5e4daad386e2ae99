//! The rule language, by example.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use drover_acl::{
    Acl, HostVolumeCapability, NamespaceCapability as Ns, NodePoolCapability, OperatorCapability, Policy,
    VariableCapability,
};

fn acl(texts: &[&str]) -> Acl {
    let policies: Vec<Policy> = texts.iter().map(|text| Policy::parse(text).unwrap()).collect();
    Acl::new(&policies)
}

fn refused(text: &str) -> String {
    Policy::parse(text).unwrap_err().to_string()
}

#[test]
fn the_exact_namespace_beats_the_closest_pattern_beats_the_others() {
    let acl = acl(&[
        "namespace \"*\" { policy = \"deny\" }",
        "namespace \"prod-*\" { policy = \"read\" }",
        "namespace \"prod-api\" { policy = \"write\" }",
    ]);
    assert!(acl.allows("prod-api", Ns::SubmitJob));
    assert!(acl.allows("prod-web", Ns::ReadJob) && !acl.allows("prod-web", Ns::SubmitJob));
    assert!(!acl.allows_namespace("dev"));
    assert!(acl.allows("*", Ns::SubmitJob), "of all namespaces, some");
    assert!(!acl.allows_everywhere(Ns::ReadJob));
}

#[test]
fn of_equally_close_patterns_the_last_in_the_alphabet_wins() {
    let acl = acl(&["namespace \"a*\" { policy = \"read\" }\nnamespace \"*b\" { policy = \"deny\" }"]);
    assert!(acl.allows("ab", Ns::ReadJob));
}

#[test]
fn variables_are_found_by_namespace_and_path() {
    let rules = r#"
        namespace "default" {
          variables {
            path "app/*"      { capabilities = ["read", "write"] }
            path "app/hidden" { capabilities = ["deny"] }
            path "app/x*"     { capabilities = ["list"] }
          }
        }
        namespace "*" { variables { path "shared" { capabilities = ["read"] } } }
    "#;
    let acl = acl(&[rules]);
    let may = |namespace, path, capability| acl.allows_variable(namespace, path, capability);
    assert!(may("default", "app/db", VariableCapability::Write));
    assert!(may("default", "app/db", VariableCapability::List), "who reads may list");
    assert!(!may("default", "app/db", VariableCapability::Destroy));
    assert!(!may("default", "app/hidden", VariableCapability::Read));
    assert!(!may("default", "app/x1", VariableCapability::Read), "the closer pattern alone counts");
    assert!(may("other", "shared", VariableCapability::Read));
    assert!(!may("other", "app/db", VariableCapability::Read));
    assert!(acl.allows_variable_search("default"));
}

#[test]
fn capabilities_bring_others_along() {
    let acl = acl(&[r#"
        namespace "a" { capabilities = ["submit-job"] }
        namespace "b" { capabilities = ["host-volume-write"] }
        namespace "c" { capabilities = ["read-fs"] }
        namespace "d" { capabilities = ["purge-job"] }
    "#]);
    for capability in [Ns::RegisterJob, Ns::PlanJob, Ns::PurgeJob, Ns::ScaleJob, Ns::PromoteDeployment, Ns::ParseJob] {
        assert!(acl.allows("a", capability), "{capability:?}");
    }
    for capability in [Ns::ReadJob, Ns::DispatchJob, Ns::AllocExec, Ns::AllocLifecycle] {
        assert!(!acl.allows("a", capability), "{capability:?}");
    }
    assert!(acl.allows("b", Ns::HostVolumeRead) && acl.allows("b", Ns::HostVolumeDelete));
    assert!(acl.allows("c", Ns::ReadLogs));
    assert!(acl.allows("d", Ns::DeregisterJob) && !acl.allows("d", Ns::RegisterJob));
}

#[test]
fn coarse_rules_merge_to_the_highest_and_denial_wins() {
    let both = acl(&["node { policy = \"read\" }", "node { policy = \"write\" }", "operator { policy = \"read\" }"]);
    assert!(both.can_write_node());
    assert!(both.can_read_operator() && !both.can_write_operator());
    assert!(both.allows_operator(OperatorCapability::KeyringRead));
    assert!(!both.allows_operator(OperatorCapability::SnapshotSave));
    let denied = acl(&["node { policy = \"write\" }", "node { policy = \"deny\" }"]);
    assert!(!denied.can_read_node());
    let plugins = acl(&["plugin { policy = \"list\" }"]);
    assert!(plugins.can_list_plugin() && !plugins.can_read_plugin());
}

#[test]
fn pools_and_host_volumes_have_patterns_too() {
    let acl = acl(&["node_pool \"gpu*\" { policy = \"read\" }\nhost_volume \"data-*\" { policy = \"read\" }"]);
    assert!(acl.allows_node_pool("gpu-1", NodePoolCapability::Read));
    assert!(!acl.allows_node_pool("gpu-1", NodePoolCapability::Write));
    assert!(!acl.allows_node_pool("cpu", NodePoolCapability::Read));
    assert!(acl.allows_host_volume("data-1", HostVolumeCapability::MountReadonly));
    assert!(!acl.allows_host_volume("data-1", HostVolumeCapability::MountReadwrite));
}

#[test]
fn json_is_a_rule_language_too() {
    let acl = acl(&[r#"{"namespace": {"default": {"policy": "read"}}, "node": {"policy": "write"}}"#]);
    assert!(acl.allows("default", Ns::ReadJob) && acl.can_write_node());
}

#[test]
fn what_is_wrong_is_said() {
    assert!(refused("namespace {{{").starts_with("Failed to parse ACL Policy: At 1:12: expected: IDENT | STRING"));
    assert!(refused("namespace \"a\" { policy = \"magic\" }").starts_with("Invalid namespace policy: &acl.Namespace"));
    assert_eq!(refused("foo \"x\" { policy = \"read\" }"), "Invalid policy: foo \"x\" { policy = \"read\" }");
    assert_eq!(refused("node { policy = \"read\" }\nfoo {}"), "Invalid or duplicate policy keys: foo");
    assert_eq!(
        refused("node { policy = \"read\" }\nnode { policy = \"read\" }"),
        "Invalid or duplicate policy keys: node"
    );
    let text = "namespace \"a\" { variables { path \"/x\" { capabilities = [\"read\"] } } }";
    assert_eq!(refused(text), "Invalid variable path \"/x\" in namespace a: cannot start with a leading '/'`");
    assert_eq!(refused("operator { capabilities = [\"x\"] }"), "Invalid operator capability 'x'");
    assert_eq!(refused("node_pool \"a b\" { policy = \"read\" }"), "Invalid node pool name 'a b'");
    assert!(Policy::parse("").is_ok(), "no rules are fine, and allow nothing");
}

#[test]
fn shorthands_are_shown_expanded() {
    let policy = Policy::parse("namespace \"a\" { policy = \"scale\" capabilities = [\"read-fs\"] }").unwrap();
    let json = serde_json::to_value(&policy).unwrap();
    assert_eq!(json["Namespaces"][0]["Capabilities"][0], "read-fs");
    assert_eq!(json["Namespaces"][0]["Capabilities"][4], "scale-job");
    assert_eq!(json["Node"], serde_json::Value::Null);
}
