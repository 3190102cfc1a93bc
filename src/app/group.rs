//! Routes under a common prefix.

use std::fmt;
use std::panic::Location;

use http::Method;

use crate::app::at::At;
use crate::app::handler::Handler;
use crate::app::routes::Routes;
use crate::app::verbs::verbs;
use crate::exchange::Exchange;
use crate::reply::IntoReply;
use crate::sealed::Next;

/// Routes under a common prefix, with their own settings and middleware (arounds): see
/// [`App::group`](crate::App::group).
///
/// Groups nest. A function that takes a group and returns it is a module of routes.
///
/// ```
/// use fc_runtime::{App, Group};
///
/// fn admin(group: Group) -> Group {
///     group.get("/", async |_| "overview").get("/stats", async |_| "stats")
/// }
///
/// # fc_runtime::testing::run(async {
/// let client = App::new().group("/admin", admin).test_client();
/// client.get("/admin/stats").await.assert_text("stats");
/// # });
/// ```
#[must_use = "a group does nothing unless it is given back"]
#[doc(alias = "Router")]
#[doc(alias = "scope")]
#[doc(alias = "nest")]
pub struct Group<S = ()> {
    pub(super) routes: Routes<S>,
}

impl<S: Send + Sync + 'static> Group<S> {
    pub(crate) fn new() -> Self {
        Self { routes: Routes::default() }
    }

    pub(crate) fn routes_mut(&mut self) -> &mut Routes<S> {
        &mut self.routes
    }

    pub(crate) fn into_routes(self) -> Routes<S> {
        self.routes
    }
}

verbs!(Group);

impl<S> fmt::Debug for Group<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("routes", &self.routes).finish()
    }
}
