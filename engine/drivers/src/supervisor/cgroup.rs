//! Control groups: which directories and values a task needs (pure), and the file operations on them.
//!
//! The plan is computed by the agent and carried out by the supervisor; both hierarchy versions come down to
//! "make these directories, write these files, write a process id into `cgroup.procs`".

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// Where Linux distributions mount control groups.
pub const CGROUP_ROOT: &str = "/sys/fs/cgroup";
/// Longest wait for killed processes to leave a group.
const KILL_WAIT: Duration = Duration::from_secs(2);
/// Kernel limits of `cpu.shares`.
const MIN_CPU_SHARES: u64 = 2;
const MAX_CPU_SHARES: u64 = 262_144;
/// Mebibyte.
const MIB: u64 = 1024 * 1024;
/// Device files that an isolated task may use, in the syntax of `devices.allow`.
const ALLOWED_DEVICES: [&str; 10] = [
    "c 1:3 rwm",
    "c 1:5 rwm",
    "c 1:7 rwm",
    "c 1:8 rwm",
    "c 1:9 rwm",
    "c 5:0 rwm",
    "c 5:1 rwm",
    "c 5:2 rwm",
    "c 136:* rwm",
    "c *:* m",
];

/// Which hierarchy the host has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CgroupVersion {
    /// One hierarchy per controller.
    V1,
    /// The unified hierarchy with controllers.
    V2,
}

/// Limits of one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CgroupLimits {
    /// CPU weight in MHz, used as `cpu.shares`.
    pub cpu_mhz: u64,
    /// Memory reservation, MiB; 0 for no limit.
    pub memory_mib: u64,
    /// Hard memory limit above the reservation, MiB; 0 for the reservation itself.
    pub memory_max_mib: u64,
    /// CPU cores that the task has for itself.
    pub reserved_cores: Vec<u16>,
    /// Deny host devices (v1 only; on v2 the task's mounts refuse them).
    pub restrict_devices: bool,
}

/// Directories to make and values to write for one task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CgroupPlan {
    /// Of the host.
    pub version: CgroupVersion,
    /// Values for directories above the task's own, made and written first, errors ignored.
    pub parents: Vec<CgroupDir>,
    /// The task's own directories. Its processes join every one of them.
    pub dirs: Vec<CgroupDir>,
    /// Go on without limits when the directories cannot be made.
    pub best_effort: bool,
}

/// One directory and the values for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CgroupDir {
    /// Absolute path.
    pub path: PathBuf,
    /// File name and value, in order.
    pub values: Vec<CgroupValue>,
}

/// One value of a control group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CgroupValue {
    /// File name in the directory.
    pub file: String,
    /// What to write.
    pub value: String,
    /// Kernels without this file are fine.
    pub optional: bool,
}

fn value(file: &str, value: &(impl ToString + ?Sized)) -> CgroupValue {
    CgroupValue { file: file.into(), value: value.to_string(), optional: false }
}

fn optional(file: &str, text: &(impl ToString + ?Sized)) -> CgroupValue {
    CgroupValue { optional: true, ..value(file, text) }
}

/// The hierarchy mounted at `root`; none where there is neither.
pub fn detect(root: &Path) -> Option<CgroupVersion> {
    if root.join("cgroup.controllers").exists() {
        Some(CgroupVersion::V2)
    } else if root.join("memory").join("cgroup.procs").exists() || root.join("cpu").join("cgroup.procs").exists() {
        Some(CgroupVersion::V1)
    } else {
        None
    }
}

/// `cpu.weight` of v2 for `cpu.shares` of v1, in runc's proportion.
pub fn cpu_weight(shares: u64) -> u64 {
    let shares = shares.clamp(MIN_CPU_SHARES, MAX_CPU_SHARES);
    1 + ((shares - MIN_CPU_SHARES) * 9_999) / (MAX_CPU_SHARES - MIN_CPU_SHARES)
}

/// `0-2,5` for cores 0, 1, 2 and 5.
pub fn core_list(cores: &[u16]) -> String {
    let mut sorted = cores.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for core in sorted {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == core => *last = core,
            _ => ranges.push((core, core)),
        }
    }
    let texts: Vec<String> = ranges
        .into_iter()
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") })
        .collect();
    texts.join(",")
}

/// What a task named `name` needs under `parent` ("drover", or "drover.slice").
pub fn plan(version: CgroupVersion, root: &Path, parent: &str, name: &str, limits: &CgroupLimits) -> CgroupPlan {
    let stem = parent.trim_matches('/').trim_end_matches(".slice");
    match version {
        CgroupVersion::V1 => plan_v1(root, stem, name, limits),
        CgroupVersion::V2 => plan_v2(root, stem, name, limits),
    }
}

fn plan_v1(root: &Path, stem: &str, name: &str, limits: &CgroupLimits) -> CgroupPlan {
    let dir = |controller: &str, values| CgroupDir { path: root.join(controller).join(stem).join(name), values };
    let mut memory = Vec::new();
    if limits.memory_mib > 0 {
        let hard = limits.memory_max_mib.max(limits.memory_mib) * MIB;
        memory.push(value("memory.limit_in_bytes", &hard));
        memory.push(optional("memory.memsw.limit_in_bytes", &hard));
        if limits.memory_max_mib > limits.memory_mib {
            memory.push(optional("memory.soft_limit_in_bytes", &(limits.memory_mib * MIB)));
        }
        memory.push(optional("memory.swappiness", &0));
    }
    let shares = limits.cpu_mhz.clamp(MIN_CPU_SHARES, MAX_CPU_SHARES);
    let mut dirs =
        vec![dir("memory", memory), dir("cpu", vec![value("cpu.shares", &shares)]), dir("freezer", Vec::new())];
    let mut parents = Vec::new();
    if !limits.reserved_cores.is_empty() {
        let above = root.join("cpuset").join(stem);
        let inherited = |file: &str| fs::read_to_string(root.join("cpuset").join(file)).unwrap_or_default();
        let mems = inherited("cpuset.mems").trim().to_owned();
        parents.push(CgroupDir {
            path: above,
            values: vec![optional("cpuset.cpus", inherited("cpuset.cpus").trim()), optional("cpuset.mems", &mems)],
        });
        dirs.push(dir(
            "cpuset",
            vec![value("cpuset.cpus", &core_list(&limits.reserved_cores)), value("cpuset.mems", &mems)],
        ));
    }
    if limits.restrict_devices && root.join("devices").join("cgroup.procs").exists() {
        let mut values = vec![value("devices.deny", "a")];
        values.extend(ALLOWED_DEVICES.iter().map(|rule| value("devices.allow", rule)));
        dirs.push(dir("devices", values));
    }
    CgroupPlan { version: CgroupVersion::V1, parents, dirs, best_effort: false }
}

fn plan_v2(root: &Path, stem: &str, name: &str, limits: &CgroupLimits) -> CgroupPlan {
    let slice = root.join(format!("{stem}.slice"));
    let partition = if limits.reserved_cores.is_empty() { "share.slice" } else { "reserve.slice" };
    let above = slice.join(partition);
    let enable = |path: &Path| CgroupDir {
        path: path.to_path_buf(),
        values: ["+cpu", "+memory", "+cpuset", "+pids"]
            .iter()
            .map(|controller| optional("cgroup.subtree_control", controller))
            .collect(),
    };
    let mut values = vec![value("cpu.weight", &cpu_weight(limits.cpu_mhz))];
    if limits.memory_mib > 0 {
        values.push(value("memory.max", &(limits.memory_max_mib.max(limits.memory_mib) * MIB)));
        if limits.memory_max_mib > limits.memory_mib {
            values.push(optional("memory.low", &(limits.memory_mib * MIB)));
        }
        values.push(optional("memory.swap.max", &0));
    }
    if !limits.reserved_cores.is_empty() {
        values.push(value("cpuset.cpus", &core_list(&limits.reserved_cores)));
    }
    CgroupPlan {
        version: CgroupVersion::V2,
        parents: vec![enable(root), enable(&slice), enable(&above)],
        dirs: vec![CgroupDir { path: above.join(format!("{name}.scope")), values }],
        best_effort: false,
    }
}

impl CgroupPlan {
    /// Makes the directories and writes the limits. Whatever a crash left behind under the same name is emptied first.
    pub fn create(&self) -> io::Result<()> {
        for parent in &self.parents {
            fs::create_dir_all(&parent.path).ok();
            for value in &parent.values {
                fs::write(parent.path.join(&value.file), &value.value).ok();
            }
        }
        if self.dirs.iter().any(|dir| dir.path.exists()) {
            self.kill_all();
            self.remove();
        }
        for dir in &self.dirs {
            fs::create_dir_all(&dir.path).map_err(|error| describe(&dir.path, &error))?;
            for value in &dir.values {
                let path = dir.path.join(&value.file);
                match fs::write(&path, &value.value) {
                    Err(error) if !value.optional => return Err(describe(&path, &error)),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Puts the calling process into every directory.
    pub fn join(&self) -> io::Result<()> {
        for dir in &self.dirs {
            let path = dir.path.join("cgroup.procs");
            fs::write(&path, "0").map_err(|error| describe(&path, &error))?;
        }
        Ok(())
    }

    /// Process ids in the task's groups.
    pub fn members(&self) -> Vec<i32> {
        let mut members: Vec<i32> = self
            .dirs
            .iter()
            .filter_map(|dir| fs::read_to_string(dir.path.join("cgroup.procs")).ok())
            .flat_map(|text| text.lines().filter_map(|line| line.parse().ok()).collect::<Vec<i32>>())
            .filter(|pid| *pid > 0)
            .collect();
        members.sort_unstable();
        members.dedup();
        members
    }

    /// Kills every member, also those that are being forked meanwhile, and waits until they are gone (2 s at most).
    pub fn kill_all(&self) {
        let deadline = Instant::now() + KILL_WAIT;
        loop {
            let members = self.members();
            if members.is_empty() || Instant::now() > deadline {
                return;
            }
            self.freeze("FROZEN");
            if !self.kill_at_once() {
                for pid in self.members() {
                    kill(Pid::from_raw(pid), Signal::SIGKILL).ok();
                }
            }
            self.freeze("THAWED");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// `cgroup.kill` of v2, where the kernel has it (5.14).
    fn kill_at_once(&self) -> bool {
        self.version == CgroupVersion::V2
            && self.dirs.iter().all(|dir| fs::write(dir.path.join("cgroup.kill"), "1").is_ok())
    }

    /// On v1 a frozen group cannot fork while its members are listed.
    fn freeze(&self, state: &str) {
        for dir in self.dirs.iter().filter(|_| self.version == CgroupVersion::V1) {
            let file = dir.path.join("freezer.state");
            if file.exists() {
                fs::write(file, state).ok();
            }
        }
    }

    /// Whether the kernel killed a member for lack of memory.
    pub fn oom_killed(&self) -> bool {
        let file = match self.version {
            CgroupVersion::V1 => "memory.oom_control",
            CgroupVersion::V2 => "memory.events",
        };
        self.dirs
            .iter()
            .filter_map(|dir| fs::read_to_string(dir.path.join(file)).ok())
            .any(|text| oom_kill_count(&text) > 0)
    }

    /// Removes the directories. Those with members left stay.
    pub fn remove(&self) {
        for dir in &self.dirs {
            for _ in 0..50 {
                match fs::remove_dir(&dir.path) {
                    Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                    _ => break,
                }
            }
        }
    }
}

fn describe(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("control group {}: {error}", path.display()))
}

/// The `oom_kill` counter of `memory.oom_control` (v1) or `memory.events` (v2).
fn oom_kill_count(text: &str) -> u64 {
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .find(|(key, _)| *key == "oom_kill")
        .and_then(|(_, count)| count.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> CgroupLimits {
        CgroupLimits {
            cpu_mhz: 500,
            memory_mib: 256,
            memory_max_mib: 0,
            reserved_cores: Vec::new(),
            restrict_devices: false,
        }
    }

    /// `PATH FILE=VALUE …` of every directory, relative to the root.
    fn render(dirs: &[CgroupDir]) -> Vec<String> {
        dirs.iter()
            .map(|dir| {
                let mut line = dir.path.strip_prefix("/cg").unwrap().display().to_string();
                for value in &dir.values {
                    line += &format!(" {}{}={}", value.file, if value.optional { "?" } else { "" }, value.value);
                }
                line
            })
            .collect()
    }

    fn check(version: CgroupVersion, limits: &CgroupLimits, expected: &[&str]) {
        let plan = plan(version, Path::new("/cg"), "drover.slice", "a.t", limits);
        assert_eq!(render(&plan.dirs), expected);
    }

    #[test]
    fn v1_has_one_directory_per_controller() {
        check(
            CgroupVersion::V1,
            &limits(),
            &[
                "memory/drover/a.t memory.limit_in_bytes=268435456 memory.memsw.limit_in_bytes?=268435456 \
             memory.swappiness?=0",
                "cpu/drover/a.t cpu.shares=500",
                "freezer/drover/a.t",
            ],
        );
    }

    #[test]
    fn v1_oversubscription_keeps_the_reservation_as_soft_limit() {
        let limits = CgroupLimits { memory_max_mib: 512, ..limits() };
        check(
            CgroupVersion::V1,
            &limits,
            &[
                "memory/drover/a.t memory.limit_in_bytes=536870912 memory.memsw.limit_in_bytes?=536870912 \
             memory.soft_limit_in_bytes?=268435456 memory.swappiness?=0",
                "cpu/drover/a.t cpu.shares=500",
                "freezer/drover/a.t",
            ],
        );
    }

    #[test]
    fn v2_has_one_scope() {
        check(
            CgroupVersion::V2,
            &limits(),
            &["drover.slice/share.slice/a.t.scope cpu.weight=19 memory.max=268435456 memory.swap.max?=0"],
        );
        let limits = CgroupLimits { memory_max_mib: 300, reserved_cores: vec![3, 1, 2], ..limits() };
        check(
            CgroupVersion::V2,
            &limits,
            &["drover.slice/reserve.slice/a.t.scope cpu.weight=19 memory.max=314572800 memory.low?=268435456 \
             memory.swap.max?=0 cpuset.cpus=1-3"],
        );
    }

    #[test]
    fn v2_enables_controllers_above_the_scope() {
        let plan = plan(CgroupVersion::V2, Path::new("/cg"), "drover", "a.t", &limits());
        let paths: Vec<_> = plan.parents.iter().map(|dir| dir.path.display().to_string()).collect();
        assert_eq!(paths, ["/cg", "/cg/drover.slice", "/cg/drover.slice/share.slice"]);
        assert!(plan.parents.iter().all(|dir| dir.values.iter().all(|v| v.file == "cgroup.subtree_control")));
    }

    #[test]
    fn no_memory_limit_when_none_is_asked() {
        let limits = CgroupLimits { memory_mib: 0, ..limits() };
        check(CgroupVersion::V2, &limits, &["drover.slice/share.slice/a.t.scope cpu.weight=19"]);
    }

    #[test]
    fn shares_become_weights() {
        for (shares, weight) in [(0, 1), (2, 1), (100, 4), (1024, 39), (262_144, 10_000), (999_999, 10_000)] {
            assert_eq!(cpu_weight(shares), weight, "{shares}");
        }
    }

    #[test]
    fn cores_are_written_as_ranges() {
        for (cores, text) in [(&[][..], ""), (&[4], "4"), (&[3, 1, 0, 3], "0-1,3"), (&[0, 1, 2, 5, 6], "0-2,5-6")] {
            assert_eq!(core_list(cores), text);
        }
    }

    #[test]
    fn oom_kills_are_read_from_both_versions() {
        assert_eq!(oom_kill_count("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"), 2);
        assert_eq!(oom_kill_count("low 0\nhigh 0\nmax 31\noom 1\noom_kill 1\noom_group_kill 0\n"), 1);
        assert_eq!(oom_kill_count("low 0\n"), 0);
    }

    #[test]
    fn versions_are_told_apart_by_their_files() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(detect(dir.path()), None);
        fs::create_dir_all(dir.path().join("memory")).unwrap();
        fs::write(dir.path().join("memory/cgroup.procs"), "").unwrap();
        assert_eq!(detect(dir.path()), Some(CgroupVersion::V1));
        fs::write(dir.path().join("cgroup.controllers"), "cpu memory").unwrap();
        assert_eq!(detect(dir.path()), Some(CgroupVersion::V2));
    }
}
