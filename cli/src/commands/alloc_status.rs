//! `alloc status`: an allocation with its tasks, what they use and what happened to them.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::During;
use crate::output::{Table, ago, bold, bytes, fields, mib, stamp};
use crate::registry::{Invoke, Outcome};
use crate::{output, resolve};
use drover_model::{Allocation, Task, TaskState, UnixNanos};
use drover_sdk::types::{AllocStats, ResourceUsage};
use drover_sdk::{Client, Query};
use serde_json::Value;

/// Shows an allocation.
#[derive(clap::Args)]
#[command(next_help_heading = "Alloc Status Options")]
pub struct AllocStatus {
    #[command(flatten)]
    engine: EngineArgs,
    /// Only the last event of each task.
    #[arg(long)]
    short: bool,
    /// What the tasks use, in detail.
    #[arg(long)]
    stats: bool,
    /// Shows whole ids and times, and how it was placed.
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    format: output::Format,
    #[arg(hide = true)]
    allocation: Vec<String>,
}

impl Invoke for AllocStatus {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        match self.allocation.as_slice() {
            [] if self.format.is_set() => context.block_on(async {
                let allocs: Value = client.get("/v1/allocations", &Query::new()).await.during("Error querying allocations")?.value;
                self.format.print(&allocs)?;
                Ok(0)
            }),
            [typed] => context.block_on(async {
                let stub = resolve::allocation(&client, typed, self.verbose).await?;
                self.show(&client.in_namespace(&stub.namespace), &stub.id).await
            }),
            _ => Err(context.usage(
                "This command takes one of the following argument conditions:\n * A single <allocation>\n * No arguments, with output format specified",
            )),
        }
    }
}

impl AllocStatus {
    /// The options of `status ID`, which shows allocations as this command does.
    pub fn plain(engine: EngineArgs, verbose: bool) -> Self {
        Self { engine, short: false, stats: false, verbose, format: output::Format::default(), allocation: Vec::new() }
    }

    /// One allocation; `id` in full.
    pub async fn show(&self, client: &Client, id: &str) -> Outcome {
        if self.format.is_set() {
            let alloc: Value = client
                .get(&format!("/v1/allocation/{id}"), &Query::new())
                .await
                .during("Error querying allocation")?
                .value;
            self.format.print(&alloc)?;
            return Ok(0);
        }
        let alloc = client.allocation(id, &Query::new()).await.during("Error querying allocation")?.value;
        let now = output::now();
        if self.short {
            output::line(&format!("{}\n\n{}\n{}", short_basics(&alloc, now), bold("Tasks"), short_tasks(&alloc)));
            return Ok(0);
        }
        // A node that cannot be asked leaves the numbers out; everything else is still worth showing.
        let stats = client.allocation_stats(id).await.ok();
        let checks = client.allocation_checks(id).await.unwrap_or_default();
        let mut text = basics(&alloc, self.verbose, now);
        text.push_str(&addresses(&alloc));
        text.push_str(&checks_table(&checks));
        for (name, state) in ordered_tasks(&alloc) {
            text.push_str(&self.task(&alloc, name, state, stats.as_ref()));
        }
        if self.verbose {
            text.push_str(&placement(&alloc));
        }
        output::line(&text);
        Ok(0)
    }

    fn task(&self, alloc: &Allocation, name: &str, state: &TaskState, stats: Option<&AllocStats>) -> String {
        let task = alloc.group().and_then(|group| group.tasks.iter().find(|task| task.name == name));
        let hook =
            task.map(hook_of).filter(|hook| *hook != "main").map(|hook| format!(" ({hook})")).unwrap_or_default();
        let mut text = format!("\n\n{}", bold(&format!("Task \"{name}\"{hook} is \"{}\"", state.state)));
        let usage = stats.and_then(|stats| stats.tasks.get(name)).and_then(|task| task.resource_usage.as_ref());
        text.push_str(&format!("\nTask Resources:\n{}", resources(alloc, name, usage)));
        if let Some(usage) = usage.filter(|_| self.stats) {
            text.push_str(&measured(usage));
        }
        text.push_str(&format!("\n\nTask Events:\n{}", events_head(state)));
        text.push_str(&format!("\n\nRecent Events:\n{}", events(state)));
        text
    }
}

fn basics(alloc: &Allocation, verbose: bool, now: UnixNanos) -> String {
    let time = |at: UnixNanos| if verbose { stamp(at) } else { ago(at, now) };
    let id = |id: &str| output::id(id, verbose).to_owned();
    let mut pairs = vec![
        ("ID", alloc.id.to_string()),
        ("Eval ID", id(&alloc.eval_id)),
        ("Name", alloc.name.clone()),
        ("Node ID", id(&alloc.node_id)),
        ("Node Name", alloc.node_name.clone()),
        ("Job ID", alloc.job_id.to_string()),
        ("Job Version", alloc.job_version().to_string()),
        ("Client Status", alloc.client_status.to_string()),
        ("Client Description", alloc.client_description.clone()),
        ("Desired Status", alloc.desired_status.to_string()),
        ("Desired Description", alloc.desired_description.clone()),
        ("Created", time(alloc.create_time)),
        ("Modified", time(alloc.modify_time)),
    ];
    if !alloc.deployment_id.is_empty() {
        pairs.push(("Deployment ID", id(&alloc.deployment_id)));
        if let Some(status) = &alloc.deployment_status {
            let health = match status.healthy {
                Some(true) => "healthy",
                Some(false) => "unhealthy",
                None => "unset",
            };
            pairs.push(("Deployment Health", health.to_owned()));
            if status.canary {
                pairs.push(("Canary", "true".to_owned()));
            }
        } else {
            pairs.push(("Deployment Health", "unset".to_owned()));
        }
    }
    if !alloc.next_allocation.is_empty() {
        pairs.push(("Replacement Alloc ID", id(&alloc.next_allocation)));
    }
    if !alloc.preempted_by_allocation.is_empty() {
        pairs.push(("Preempted By", id(&alloc.preempted_by_allocation)));
    }
    if let Some(metrics) = alloc.metrics.as_ref().filter(|_| verbose).map(drover_model::PlacementMetric::to_metric) {
        pairs.extend([
            ("Evaluated Nodes", metrics.nodes_evaluated.to_string()),
            ("Filtered Nodes", metrics.nodes_filtered.to_string()),
            ("Exhausted Nodes", metrics.nodes_exhausted.to_string()),
            ("Allocation Time", metrics.allocation_time.to_string()),
            ("Failures", metrics.coalesced_failures.to_string()),
        ]);
    }
    fields(&pairs)
}

fn short_basics(alloc: &Allocation, now: UnixNanos) -> String {
    fields(&[
        ("ID", alloc.id.to_string()),
        ("Name", alloc.name.clone()),
        ("Created", ago(alloc.create_time, now)),
        ("Modified", ago(alloc.modify_time, now)),
    ])
}

/// Tasks in the order they run: prestart, main, poststart, poststop; within one hook by name.
fn ordered_tasks(alloc: &Allocation) -> Vec<(&String, &TaskState)> {
    let rank = |name: &str| {
        let hook =
            alloc.group().and_then(|group| group.tasks.iter().find(|task| task.name == name)).map_or("main", hook_of);
        ["prestart_sidecar", "prestart", "main", "poststart_sidecar", "poststart", "poststop"]
            .iter()
            .position(|known| *known == hook)
    };
    let mut tasks: Vec<_> = alloc.task_states.iter().collect();
    tasks.sort_by_key(|(name, _)| (rank(name), (*name).clone()));
    tasks
}

fn hook_of(task: &Task) -> &str {
    task.lifecycle.as_ref().map_or("main", |lifecycle| match (lifecycle.hook.as_str(), lifecycle.sidecar) {
        ("prestart", true) => "prestart_sidecar",
        ("poststart", true) => "poststart_sidecar",
        ("", _) => "main",
        (hook, _) => hook,
    })
}

fn short_tasks(alloc: &Allocation) -> String {
    let mut table = Table::new(&["Name", "State", "Last Event", "Time", "Lifecycle"]);
    for (name, state) in ordered_tasks(alloc) {
        let hook =
            alloc.group().and_then(|group| group.tasks.iter().find(|task| task.name == *name)).map_or("main", hook_of);
        let last = state.events.last();
        table.row([
            name.clone(),
            state.state.to_string(),
            last.map(|event| event.kind.clone()).unwrap_or_default(),
            last.map(|event| stamp(event.time)).unwrap_or_default(),
            hook.to_owned(),
        ]);
    }
    table.render()
}

fn addresses(alloc: &Allocation) -> String {
    let Some(shared) = alloc.allocated_resources.as_ref().map(|resources| &resources.shared) else {
        return String::new();
    };
    if shared.ports.is_empty() {
        return String::new();
    }
    let mode = shared.networks.first().map(|network| network.mode.as_str()).unwrap_or_default();
    let mode = if mode.is_empty() || mode == "host" { String::new() } else { format!(" (mode = \"{mode}\"):") };
    let title =
        if mode.is_empty() { "Allocation Addresses:".to_owned() } else { format!("Allocation Addresses{mode}") };
    let mut table = Table::new(&["Label", "Dynamic", "Address"]);
    for port in &shared.ports {
        let to = if port.to > 0 { format!(" -> {}", port.to) } else { String::new() };
        table.row([format!("*{}", port.label), "yes".to_owned(), format!("{}:{}{to}", port.host_ip, port.value)]);
    }
    format!("\n\n{}\n{}", bold(&title), table.render())
}

fn checks_table(checks: &Value) -> String {
    let Some(checks) = checks.as_object().filter(|checks| !checks.is_empty()) else { return String::new() };
    let text = |check: &Value, field: &str| check[field].as_str().unwrap_or_default().to_owned();
    let mut rows: Vec<[String; 5]> = checks
        .values()
        .map(|check| {
            let task = text(check, "Task");
            let task = if task.is_empty() { "(group)".to_owned() } else { task };
            [text(check, "Service"), task, text(check, "Check"), text(check, "Mode"), text(check, "Status")]
        })
        .collect();
    rows.sort_unstable();
    let mut table = Table::new(&["Service", "Task", "Name", "Mode", "Status"]);
    for row in rows {
        table.row(row);
    }
    format!("\n\n{}\n{}", bold("Nomad Service Checks:"), table.render())
}

fn resources(alloc: &Allocation, task: &str, usage: Option<&ResourceUsage>) -> String {
    let held = alloc.allocated_resources.as_ref();
    let mine = held.and_then(|resources| resources.tasks.get(task));
    let (mut cpu, mut memory, mut max) = (String::new(), String::new(), String::new());
    if let Some(mine) = mine {
        cpu = mine.cpu.cpu_shares.to_string();
        memory = mib(mine.memory.memory_mb);
        if mine.memory.memory_max_mb > 0 && mine.memory.memory_max_mb != mine.memory.memory_mb {
            max = format!(" Max: {}", mib(mine.memory.memory_max_mb));
        }
    }
    if let Some(usage) = usage {
        cpu = format!("{:.0}/{cpu}", usage.cpu_stats.total_ticks.floor());
        let stats = &usage.memory_stats;
        let used = if stats.rss > 0 { stats.rss } else { stats.usage };
        memory = format!("{}/{memory}", bytes(used));
    }
    let ports: Vec<String> = mine
        .iter()
        .flat_map(|mine| &mine.networks)
        .flat_map(|network| {
            let ports = network.dynamic_ports.iter().chain(&network.reserved_ports);
            ports.map(move |port| format!("{}: {}:{}", port.label, network.ip, port.value))
        })
        .collect();
    let mut ports = ports.into_iter();
    let mut table = Table::with_blanks(&["CPU", "Memory", "Disk", "Addresses"]);
    let disk = mib(held.map_or(0, |resources| resources.shared.disk_mb));
    table.row([format!("{cpu} MHz"), format!("{memory}{max}"), disk, ports.next().unwrap_or_default()]);
    for port in ports {
        table.row([String::new(), String::new(), String::new(), port]);
    }
    table.render()
}

fn measured(usage: &ResourceUsage) -> String {
    let mut text = String::new();
    let memory = &usage.memory_stats;
    let cells: Vec<(&str, String)> = memory
        .measured
        .iter()
        .filter_map(|name| {
            let (heading, value) = match name.as_str() {
                "RSS" => ("RSS", memory.rss),
                "Cache" => ("Cache", memory.cache),
                "Swap" => ("Swap", memory.swap),
                "Usage" => ("Usage", memory.usage),
                "Max Usage" => ("Max Usage", memory.max_usage),
                "Kernel Usage" => ("Kernel Usage", memory.kernel_usage),
                "Kernel Max Usage" => ("Kernel Max Usage", memory.kernel_max_usage),
                _ => return None,
            };
            Some((heading, bytes(value)))
        })
        .collect();
    text.push_str(&stats_table("Memory Stats", &cells));
    let cpu = &usage.cpu_stats;
    let cells: Vec<(&str, String)> = cpu
        .measured
        .iter()
        .filter_map(|name| match name.as_str() {
            "Percent" => Some(("Percent", format!("{:.2}%", cpu.percent))),
            "System Mode" => Some(("System Mode", format!("{:.2}%", cpu.system_mode))),
            "User Mode" => Some(("User Mode", format!("{:.2}%", cpu.user_mode))),
            "Throttled Periods" => Some(("Throttled Periods", cpu.throttled_periods.to_string())),
            "Throttled Time" => Some(("Throttled Time", cpu.throttled_time.to_string())),
            _ => None,
        })
        .collect();
    text.push_str(&stats_table("CPU Stats", &cells));
    text
}

fn stats_table(title: &str, cells: &[(&str, String)]) -> String {
    if cells.is_empty() {
        return String::new();
    }
    let mut cells = cells.to_vec();
    cells.sort();
    let heading: Vec<&str> = cells.iter().map(|(name, _)| *name).collect();
    let mut table = Table::new(&heading);
    table.push(cells.iter().map(|(_, value)| value.clone()).collect());
    format!("\n\n{title}\n{}", table.render())
}

fn events_head(state: &TaskState) -> String {
    fields(&[
        ("Started At", output::wire_stamp_or(state.started_at, "N/A")),
        ("Finished At", output::wire_stamp_or(state.finished_at, "N/A")),
        ("Total Restarts", state.restarts.to_string()),
        ("Last Restart", output::wire_stamp_or(state.last_restart, "N/A")),
    ])
}

fn events(state: &TaskState) -> String {
    let mut table = Table::new(&["Time", "Type", "Description"]);
    for event in state.events.iter().rev() {
        let message = if event.display_message.is_empty() { &event.message } else { &event.display_message };
        table.row([output::stamp_or(event.time, "<none>"), event.kind.clone(), message.replace('\n', " ")]);
    }
    table.render()
}

/// The scores of the nodes that were looked at.
fn placement(alloc: &Allocation) -> String {
    let metrics = alloc.metrics.as_ref().map(drover_model::PlacementMetric::to_metric).unwrap_or_default();
    if metrics.score_meta_data.is_empty() {
        return String::new();
    }
    let mut names: Vec<&String> = metrics.score_meta_data.iter().flat_map(|score| score.scores.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let mut heading = vec!["Node"];
    heading.extend(names.iter().map(|name| name.as_str()));
    heading.push("final score");
    let mut table = Table::new(&heading);
    for score in &metrics.score_meta_data {
        let mut cells = vec![score.node_id.to_string()];
        cells.extend(names.iter().map(|name| score_text(score.scores.get(*name).copied().unwrap_or(0.0))));
        cells.push(score_text(score.norm_score));
        table.push(cells);
    }
    format!("\n\n{}\n{}", bold("Placement Metrics"), table.render())
}

/// Three significant digits, as short as they can be: `0.0626`, `0`.
fn score_text(score: f64) -> String {
    if score == 0.0 {
        return "0".to_owned();
    }
    let digits = (2 - score.abs().log10().floor() as i32).max(0) as usize;
    let text = format!("{score:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_have_three_digits() {
        assert_eq!(score_text(0.062_587), "0.0626");
        assert_eq!(score_text(0.0), "0");
        assert_eq!(score_text(1.0), "1");
        assert_eq!(score_text(-0.5), "-0.5");
    }

    #[test]
    fn resources_without_numbers_show_what_is_held() {
        let alloc: Allocation = serde_json::from_str(
            r#"{"ID":"70daf7ca-bb11-0fba-8796-5c645f6aa6ba","AllocatedResources":{"Tasks":{"t":{"Cpu":{"CpuShares":20},"Memory":{"MemoryMB":16,"MemoryMaxMB":0}}},"Shared":{"DiskMB":300}}}"#,
        )
        .unwrap();
        assert_eq!(resources(&alloc, "t", None), "CPU     Memory  Disk     Addresses\n20 MHz  16 MiB  300 MiB  ");
    }
}
