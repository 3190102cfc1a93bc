//! What is measured: a program, how it is started, and what it is compared as.

pub(crate) mod features;
pub(crate) mod gateway;
pub(crate) mod http;
pub(crate) mod lookup;
pub(crate) mod streams;

/// A server, or one way to run it.
#[derive(Debug)]
pub(crate) struct Subject {
    /// As the tables and the data name it.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// It is compared with ours of its family.
    pub(crate) family: Family,
    pub(crate) program: Program,
    pub(crate) env: &'static [(&'static str, &'static str)],
    /// Routes of the contract that it has, apart from those that every server has.
    pub(crate) routes: Routes,
    /// A path that answers 200.
    pub(crate) first_path: &'static str,
    /// Whether `--ci` builds and measures it.
    pub(crate) ci: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ours,
    /// What the kernel costs, with next to no work above it.
    Floor,
    /// As its documentation begins, without any layer.
    Bare,
    /// JSON record with request id, panic guard, CORS and limits, as our stages do.
    Equal,
    /// Not Rust: what else one would deploy.
    Other,
}

/// What does the same work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// The routes of the contract example.
    Contract,
    /// The ten-line example.
    Hello,
    /// What stays open: a WebSocket, server-sent events, gRPC.
    Streams,
    /// As many routes as one asks for.
    Lookup,
    /// What stands before a function.
    Gateway,
    /// The optional feature of this name.
    Feature(&'static str),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Program {
    /// A binary of this workspace.
    Binary(&'static str),
    /// A program of the machine; words that begin with `@` are paths below `benches/peers`.
    Command(&'static [&'static str]),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Routes {
    /// All that rows ask for.
    All,
    /// `GET` of `/plaintext`, `/json`, `/users/{id}`.
    Plain,
}

impl Subject {
    pub(crate) const fn binary(name: &'static str, binary: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            family: Family::Contract,
            program: Program::Binary(binary),
            env: &[],
            routes: Routes::All,
            first_path: "/plaintext",
            ci: false,
        }
    }

    pub(crate) const fn command(name: &'static str, words: &'static [&'static str]) -> Self {
        Self { program: Program::Command(words), ..Self::binary(name, "", Kind::Other) }
    }

    /// Callgrind and memcheck count what one processor executes of compiled code; an interpreter's numbers would say nothing.
    pub(crate) fn is_native(&self) -> bool {
        self.kind != Kind::Other
    }
}

/// In the order of the tables.
pub(crate) fn all() -> impl Iterator<Item = &'static Subject> {
    let others = http::ALL.iter().chain(&lookup::ALL).chain(&streams::ALL).chain(&gateway::ALL).copied();
    others.chain(features::all())
}
