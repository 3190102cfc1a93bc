//! How a running `fc-local dev` publishes its address: in its own folder for temporary files.

use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::workspace::Workspace;
use crate::shell;

/// The name of the file. Its first line is the address, its second line the manifest.
const FILE: &str = "address";

/// The largest address file, in bytes: an address and a path.
const FILE_MAX: u64 = 8 * 1024;

impl Workspace {
    /// Publishes the address of the platform that serves `manifest`, for [`find`].
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(crate) fn announce(&self, manifest: &Path, address: SocketAddr) -> io::Result<()> {
        let text = format!("{}\n{}", reachable(address), canonical(manifest).display());
        // The rename makes the whole file visible at once.
        let (file, whole) = (self.folder().join("address.new"), self.folder().join(FILE));
        std::fs::write(&file, text)?;
        std::fs::rename(file, whole)
    }
}

/// The address of this user's running platform for `manifest`. With several platforms, the latest.
pub(crate) fn find(manifest: &Path) -> Option<SocketAddr> {
    let manifest = canonical(manifest);
    let running = all().into_iter().filter(|running| running.manifest == manifest);
    running.max_by_key(|running| running.since).map(|running| running.address)
}

/// A running platform.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) manifest: PathBuf,
    since: SystemTime,
}

/// The running platforms of this user, in no order.
pub(crate) fn all() -> Vec<Running> {
    let user = rustix::process::getuid().as_raw();
    let running = Workspace::running(&shell::temporary_folder()).filter_map(|folder| {
        // Other users may create folders in the same place, with a pipe or a device under the file's name.
        let file = folder.join(FILE);
        let own = |path: &Path| std::fs::symlink_metadata(path).ok().filter(|found| found.uid() == user);
        let (_, found) = (own(&folder)?, own(&file).filter(std::fs::Metadata::is_file)?);
        let mut text = String::new();
        File::open(&file).ok()?.take(FILE_MAX).read_to_string(&mut text).ok()?;
        let (address, of) = text.split_once('\n')?;
        let (since, address) = (found.modified().ok()?, address.parse().ok()?);
        Some(Running { address, manifest: PathBuf::from(of), since })
    });
    running.collect()
}

/// As [`find`], without the platform at `own`. One that was killed is found until its guards have ended, and its address may be `own` by then.
pub(crate) fn find_other(manifest: &Path, own: SocketAddr) -> Option<SocketAddr> {
    find(manifest).filter(|found| *found != reachable(own))
}

fn canonical(manifest: &Path) -> PathBuf {
    std::fs::canonicalize(manifest).unwrap_or_else(|_| manifest.to_owned())
}

/// The address by which a program on this machine reaches the platform.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_platform_of_a_manifest_is_found_while_it_runs() {
        let (one, two) = (Workspace::create().unwrap(), Workspace::create().unwrap());
        let manifest = one.folder().join("s.yaml");
        assert_eq!(find(&manifest), None);
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        one.announce(&manifest, address("0.0.0.0:1")).unwrap();
        assert_eq!(find(&manifest), Some(address("127.0.0.1:1")));
        two.announce(&one.folder().join("other.yaml"), address("[::]:2")).unwrap();
        assert_eq!(find(&manifest), Some(address("127.0.0.1:1")));
        assert_eq!(find(&one.folder().join("other.yaml")), Some(address("[::1]:2")));
        assert_eq!(find_other(&manifest, address("0.0.0.0:2")), Some(address("127.0.0.1:1")));
        assert_eq!(find_other(&manifest, address("0.0.0.0:1")), None);
        drop(one);
        assert_eq!(find(&manifest), None);
    }

    #[test]
    fn what_is_no_file_of_a_platform_is_passed_over() {
        let one = Workspace::create().unwrap();
        let manifest = one.folder().join("s.yaml");
        std::os::unix::fs::symlink("/dev/zero", one.folder().join(FILE)).unwrap();
        assert_eq!(find(&manifest), None);
    }
}
