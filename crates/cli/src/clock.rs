//! The time now, in this machine's zone.
//!
//! The time zone library reads the names of all zones before it gives one, which takes longer than a small chart's render.
//! So the file of the one zone is read here; the library is asked where that is not enough.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::environment;

/// Where systems keep their zone: a link into the folder of all zones.
const LOCAL: &str = "/etc/localtime";
/// No zone's file is larger.
const MAX_BYTES: u64 = 1 << 20;

pub fn now() -> Zoned {
    let is_plain = ["TZ", "TZDIR"].into_iter().all(|name| !environment::is_set(name));
    match linked_zone(Path::new(LOCAL)).filter(|_| is_plain) {
        Some(zone) => Timestamp::now().to_zoned(zone),
        None => Zoned::now(),
    }
}

/// The zone that a link names, from the file that it leads to.
fn linked_zone(link: &Path) -> Option<TimeZone> {
    let target = std::fs::read_link(link).ok()?;
    let (_, name) = target.to_str()?.rsplit_once("zoneinfo/")?;
    if name == "UTC" {
        return Some(TimeZone::UTC);
    }
    let mut data = Vec::new();
    File::open(link).ok()?.take(MAX_BYTES).read_to_end(&mut data).ok()?;
    TimeZone::tzif(name, &data).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_of_a_link_is_the_one_that_the_library_has() {
        let folder = tempfile::tempdir().unwrap();
        for (number, name) in ["Europe/Berlin", "America/St_Johns", "Etc/UTC", "UTC"].into_iter().enumerate()
        {
            let Ok(known) = TimeZone::get(name) else { continue };
            let link = folder.path().join(number.to_string());
            let file = Path::new("/usr/share/zoneinfo").join(name);
            if !file.exists() {
                continue;
            }
            std::os::unix::fs::symlink(file, &link).unwrap();
            assert_eq!(linked_zone(&link), Some(known), "{name}");
        }
        assert_eq!(linked_zone(&folder.path().join("none")), None);
        let other = folder.path().join("other");
        std::os::unix::fs::symlink("/dev/null", &other).unwrap();
        assert_eq!(linked_zone(&other), None);
    }
}
