//! The layers of a function: local folders and zips, laid over each other in one folder that is shown at `/opt`.
//!
//! A zip may come from anywhere. Nothing of a zip is written outside of the folder, no link leads out of it, and what it
//! unpacks to is bounded.

use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use zip::ZipArchive;

use super::copy::Contents;

const MIB: u64 = 1024 * 1024;

/// The largest layer of the platform, in bytes.
const LAYER_MAX: u64 = 500 * MIB;

/// The most entries of a zip.
const ENTRIES_MAX: usize = 200_000;

/// The longest target of a link, in bytes.
const TARGET_MAX: u64 = 4096;

/// The most that the targets of all links of a zip may take, in bytes. They are kept until the end.
const TARGETS_MAX: usize = 16 * 1024 * 1024;

/// Lays the layers over each other in `to`, the last one on top.
pub(super) fn lay(layers: &[PathBuf], to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for layer in layers {
        let laid = if !layer.is_dir() {
            unpack(layer, to, LAYER_MAX)
        } else if Contents::of(layer, LAYER_MAX)?.bytes > LAYER_MAX {
            Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the folder has more than 500 MiB, the platform's limit",
            ))
        } else {
            lay_folder(layer, Path::new(""), to)
        };
        laid.map_err(|error| io::Error::new(error.kind(), format!("layer {}: {error}", layer.display())))?;
    }
    Ok(())
}

/// Copies the folder `below` of a layer.
fn lay_folder(layer: &Path, below: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(layer.join(below))? {
        let entry = entry?;
        let (kind, below) = (entry.file_type()?, below.join(entry.file_name()));
        if kind.is_dir() {
            let made = folder(to, &below)?;
            fs::set_permissions(made, entry.metadata()?.permissions())?;
            lay_folder(layer, &below, to)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, free(to, &below)?)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), free(to, &below)?)?;
        }
    }
    Ok(())
}

/// Unpacks the package of a function or a layer into a folder.
pub(crate) fn unpack_zip(file: &Path, to: &Path) -> io::Result<()> {
    unpack(file, to, LAYER_MAX)
}

/// Unpacks a zip of at most `limit` bytes when unpacked.
fn unpack(file: &Path, to: &Path, limit: u64) -> io::Result<()> {
    let refused = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    let opened = File::open(file)?;
    let metadata = opened.metadata()?;
    if !metadata.is_file() || metadata.len() > LAYER_MAX {
        return Err(refused("a layer is a folder or a zip of at most 500 MiB".to_owned()));
    }
    let mut archive = ZipArchive::new(io::BufReader::new(opened)).map_err(io::Error::other)?;
    if archive.len() > ENTRIES_MAX {
        return Err(refused(format!("{} entries; {ENTRIES_MAX} are read at most", archive.len())));
    }
    let mut left = limit;
    let (mut links, mut left_for_links) = (Vec::new(), TARGETS_MAX);
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(io::Error::other)?;
        let name = entry.name().map_err(io::Error::other)?.into_owned();
        let Some(path) = inside(Path::new(&name)) else {
            return Err(refused(format!("`{name}` leads out of the layer")));
        };
        if path.as_os_str().is_empty() {
            continue;
        }
        if entry.is_dir() {
            folder(to, &path)?;
            continue;
        }
        if entry.is_symlink() {
            let mut target = String::new();
            entry.by_ref().take(TARGET_MAX).read_to_string(&mut target)?;
            let from = path.parent().unwrap_or(Path::new(""));
            if !is_plain_target(Path::new(&target)) || inside(&from.join(&target)).is_none() {
                return Err(refused(format!("the link `{name}` leads out of the layer, to `{target}`")));
            }
            left_for_links = left_for_links
                .checked_sub(name.len() + target.len())
                .ok_or_else(|| refused("its links are too many or too long".to_owned()))?;
            links.push((path, target));
            continue;
        }
        let mode = entry.unix_mode().unwrap_or(0o644) & 0o777;
        let target = free(to, &path)?;
        let mut out = File::create_new(&target)?;
        // The size in the head is the packer's word; what comes out counts.
        let written = io::copy(&mut entry.by_ref().take(left + 1), &mut out)?;
        left = left.checked_sub(written).ok_or_else(|| {
            refused(format!("unpacked, the layer has more than {} MiB, the platform's limit", limit / MIB))
        })?;
        fs::set_permissions(&target, Permissions::from_mode(mode))?;
    }
    // Links come last, so that nothing is written through one.
    for (path, target) in links {
        std::os::unix::fs::symlink(target, free(to, &path)?)?;
    }
    Ok(())
}

/// The path without `.` and `..`. `None` if the path leads out of the folder that it starts from.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut found = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => found.push(name),
            Component::CurDir => {}
            Component::ParentDir if found.pop() => {}
            _ => return None,
        }
    }
    Some(found)
}

/// Whether a link's target goes up first and then down. A `..` behind a name leads out of the layer where the name is a
/// link itself.
fn is_plain_target(target: &Path) -> bool {
    let is_up = |component: &Component<'_>| matches!(component, Component::ParentDir | Component::CurDir);
    let mut down = target.components().skip_while(is_up);
    down.all(|component| matches!(component, Component::Normal(_)))
}

/// Makes a folder and those above, each a folder of its own: a link of a lower layer is replaced, not followed.
fn folder(to: &Path, path: &Path) -> io::Result<PathBuf> {
    let mut made = to.to_owned();
    for component in path.components() {
        made.push(component);
        match fs::symlink_metadata(&made) {
            Ok(found) if found.is_dir() => continue,
            Ok(_) => fs::remove_file(&made)?,
            Err(_) => {}
        }
        fs::create_dir(&made)?;
    }
    Ok(made)
}

/// Where a file can be created: what a lower layer had there is removed.
fn free(to: &Path, path: &Path) -> io::Result<PathBuf> {
    let parent = folder(to, path.parent().unwrap_or(Path::new("")))?;
    let file = parent.join(path.file_name().unwrap_or_default());
    match fs::symlink_metadata(&file) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(&file)?,
        Ok(_) => fs::remove_file(&file)?,
        Err(_) => {}
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    struct Place(PathBuf);

    impl Drop for Place {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    fn place(name: &str) -> Place {
        let folder = std::env::temp_dir().join(format!("fclt-layers-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Place(folder)
    }

    fn packed(path: &Path, fill: impl FnOnce(&mut ZipWriter<File>)) -> PathBuf {
        let mut zip = ZipWriter::new(File::create(path).unwrap());
        fill(&mut zip);
        zip.finish().unwrap();
        path.to_owned()
    }

    fn mode(mode: u32) -> SimpleFileOptions {
        SimpleFileOptions::default().unix_permissions(mode)
    }

    #[test]
    fn folders_and_zips_lie_over_each_other() {
        let own = place("over");
        let lower = own.0.join("lower");
        fs::create_dir_all(lower.join("bin")).unwrap();
        fs::write(lower.join("bin/tool"), "old").unwrap();
        fs::write(lower.join("kept"), "kept").unwrap();
        std::os::unix::fs::symlink("kept", lower.join("python")).unwrap();
        let upper = packed(&own.0.join("upper.zip"), |zip| {
            zip.start_file("bin/tool", mode(0o755)).unwrap();
            zip.write_all(b"new").unwrap();
            zip.start_file("python/lib/a.py", mode(0o644)).unwrap();
            zip.write_all(b"a").unwrap();
            zip.add_symlink("bin/link", "../kept", mode(0o777)).unwrap();
        });
        let to = own.0.join("to");
        lay(&[lower, upper], &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("bin/tool")).unwrap(), "new");
        assert_eq!(fs::metadata(to.join("bin/tool")).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(fs::read_to_string(to.join("bin/link")).unwrap(), "kept");
        assert_eq!(fs::read_to_string(to.join("python/lib/a.py")).unwrap(), "a", "the link was not followed");
        assert_eq!(fs::read_to_string(to.join("kept")).unwrap(), "kept");
    }

    /// Some tools say that a zip was made on DOS, and have no modes in it.
    #[test]
    fn a_zip_without_modes_has_files_that_all_can_read() {
        let own = place("modes");
        let zip = packed(&own.0.join("dos.zip"), |zip| {
            zip.start_file("bin/tool", mode(0o600)).unwrap();
            zip.write_all(b"new").unwrap();
        });
        let mut bytes = fs::read(&zip).unwrap();
        // In the directory at the end: the system that made the entry, and its attributes.
        let at = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
        bytes[at + 5] = 0;
        bytes[at + 38..at + 42].fill(0);
        fs::write(&zip, bytes).unwrap();
        let to = own.0.join("to");
        lay(&[zip], &to).unwrap();
        assert_eq!(fs::metadata(to.join("bin/tool")).unwrap().permissions().mode() & 0o777, 0o644);
    }

    #[test]
    fn what_leads_out_of_a_layer_is_refused() {
        let own = place("out");
        let file = |name: &'static str| {
            move |zip: &mut ZipWriter<File>| {
                zip.start_file(name, mode(0o644)).unwrap();
                zip.write_all(b"x").unwrap();
            }
        };
        let link = |name: &'static str, target: &'static str| {
            move |zip: &mut ZipWriter<File>| zip.add_symlink(name, target, mode(0o777)).unwrap()
        };
        let check = |name: &str, packed: PathBuf, expected: &str| {
            let to = own.0.join(name);
            let error = lay(&[packed], &to).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(!own.0.join("evil").exists() && fs::read_dir(&to).unwrap().next().is_none());
        };
        let zip = |name: &str| own.0.join(name);
        check("1", packed(&zip("1.zip"), file("../evil")), "`../evil` leads out of the layer");
        check("2", packed(&zip("2.zip"), file("a/../../evil")), "leads out of the layer");
        check(
            "3",
            packed(&zip("3.zip"), link("a", "/etc")),
            "the link `a` leads out of the layer, to `/etc`",
        );
        check("4", packed(&zip("4.zip"), link("a/b", "../../evil")), "leads out of the layer");
        let by_links = packed(&zip("6.zip"), |zip| {
            zip.add_symlink("deep/root", "..", mode(0o777)).unwrap();
            // By its letters the target is `evil` in the layer.
            zip.add_symlink("out", "deep/root/../evil", mode(0o777)).unwrap();
        });
        check("6", by_links, "the link `out` leads out of the layer");
        fs::write(zip("5.zip"), "no zip").unwrap();
        check("5", zip("5.zip"), "layer ");
    }

    #[test]
    fn a_folder_has_the_limit_of_a_zip() {
        let own = place("large");
        let layer = own.0.join("layer");
        fs::create_dir(&layer).unwrap();
        // A hole, which takes no room.
        File::create(layer.join("hole")).unwrap().set_len(LAYER_MAX + 1).unwrap();
        let error = lay(&[layer], &own.0.join("to")).unwrap_err().to_string();
        assert!(error.contains("more than 500 MiB"), "{error}");
    }

    #[test]
    fn a_bomb_is_refused_before_it_fills_the_disk() {
        let own = place("bomb");
        // Each entry is small when packed, and within the limit by itself.
        let bomb = packed(&own.0.join("bomb.zip"), |zip| {
            for number in 0..3 {
                zip.start_file(format!("zeros-{number}"), mode(0o644)).unwrap();
                zip.write_all(&vec![0; 700 * 1024]).unwrap();
            }
        });
        assert!(fs::metadata(&bomb).unwrap().len() < 16 * 1024);
        let to = own.0.join("to");
        fs::create_dir(&to).unwrap();
        let error = unpack(&bomb, &to, 2 * MIB).unwrap_err().to_string();
        assert!(error.contains("more than 2 MiB"), "{error}");
        fs::remove_dir_all(&to).unwrap();
        fs::create_dir(&to).unwrap();
        unpack(&bomb, &to, 3 * MIB).unwrap();
    }
}
