//! What may be allowed, by kind of thing.

/// Something that may be allowed for one kind of thing.
pub trait Capability: Copy + 'static {
    /// Every one of them.
    const ALL: &'static [Self];
    /// As the rules name it.
    fn as_str(self) -> &'static str;
    /// Its bit in a [`CapabilitySet`].
    fn bit(self) -> u64;

    /// By name.
    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|capability| capability.as_str() == text)
    }
}

macro_rules! capabilities {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }
        impl Capability for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),+];
            fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
            fn bit(self) -> u64 {
                1 << (self as u8)
            }
        }
    };
}

capabilities! {
    /// In a namespace.
    NamespaceCapability {
        /// Parse job files.
        ParseJob = "parse-job",
        /// List jobs.
        ListJobs = "list-jobs",
        /// Read jobs and what became of them.
        ReadJob = "read-job",
        /// Everything that changes jobs.
        SubmitJob = "submit-job",
        /// Register jobs.
        RegisterJob = "register-job",
        /// Plan jobs.
        PlanJob = "plan-job",
        /// Stop jobs.
        DeregisterJob = "deregister-job",
        /// Purge jobs.
        PurgeJob = "purge-job",
        /// Go back to a former version.
        RevertJob = "revert-job",
        /// Mark versions as stable.
        StableJob = "stable-job",
        /// Name versions.
        TagJobVersion = "tag-job-version",
        /// Evaluate jobs again.
        EvaluateJob = "evaluate-job",
        /// Dispatch parameterized jobs.
        DispatchJob = "dispatch-job",
        /// Fail deployments.
        FailDeployment = "fail-deployment",
        /// Pause deployments.
        PauseDeployment = "pause-deployment",
        /// Promote deployments.
        PromoteDeployment = "promote-deployment",
        /// Unblock deployments.
        UnblockDeployment = "unblock-deployment",
        /// Pause allocations.
        PauseAllocation = "pause-allocation",
        /// Forget allocations on their node.
        GcAllocation = "gc-allocation",
        /// Cancel deployments.
        CancelDeployment = "cancel-deployment",
        /// Launch periodic jobs now.
        ForcePeriodicJob = "force-periodic-job",
        /// Remove registered services.
        DeleteServiceRegistration = "delete-service-registration",
        /// Read logs.
        ReadLogs = "read-logs",
        /// Read files of allocations.
        ReadFs = "read-fs",
        /// Run commands in tasks that are isolated.
        AllocExec = "alloc-exec",
        /// Run commands in tasks that see the node.
        AllocNodeExec = "alloc-node-exec",
        /// Stop, restart and signal allocations.
        AllocLifecycle = "alloc-lifecycle",
        /// Run plugins of storage.
        CsiRegisterPlugin = "csi-register-plugin",
        /// Make and remove volumes.
        CsiWriteVolume = "csi-write-volume",
        /// Read volumes.
        CsiReadVolume = "csi-read-volume",
        /// List volumes.
        CsiListVolume = "csi-list-volume",
        /// Mount volumes.
        CsiMountVolume = "csi-mount-volume",
        /// List scaling policies.
        ListScalingPolicies = "list-scaling-policies",
        /// Read scaling policies.
        ReadScalingPolicy = "read-scaling-policy",
        /// Read how a job is scaled.
        ReadJobScaling = "read-job-scaling",
        /// Scale jobs.
        ScaleJob = "scale-job",
        /// Override rules on jobs.
        SentinelOverride = "sentinel-override",
        /// Recommend resources.
        SubmitRecommendation = "submit-recommendation",
        /// Register host volumes.
        HostVolumeRegister = "host-volume-register",
        /// Create host volumes.
        HostVolumeCreate = "host-volume-create",
        /// Delete host volumes.
        HostVolumeDelete = "host-volume-delete",
        /// Register, create and delete host volumes.
        HostVolumeWrite = "host-volume-write",
        /// Read host volumes.
        HostVolumeRead = "host-volume-read",
    }
}

capabilities! {
    /// On a pool of nodes.
    NodePoolCapability {
        /// Delete it.
        Delete = "delete",
        /// Read it.
        Read = "read",
        /// Make or change it.
        Write = "write",
    }
}

capabilities! {
    /// On a host volume of a node's configuration.
    HostVolumeCapability {
        /// Mount it to read.
        MountReadonly = "mount-readonly",
        /// Mount it to write.
        MountReadwrite = "mount-readwrite",
    }
}

capabilities! {
    /// On variables.
    VariableCapability {
        /// See that they are there.
        List = "list",
        /// Read them.
        Read = "read",
        /// Write them.
        Write = "write",
        /// Remove them.
        Destroy = "destroy",
    }
}

capabilities! {
    /// For operators, beside their level.
    OperatorCapability {
        /// Save snapshots.
        SnapshotSave = "snapshot-save",
        /// Read the licence.
        LicenseRead = "license-read",
        /// Rotate the keyring.
        KeyringRotate = "keyring-rotate",
        /// Read the keyring.
        KeyringRead = "keyring-read",
        /// Delete keys.
        KeyringDelete = "keyring-delete",
    }
}

/// The name that denies.
pub(crate) const DENY: &str = "deny";

/// A set of capabilities of one kind; or denied, which beats all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CapabilitySet {
    bits: u64,
    denied: bool,
}

impl CapabilitySet {
    /// Adds what rules list. Unknown names are of other kinds of things and change nothing.
    pub(crate) fn add_all<C: Capability>(&mut self, names: &[String]) {
        for name in names {
            if name == DENY {
                self.denied = true;
            } else if let Some(capability) = C::parse(name) {
                self.bits |= capability.bit();
            }
        }
    }

    pub(crate) fn add(&mut self, bits: u64) {
        self.bits |= bits;
    }

    /// Whether it allows any of `bits`.
    pub(crate) fn allows(self, bits: u64) -> bool {
        !self.denied && self.bits & bits != 0
    }

    /// Whether it allows anything.
    pub(crate) fn allows_anything(self) -> bool {
        !self.denied && self.bits != 0
    }
}
