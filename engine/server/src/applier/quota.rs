//! Quotas when plans are committed: two plans that were made at the same time must not exceed one together. Pure.

use drover_model::quota::{QuotaAmounts, QuotaHeld, QuotaSpec};
use drover_model::{AllocId, Allocation, PlacementPlan};

/// Whether what a plan places would exceed the quota. `held`: by what is committed; `pending`: allocations on their
/// way, of all namespaces of the quota, with the pool of their job; `is_known`: whether an allocation is committed.
pub fn is_exceeded(
    quota: &QuotaSpec,
    mut held: QuotaHeld,
    pending: &[(String, &Allocation)],
    plan: &PlacementPlan,
    is_known: impl Fn(&AllocId) -> bool,
) -> bool {
    let Some(job) = &plan.job else { return false };
    let amounts = |alloc: &Allocation| alloc.allocated_resources.as_deref().map(QuotaAmounts::of_alloc);
    for (pool, alloc) in pending.iter().filter(|(_, alloc)| !is_known(&alloc.id)) {
        amounts(alloc).iter().for_each(|amounts| held.add(pool, amounts));
    }
    for stopped in plan.node_update.values().flatten() {
        amounts(stopped).iter().for_each(|amounts| held.remove(&job.node_pool, amounts));
    }
    let mut asked = QuotaAmounts::default();
    for placed in plan.node_allocation.values().flatten().filter(|alloc| !is_known(&alloc.id)) {
        amounts(placed).iter().for_each(|amounts| asked.add(amounts));
    }
    !quota.exceeded(&job.region, &job.node_pool, &held, &asked).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use drover_model::quota::{QuotaLimit, QuotaResources};
    use drover_model::{AllocatedResources, AllocatedTaskResources, Job};
    use std::sync::Arc;

    fn alloc(id: &str, cpu: i64) -> Allocation {
        let mut task = AllocatedTaskResources::default();
        task.cpu.cpu_shares = cpu;
        let mut resources = AllocatedResources::default();
        resources.tasks.insert("t".into(), task);
        Allocation { id: id.into(), allocated_resources: Some(Arc::new(resources)), ..Allocation::default() }
    }

    #[test]
    fn what_is_on_its_way_counts_once() {
        let region_limit = Some(QuotaResources { cpu: Some(300), ..QuotaResources::default() });
        let limit = QuotaLimit { region: "global".into(), region_limit, ..QuotaLimit::default() };
        let quota = QuotaSpec { name: "q".into(), limits: vec![limit], ..QuotaSpec::default() };
        let mut held = QuotaHeld::default();
        held.add("default", &QuotaAmounts { cpu: 100, ..QuotaAmounts::default() });
        let job = Job { region: "global".into(), node_pool: "default".into(), ..Job::default() };
        let mut plan = PlacementPlan { job: Some(Arc::new(job)), ..PlacementPlan::default() };
        plan.place(alloc("new", 100));
        let pending = alloc("pending", 100);
        let on_its_way = [("default".to_owned(), &pending)];
        assert!(!is_exceeded(&quota, held.clone(), &on_its_way, &plan, |_| false));
        plan.place(alloc("more", 1));
        assert!(is_exceeded(&quota, held.clone(), &on_its_way, &plan, |_| false));
        assert!(!is_exceeded(&quota, held, &on_its_way, &plan, |id| **id == *"pending"), "it is committed already");
    }
}
