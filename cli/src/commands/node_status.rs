//! `node status`: all nodes, or one with its drivers, resources and allocations.

use crate::browser::Pages;
use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::During;
use crate::output::{Table, bold, bytes, fields, mib};
use crate::registry::{Invoke, Outcome};
use crate::{output, resolve};
use drover_model::Node;
use drover_sdk::types::{AllocStats, AllocStub, HostStats};
use drover_sdk::{Client, Query};
use serde_json::Value;

/// Shows nodes.
#[derive(clap::Args)]
#[command(next_help_heading = "Node Status Options")]
pub struct NodeStatus {
    #[command(flatten)]
    engine: ServerArgs,
    /// The node of the agent at the address.
    #[arg(long = "self")]
    own: bool,
    /// What the machine does, in detail.
    #[arg(long)]
    stats: bool,
    /// The number of running allocations of each node.
    #[arg(long)]
    allocs: bool,
    /// Less about the node.
    #[arg(long)]
    short: bool,
    /// Shows whole ids, attributes and meta.
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    format: output::Format,
    /// Only ids.
    #[arg(long)]
    quiet: bool,
    /// Opens the node in the web interface of the engine, where it has one.
    #[arg(long)]
    ui: bool,
    /// How many at most.
    #[arg(long = "per-page", value_name = "count")]
    per_page: Option<u64>,
    /// Where to go on; what the page before said.
    #[arg(long = "page-token", value_name = "token")]
    page_token: Option<String>,
    /// The operating system of each node.
    #[arg(long)]
    os: bool,
    /// Only those that match.
    #[arg(long, value_name = "expression")]
    filter: Option<String>,
    #[arg(hide = true)]
    node: Vec<String>,
}

impl Invoke for NodeStatus {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let id = match (self.node.as_slice(), self.own) {
                ([], true) => resolve::own_node(&client).await?,
                ([], false) => return self.list(&client).await,
                ([typed], _) => resolve::node(&client, typed, self.verbose).await?.id,
                _ => return Err(context.usage("This command takes either one or no arguments")),
            };
            if self.ui {
                Pages::of(&client).await?.open(&format!("clients/{id}"));
            }
            self.show(&client, &id).await
        })
    }
}

impl NodeStatus {
    /// The options of `status ID`, which shows nodes as this command does.
    pub fn plain(engine: ServerArgs, verbose: bool) -> Self {
        Self {
            engine,
            own: false,
            stats: false,
            allocs: false,
            short: false,
            verbose,
            format: output::Format::default(),
            quiet: false,
            ui: false,
            per_page: None,
            page_token: None,
            os: false,
            filter: None,
            node: Vec::new(),
        }
    }

    async fn list(&self, client: &Client) -> Outcome {
        let mut query = self.filter.as_ref().map_or_else(Query::new, |filter| Query::new().filter(filter));
        if self.os {
            query = query.param("os", "true");
        }
        if let Some(count) = self.per_page {
            query = query.param("per_page", count.to_string());
        }
        if let Some(token) = &self.page_token {
            query = query.param("next_token", token.as_str());
        }
        if self.format.is_set() {
            let nodes: Value = client.get("/v1/nodes", &query).await.during("Error querying node status")?.value;
            self.format.print(&nodes)?;
            return Ok(0);
        }
        let answer = client.nodes(&query).await.during("Error querying node status")?;
        let (nodes, next_token) = (answer.value, answer.next_token);
        if nodes.is_empty() {
            output::line("No nodes registered");
            return Ok(0);
        }
        if self.quiet {
            nodes.iter().for_each(|node| output::line(output::id(&node.id, self.verbose)));
            return Ok(0);
        }
        let mut heading = vec!["ID", "Node Pool", "DC", "Name", "Class"];
        if self.os {
            heading.push("OS");
        }
        if self.verbose {
            heading.extend(["Address", "Version"]);
        }
        heading.extend(["Drain", "Eligibility", "Status"]);
        if self.allocs {
            heading.push("Running Allocs");
        }
        let mut table = Table::new(&heading);
        for node in nodes {
            let mut cells = vec![
                output::id(&node.id, self.verbose).to_owned(),
                node.node_pool,
                node.datacenter,
                node.name,
                node.node_class,
            ];
            if self.os {
                cells.push(node.attributes.get("os.name").cloned().unwrap_or_default());
            }
            if self.verbose {
                cells.extend([node.address, node.version]);
            }
            cells.extend([node.drain.to_string(), node.scheduling_eligibility, node.status]);
            if self.allocs {
                let allocs = client
                    .node_allocations(&node.id, &Query::new())
                    .await
                    .during("Error querying node allocations")?
                    .value;
                cells.push(allocs.iter().filter(|alloc| alloc.client_status.as_str() == "running").count().to_string());
            }
            table.push(cells);
        }
        output::line(&table.render());
        if !next_token.is_empty() {
            output::line(&format!(
                "\nResults have been paginated. To get the next page run with -page-token {next_token}"
            ));
        }
        Ok(0)
    }

    /// One node; `id` in full.
    pub async fn show(&self, client: &Client, id: &str) -> Outcome {
        if self.format.is_set() {
            let node: Value =
                client.get(&format!("/v1/node/{id}"), &Query::new()).await.during("Error querying node info")?.value;
            self.format.print(&node)?;
            return Ok(0);
        }
        let node = client.node(id, &Query::new()).await.during("Error querying node info")?.value;
        let allocs = client.node_allocations(id, &Query::new()).await.during("Error querying node allocations")?.value;
        let mut stubs: Vec<AllocStub> = allocs.iter().map(stub_of).collect();
        stubs.sort_by_key(|alloc| std::cmp::Reverse(alloc.create_index));
        // A node that cannot be asked leaves the numbers out; everything else is still worth showing.
        let stats = client.node_stats(id).await.ok();
        let mut text = self.basics(&node, stats.as_ref());
        if !self.short {
            if self.verbose {
                text.push_str(&drivers(&node));
            }
            text.push_str(&events(&node, self.verbose));
            text.push_str(&allocated(&node, &allocs));
            text.push_str(&self.utilization(client, &node, &allocs, stats.as_ref()).await);
            if let Some(stats) = stats.as_ref().filter(|_| self.stats) {
                text.push_str(&host(stats));
            }
        }
        let table = output::alloc_table::of_node(&stubs, self.verbose, output::now());
        text.push_str(&format!("\n\n{}\n{table}", bold("Allocations")));
        if self.verbose {
            text.push_str(&map_section("Attributes", &node.attributes));
            text.push_str(&map_section("Meta", &node.meta));
        }
        output::line(&text);
        Ok(0)
    }

    fn basics(&self, node: &Node, stats: Option<&HostStats>) -> String {
        let names = |names: Vec<&String>| names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(",");
        let drivers: Vec<String> = node
            .drivers
            .iter()
            .filter(|(_, driver)| driver.detected)
            .map(
                |(name, driver)| {
                    if driver.healthy || self.short { name.clone() } else { format!("{name} (unhealthy)") }
                },
            )
            .collect();
        let mut pairs = vec![
            ("ID", node.id.to_string()),
            ("Name", node.name.clone()),
            ("Node Pool", node.node_pool.clone()),
            ("Class", node.node_class.clone()),
            ("DC", node.datacenter.clone()),
            (
                "Drain",
                node.drain_strategy.as_ref().map_or_else(
                    || "false".to_owned(),
                    |drain| {
                        let deadline = output::wire_stamp_or(Some(drain.force_deadline), "");
                        if deadline.is_empty() {
                            "true; force drain".to_owned()
                        } else {
                            format!("true; {deadline} deadline")
                        }
                    },
                ),
            ),
            ("Eligibility", node.scheduling_eligibility.to_string()),
            ("Status", node.status.to_string()),
            ("CSI Controllers", names(node.csi_controller_plugins.keys().collect())),
            ("CSI Drivers", names(node.csi_node_plugins.keys().collect())),
        ];
        if let Some(stats) = stats.filter(|_| !self.short) {
            let seconds = i64::try_from(stats.uptime).unwrap_or(i64::MAX);
            pairs.push(("Uptime", drover_base::Nanos::from_secs(seconds).to_string()));
        }
        if self.short || !self.verbose {
            pairs.extend([
                ("Host Volumes", names(node.host_volumes.keys().collect())),
                ("Host Networks", names(node.host_networks.keys().collect())),
                ("CSI Volumes", String::new()),
                (if self.short { "Drivers" } else { "Driver Status" }, drivers.join(",")),
            ]);
        }
        fields(&pairs)
    }

    async fn utilization(
        &self,
        client: &Client,
        node: &Node,
        allocs: &[drover_model::Allocation],
        stats: Option<&HostStats>,
    ) -> String {
        let Some(stats) = stats else { return String::new() };
        let (has, kept) = (&node.node_resources, &node.reserved_resources);
        let total = has.cpu.cpu_shares;
        let for_tasks = total - kept.cpu.cpu_shares;
        let memory = u64::try_from(has.memory.memory_mb - kept.memory.memory_mb).unwrap_or(0) * 1024 * 1024;
        let (mut cpu_used, mut memory_used) = (0.0, 0);
        for alloc in allocs.iter().filter(|alloc| alloc.client_status.as_str() == "running") {
            if let Ok(AllocStats { resource_usage: Some(usage), .. }) = client.allocation_stats(&alloc.id).await {
                cpu_used += usage.cpu_stats.total_ticks;
                let held = &usage.memory_stats;
                memory_used += if held.rss > 0 { held.rss } else { held.usage };
            }
        }
        let mut table = Table::new(&["CPU", "Memory"]);
        table.row([
            format!("{:.0}/{for_tasks} MHz", cpu_used.floor()),
            format!("{}/{}", bytes(memory_used), bytes(memory)),
        ]);
        let mut text = format!("\n\n{}\n{}", bold("Allocation Resource Utilization"), table.render());
        let disk =
            stats.disk_stats.iter().find(|disk| node.attributes.get("unique.storage.volume") == Some(&disk.device));
        let mut table = Table::with_blanks(&["CPU", "Memory", "Disk"]);
        let disk = disk.map(|disk| format!("{}/{}", bytes(disk.used), bytes(disk.size))).unwrap_or_default();
        table.row([
            format!("{:.0}/{total} MHz", stats.cpu_ticks_consumed.floor()),
            format!("{}/{}", bytes(stats.memory.used), bytes(stats.memory.total)),
            disk,
        ]);
        text.push_str(&format!("\n\n{}\n{}", bold("Host Resource Utilization"), table.render()));
        text
    }
}

fn stub_of(alloc: &drover_model::Allocation) -> AllocStub {
    AllocStub {
        id: alloc.id.to_string(),
        eval_id: alloc.eval_id.to_string(),
        node_id: alloc.node_id.to_string(),
        node_name: alloc.node_name.clone(),
        task_group: alloc.task_group.clone(),
        job_version: alloc.job_version(),
        desired_status: alloc.desired_status.to_string(),
        client_status: alloc.client_status.to_string(),
        create_index: alloc.create_index,
        create_time: alloc.create_time,
        modify_time: alloc.modify_time,
        ..AllocStub::default()
    }
}

fn drivers(node: &Node) -> String {
    let mut table = Table::new(&["Driver", "Detected", "Healthy", "Message", "Time"]);
    for (name, driver) in &node.drivers {
        let time = output::wire_stamp_or(Some(driver.update_time), "<none>");
        table.row([
            name.clone(),
            driver.detected.to_string(),
            driver.healthy.to_string(),
            driver.health_description.clone(),
            time,
        ]);
    }
    format!("\n\n{}\n{}", bold("Drivers"), table.render())
}

fn events(node: &Node, verbose: bool) -> String {
    let mut table = if verbose {
        Table::new(&["Time", "Subsystem", "Message", "Details"])
    } else {
        Table::new(&["Time", "Subsystem", "Message"])
    };
    for event in node.events.iter().rev() {
        let subsystem = match event.details.get("driver") {
            Some(driver) => format!("Driver: {driver}"),
            None => event.subsystem.clone(),
        };
        let mut cells = vec![output::wire_stamp_or(Some(event.timestamp), "<none>"), subsystem, event.message.clone()];
        if verbose {
            cells.push(
                event.details.iter().map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>().join(", "),
            );
        }
        table.push(cells);
    }
    format!("\n\n{}\n{}", bold("Node Events"), table.render())
}

fn allocated(node: &Node, allocs: &[drover_model::Allocation]) -> String {
    let (mut cpu, mut memory, mut disk, mut count) = (0, 0, 0, 0);
    for alloc in allocs.iter().filter(|alloc| !alloc.is_client_terminal()) {
        let Some(held) = &alloc.allocated_resources else { continue };
        count += 1;
        disk += held.shared.disk_mb;
        for task in held.tasks.values() {
            cpu += task.cpu.cpu_shares;
            memory += task.memory.memory_mb;
        }
    }
    let (has, kept) = (&node.node_resources, &node.reserved_resources);
    let mut table = Table::new(&["CPU", "Memory", "Disk", "Alloc Count"]);
    table.row([
        format!("{cpu}/{} MHz", has.cpu.cpu_shares - kept.cpu.cpu_shares),
        format!("{}/{}", mib(memory), mib(has.memory.memory_mb - kept.memory.memory_mb)),
        format!("{}/{}", mib(disk), mib(has.disk.disk_mb - kept.disk.disk_mb)),
        count.to_string(),
    ]);
    format!("\n\n{}\n{}", bold("Allocated Resources"), table.render())
}

fn host(stats: &HostStats) -> String {
    let percent = |value: f64| format!("{value:.2}%");
    let cores: Vec<String> = stats
        .cpu
        .iter()
        .map(|core| {
            fields(&[
                ("CPU", core.cpu.clone()),
                ("User", percent(core.user)),
                ("System", percent(core.system)),
                ("Idle", percent(core.idle)),
            ])
        })
        .collect();
    let memory = &stats.memory;
    let memory = fields(&[
        ("Total", bytes(memory.total)),
        ("Available", bytes(memory.available)),
        ("Used", bytes(memory.used)),
        ("Free", bytes(memory.free)),
    ]);
    let disks: Vec<String> = stats
        .disk_stats
        .iter()
        .map(|disk| {
            fields(&[
                ("Device", disk.device.clone()),
                ("MountPoint", disk.mountpoint.clone()),
                ("Size", bytes(disk.size)),
                ("Used", bytes(disk.used)),
                ("Available", bytes(disk.available)),
                ("Used Percent", percent(disk.used_percent)),
                ("Inodes Percent", percent(disk.inodes_used_percent)),
            ])
        })
        .collect();
    format!(
        "\n\n{}\n{}\n\n{}\n{memory}\n\n{}\n{}",
        bold("CPU Stats"),
        cores.join("\n\n"),
        bold("Memory Stats"),
        bold("Disk Stats"),
        disks.join("\n\n")
    )
}

fn map_section(title: &str, map: &drover_model::TextMap) -> String {
    let pairs: Vec<(&str, String)> = map.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    format!("\n\n{}\n{}", bold(title), fields(&pairs))
}
