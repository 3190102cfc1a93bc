//! The options that say what is kept of calls.

use clap::Args;

use super::requests::size;
use crate::Recorder;

/// What `dev` and `serve` keep of the latest calls.
#[derive(Debug, Args)]
pub(super) struct RecordArguments {
    /// Record no calls: `fc-local requests` and `replay` have none then
    #[arg(long, conflicts_with_all = ["record_bodies", "record_body"])]
    no_record: bool,
    /// How much memory the bodies of recorded calls take in all
    #[arg(long, default_value = "16MiB", value_name = "SIZE", value_parser = size)]
    record_bodies: usize,
    /// How much is kept of one body
    #[arg(long, default_value = "64KiB", value_name = "SIZE", value_parser = size)]
    record_body: usize,
}

impl RecordArguments {
    /// `None` keeps nothing.
    pub(super) fn recorder(&self) -> Option<Recorder> {
        (!self.no_record).then(|| Recorder::new(self.record_bodies, self.record_body))
    }
}
