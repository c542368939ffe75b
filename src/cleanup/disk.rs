//! Whether a claim in a file means anything where it would lie: it serves one machine, and only for
//! as long as its disk is there.

use std::fmt;

/// What a file system is to the machines that may look into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disk {
    /// Of this machine alone, and there after its next start.
    Own,
    /// Other machines may see it, and what one of them locks another may not hear of.
    Shared(&'static str),
    /// It begins empty and goes with the container or the machine's next start.
    Fresh(&'static str),
    /// Nobody knows: by the number that the system has for it.
    Unknown(u32),
}

/// By the number that `statfs` gives. What is not in here is unknown, which is no yes.
const OWN: &[u32] = &[
    0x0000_EF53, // ext2, ext3, ext4
    0x5846_5342, // xfs
    0x9123_683E, // btrfs
    0x2FC1_2FC1, // zfs
    0xF2F5_2010, // f2fs
    0xCA45_1A4E, // bcachefs
    0x3153_464A, // jfs
    0x5265_4973, // reiserfs
    0x0000_3434, // nilfs2
    0x2011_BAB0, // exfat
    0x0000_4D44, // vfat
    0x7366_746E, // ntfs3
];

#[rustfmt::skip]
const SHARED: &[(u32, &str)] = &[
    (0x0000_6969, "NFS"),
    (0x0000_517B, "SMB"), (0xFF53_4D42, "CIFS"), (0xFE53_4D42, "SMB"),
    (0x0102_1997, "9p"),
    // sshfs, GlusterFS, buckets, virtiofs of a virtual machine's host: which one it does not say.
    (0x6573_5546, "FUSE or virtiofs"),
    (0x00C3_6400, "Ceph"),
    (0x0BD0_0BD0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x1983_0326, "BeeGFS"),
    (0x0116_1970, "GFS2"), (0x7461_636F, "OCFS2"), (0x6163_6673, "ACFS"),
    (0x5346_414F, "AFS"), (0x6B41_4653, "AFS"), (0x7375_7245, "Coda"),
    (0x2003_0528, "OrangeFS"), (0xAAD7_AAEA, "PanFS"), (0xBEEF_DEAD, "StorNext"),
    (0x786F_4256, "a folder of VirtualBox's host"),
    (0xBACB_ACBC, "a folder of VMware's host"),
    (0x7C7C_6673, "a folder of Parallels' host"),
];

#[rustfmt::skip]
const FRESH: &[(u32, &str)] = &[
    (0x0102_1994, "tmpfs"), (0x8584_58F6, "ramfs"), (0x9584_58F6, "hugetlbfs"),
    (0x794C_7630, "overlayfs, as containers have it"), (0x6175_6673, "aufs, as containers have it"),
];

impl Disk {
    /// By the number of its file system.
    #[must_use]
    pub fn of(number: u32) -> Self {
        let named = |table: &[(u32, &'static str)]| {
            table.iter().find(|(n, _)| *n == number).map(|(_, name)| *name)
        };
        match (named(SHARED), named(FRESH)) {
            (Some(name), _) => Self::Shared(name),
            (_, Some(name)) => Self::Fresh(name),
            _ if OWN.contains(&number) => Self::Own,
            _ => Self::Unknown(number),
        }
    }
}

/// Why a claim in a file lies on the wrong disk. Fits after "it is on ".
impl fmt::Display for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => f.write_str("a disk of this machine"),
            Self::Shared(name) => {
                write!(
                    f,
                    "{name}, which other machines may see: a lock there may not hold them off"
                )
            }
            Self::Fresh(name) => write!(
                f,
                "{name}, which is gone with the container or the next start: \
                 whoever comes then would apply the plan anew"
            ),
            Self::Unknown(number) => write!(
                f,
                "a file system that is not known here (number {number:#x}): \
                 whether other machines see it nobody can say"
            ),
        }
    }
}

/// Variables that only runners and pods have. Each of their runs may be on a disk of its own.
pub const RUNNERS: [&str; 8] = [
    "CI",
    "TF_BUILD",
    "CODEBUILD_BUILD_ID",
    "JENKINS_URL",
    "TEAMCITY_VERSION",
    "KUBERNETES_SERVICE_HOST",
    "ECS_CONTAINER_METADATA_URI_V4",
    "AWS_LAMBDA_FUNCTION_NAME",
];

/// What is known of where a claim in a file would be.
#[derive(Debug, Clone)]
pub struct Ground<'a> {
    /// Of [`RUNNERS`], those that are set, with their values.
    pub variables: &'a [(&'a str, &'a str)],
    /// The folders of claim and journal, and what they are on.
    pub folders: &'a [(&'a str, Disk)],
    /// The machine that the folder of claims was first used on, where it remembers one.
    pub remembered: Option<&'a str>,
    /// This machine; `None` where it has no name that lasts.
    pub machine: Option<&'a str>,
}

/// Why a plan may not be claimed by a file here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// Fits after "claim a plan by a file".
    pub place: String,
    pub why: String,
}

/// Whether a claim in a file holds everybody else off.
///
/// # Errors
/// Where it may not, or nobody can say.
pub fn fit(ground: &Ground<'_>) -> Result<(), Unfit> {
    let set = |(_, value): &&(&str, &str)| !value.is_empty() && *value != "false";
    if let Some((name, _)) = ground.variables.iter().find(set) {
        return Err(Unfit {
            place: format!("where {name} is set"),
            why: "two runners would each have their own file, and both would apply it".into(),
        });
    }
    if let Some((folder, disk)) = ground.folders.iter().find(|(_, disk)| *disk != Disk::Own) {
        return Err(Unfit { place: format!("beside {folder}"), why: format!("it is on {disk}") });
    }
    match (ground.remembered, ground.machine) {
        (Some(was), now) if now != Some(was) => Err(Unfit {
            place: "out of another machine's memory".into(),
            why: "its folder of claims was first used on another machine, \
                  which may apply the plan as well"
                .into(),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn ground<'a>(folders: &'a [(&'a str, Disk)]) -> Ground<'a> {
        Ground { variables: &[], folders, remembered: None, machine: Some("one") }
    }

    #[test]
    fn every_number_is_what_it_is_and_the_rest_is_unknown() {
        for number in OWN {
            assert_eq!(Disk::of(*number), Disk::Own, "{number:#x}");
        }
        for (number, name) in SHARED {
            assert_eq!(Disk::of(*number), Disk::Shared(name), "{number:#x}");
        }
        for (number, name) in FRESH {
            assert_eq!(Disk::of(*number), Disk::Fresh(name), "{number:#x}");
        }
        // procfs, and one that there is none of.
        for number in [0x9FA0, 0x1234_5678] {
            assert_eq!(Disk::of(number), Disk::Unknown(number));
        }
        let numbers = SHARED.iter().chain(FRESH).map(|(n, _)| n).chain(OWN);
        let once: BTreeSet<_> = numbers.clone().collect();
        assert_eq!(once.len(), numbers.count(), "a number stands in two tables");
    }

    #[test]
    fn a_file_is_claimed_on_a_disk_of_ones_own_alone() {
        assert_eq!(fit(&ground(&[("a", Disk::Own), ("b", Disk::Own)])), Ok(()));
        for (disk, says) in [
            (Disk::Shared("NFS"), "NFS, which other machines may see"),
            (Disk::Fresh("tmpfs"), "tmpfs, which is gone with"),
            (Disk::Unknown(0x9FA0), "number 0x9fa0"),
        ] {
            for folders in [
                [("state", disk.clone()), ("plan", Disk::Own)],
                [("state", Disk::Own), ("plan", disk.clone())],
            ] {
                let no = fit(&ground(&folders)).expect_err("refused");
                let bad = folders.iter().find(|(_, d)| *d == disk).expect("one");
                assert_eq!(no.place, format!("beside {}", bad.0));
                assert!(no.why.contains(says), "{no:?}");
            }
        }
    }

    #[test]
    fn runners_and_other_machines_memories_are_refused() {
        let own = [("state", Disk::Own)];
        for (name, value, fits) in [
            ("CI", "true", false),
            ("CI", "1", false),
            ("CI", "false", true),
            ("CI", "", true),
            ("TF_BUILD", "True", false),
            ("KUBERNETES_SERVICE_HOST", "10.0.0.1", false),
        ] {
            assert!(RUNNERS.contains(&name));
            let variables = [(name, value)];
            let told = fit(&Ground { variables: &variables, ..ground(&own) });
            assert_eq!(told.is_ok(), fits, "{name}={value}: {told:?}");
        }
        for (remembered, machine, fits) in [
            (None, None, true),
            (None, Some("one"), true),
            (Some("one"), Some("one"), true),
            (Some("two"), Some("one"), false),
            (Some("two"), None, false),
        ] {
            let told = fit(&Ground { remembered, machine, ..ground(&own) });
            assert_eq!(told.is_ok(), fits, "{remembered:?} {machine:?}: {told:?}");
        }
    }
}
