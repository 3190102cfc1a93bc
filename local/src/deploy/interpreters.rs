//! The interpreters of the platform's images: manifests name them by their folders, such as `/var/fc/lang/nodejs18/bin`.
//!
//! A folder with links to this machine's programs stands for each.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::model::Function;
use crate::process::find_program;
use crate::shell;

/// Where the platform's images have interpreters.
pub(super) const FOLDER: &str = "/var/fc/lang/";

/// Names of programs, each with the names that they may have on this machine.
type Programs = &'static [(&'static str, &'static [&'static str])];

/// What a folder has by the begin of its name. `*` stands for the version behind that begin. The first name that this
/// machine has is linked.
const PROGRAMS: &[(&str, Programs)] = &[
    (
        "nodejs",
        &[("node", &["node", "nodejs"]), ("npm", &["npm"]), ("npx", &["npx"]), ("corepack", &["corepack"])],
    ),
    (
        "python",
        &[
            ("python*", &["python*", "python3"]),
            ("python3", &["python*", "python3"]),
            ("python", &["python*", "python3"]),
            ("pip*", &["pip*", "pip3"]),
            ("pip3", &["pip*", "pip3"]),
            ("pip", &["pip*", "pip3"]),
        ],
    ),
    ("java", &[("java", &["java"]), ("javac", &["javac"]), ("jar", &["jar"]), ("keytool", &["keytool"])]),
    ("php", &[("php", &["php*", "php"]), ("php-fpm", &["php-fpm*", "php-fpm"])]),
    ("ruby", &[("ruby", &["ruby"]), ("gem", &["gem"]), ("bundle", &["bundle"]), ("irb", &["irb"])]),
    ("dotnet", &[("dotnet", &["dotnet"])]),
    ("go", &[("go", &["go"]), ("gofmt", &["gofmt"])]),
];

/// The names of the interpreters' folders in the function's commands and variables.
pub(super) fn named(function: &Function) -> BTreeSet<String> {
    let hooks = [&function.initializer, &function.pre_stop].into_iter().flatten();
    let commands = hooks.filter_map(|hook| hook.command.as_ref()).flatten();
    let texts = function.environment.values().chain(&function.command).chain(commands);
    texts.flat_map(|text| text.split(FOLDER).skip(1)).map(name).filter(|name| !name.is_empty()).collect()
}

/// The name at the begin of a text.
fn name(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "._-".contains(*c))
        .collect::<String>()
        .trim_matches('.')
        .to_owned()
}

/// Makes the folder that stands for `name`. Gives the first program of this machine in it, or `None` if this machine has none.
pub(super) fn link(name: &str, folder: &Path) -> io::Result<Option<PathBuf>> {
    let Some((begin, programs)) = PROGRAMS.iter().find(|(begin, _)| name.starts_with(begin)) else {
        return Ok(None);
    };
    let version = &name[begin.len()..];
    let search = shell::search_path();
    let mut first = None;
    for (program, candidates) in *programs {
        let of_version = |candidate: &&str| candidate.replace('*', version);
        let files: Vec<PathBuf> = candidates
            .iter()
            .map(of_version)
            .flat_map(|candidate| search.iter().map(move |folder| folder.join(&candidate)))
            .collect();
        let Some(file) = find_program(&files) else { continue };
        let bin = folder.join("bin");
        std::fs::create_dir_all(&bin)?;
        let link = bin.join(program.replace('*', version));
        // `python` and `python*` are one name in a folder without a version.
        if std::fs::symlink_metadata(&link).is_err() {
            std::os::unix::fs::symlink(file, link)?;
        }
        first.get_or_insert_with(|| file.to_owned());
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_where_its_folder_does() {
        for (text, expected) in [
            ("nodejs18/bin:/usr/bin", "nodejs18"),
            ("python3.10/bin/python3", "python3.10"),
            ("java11", "java11"),
            ("../../etc", ""),
            ("/x", ""),
            ("", ""),
        ] {
            assert_eq!(name(text), expected, "{text}");
        }
    }
}
