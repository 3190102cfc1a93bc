//! Function Compute on your machine.
//!
//! A [`Manifest`] is the user's `s.yaml`. A [`Platform`] runs its functions as real processes behind a
//! gateway that treats requests as the platform does. What happens comes out of a [`Log`] as [`Event`]s.
//! The command line of [`cli`] is one user of these three.

pub mod cli;

mod call;
mod deploy;
mod event;
mod failure;
mod front;
mod instance;
mod manifest;
mod model;
mod platform;
mod process;
mod shell;
mod watch;
mod wire;

pub use deploy::Built;
pub use event::{
    Address, BuildFailure, BuildFault, Cause, Ending, Event, Events, HookFault, Kind, Level, Log, Record,
    Remark, Via,
};
pub use manifest::{Manifest, ManifestError, Problem};
pub use platform::{Invocation, Platform, Settings};
