//! The trait of values that hooks and checks may return.

use crate::error::{Error, Result};

/// How a hook or a check ends: with nothing, or with a [`Result`] of nothing.
///
/// [`Hook`](crate::Hook) shows the first, [`App::ready_check`](crate::App::ready_check) the second.
#[diagnostic::on_unimplemented(
    message = "this closure must end with `()` or `Result<(), fc_runtime::Error>`, not `{Self}`",
    label = "ends with `{Self}`",
    note = "let `?` convert the error, as in `Ok(hook.state().warm_up().await?)`"
)]
#[doc(alias = "Result")]
pub trait Outcome {
    #[doc(hidden)]
    fn into_result(self) -> Result;
}

impl Outcome for () {
    fn into_result(self) -> Result {
        Ok(())
    }
}

impl Outcome for Result<(), Error> {
    fn into_result(self) -> Result {
        self
    }
}
