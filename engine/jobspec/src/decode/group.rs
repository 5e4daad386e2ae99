//! Groups and their volumes.

use drover_hcl::schema::Schema;
use drover_wire::job::{Consul, CsiMountOptions, EphemeralDisk, Secret, TaskGroup, Vault, VolumeRequest};

use super::job::push;
use super::{Decoder, Item};

const GROUP: Schema = Schema::attributes(&[
    "count",
    "shutdown_delay",
    "max_run_duration",
    "stop_after_client_disconnect",
    "max_client_disconnect",
    "prevent_reschedule_on_lost",
    "meta",
])
.with_blocks(&[
    ("constraint", &[]),
    ("affinity", &[]),
    ("task", &["name"]),
    ("spread", &[]),
    ("volume", &["name"]),
    ("restart", &[]),
    ("disconnect", &[]),
    ("reschedule", &[]),
    ("ephemeral_disk", &[]),
    ("update", &[]),
    ("migrate", &[]),
    ("network", &[]),
    ("meta", &[]),
    ("service", &[]),
    ("scaling", &[]),
    ("consul", &[]),
    ("vault", &[]),
    ("secret", &["name"]),
])
.with_dynamic();
const DISK: Schema = Schema::attributes(&["sticky", "migrate", "size"]);
const CONSUL: Schema = Schema::attributes(&["namespace", "cluster", "partition"]);
const VOLUME: Schema =
    Schema::attributes(&["type", "source", "read_only", "sticky", "access_mode", "attachment_mode", "per_alloc"])
        .with_blocks(&[("mount_options", &[])])
        .with_dynamic();
const MOUNT_OPTIONS: Schema = Schema::attributes(&["fs_type", "mount_flags"]);

impl Decoder<'_> {
    pub(super) fn group(&mut self, item: &Item<'_>) -> TaskGroup {
        let fields = self.open(item, &GROUP);
        let mut group = TaskGroup {
            name: Some(item.label()),
            count: self.integer(&fields, "count"),
            meta: self.text_map(&fields, "meta"),
            shutdown_delay: self.duration(&fields, "shutdown_delay"),
            max_run_duration: self.duration(&fields, "max_run_duration"),
            stop_after_client_disconnect: self.duration(&fields, "stop_after_client_disconnect"),
            max_client_disconnect: self.duration(&fields, "max_client_disconnect"),
            prevent_reschedule_on_lost: self.flag(&fields, "prevent_reschedule_on_lost"),
            ..TaskGroup::default()
        };
        let mut vault: Option<Vault> = None;
        let mut secrets: Vec<Secret> = Vec::new();
        self.blocks(&fields, &GROUP, &mut |decoder, item| match &*item.kind {
            "constraint" => push(&mut group.constraints, decoder.constraint(item)),
            "affinity" => push(&mut group.affinities, decoder.affinity(item)),
            "task" => push(&mut group.tasks, decoder.task(item)),
            "spread" => push(&mut group.spreads, decoder.spread(item)),
            "volume" => {
                let volume = decoder.volume(item);
                group.volumes.get_or_insert_default().insert(volume.name.clone(), volume);
            }
            "restart" => group.restart_policy = Some(decoder.restart(item)),
            "disconnect" => group.disconnect = Some(decoder.disconnect(item)),
            "reschedule" => group.reschedule_policy = Some(decoder.reschedule(item)),
            "ephemeral_disk" => group.ephemeral_disk = Some(decoder.ephemeral_disk(item)),
            "update" => group.update = Some(decoder.update(item)),
            "migrate" => group.migrate = Some(decoder.migrate(item)),
            "network" => push(&mut group.networks, decoder.network(item)),
            "meta" => group.meta = Some(decoder.text_block(item)),
            "service" => push(&mut group.services, decoder.service(item)),
            "scaling" => group.scaling = Some(decoder.group_scaling(item)),
            "consul" => group.consul = Some(decoder.consul(item)),
            "vault" => vault = Some(decoder.vault(item)),
            "secret" => secrets.push(decoder.secret(item)),
            _ => {}
        });
        hand_down(&mut group, vault.as_ref(), &secrets);
        group
    }

    fn ephemeral_disk(&mut self, item: &Item<'_>) -> EphemeralDisk {
        let fields = self.open(item, &DISK);
        EphemeralDisk {
            sticky: self.flag(&fields, "sticky"),
            migrate: self.flag(&fields, "migrate"),
            size_mb: self.integer(&fields, "size"),
        }
    }

    pub(super) fn consul(&mut self, item: &Item<'_>) -> Consul {
        let fields = self.open(item, &CONSUL);
        Consul {
            namespace: self.plain_text(&fields, "namespace"),
            cluster: self.plain_text(&fields, "cluster"),
            partition: self.plain_text(&fields, "partition"),
        }
    }

    fn volume(&mut self, item: &Item<'_>) -> VolumeRequest {
        let fields = self.open(item, &VOLUME);
        let mut volume = VolumeRequest {
            name: item.label(),
            kind: self.plain_text(&fields, "type"),
            source: self.plain_text(&fields, "source"),
            read_only: self.plain_flag(&fields, "read_only"),
            sticky: self.plain_flag(&fields, "sticky"),
            access_mode: self.plain_text(&fields, "access_mode"),
            attachment_mode: self.plain_text(&fields, "attachment_mode"),
            mount_options: None,
            per_alloc: self.plain_flag(&fields, "per_alloc"),
        };
        self.blocks(&fields, &VOLUME, &mut |decoder, item| {
            if &*item.kind == "mount_options" {
                let fields = decoder.open(item, &MOUNT_OPTIONS);
                volume.mount_options = Some(CsiMountOptions {
                    fs_type: decoder.plain_text(&fields, "fs_type"),
                    mount_flags: decoder.texts(&fields, "mount_flags"),
                });
            }
        });
        volume
    }
}

/// Tasks take over what the group's `vault` and `secret` blocks give. A task with secrets of its own gets these twice
/// instead of the group's: a bug of the reference that its canonical form shows, kept so that plans compare equal.
fn hand_down(group: &mut TaskGroup, vault: Option<&Vault>, secrets: &[Secret]) {
    for task in group.tasks.iter_mut().flatten() {
        if task.vault.is_none() {
            task.vault = vault.cloned();
        }
        if secrets.is_empty() {
            continue;
        }
        match &mut task.secrets {
            Some(own) => own.extend_from_within(..),
            None => task.secrets = Some(secrets.to_vec()),
        }
    }
}
