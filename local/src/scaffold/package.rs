//! A template as Serverless Devs has it: `publish.yaml`, readmes, and `src/` with what becomes the project.

use super::table::Template;

/// A file of a template or a project, with `/` in its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// What all templates share. `@WORDS@` stand for what is a template's own.
const SHARED: [(&str, &str); 8] = [
    ("publish.yaml", include_str!("parts/publish.yaml")),
    ("readme.md", include_str!("parts/package_zh.md")),
    ("readme_en.md", include_str!("parts/package_en.md")),
    ("src/s.yaml", include_str!("parts/s.yaml")),
    ("src/readme.md", include_str!("parts/readme.md")),
    ("src/readme_zh.md", include_str!("parts/readme_zh.md")),
    ("src/.gitignore", include_str!("parts/gitignore")),
    ("src/code/.fcignore", include_str!("parts/fcignore")),
];

const TRIGGER: &str = include_str!("parts/trigger.yaml");

/// All files of a template's package.
pub(crate) fn package(template: &Template) -> Vec<File> {
    let is_own = |path: &str| template.files.iter().any(|(own, _)| *own == path);
    let shared =
        SHARED.iter().filter(|(path, _)| !is_own(path)).map(|(path, text)| (*path, fill(text, template)));
    let own = template.files.iter().map(|(path, text)| (*path, (*text).to_owned()));
    shared.chain(own).map(|(path, text)| File { path: path.to_owned(), text }).collect()
}

fn fill(text: &str, template: &Template) -> String {
    let environment =
        template.environment.iter().map(|(name, value)| format!("\n        {name}: \"{value}\""));
    let trigger = if template.has_trigger { TRIGGER } else { "" };
    let more = format!("{}{trigger}", template.settings);
    let words = [
        ("@PACKAGE@", template.package()),
        ("@NAME@", format!("rust-{}", template.kind)),
        ("@KIND@", template.kind.to_owned()),
        ("@TITLE@", template.title.0.to_owned()),
        ("@TITLE_ZH@", template.title.1.to_owned()),
        ("@ABOUT@", template.about.0.to_owned()),
        ("@ABOUT_ZH@", template.about.1.to_owned()),
        ("@ASK@", template.ask.to_owned()),
        ("@TIMEOUT@", template.timeout.to_string()),
        ("@CONCURRENCY@", template.concurrency.to_string()),
        ("@ENVIRONMENT@", environment.collect()),
        ("@MORE@\n", more),
    ];
    words.into_iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, &value))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::super::table::TEMPLATES;
    use super::*;

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../templates")
    }

    /// The files below a folder, without what a build leaves there.
    fn below(folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        let mut left = vec![folder.to_owned()];
        while let Some(next) = left.pop() {
            for entry in std::fs::read_dir(next).unwrap().flatten() {
                let path = entry.path();
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                let is_made =
                    ["src/target", "src/Cargo.lock", "src/code/bootstrap", "src/code/app", "src/.fc-local"];
                if is_made.contains(&name.as_str()) {
                    continue;
                }
                if path.is_dir() {
                    left.push(path);
                } else {
                    found.push(name);
                }
            }
        }
        found.sort();
        found
    }

    /// The folder `templates` has what the parts make. `TEMPLATES=overwrite` writes it anew.
    #[test]
    fn the_templates_are_made_of_their_parts() {
        let overwrites = crate::shell::text("TEMPLATES").as_deref() == Some("overwrite");
        let mut names: Vec<String> = std::fs::read_dir(folder())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let mut expected: Vec<String> = TEMPLATES.iter().map(Template::package).collect();
        expected.sort();
        assert_eq!(names, expected);
        for template in &TEMPLATES {
            let root = folder().join(template.package());
            let mut files = package(template);
            for file in &files {
                let path = root.join(&file.path);
                if overwrites {
                    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                    std::fs::write(&path, &file.text).unwrap();
                }
                let there = std::fs::read_to_string(&path).unwrap_or_default();
                assert_eq!(there, file.text, "{}: TEMPLATES=overwrite renews it", path.display());
                let marks = file.text.split('@').skip(1).step_by(2);
                let left = marks.filter(|mark| {
                    mark.len() > 2 && mark.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
                });
                assert_eq!(left.collect::<Vec<_>>(), Vec::<&str>::new(), "{}", path.display());
            }
            files.sort_by(|one, other| one.path.cmp(&other.path));
            let names: Vec<String> = files.into_iter().map(|file| file.path).collect();
            assert_eq!(below(&root), names, "{}", root.display());
        }
    }
}
