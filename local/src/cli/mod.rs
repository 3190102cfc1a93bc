//! The command line. Only this module prints.

mod alb;
mod alias;
mod client;
mod conform;
mod console;
mod curl;
mod deploy;
mod dev;
mod doctor;
mod door;
mod explain;
mod invoke;
mod keys;
mod line;
mod list;
mod load;
mod logs;
mod manifest;
mod messages;
mod new;
mod package;
mod print;
mod progress;
mod record;
mod replay;
mod requests;
mod send;
mod serve;
mod standing;
mod symbolize;
mod tasks;
mod usage;
mod version;

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::process::{guard, orphans};
use crate::{Chaos, Edition, GrpcPort, Manifest, Problem, Settings, shell};

/// Function Compute on your machine
#[derive(Debug, Parser)]
#[command(name = "fc-local", version)]
struct Arguments {
    /// The manifest of Serverless Devs [default: s.yaml, s.YAML, s.YML or s.yml]
    #[arg(short, long, global = true, value_name = "FILE")]
    template: Option<PathBuf>,
    /// The environment of `env.yaml` to lay over the manifest
    #[arg(long, global = true, value_name = "NAME")]
    env: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build and serve the functions, and rebuild them when their sources change
    Dev(DevArguments),
    /// Serve a local account: functions that clients of the API create, without a manifest
    Serve(serve::ServeArguments),
    /// Call a function with an event: in a running `dev` or `serve`, else by starting it for this call
    Invoke(invoke::InvokeArguments),
    /// Call a function with an event as a trigger sends it: a timer, an object store, a queue, a stream and others
    Send(send::SendArguments),
    /// Show the access key that requests to functions with `authType: function` are signed with
    Keys(keys::KeysArguments),
    /// Sign a request with the project's access key, and send it with `curl`
    Curl(curl::CurlArguments),
    /// Print the address of the console of a running `dev` or `serve`: pages that show what happens
    Console(console::ConsoleArguments),
    /// List the functions of the manifest
    List(list::ListArguments),
    /// Publish, list or remove versions of a function in a running `fc-local dev`
    #[command(subcommand)]
    Version(version::VersionCommand),
    /// Set, list or remove aliases of a function in a running `fc-local dev`
    #[command(subcommand)]
    Alias(alias::AliasCommand),
    /// Show the messages that asynchronous calls sent to queues, topics and buses, in a running `fc-local dev`
    Messages(messages::MessagesArguments),
    /// List, show, stop or repeat asynchronous calls that are tasks, in a running `fc-local dev`
    #[command(subcommand)]
    Tasks(tasks::TasksCommand),
    /// List the recorded calls of a running `fc-local dev`, show one, or export them: HAR, a line for curl
    Requests(requests::RequestsArguments),
    /// Send a recorded call of a running `fc-local dev` once more
    Replay(replay::ReplayArguments),
    /// Print the lines that functions wrote, and what became of an instance, in a running `dev` or `serve`
    Logs(logs::LogsArguments),
    /// Show what the functions of a running `fc-local dev` used, and what it would cost
    Usage(usage::UsageArguments),
    /// Make or ask a load balancer (ALB) in front of the functions
    #[command(subcommand)]
    Alb(alb::AlbCommand),
    /// Look for what bites in production: in the manifest, the code, the program and the running server
    Doctor(doctor::DoctorArguments),
    /// Make the project of a new function, from a template
    New(new::NewArguments),
    /// Build functions for the images of their runtimes, check the programs, and pack them
    Package(package::PackageArguments),
    /// Build and pack functions, and send them to the account of a running `fc-local serve`
    Deploy(deploy::DeployArguments),
    /// Turn the addresses of panics in a log, from the standard input, into functions and lines
    Symbolize(symbolize::SymbolizeArguments),
    /// Check whether a program is a custom runtime: start it, and ask it what the platform asks
    Conform(conform::ConformArguments),
    /// Measure how much load a function takes, and say what a wanted rate needs
    Load(load::LoadArguments),
    /// Print the manifest with its expressions replaced, as JSON, secrets masked
    Manifest,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
struct DevArguments {
    /// The port for all functions; each also gets one of its own. 0 takes free ones
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The port for gRPC calls [default: 8089 or, where that is taken or with --port 0, a free one]
    #[arg(long, value_name = "PORT")]
    grpc_port: Option<u16>,
    /// The folder of the local certificate authority for TLS [default: ~/.fc-local/ca]
    #[arg(long, value_name = "FOLDER")]
    certificates: Option<PathBuf>,
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    listen: IpAddr,
    /// Print JSON lines
    #[arg(long)]
    json: bool,
    /// Colour the output
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    color: Colour,
    /// Do not run the manifest's build steps
    #[arg(long)]
    no_build: bool,
    /// Do not watch for changes
    #[arg(long)]
    no_watch: bool,
    /// Do not print the lines of this function; may be given several times
    #[arg(long, value_name = "NAME")]
    quiet: Vec<String>,
    /// Inject faults: SEED, or SEED:KIND,KIND… of reuse, idle, `slow_start`, freeze, upstream, leave, throttle
    #[arg(long, value_name = "SEED[:KINDS]")]
    chaos: Option<Chaos>,
    /// Start no instance before the first call
    #[arg(long)]
    cold: bool,
    /// The edition of the platform that all functions see [default: `x-local.edition`, or fc3]
    #[arg(long, value_enum)]
    edition: Option<EditionArgument>,
    /// Refuse calls of the API that are not signed
    #[arg(long)]
    require_signature: bool,
    /// The folder for asynchronous calls [default: `.fc-local` beside the manifest]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Keep asynchronous calls in memory: none survives the end of `dev`
    #[arg(long, conflicts_with = "data")]
    ephemeral: bool,
    #[command(flatten)]
    record: record::RecordArguments,
    /// How long calls under way may go on after Ctrl-C, in seconds
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    drain: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EditionArgument {
    /// Function Compute 3.0
    Fc3,
    /// Function Compute 2.0: services, pre-freeze hook, other errors and headers
    Fc2,
}

impl From<EditionArgument> for Edition {
    fn from(edition: EditionArgument) -> Self {
        match edition {
            EditionArgument::Fc3 => Edition::Fc3,
            EditionArgument::Fc2 => Edition::Fc2,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Colour {
    Auto,
    Always,
    Never,
}

/// Runs the program with the process's arguments.
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     fc_local::cli::run()
/// }
/// ```
pub fn run() -> ExitCode {
    guard::run(&shell::arguments()).unwrap_or_else(|| print::checked(run_command()))
}

/// Apart from [`run`], since the stack of a guard would have room for all commands, and each instance has a guard.
#[inline(never)]
fn run_command() -> ExitCode {
    let Arguments { template, env, command } = Arguments::parse();
    let template = template.unwrap_or_else(default_template);
    let env = env.as_deref();
    match command {
        Command::Manifest => manifest::run(&template, env),
        Command::Keys(arguments) => keys::run(&template, &arguments),
        Command::Curl(arguments) => curl::run(&template, &arguments),
        Command::New(arguments) => new::run(&arguments),
        Command::Serve(arguments) => {
            let json = arguments.json;
            block_on(serve::run(arguments), json)
        }
        Command::Symbolize(arguments) => symbolize::run(&arguments),
        Command::Conform(arguments) => {
            conform::run_list(&arguments).unwrap_or_else(|| block_on(conform::run(arguments), false))
        }
        Command::Load(arguments) => block_on(load::run(arguments), false),
        Command::Logs(arguments) => ask(logs::run(&template, &arguments)),
        Command::Requests(arguments) => ask(requests::run(&template, arguments)),
        Command::Replay(arguments) => ask(replay::run(&template, arguments)),
        Command::Usage(arguments) => ask(usage::run(&template, &arguments)),
        Command::Console(arguments) => ask(console::run(&template, &arguments)),
        Command::Invoke(arguments) if arguments.running.is_named() => {
            ask(invoke::run_at(&template, arguments))
        }
        Command::Messages(arguments) => ask(messages::run(&template, arguments)),
        Command::Tasks(command) => ask(tasks::run(&template, command)),
        Command::Version(command) => ask(version::run(&template, command)),
        Command::Alias(command) => ask(alias::run(&template, command)),
        // A manifest that cannot be started can be examined all the same.
        Command::Doctor(arguments) => {
            arguments.run_print().unwrap_or_else(|| block_on(doctor::run(&template, env, arguments), false))
        }
        Command::Send(arguments) => {
            if let Some(code) = send::run_print(&arguments) {
                code
            } else if arguments.is_named() {
                ask(send::run_at(&template, arguments))
            } else {
                with_manifest(&template, env, Command::Send(arguments))
            }
        }
        command => with_manifest(&template, env, command),
    }
}

/// Runs a command that needs a manifest without mistakes.
fn with_manifest(template: &Path, env: Option<&str>, command: Command) -> ExitCode {
    let json = matches!(&command, Command::Dev(arguments) if arguments.json);
    let manifest = match Manifest::load_in(template, env) {
        Ok(manifest) => manifest,
        Err(error) => {
            print::complain_not_started(&error.to_string(), json);
            return ExitCode::FAILURE;
        }
    };
    let run = async {
        match command {
            Command::Dev(arguments) => Box::pin(dev::run(manifest, arguments)).await,
            Command::Invoke(arguments) => invoke::run(&manifest, arguments).await,
            Command::Send(arguments) => send::run(&manifest, arguments).await,
            Command::Package(arguments) => package::run(&manifest, arguments).await,
            Command::Deploy(arguments) => deploy::run(&manifest, env, arguments).await,
            Command::List(arguments) => list::run(&manifest, &arguments).await,
            Command::Alb(command) => alb::run(&manifest, &command).await,
            _ => ExitCode::SUCCESS,
        }
    };
    block_on(run, json)
}

/// Runs a command that asks a running fc-local, and prints no events.
fn ask(command: impl Future<Output = ExitCode>) -> ExitCode {
    block_on(command, false)
}

/// Runs a command that may start programs. With `json` an error is an event on the standard output too.
fn block_on(command: impl Future<Output = ExitCode>, json: bool) -> ExitCode {
    if let Err(error) = orphans::adopt() {
        print::complain(&format!("processes may outlive a guard that is killed: {error}"));
    }
    // One thread, as one nginx worker: to pass a call between threads costs more than the work for the call. Blocking
    // work has its own threads.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            print::complain_not_started(&format!("the runtime cannot start: {error}"), json);
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(command);
    // Copies and file walks may still run. Nothing waits for their results.
    runtime.shutdown_background();
    code
}

/// The names that the deployment tool looks for, in its order.
fn default_template() -> PathBuf {
    let names = ["s.yaml", "s.YAML", "s.YML", "s.yml"].map(PathBuf::from);
    let found = names.iter().find(|name| name.exists());
    found.unwrap_or(&names[0]).clone()
}

/// An error if the manifest has no function of that name.
fn check_name(manifest: &Manifest, name: &str) -> io::Result<()> {
    if manifest.names().any(|own| own == name) {
        return Ok(());
    }
    let names = manifest.names().collect::<Vec<_>>().join(", ");
    let file = manifest.file().display();
    Err(io::Error::other(format!("there is no function `{name}` in {file}; there are: {names}")))
}

/// An error for the functions that have no code to start, a line for each.
fn refuse_without_code(manifest: &Manifest, builds: bool) -> io::Result<()> {
    let line = |problem: Problem| problem.placed(manifest.file());
    let lines: Vec<String> = manifest.without_code(builds).map(line).collect();
    if lines.is_empty() { Ok(()) } else { Err(io::Error::other(lines.join("\n"))) }
}

/// The folder of the local certificate authority, unless one is named.
fn authority_folder() -> Option<PathBuf> {
    Some(shell::home_folder()?.join(".fc-local/ca"))
}

/// The certificate of that authority, which may not have been made yet.
fn local_authority() -> Option<PathBuf> {
    Some(authority_folder()?.join("ca.pem"))
}

/// The port for gRPC beside a main port: the named one, or the usual one unless all ports are free ones.
fn grpc_port(named: Option<u16>, main: u16) -> GrpcPort {
    named.or((main == 0).then_some(0)).map_or(GrpcPort::Usual, GrpcPort::At)
}

fn settings(port: u16, build: bool) -> Settings {
    Settings { port, build, grpc_port: GrpcPort::Closed, timers: false, ..Settings::default() }
}
