//! What the CORS policies of groups hold for beside the routes of the groups.

use std::sync::Arc;

use crate::app::at::PlaceSettings;
use crate::app::seal::scope;
use crate::cors::{Cors, CorsByPrefix};
use crate::route::Pattern;
use crate::sealed::Place;

/// Makes both of [`below`].
pub(crate) type Below<S> = fn(&[(String, Box<Cors>)], Option<&Arc<Place<S>>>, &PlaceSettings) -> Both<S>;

type Both<S> = (Option<CorsByPrefix>, Vec<Arc<Place<S>>>);

/// The policies of groups for what no route answers below them, and the fallback under each. A mistake in a policy is told
/// by the routes of its group.
pub(crate) fn below<S: Send + Sync + 'static>(
    policies: &[(String, Box<Cors>)],
    fallback: Option<&Arc<Place<S>>>,
    settings: &PlaceSettings,
) -> Both<S> {
    let Some((_, any)) = policies.first() else { return (None, Vec::new()) };
    let sealed =
        policies.iter().filter_map(|(prefix, cors)| Some((prefix.clone(), Arc::new(cors.seal().ok()?))));
    let sealed: Vec<_> = sealed.collect();
    let fallbacks = fallback.into_iter().flat_map(|fallback| {
        sealed.iter().map(|(_, cors)| {
            let scope = Arc::new(scope(Pattern::default(), settings, Some(Arc::clone(cors)), None, None));
            let (arounds, same) = (fallback.arounds.clone(), Arc::clone(fallback));
            Arc::new(Place { scope, arounds, endpoint: Box::new(move |ex| (same.endpoint)(ex)) })
        })
    });
    let fallbacks = fallbacks.collect();
    (Some(any.by_prefix(sealed)), fallbacks)
}
