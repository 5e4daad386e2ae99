//! The job block.

use drover_hcl::schema::Schema;
use drover_hcl::{Block, Diagnostic};
use drover_wire::job::{
    Job, JobUiConfig, JobUiLink, Multiregion, MultiregionRegion, MultiregionStrategy, ParameterizedJobConfig,
    PeriodicConfig, Secret, Task, TaskGroup, Vault,
};

use super::{Decoder, Item, Scope};

const JOB: Schema = Schema::attributes(&[
    "region",
    "namespace",
    "id",
    "name",
    "type",
    "priority",
    "all_at_once",
    "datacenters",
    "node_pool",
    "meta",
])
.with_blocks(&[
    ("constraint", &[]),
    ("affinity", &[]),
    ("group", &["name"]),
    ("task", &["name"]),
    ("update", &[]),
    ("multiregion", &[]),
    ("spread", &[]),
    ("periodic", &[]),
    ("parameterized", &[]),
    ("reschedule", &[]),
    ("migrate", &[]),
    ("meta", &[]),
    ("ui", &[]),
    ("vault", &[]),
    ("secret", &["name"]),
])
.with_dynamic();
const PERIODIC: Schema = Schema::attributes(&["enabled", "cron", "crons", "prohibit_overlap", "time_zone"]);
const PARAMETERIZED: Schema = Schema::attributes(&["payload", "meta_required", "meta_optional"]);
const UI: Schema = Schema::attributes(&["description"]).with_blocks(&[("link", &[])]).with_dynamic();
const LINK: Schema = Schema::attributes(&["label", "url"]);
const MULTIREGION: Schema =
    Schema::attributes(&[]).with_blocks(&[("strategy", &[]), ("region", &["name"])]).with_dynamic();
const STRATEGY: Schema = Schema::attributes(&["max_parallel", "on_failure"]);
const REGION: Schema =
    Schema::attributes(&["count", "datacenters", "node_pool"]).with_blocks(&[("meta", &[])]).with_dynamic();

/// Reads the job block.
pub(crate) fn job(decoder: &mut Decoder<'_>, block: &Block) -> Job {
    let fields = decoder.open_body(&block.body, Scope::default(), &JOB);
    let label = block.label(0).unwrap_or_default().to_owned();
    let mut job = Job {
        region: decoder.text(&fields, "region"),
        namespace: decoder.text(&fields, "namespace"),
        id: decoder.text(&fields, "id").or_else(|| Some(label.clone())),
        name: decoder.text(&fields, "name").or(Some(label)),
        kind: decoder.text(&fields, "type"),
        priority: decoder.integer(&fields, "priority"),
        all_at_once: decoder.flag(&fields, "all_at_once"),
        datacenters: decoder.texts(&fields, "datacenters"),
        node_pool: decoder.text(&fields, "node_pool"),
        meta: decoder.text_map(&fields, "meta"),
        ..Job::default()
    };
    let mut loose_tasks: Vec<Task> = Vec::new();
    let mut vault: Option<Vault> = None;
    let mut secrets: Vec<Secret> = Vec::new();
    decoder.blocks(&fields, &JOB, &mut |decoder, item| match &*item.kind {
        "constraint" => push(&mut job.constraints, decoder.constraint(item)),
        "affinity" => push(&mut job.affinities, decoder.affinity(item)),
        "spread" => push(&mut job.spreads, decoder.spread(item)),
        "group" => push(&mut job.task_groups, decoder.group(item)),
        "task" => loose_tasks.push(decoder.task(item)),
        "update" => job.update = Some(decoder.update(item)),
        "multiregion" => job.multiregion = Some(multiregion(decoder, item)),
        "periodic" => job.periodic = Some(periodic(decoder, item)),
        "parameterized" => job.parameterized_job = Some(parameterized(decoder, item)),
        "reschedule" => job.reschedule = Some(decoder.reschedule(item)),
        "migrate" => job.migrate = Some(decoder.migrate(item)),
        "meta" => job.meta = Some(decoder.text_block(item)),
        "ui" => job.ui = Some(ui(decoder, item)),
        "vault" => vault = Some(decoder.vault(item)),
        "secret" => secrets.push(decoder.secret(item)),
        _ => {}
    });
    add_loose_tasks(&mut job, loose_tasks);
    hand_down(&mut job, vault.as_ref(), &secrets);
    job
}

/// Appends to a list that may not be there yet.
pub(super) fn push<T>(list: &mut Option<Vec<T>>, item: T) {
    list.get_or_insert_default().push(item);
}

/// A task that stands directly in the job gets a group of its own name; these come first.
fn add_loose_tasks(job: &mut Job, tasks: Vec<Task>) {
    if tasks.is_empty() {
        return;
    }
    let group =
        |task: Task| TaskGroup { name: Some(task.name.clone()), tasks: Some(vec![task]), ..TaskGroup::default() };
    let mut groups: Vec<TaskGroup> = tasks.into_iter().map(group).collect();
    groups.extend(job.task_groups.take().into_iter().flatten());
    job.task_groups = Some(groups);
}

/// Tasks take over what the job's `vault` and `secret` blocks give. The groups' have been handed down already.
fn hand_down(job: &mut Job, vault: Option<&Vault>, secrets: &[Secret]) {
    for task in job.task_groups.iter_mut().flatten().flat_map(|group| group.tasks.iter_mut().flatten()) {
        if task.vault.is_none() {
            task.vault = vault.cloned();
        }
        if !secrets.is_empty() {
            task.secrets.get_or_insert_default().extend_from_slice(secrets);
        }
    }
}

fn periodic(decoder: &mut Decoder<'_>, item: &Item<'_>) -> PeriodicConfig {
    let fields = decoder.open(item, &PERIODIC);
    let has_spec = fields.has("cron") || fields.has("crons");
    PeriodicConfig {
        enabled: decoder.flag(&fields, "enabled"),
        spec: decoder.text(&fields, "cron"),
        specs: decoder.texts(&fields, "crons"),
        spec_type: has_spec.then(|| "cron".to_owned()),
        prohibit_overlap: decoder.flag(&fields, "prohibit_overlap"),
        time_zone: decoder.text(&fields, "time_zone"),
    }
}

fn parameterized(decoder: &mut Decoder<'_>, item: &Item<'_>) -> ParameterizedJobConfig {
    let fields = decoder.open(item, &PARAMETERIZED);
    ParameterizedJobConfig {
        payload: decoder.plain_text(&fields, "payload"),
        meta_required: decoder.texts(&fields, "meta_required"),
        meta_optional: decoder.texts(&fields, "meta_optional"),
    }
}

fn ui(decoder: &mut Decoder<'_>, item: &Item<'_>) -> JobUiConfig {
    let fields = decoder.open(item, &UI);
    let mut ui = JobUiConfig { description: decoder.plain_text(&fields, "description"), links: None };
    decoder.blocks(&fields, &UI, &mut |decoder, item| {
        if &*item.kind == "link" {
            let fields = decoder.open(item, &LINK);
            let link =
                JobUiLink { label: decoder.plain_text(&fields, "label"), url: decoder.plain_text(&fields, "url") };
            push(&mut ui.links, link);
        }
    });
    ui
}

fn multiregion(decoder: &mut Decoder<'_>, item: &Item<'_>) -> Multiregion {
    let fields = decoder.open(item, &MULTIREGION);
    let mut multiregion = Multiregion::default();
    decoder.blocks(&fields, &MULTIREGION, &mut |decoder, item| match &*item.kind {
        "strategy" => {
            let fields = decoder.open(item, &STRATEGY);
            multiregion.strategy = Some(MultiregionStrategy {
                max_parallel: decoder.integer(&fields, "max_parallel"),
                on_failure: decoder.text(&fields, "on_failure"),
            });
        }
        "region" => push(&mut multiregion.regions, region(decoder, item)),
        _ => {}
    });
    multiregion
}

fn region(decoder: &mut Decoder<'_>, item: &Item<'_>) -> MultiregionRegion {
    let fields = decoder.open(item, &REGION);
    let mut region = MultiregionRegion {
        name: item.label(),
        count: decoder.integer(&fields, "count"),
        datacenters: decoder.texts(&fields, "datacenters"),
        node_pool: decoder.plain_text(&fields, "node_pool"),
        meta: None,
    };
    decoder.blocks(&fields, &REGION, &mut |decoder, item| {
        if &*item.kind == "meta" {
            region.meta = Some(decoder.text_block(item));
        }
    });
    region
}

impl Decoder<'_> {
    /// The only job block of a file's content.
    pub(crate) fn report_missing_job(&mut self) {
        let error = Diagnostic::error("Missing job block", "a job block is required");
        self.report(error.hint("write job \"NAME\" { … }"));
    }
}
