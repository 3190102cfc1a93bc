//! A project of a template: its answers filled in, written to a new folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::package::{File, package};
use super::table::Template;

/// What the deployment tool asks for, with its defaults.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) function: String,
    pub(crate) region: String,
    pub(crate) memory: u32,
    /// The alias of the access key.
    pub(crate) access: String,
}

/// Where the crates of the runtime come from, if not from the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Runtime {
    /// A clone of the repository.
    Folder(PathBuf),
    Git(String),
}

/// The crates of the repository, and their folders in a clone.
const CRATES: [(&str, &str); 4] =
    [("fc-runtime", ""), ("fc-runtime-build", "build"), ("fc-client", "client"), ("fc-events", "events")];

/// The version that the templates ask for.
const VERSION: &str = "0.1";

/// The files of a project, as the deployment tool renders them. `runtime` changes where the crates come from.
pub(crate) fn files(template: &Template, answers: &Answers, runtime: Option<&Runtime>) -> Vec<File> {
    let own = package(template).into_iter().filter_map(|file| {
        let path = file.path.strip_prefix("src/")?.to_owned();
        let text = match (path.as_str(), runtime) {
            ("s.yaml", Some(Runtime::Folder(clone))) => with_clone(&render(&file.text, answers), clone),
            ("s.yaml", _) => render(&file.text, answers),
            ("Cargo.toml", Some(runtime)) => from(&file.text, runtime),
            ("Dockerfile" | "readme.md" | "readme_zh.md", Some(Runtime::Folder(clone))) => {
                with_clone(&file.text, clone)
            }
            _ => file.text,
        };
        Some(File { path, text })
    });
    own.collect()
}

/// Writes the files to a new folder.
///
/// # Errors
///
/// The folder is there and not empty, or cannot be written.
pub(crate) fn create(folder: &Path, files: &[File]) -> io::Result<()> {
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        let text = format!("{} is there already, and not empty: nothing is written", folder.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
    }
    for file in files {
        let path = folder.join(&file.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|error| at(parent, &error))?;
        }
        fs::write(&path, &file.text).map_err(|error| at(&path, &error))?;
    }
    Ok(())
}

/// Writes the files to a folder, which may be there. Without `replaces` a file that is there stays, and nothing is written.
///
/// # Errors
///
/// A file is there already, or cannot be written.
pub(crate) fn put(folder: &Path, files: &[File], replaces: bool) -> io::Result<()> {
    let is_there = files.iter().map(|file| folder.join(&file.path)).find(|path| path.exists() && !replaces);
    if let Some(path) = is_there {
        let text = format!("{} is there already: nothing is written; --force replaces it", path.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
    }
    fs::create_dir_all(folder).map_err(|error| at(folder, &error))?;
    files.iter().try_for_each(|file| {
        let path = folder.join(&file.path);
        fs::write(&path, &file.text).map_err(|error| at(&path, &error))
    })
}

/// An error with the path that it is about.
fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{} cannot be written: {error}", path.display()))
}

fn render(text: &str, answers: &Answers) -> String {
    let memory = answers.memory.to_string();
    let values = [
        ("{{ access }}", &answers.access),
        ("{{ region }}", &answers.region),
        ("{{ functionName }}", &answers.function),
        ("{{ memorySize }}", &memory),
    ];
    values.into_iter().fold(text.to_owned(), |text, (mark, value)| text.replace(mark, value))
}

/// The same dependencies from a clone or a Git repository.
fn from(text: &str, runtime: &Runtime) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let name = line.split([' ', '=']).next().unwrap_or_default();
        let known = CRATES.iter().find(|(own, _)| *own == name);
        match known {
            Some((_, below)) => {
                let source = match runtime {
                    Runtime::Folder(folder) => {
                        let path: PathBuf = folder.join(below).components().collect();
                        format!("path = {:?}", path.display().to_string())
                    }
                    Runtime::Git(address) => format!("git = {address:?}"),
                };
                let short = format!("= \"{VERSION}\"");
                let long = format!("version = \"{VERSION}\"");
                out += &line.replacen(&long, &source, 1).replacen(&short, &format!("= {{ {source} }}"), 1);
            }
            None => out += line,
        }
        out.push('\n');
    }
    out
}

/// The build of an image sees the project alone: the clone comes as a second context, and stands at its own place.
fn with_clone(text: &str, clone: &Path) -> String {
    let path = clone.display().to_string();
    // Others would have to be quoted, for the shell in one way and for the Dockerfile in another.
    if !path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-+@".contains(&b)) {
        return text.to_owned();
    }
    let build = format!("docker build --build-context fc-runtime={path} --tag");
    let mount = format!("RUN --mount=type=bind,from=fc-runtime,target={path} \\\n    --mount=type=cache");
    text.replace("docker build --tag", &build).replacen("RUN --mount=type=cache", &mount, 1)
}

#[cfg(test)]
mod tests {
    use super::super::table::TEMPLATES;
    use super::*;

    fn answers() -> Answers {
        Answers {
            function: "orders".to_owned(),
            region: "cn-hangzhou".to_owned(),
            memory: 512,
            access: "default".to_owned(),
        }
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        for template in &TEMPLATES {
            let files = files(template, &answers(), None);
            let manifest = files.iter().find(|file| file.path == "s.yaml").unwrap();
            assert!(!manifest.text.contains("{{"), "{}", manifest.text);
            assert!(
                manifest.text.contains("functionName: \"orders\"")
                    && manifest.text.contains("memorySize: 512\n")
            );
        }
    }

    #[test]
    fn the_crates_come_from_a_clone_or_from_git() {
        let text = "[dependencies]\nfc-events = \"0.1\"\nfc-runtime = { version = \"0.1\", features = [\"grpc\"] }\ntower = \"0.1\"\n";
        let clone = from(text, &Runtime::Folder("/work/fc".into()));
        assert_eq!(
            clone,
            "[dependencies]\nfc-events = { path = \"/work/fc/events\" }\nfc-runtime = { path = \"/work/fc\", features = [\"grpc\"] }\ntower = \"0.1\"\n"
        );
        let git = from(text, &Runtime::Git("https://example.invalid/fc.git".to_owned()));
        assert!(
            git.contains("fc-runtime = { git = \"https://example.invalid/fc.git\", features = [\"grpc\"] }"),
            "{git}"
        );
        for template in &TEMPLATES {
            let files = files(template, &answers(), Some(&Runtime::Folder("/x".into())));
            let cargo = files.iter().find(|file| file.path == "Cargo.toml").unwrap();
            let own = cargo.text.lines().filter(|line| line.starts_with("fc-"));
            assert!(
                own.clone().count() > 1 && own.clone().all(|line| line.contains("path = \"/x")),
                "{}",
                cargo.text
            );
        }
    }

    #[test]
    fn an_image_is_built_with_the_clone_beside_it() {
        let template = TEMPLATES.iter().find(|template| template.kind == "container").unwrap();
        let text = |runtime: Option<&Runtime>, path: &str| {
            let files = files(template, &answers(), runtime);
            files.into_iter().find(|file| file.path == path).unwrap().text
        };
        let clone = Runtime::Folder("/work/fc-runtime".into());
        let context = "docker build --build-context fc-runtime=/work/fc-runtime --tag ";
        for path in ["s.yaml", "readme.md", "readme_zh.md"] {
            assert!(
                text(Some(&clone), path).contains(context)
                    && !text(None, path).contains("--build-context fc-")
            );
        }
        let mount =
            "RUN --mount=type=bind,from=fc-runtime,target=/work/fc-runtime \\\n    --mount=type=cache,";
        assert!(text(Some(&clone), "Dockerfile").contains(mount));
        // Elsewhere nothing is known of it.
        for runtime in
            [None, Some(&Runtime::Folder("/a b".into())), Some(&Runtime::Git("git://x/y".to_owned()))]
        {
            assert_eq!(text(runtime, "Dockerfile"), text(None, "Dockerfile"));
        }
    }
}
