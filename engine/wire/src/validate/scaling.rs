//! Horizontal scaling.

use crate::job::TaskGroup;
use crate::problems::Problems;

pub(super) fn policy(group: &TaskGroup) -> Problems {
    let mut problems = Problems::default();
    let Some(policy) = &group.scaling else { return problems };
    let count = group.count.unwrap_or(1);
    if !matches!(policy.kind.as_str(), "" | "horizontal") {
        problems.add(format!("Scaling policy invalid: scaling policy type {:?} is not valid", policy.kind));
    }
    let (min, max) = (policy.min.unwrap_or_default(), policy.max.filter(|max| *max >= 0));
    match max {
        None => {
            problems.add("Scaling policy invalid: maximum count must be specified and non-negative");
        }
        Some(_) if min < 0 => {
            problems.add("Scaling policy invalid: minimum count must be specified and non-negative");
        }
        Some(max) => {
            problems.add_if(max < min, "Scaling policy invalid: maximum count must not be less than minimum count");
        }
    }
    problems.add_if(
        max.is_none_or(|max| count > max),
        "Scaling policy invalid: task group count must not be greater than maximum count in scaling policy",
    );
    problems.add_if(
        min >= 0 && count < min,
        "Scaling policy invalid: task group count must not be less than minimum count in scaling policy",
    );
    problems
}
