//! Too many allocations of a group: which ones go.

use super::group::{Sorted, State, in_order};
use super::names::NameIndex;
use super::why;
use drover_base::AllocId;
use drover_model::{AllocClientStatus, Allocation, TaskGroup};
use std::sync::Arc;

impl State<'_, '_> {
    /// Stops lost ones, and as many others as there are too many.
    pub(super) fn stop_surplus(
        &mut self,
        group: &TaskGroup,
        names: &mut NameIndex<'_>,
        sorted: &mut Sorted,
        canarying: bool,
    ) {
        self.stop_lost_ones(group, sorted);
        self.settle_reconnected(group, sorted);

        let is_held = |id: &AllocId| canarying && sorted.canaries.contains_key(id);
        let here = sorted.untainted.keys().filter(|id| !is_held(id)).count() + sorted.migrate.len();
        let mut surplus = here.saturating_sub(group.count as usize);
        if surplus == 0 {
            return;
        }
        let mut picked: Vec<Arc<Allocation>> = Vec::new();
        if !canarying && !sorted.canaries.is_empty() {
            let promoted: Vec<&str> = sorted.canaries.values().map(|alloc| alloc.name.as_str()).collect();
            let twins = sorted.untainted.values().filter(|alloc| {
                !alloc.is_terminal()
                    && !sorted.canaries.contains_key(&alloc.id)
                    && promoted.contains(&alloc.name.as_str())
            });
            picked.extend(twins.take(surplus).cloned());
            surplus -= picked.len();
        }
        if surplus > 0 && !sorted.migrate.is_empty() {
            let highest = NameIndex::new(&self.job.id, group, sorted.migrate.values()).highest(surplus);
            for alloc in sorted.migrate.values().filter(|alloc| highest.contains(&alloc.name)) {
                if surplus == 0 {
                    break;
                }
                names.release(alloc);
                picked.push(Arc::clone(alloc));
                surplus -= 1;
            }
        }
        // Failed ones that wait for their replacement go before those that run.
        let waits =
            |alloc: &Allocation| alloc.client_status == AllocClientStatus::Failed && !alloc.is_server_terminal();
        let mut rest: Vec<Arc<Allocation>> = sorted
            .untainted
            .values()
            .filter(|alloc| !alloc.is_terminal() || waits(alloc))
            .filter(|alloc| !is_held(&alloc.id) && !picked.iter().any(|p| p.id == alloc.id))
            .cloned()
            .collect();
        if surplus > 0 {
            let failed = rest.iter().filter(|alloc| waits(alloc)).count();
            let highest = names.highest(surplus.saturating_sub(failed));
            // Those with the highest numbers first, then whatever shares a name.
            rest.sort_by_key(|alloc| (!waits(alloc), !highest.contains(&alloc.name)));
            picked.extend(rest.into_iter().take(surplus));
        }
        for alloc in &picked {
            self.out.stop(alloc, why::NOT_NEEDED);
            sorted.untainted.remove(&alloc.id);
            sorted.migrate.remove(&alloc.id);
        }
        self.out.desired(&group.name).stop += picked.len() as u64;
    }

    /// Failed ones are only replaced as far as the count asks for them.
    pub(super) fn forget_surplus_failures(&mut self, group: &TaskGroup, sorted: &mut Sorted) {
        let here = sorted.untainted.len() + sorted.migrate.len();
        let wanted = (group.count as usize).saturating_sub(here);
        let surplus: Vec<_> = in_order(&sorted.now).into_iter().skip(wanted).collect();
        for alloc in surplus {
            sorted.now.remove(&alloc.id);
            if alloc.is_server_terminal() {
                self.out.desired(&group.name).ignore += 1;
            } else {
                self.out.stop(&alloc, why::NOT_NEEDED);
                self.out.desired(&group.name).stop += 1;
            }
        }
    }

    /// An allocation that came back while its replacement runs: one of the two is stopped.
    fn settle_reconnected(&mut self, group: &TaskGroup, sorted: &mut Sorted) {
        let Some(disconnect) = &group.disconnect else { return };
        let is_running =
            |alloc: &Allocation| !alloc.is_server_terminal() && alloc.client_status == AllocClientStatus::Running;
        let pairs: Vec<(Arc<Allocation>, Arc<Allocation>)> = sorted
            .untainted
            .values()
            .filter_map(|replacement| {
                let original = sorted.untainted.get(&replacement.previous_allocation)?;
                (is_running(original) && !replacement.is_terminal() && !original.followup_eval_id.is_empty())
                    .then(|| (Arc::clone(original), Arc::clone(replacement)))
            })
            .collect();
        for (original, replacement) in pairs {
            let keep_original = match disconnect.reconcile.as_str() {
                "keep_replacement" => false,
                "keep_original" => true,
                "longest_running" => original.create_time <= replacement.create_time,
                _ => best_score(&original) >= best_score(&replacement),
            };
            let keep_original = keep_original && original.job_version() == self.job.version
                || replacement.client_status != AllocClientStatus::Running
                    && original.job_version() == self.job.version;
            let stopped = if keep_original { replacement } else { original };
            self.out.stop(&stopped, why::RECONNECTED);
            self.out.desired(&group.name).stop += 1;
            self.out.desired(&group.name).reconnect += u64::from(keep_original);
            sorted.untainted.remove(&stopped.id);
        }
    }
}

fn best_score(alloc: &Allocation) -> f64 {
    alloc.metrics.as_ref().and_then(|metric| metric.norm_score_of(&alloc.node_id)).unwrap_or(0.0)
}
