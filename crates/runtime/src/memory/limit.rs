//! What the system says of memory: what this process has, and what its cgroup lets it have.

use std::fs;
use std::path::{Path, PathBuf};

use super::Size;

/// Bytes of a page. Every Linux that this runs on says 4,096 in `statm`, or more; then too little is counted, never too much.
const PAGE: u64 = 4096;

/// Resident memory of this process; 0 where the system does not tell.
pub(super) fn resident() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or_default() * PAGE
}

/// The budget of a process in a cgroup with a limit: so much that the limit is 30 % above it.
pub fn of_cgroup() -> Option<Size> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let limit = smallest_limit(Path::new("/sys/fs/cgroup"), &own)?;
    Some(Size(limit / 13 * 10))
}

/// The least of the limits of the process's cgroups and of those above them, in version 2 or 1.
fn smallest_limit(root: &Path, own: &str) -> Option<u64> {
    let mut limits = Vec::new();
    for line in own.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let (top, file) = match controllers {
            "" => (root.to_owned(), "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                (root.join("memory"), "memory.limit_in_bytes")
            }
            _ => continue,
        };
        limits.extend(folders(&top, path).iter().filter_map(|folder| limit_in(&folder.join(file))));
    }
    limits.into_iter().min()
}

/// From the group's own folder up to the top. In a container the own one may be the top itself, under another name.
fn folders(top: &Path, path: &str) -> Vec<PathBuf> {
    let own = top.join(path.trim_start_matches('/'));
    own.ancestors().take_while(|folder| folder.starts_with(top)).map(Path::to_owned).collect()
}

/// Version 1 says "no limit" by a number that no machine has.
fn limit_in(file: &Path) -> Option<u64> {
    let limit: u64 = fs::read_to_string(file).ok()?.trim().parse().ok()?;
    (limit < 1 << 60).then_some(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(files: &[(&str, &str)], own: &str) -> Option<u64> {
        let root = std::env::temp_dir().join(format!("sluice-cgroup-{}-{:p}", std::process::id(), files));
        for (file, text) in files {
            let file = root.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let found = smallest_limit(&root, own);
        let _ = fs::remove_dir_all(&root);
        found
    }

    #[test]
    fn the_least_limit_on_the_way_up_counts() {
        let two = [("memory.max", "max\n"), ("a/memory.max", "1000\n"), ("a/b/memory.max", "max\n")];
        assert_eq!(limit(&two, "0::/a/b\n"), Some(1000));
        assert_eq!(limit(&two[..1], "0::/\n"), None);
        // A container sees its own group as the top, whatever the path says.
        assert_eq!(limit(&[("memory.max", "700\n")], "0::/kubepods/x\n"), Some(700));
    }

    #[test]
    fn version_one_has_a_folder_of_its_own_for_memory() {
        let one = [
            ("memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("memory/x/memory.limit_in_bytes", "5000\n"),
        ];
        assert_eq!(limit(&one, "3:cpu,cpuacct:/x\n2:memory:/x\n"), Some(5000));
        assert_eq!(limit(&one, "2:memory:/\n"), None);
    }

    #[test]
    fn this_process_has_memory() {
        assert!(resident() > 1 << 20);
    }
}
