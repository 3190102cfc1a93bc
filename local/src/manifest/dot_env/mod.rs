//! `.env` files, read as the deployment tool reads them.
//!
//! The shell takes precedence over every file. Earlier files take precedence over later files. The order is: the
//! current folder, the `code` folder of each resource as seen from the current folder, the manifest's folder. If two of
//! these folders are the same, the file is read twice, and variables within its values are replaced twice.

mod expansion;
mod lines;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::node::Node;

/// The variables of all files. A variable that the shell also sets has the shell's value, in which the deployment tool
/// replaces references to variables.
pub(crate) type Variables = BTreeMap<String, String>;

/// The file in `folder`. The file in the current folder is read before the manifest.
pub(super) fn first(folder: &Path) -> PathBuf {
    // `./code` and `code` are one folder; the components say so.
    folder.join(".env").components().collect()
}

/// The files that are read after the manifest. An earlier file takes precedence.
pub(super) fn others(current: &Path, folder: &Path, root: &Node) -> Vec<PathBuf> {
    let resources = root.child("resources").map_or(&[][..], Node::entries);
    let code = resources.iter().filter_map(|entry| entry.node.child("props")?.child("code")?.as_text());
    let folders = code.filter(|code| !code.is_empty()).map(|code| current.join(code));
    folders.chain([folder.to_owned()]).map(|folder| first(&folder)).collect()
}

/// Reads one file's text into `variables`. `shell` holds the variables of the shell.
///
/// # Errors
///
/// The name of a variable that refers to itself. The deployment tool stops with an error.
pub(super) fn read(
    text: &str,
    shell: &dyn Fn(&str) -> Option<String>,
    variables: &mut Variables,
) -> Result<(), String> {
    let own = lines::parse(text);
    let raw = |name: &str| own.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
    let known = |name: &str| variables.get(name).cloned().or_else(|| shell(name)).or_else(|| raw(name));
    let mut expanded: Vec<(&str, String)> = Vec::new();
    for (name, value) in &own {
        let later = |other: &str| {
            let done = expanded.iter().find(|(own, _)| *own == other).map(|(_, value)| value.clone());
            done.or_else(|| raw(other))
        };
        let value = known(name).unwrap_or_else(|| value.clone());
        expanded.push((name, expansion::expand(&value, &known, &later).ok_or_else(|| name.clone())?));
    }
    let expanded: Vec<_> = expanded.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    variables.extend(expanded);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let mut variables = Variables::from([("FIRST".to_owned(), "first".to_owned())]);
        let shell = |name: &str| match name {
            "SHELL_SET" => Some("shell".to_owned()),
            "SHELL_DOLLAR" => Some("pa$word-x".to_owned()),
            _ => None,
        };
        read(text, &shell, &mut variables).unwrap();
        let mut expected: Variables =
            expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        expected.entry("FIRST".to_owned()).or_insert_with(|| "first".to_owned());
        assert_eq!(variables, expected);
    }

    #[test]
    fn variables_lead_to_others() {
        check("A=$B-${SHELL_SET}\nB=${FIRST}!\n", &[("A", "first!-shell"), ("B", "first!")]);
        check("A=${NO:-other}-${NO}-\\$B\n", &[("A", "other--$B")]);
        // A dollar sign at the end of the value stops the replacement.
        check("A=$FIRST-$\n", &[("A", "$FIRST-$")]);
        // An earlier file takes precedence.
        check("FIRST=second\nA=$FIRST\n", &[("A", "first")]);
    }

    #[test]
    fn a_line_changes_the_shells_variable_of_its_name() {
        check("SHELL_DOLLAR=\n", &[("SHELL_DOLLAR", "pa-x")]);
    }

    #[test]
    fn a_circle_is_named() {
        for text in ["A=$B\nB=$A\n", "A=x$A\n"] {
            let circle = read(text, &|_| None, &mut Variables::new());
            assert_eq!(circle, Err("A".to_owned()), "{text}");
        }
    }

    #[test]
    fn code_folders_are_looked_for_from_the_current_folder() {
        let root = crate::manifest::yaml::parse(
            "resources: {a: {props: {code: ./x}}, b: {props: {code: /y}}, c: {props: {code: x/}}, d: {}}",
        )
        .unwrap()
        .root;
        let files = others(Path::new("/here"), Path::new("/here/app"), &root);
        assert_eq!(files, ["/here/x/.env", "/y/.env", "/here/x/.env", "/here/app/.env"].map(PathBuf::from));
    }
}
