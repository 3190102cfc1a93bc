//! Which names of entries and which targets of links a zip may have.

use std::path::{Component, Path, PathBuf};

/// The longest name of one file or folder, in bytes: that of Linux.
const PART_MAX: usize = 255;

/// The longest path, in bytes. Linux takes 4096 with the folder in front.
const PATH_MAX: usize = 2048;

/// The most folders in each other.
const DEPTH_MAX: usize = 100;

/// The path of an entry below the folder, without `.` and doubled slashes. Empty for the folder itself.
///
/// # Errors
///
/// The name leads out of the folder, or would on another system, or is no name on Linux. The text goes behind the name.
pub(super) fn path(name: &[u8]) -> Result<PathBuf, String> {
    let Ok(name) = std::str::from_utf8(name) else { return Err("is not UTF-8".to_owned()) };
    if name.is_empty() {
        return Err("is empty".to_owned());
    }
    if name.contains(|letter: char| letter.is_ascii_control()) {
        return Err("has a control character".to_owned());
    }
    if name.contains('\\') {
        return Err("has a backslash, which some systems take for a slash".to_owned());
    }
    if name.starts_with('/') {
        return Err("is absolute".to_owned());
    }
    if matches!(name.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic()) {
        return Err("begins with a drive".to_owned());
    }
    if name.len() > PATH_MAX {
        return Err(format!("has more than {PATH_MAX} bytes"));
    }
    let mut path = PathBuf::new();
    let mut depth = 0;
    for part in name.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part == ".." {
            return Err("goes up by `..`".to_owned());
        }
        if part.len() > PART_MAX {
            return Err(format!("has a part of more than {PART_MAX} bytes"));
        }
        depth += 1;
        path.push(part);
    }
    if depth > DEPTH_MAX {
        return Err(format!("has more than {DEPTH_MAX} folders in each other"));
    }
    Ok(path)
}

/// Whether the target of a link at `path` stays in the folder, wherever other links lead that do the same. It goes up first
/// and then down: a `..` behind a name would leave the folder where that name is a link itself.
pub(super) fn stays_inside(path: &Path, target: &str) -> bool {
    let mut left = path.components().count().saturating_sub(1);
    let mut is_down = false;
    for component in Path::new(target).components() {
        match component {
            Component::Normal(_) => is_down = true,
            Component::CurDir => {}
            Component::ParentDir if !is_down && left > 0 => left -= 1,
            _ => return false,
        }
    }
    !target.is_empty() && !target.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: Result<&str, &str>) {
        match (path(name.as_bytes()), expected) {
            (Ok(path), Ok(expected)) => assert_eq!(path, Path::new(expected), "{name}"),
            (Err(text), Err(part)) => assert!(text.contains(part), "{name}: {text}"),
            (outcome, _) => panic!("{name}: {outcome:?}"),
        }
    }

    #[test]
    fn names_are_paths_below_the_folder() {
        check("a", Ok("a"));
        check("a/b/", Ok("a/b"));
        check("./a//b/./c", Ok("a/b/c"));
        check("./", Ok(""));
        check("ab:c", Ok("ab:c"));
        check("...", Ok("..."));
        check("grüße/日本", Ok("grüße/日本"));
        check("..", Err("goes up"));
        check("a/../b", Err("goes up"));
        check("a/..", Err("goes up"));
        check("/a", Err("absolute"));
        check("//a", Err("absolute"));
        check("C:a", Err("drive"));
        check("c:/a", Err("drive"));
        check("a\\..\\b", Err("backslash"));
        check("a\0b", Err("control"));
        check("a\nb", Err("control"));
        check("", Err("empty"));
        check(&"n".repeat(256), Err("255 bytes"));
        check(&"n".repeat(255), Ok(&"n".repeat(255)));
        check(&"n/".repeat(101), Err("100 folders"));
        check(&"nnn/".repeat(600), Err("2048 bytes"));
        assert_eq!(path(b"\xff").unwrap_err(), "is not UTF-8");
    }

    #[test]
    fn links_stay_in_the_folder() {
        for (path, target, expected) in [
            ("a", "b", true),
            ("a", "./b/c", true),
            ("d/a", "../b", true),
            ("d/e/a", "../../b/c", true),
            ("a", "..", false),
            ("d/a", "..", true),
            ("a", "../b", false),
            ("d/a", "../../b", false),
            ("a", "b/../c", false),
            ("a", "/etc/passwd", false),
            ("a", "", false),
            ("a", "b\0", false),
        ] {
            assert_eq!(stays_inside(Path::new(path), target), expected, "{path} -> {target}");
        }
    }
}
