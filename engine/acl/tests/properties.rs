//! What must hold for every set of policies.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use drover_acl::{Acl, Capability, NamespaceCapability, Policy, VariableCapability, glob_matches};
use proptest::prelude::*;

/// A name of a namespace, or a pattern of some.
fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "ab", "abc", "a*", "ab*", "*c", "*", "a*c", "b"]).prop_map(str::to_owned)
}

fn capability() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["read-job", "list-jobs", "submit-job", "read-logs", "scale-job", "deny"])
}

fn namespace_rule() -> impl Strategy<Value = String> {
    (
        name(),
        prop::collection::vec(capability(), 0..3),
        prop::option::of(prop::sample::select(vec!["read", "write", "deny"])),
    )
        .prop_map(|(name, capabilities, shorthand)| {
            let list: Vec<String> = capabilities.iter().map(|capability| format!("{capability:?}")).collect();
            let policy = shorthand.map(|policy| format!("policy = \"{policy}\"")).unwrap_or_default();
            format!("namespace \"{name}\" {{ capabilities = [{}] {policy} }}", list.join(", "))
        })
}

fn coarse_rule() -> impl Strategy<Value = String> {
    let kind = prop::sample::select(vec!["node", "agent", "quota"]);
    let level = prop::sample::select(vec!["read", "write", "deny"]);
    (kind, level).prop_map(|(kind, level)| format!("{kind} {{ policy = \"{level}\" }}"))
}

fn policy() -> impl Strategy<Value = Policy> {
    let rules = (prop::collection::vec(namespace_rule(), 0..4), prop::option::of(coarse_rule()));
    rules.prop_map(|(namespaces, coarse)| {
        let text: Vec<String> = namespaces.into_iter().chain(coarse).collect();
        Policy::parse(&text.join("\n")).unwrap()
    })
}

/// Everything that can be asked, as answers in a fixed order.
fn answers(acl: &Acl) -> Vec<bool> {
    let mut answers = vec![
        acl.can_read_node(),
        acl.can_write_node(),
        acl.can_read_agent(),
        acl.can_write_agent(),
        acl.can_read_quota(),
        acl.can_write_quota(),
    ];
    for namespace in ["a", "ab", "abc", "abcc", "b", "c", "xyz", "*"] {
        answers.push(acl.allows_namespace(namespace));
        answers.extend(NamespaceCapability::ALL.iter().map(|capability| acl.allows(namespace, *capability)));
    }
    answers
}

proptest! {
    #[test]
    fn the_order_of_policies_does_not_matter(mut policies in prop::collection::vec(policy(), 0..5), seed in any::<u64>()) {
        let before = answers(&Acl::new(&policies));
        // Any permutation will do.
        let count = policies.len().max(1);
        policies.rotate_left(usize::try_from(seed % count as u64).unwrap());
        policies.reverse();
        prop_assert_eq!(before, answers(&Acl::new(&policies)));
    }

    #[test]
    fn the_same_policy_twice_is_that_policy(policy in policy()) {
        prop_assert_eq!(answers(&Acl::new([&policy])), answers(&Acl::new([&policy, &policy])));
    }

    #[test]
    fn who_is_denied_by_name_may_do_nothing_there(policies in prop::collection::vec(policy(), 0..5)) {
        let deny = Policy::parse("namespace \"ab\" { policy = \"deny\" }\nnode { policy = \"deny\" }").unwrap();
        let acl = Acl::new(policies.iter().chain([&deny]));
        prop_assert!(!acl.allows_namespace("ab"));
        for capability in NamespaceCapability::ALL {
            prop_assert!(!acl.allows("ab", *capability));
        }
        prop_assert!(!acl.can_read_node() && !acl.can_write_node());
    }

    #[test]
    fn more_rules_without_denial_never_take_a_right_by_name(policies in prop::collection::vec(policy(), 0..4)) {
        let text = "namespace \"exact\" { policy = \"read\" }";
        let own = Policy::parse(text).unwrap();
        let acl = Acl::new(policies.iter().chain([&own]));
        prop_assert!(acl.allows("exact", NamespaceCapability::ReadJob), "patterns never beat the exact name");
    }

    #[test]
    fn management_may_everything(namespace in "[a-z*]{0,8}", path in "[a-z/]{1,8}") {
        let acl = Acl::management();
        prop_assert!(answers(&acl).iter().all(|may| *may));
        prop_assert!(acl.allows(&namespace, NamespaceCapability::AllocExec));
        prop_assert!(acl.allows_variable(&namespace, &path, VariableCapability::Destroy));
    }

    #[test]
    fn patterns_match_as_the_naive_search_does(pattern in "[ab*]{0,6}", name in "[ab]{0,8}") {
        fn naive(pattern: &[u8], name: &[u8]) -> bool {
            match pattern.split_first() {
                None => name.is_empty(),
                Some((b'*', rest)) => (0..=name.len()).any(|skipped| naive(rest, &name[skipped..])),
                Some((first, rest)) => name.first() == Some(first) && naive(rest, &name[1..]),
            }
        }
        prop_assert_eq!(glob_matches(&pattern, &name), naive(pattern.as_bytes(), name.as_bytes()));
    }

    #[test]
    fn rules_never_panic(text in "(namespace|node|variables|path|policy|capabilities|[ \n\"{}\\[\\]=,*#/<a-z-]){0,60}") {
        let _ = Policy::parse(&text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = Policy::parse(&text);
    }
}
