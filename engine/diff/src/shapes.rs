//! What is compared, under which names and in which order.

/// A block of a job. Everything simple in it is a field unless it is left out here.
pub(crate) struct Shape {
    /// What the tree calls it.
    pub(crate) name: &'static str,
    /// Fields that are not compared.
    pub(crate) skip: &'static [&'static str],
    /// Maps of text: `Meta[key]`.
    pub(crate) maps: &'static [&'static str],
    /// Values that the wire leaves out when they are zero, with their text.
    pub(crate) zeros: &'static [(&'static str, &'static str)],
    /// Values that show as `nil` when they are not set.
    pub(crate) nils: &'static [&'static str],
    /// Fields that only show when the block is on both sides.
    pub(crate) edits_only: &'static [&'static str],
    /// Lists that show as one value, joined by commas.
    pub(crate) joined: &'static [&'static str],
    /// Empty texts count as absent: what became of the block follows from its fields alone.
    pub(crate) by_fields: bool,
    /// What is in it, in order.
    pub(crate) children: &'static [Child],
}

/// Something within a block.
pub(crate) enum Child {
    /// A set of texts.
    Strings(&'static str),
    /// A block that is there or not.
    One(&'static str, &'static Shape),
    /// Several blocks as a set: one that changed is one that went and one that came.
    Set(&'static str, &'static Shape),
    /// Several blocks by one of their fields; of two that agree in it the last one counts.
    Keyed(&'static str, &'static Shape, &'static str),
    /// Several blocks, paired by as many of these fields as agree.
    Paired(&'static str, &'static Shape, &'static [&'static str], Lone),
    /// Several blocks, paired by their place in the list.
    Placed(&'static str, &'static Shape),
    /// A map of blocks.
    Map(&'static str, &'static Shape),
    /// Free-form configuration, flattened to `key[0][name]`.
    Free(&'static str, &'static str),
}

/// When one block on each side are a pair, whatever their fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lone {
    /// When there are no others.
    OfAll,
    /// When all others are the same on both sides.
    OfChanged,
}

const PLAIN: Shape = Shape {
    name: "",
    skip: &[],
    maps: &[],
    zeros: &[],
    nils: &[],
    edits_only: &[],
    joined: &[],
    by_fields: false,
    children: &[],
};

const CONSTRAINT: Shape = Shape { name: "Constraint", ..PLAIN };
const AFFINITY: Shape = Shape { name: "Affinity", ..PLAIN };

pub(crate) const JOB: Shape = Shape {
    skip: &[
        "ID",
        "Status",
        "StatusDescription",
        "Version",
        "Stable",
        "CreateIndex",
        "ModifyIndex",
        "JobModifyIndex",
        "SubmitTime",
        "NomadTokenID",
        "Payload",
        "VersionTag",
    ],
    maps: &["Meta"],
    children: &[
        Child::Strings("Datacenters"),
        Child::Set("Constraints", &CONSTRAINT),
        Child::Set("Affinities", &AFFINITY),
        Child::One("Periodic", &Shape { name: "Periodic", children: &[Child::Strings("Specs")], ..PLAIN }),
        Child::One(
            "ParameterizedJob",
            &Shape {
                name: "ParameterizedJob",
                children: &[Child::Strings("MetaOptional"), Child::Strings("MetaRequired")],
                ..PLAIN
            },
        ),
        Child::Free("Multiregion", "Multiregion"),
        Child::One(
            "UI",
            &Shape { name: "UI", children: &[Child::Set("Links", &Shape { name: "Link", ..PLAIN })], ..PLAIN },
        ),
    ],
    ..PLAIN
};

pub(crate) const GROUP: Shape = Shape {
    skip: &["Name"],
    edits_only: &["ShutdownDelay"],
    maps: &["Meta"],
    children: &[
        Child::Set("Constraints", &CONSTRAINT),
        Child::Set("Affinities", &AFFINITY),
        Child::One("RestartPolicy", &Shape { name: "RestartPolicy", ..PLAIN }),
        Child::One("Migrate", &Shape { name: "Migrate", ..PLAIN }),
        Child::One("ReschedulePolicy", &Shape { name: "ReschedulePolicy", ..PLAIN }),
        Child::One("EphemeralDisk", &Shape { name: "EphemeralDisk", ..PLAIN }),
        Child::One("Consul", &CONSUL),
        Child::One("Update", &Shape { name: "Update", skip: &["Stagger"], ..PLAIN }),
        Child::One("Disconnect", &Shape { name: "Disconnect", nils: &["StopOnClientAfter", "Replace"], ..PLAIN }),
        Child::Set("Networks", &NETWORK),
        Child::One("Scaling", &SCALING),
        Child::Paired("Services", &SERVICE, &["Name", "PortLabel"], Lone::OfChanged),
        Child::Map("Volumes", &VOLUME),
    ],
    ..PLAIN
};

pub(crate) const TASK: Shape = Shape {
    skip: &["Name"],
    maps: &["Env", "Meta"],
    children: &[
        Child::Set("Constraints", &CONSTRAINT),
        Child::Set("Affinities", &AFFINITY),
        Child::Free("Config", "Config"),
        Child::One("Resources", &RESOURCES),
        Child::One("LogConfig", &Shape { name: "LogConfig", ..PLAIN }),
        Child::One("DispatchPayload", &Shape { name: "DispatchPayload", by_fields: true, ..PLAIN }),
        Child::Keyed(
            "Artifacts",
            &Shape { name: "Artifact", maps: &["GetterHeaders", "GetterOptions"], ..PLAIN },
            "RelativeDest",
        ),
        Child::Paired("Services", &SERVICE, &["Name", "PortLabel"], Lone::OfChanged),
        Child::Keyed(
            "Secrets",
            &Shape { name: "Secret", maps: &["Env"], children: &[Child::Free("Config", "Config")], ..PLAIN },
            "Name",
        ),
        Child::One("Vault", &Shape { name: "Vault", children: &[Child::Strings("Policies")], ..PLAIN }),
        Child::One("Consul", &CONSUL),
        Child::Paired("Templates", &TEMPLATE, &["DestPath"], Lone::OfAll),
        Child::One("Identity", &IDENTITY),
        Child::Keyed("Identities", &IDENTITY, "Name"),
        Child::Keyed("Actions", &Shape { name: "Action", children: &[Child::Strings("Args")], ..PLAIN }, "Name"),
        Child::Placed("VolumeMounts", &Shape { name: "VolumeMount", ..PLAIN }),
        Child::Free("Schedule", "Schedule"),
    ],
    ..PLAIN
};

const CONSUL: Shape = Shape { name: "Consul", by_fields: true, ..PLAIN };

const IDENTITY: Shape = Shape { name: "Identity", children: &[Child::Strings("Audience")], ..PLAIN };

const SCALING: Shape = Shape {
    name: "Scaling",
    skip: &["ID", "Type", "CreateIndex", "ModifyIndex"],
    children: &[Child::Free("Policy", "Policy")],
    ..PLAIN
};

const VOLUME: Shape = Shape {
    name: "Volume",
    children: &[Child::One(
        "MountOptions",
        &Shape { name: "MountOptions", children: &[Child::Strings("MountFlags")], ..PLAIN },
    )],
    ..PLAIN
};

const NETWORK: Shape = Shape {
    name: "Network",
    skip: &["Device", "CIDR", "IP", "MBits"],
    zeros: &[("Hostname", ""), ("Mode", "")],
    children: &[
        Child::Set(
            "ReservedPorts",
            &Shape {
                name: "Static Port",
                zeros: &[("IgnoreCollision", "false"), ("To", "0"), ("Value", "0")],
                ..PLAIN
            },
        ),
        Child::Set(
            "DynamicPorts",
            &Shape { name: "Dynamic Port", skip: &["Value", "IgnoreCollision"], zeros: &[("To", "0")], ..PLAIN },
        ),
        Child::One("DNS", &Shape { name: "DNS", joined: &["Options", "Searches", "Servers"], ..PLAIN }),
    ],
    ..PLAIN
};

const RESOURCES: Shape = Shape {
    name: "Resources",
    children: &[
        Child::Set("Networks", &NETWORK),
        Child::Keyed("Devices", &Shape { name: "Device", ..PLAIN }, "Name"),
        Child::One("NUMA", &Shape { name: "NUMA", children: &[Child::Strings("Devices")], ..PLAIN }),
    ],
    ..PLAIN
};

const SERVICE: Shape = Shape {
    name: "Service",
    maps: &["CanaryMeta", "Meta", "TaggedAddresses"],
    children: &[
        Child::Strings("CanaryTags"),
        Child::Strings("Tags"),
        Child::Keyed(
            "Checks",
            &Shape {
                name: "Check",
                children: &[
                    Child::Free("Header", "Header"),
                    Child::One("CheckRestart", &Shape { name: "CheckRestart", ..PLAIN }),
                ],
                ..PLAIN
            },
            "Name",
        ),
        Child::Free("Connect", "ConsulConnect"),
        Child::One("Identity", &IDENTITY),
        Child::One("Weights", &Shape { name: "Weights", ..PLAIN }),
    ],
    ..PLAIN
};

const TEMPLATE: Shape = Shape {
    name: "Template",
    children: &[
        Child::One("Wait", &Shape { name: "Template", ..PLAIN }),
        Child::One("ChangeScript", &Shape { name: "ChangeScript", children: &[Child::Strings("Args")], ..PLAIN }),
    ],
    ..PLAIN
};
