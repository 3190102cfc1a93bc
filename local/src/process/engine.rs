//! The program of this machine that runs containers: podman or docker.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::orphans;
use super::proc::find_program;
use crate::shell;

/// The programs that are looked for, best first: podman needs no service, and its containers end with their guards.
const PROGRAMS: [&str; 2] = ["podman", "docker"];

/// What every container of fc-local is labelled with. The value is the machine.
const LABEL: &str = "fc-local";

/// The begin of a container's name. Behind it stands the process of the fc-local that started the container.
const PREFIX: &str = "fc-local-";

/// How long the engine may take for an answer.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// How many seconds a container has from the order to remove it to its end. What has to end in order is told so before. `rm` has
/// an option for it only since podman 4.
const STOP_TIMEOUT: &str = "0";

/// The address of this machine at which the ports of containers are opened, and no other machine reaches them.
const ADDRESS: &str = "127.0.0.2";

/// Runs containers.
#[derive(Debug)]
pub(crate) struct Engine {
    /// The name, for a sentence.
    name: &'static str,
    program: PathBuf,
    /// A folder of this fc-local, for files that the program reads.
    folder: PathBuf,
}

/// A container that is to be started.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) name: &'a str,
    pub(crate) image: &'a str,
    pub(crate) entrypoint: &'a [String],
    pub(crate) command: &'a [String],
    /// The port of this machine, and the one within the container.
    pub(crate) ports: (u16, u16),
    pub(crate) memory_mib: u32,
    pub(crate) cpu: Option<f64>,
    /// A file with a variable in each line.
    pub(crate) variables: &'a str,
    /// Variables that the engine takes from its own environment.
    pub(crate) passed: &'a [String],
}

impl Engine {
    /// The engine of this machine's search path. It reads files in `folder`.
    pub(crate) fn find(folder: &Path) -> Option<Self> {
        PROGRAMS.into_iter().find_map(|name| {
            let files: Vec<PathBuf> =
                shell::search_path().into_iter().map(|folder| folder.join(name)).collect();
            let program = find_program(&files)?.to_owned();
            Some(Engine { name, program, folder: folder.to_owned() })
        })
    }

    /// The name of the engine, for a sentence.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The file with the variables of an instance, which the engine reads when it starts the container.
    pub(crate) fn variables_file(&self, instance: &str) -> PathBuf {
        self.folder.join(format!("variables-{instance}"))
    }

    /// The container of an instance: a name that no other fc-local of this machine gives.
    pub(crate) fn container_name(instance: &str) -> String {
        format!("{PREFIX}{}-{instance}", std::process::id())
    }

    /// What the name of an image leads to on this machine.
    ///
    /// # Errors
    ///
    /// The engine does not answer, or knows no such image.
    pub(crate) async fn image(&self, name: &str) -> Result<String, String> {
        let id = self.ask(&["image", "inspect", "--format", "{{.Id}}", name]).await?;
        if id.is_empty() { Err("the engine names no image".to_owned()) } else { Ok(id) }
    }

    /// Removes the containers of fc-locals that were killed.
    pub(crate) async fn remove_leftovers(&self) {
        let filter = format!("label={LABEL}={}", machine());
        // What the engine does not tell is left to the next start.
        let names = self.ask(&["ps", "--all", "--filter", &filter, "--format", "{{.Names}}"]).await;
        for name in names.unwrap_or_default().lines().filter(|name| is_leftover(name)) {
            _ = self.remove(name).await;
        }
    }

    /// The command that runs a container until its end.
    pub(crate) fn run(&self, plan: &Plan<'_>) -> Vec<String> {
        let memory = format!("{}m", plan.memory_mib);
        let (port, declared) = plan.ports;
        let mut line = vec![self.program()];
        let mut option = |name: &str, value: &str| line.extend([name.to_owned(), value.to_owned()]);
        option("run", "--sig-proxy=false");
        option("--name", plan.name);
        option("--label", &format!("{LABEL}={}", machine()));
        // fc-local shows what is printed. The engine's copy would grow, and have what fc-local makes unreadable.
        option("--log-driver", "none");
        option("--stop-timeout", STOP_TIMEOUT);
        option("--publish", &format!("{ADDRESS}:{port}:{declared}"));
        option("--memory", &memory);
        // The same: no swap.
        option("--memory-swap", &memory);
        if let Some(cpu) = plan.cpu {
            option("--cpus", &cpu.to_string());
        }
        option("--env-file", plan.variables);
        for name in plan.passed {
            option("--env", name);
        }
        if let Some(program) = plan.entrypoint.first() {
            option("--entrypoint", program);
        }
        line.push(plan.image.to_owned());
        line.extend(plan.entrypoint.iter().skip(1).chain(plan.command).cloned());
        line
    }

    /// The command that runs another one within a container.
    pub(crate) fn exec(&self, container: &str, command: &[String]) -> Vec<String> {
        [&[self.program(), "exec".to_owned(), container.to_owned()], command].concat()
    }

    /// The command that ends and removes a container at once.
    pub(super) fn removal(&self, container: &str) -> Vec<String> {
        // With the volumes that the image has declared, of which each container gets new ones.
        let words = ["rm", "--force", "--volumes", container].map(str::to_owned);
        [&[self.program()][..], &words].concat()
    }

    pub(super) async fn remove(&self, container: &str) -> Result<String, String> {
        let line = self.removal(container);
        let arguments: Vec<&str> = line[1..].iter().map(String::as_str).collect();
        self.ask(&arguments).await
    }

    /// What the engine prints. An error has what the engine says of it.
    pub(super) async fn ask(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new(&self.program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true).process_group(0);
        let child = orphans::spawn(&mut command).map_err(|error| error.to_string())?;
        let _known = Known(child.id().unwrap_or(0));
        let output = tokio::time::timeout(ANSWER_MAX, child.wait_with_output()).await;
        let output = output
            .map_err(|_| format!("{} did not answer within {} s", self.name(), ANSWER_MAX.as_secs()))?
            .map_err(|error| error.to_string())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    fn program(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }
}

/// A child that is no orphan, until it was waited for.
struct Known(u32);

impl Drop for Known {
    fn drop(&mut self) {
        orphans::forget(self.0);
    }
}

/// Several machines may share one engine.
fn machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// Whether the container's fc-local has ended.
fn is_leftover(name: &str) -> bool {
    let process = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-')?.0.parse::<u32>().ok());
    process.is_some_and(|process| !Path::new("/proc").join(process.to_string()).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(plan: &Plan<'_>) -> String {
        Engine { name: "podman", program: "/usr/bin/podman".into(), folder: "/w".into() }.run(plan).join(" ")
    }

    #[test]
    fn a_container_has_the_limits_of_its_function() {
        let texts = |words: &str| words.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let (entrypoint, command, passed) = (texts("/app --serve"), texts("-v x"), texts("KEY"));
        let plan = Plan {
            name: "fc-local-1-i",
            image: "abc",
            entrypoint: &entrypoint,
            command: &command,
            ports: (20_001, 9000),
            memory_mib: 512,
            cpu: Some(0.35),
            variables: "/w/variables",
            passed: &passed,
        };
        let label = format!("--label fc-local={}", machine());
        assert_eq!(
            line(&plan),
            format!(
                "/usr/bin/podman run --sig-proxy=false --name fc-local-1-i {label} --log-driver none --stop-timeout 0 \
                 --publish 127.0.0.2:20001:9000 \
                 --memory 512m --memory-swap 512m --cpus 0.35 --env-file /w/variables --env KEY --entrypoint /app abc --serve -v x"
            )
        );
        let short = Plan { entrypoint: &[], command: &[], cpu: None, passed: &[], ..plan };
        assert!(line(&short).ends_with("--memory-swap 512m --env-file /w/variables abc"));
    }

    #[test]
    fn only_containers_of_ended_processes_are_leftovers() {
        let own = Engine::container_name("i-1");
        for (name, expected) in [
            (own.as_str(), false),
            ("fc-local-4194305-i-1", true),
            ("fc-local-web-1", false),
            ("other", false),
        ] {
            assert_eq!(is_leftover(name), expected, "{name}");
        }
    }
}
