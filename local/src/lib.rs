//! Function Compute on your machine.
//!
//! A [`Manifest`] is the user's `s.yaml`. A [`Platform`] runs its functions as real processes behind a
//! gateway that treats requests as the platform does. What happens comes out of a [`Log`] as [`Event`]s.
//! The command line of [`cli`] is one user of these three.
//!
//! ```no_run
//! use fc_local::{Built, Log, Manifest, Platform, Settings};
//! use std::path::Path;
//! use std::time::Duration;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let manifest = Manifest::load(Path::new("s.yaml"))?;
//! let (log, mut events) = Log::new();
//! let platform = Platform::open(&manifest, Settings::default(), log).await?;
//! if platform.deploy(&manifest, "shop", &mut Built::default()).await {
//!     let invocation = platform.invoke("shop", "an event".into(), false).await;
//!     assert!(!invocation.is_error, "{:?}", invocation.body);
//! }
//! platform.stop(Duration::from_secs(10)).await;
//! let mut happened = Vec::new();
//! while events.take(&mut happened, 100) > 0 {}
//! assert!(happened.iter().any(|event| event.kind.name() == "instance_started"));
//! # Ok(())
//! # }
//! ```

pub mod cli;

mod account;
mod alb;
mod auth;
mod call;
mod conform;
mod deploy;
mod doctor;
mod domain;
mod event;
mod failure;
mod fault;
mod front;
mod instance;
mod load;
mod manifest;
mod meter;
mod model;
mod package;
mod platform;
mod process;
mod queue;
mod record;
mod registry;
mod scaffold;
mod shell;
mod store;
mod timers;
mod watch;
mod wire;

pub use deploy::Built;
pub use event::{
    AccountNews, Address, AlbNews, AlbVisit, AsyncNews, BuildFailure, BuildFault, CallInFlight, Cause,
    DestinationFault, DomainAddress, Ending, Event, Events, HookFault, ImageFault, Kind, Level, Log, Maker,
    Record, Remark, SocketTraffic, TimerNews, TimerWhat, Unfit, VersionNews, Via,
};
pub use fault::{Chaos, Fault};
pub use manifest::{Manifest, ManifestError, Problem};
pub use model::Edition;
pub use platform::{GrpcPort, Invocation, Platform, Recorder, Settings};

/// The clock of timer triggers. Tests can set one.
#[doc(hidden)]
pub mod clock {
    pub use crate::timers::{Clock, Hand};
}

/// The trait that starts programs. Tests can implement it without processes.
#[doc(hidden)]
pub mod runner {
    pub use crate::process::{
        CommandLine, Exit, Listening, Order, Pipe, Printed, Process, Reporter, Runner, Running,
    };
}
