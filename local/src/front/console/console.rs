//! A request to the console: who may ask, and what for.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, Request, Response, StatusCode, header};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::data::{self, Registry};
use super::form::{Fields, of_segment};
use super::live::Mark;
use super::pages::configuration::Finding;
use super::pages::frame::{Frame, Tab};
use super::{assets, reply, token};
use crate::auth::Gate;
use crate::event::{Log, Redactor};
use crate::failure::FailureKind;
use crate::front::body::Outgoing;
use crate::front::guard;
use crate::front::refusal;
use crate::meter::Meters;
use crate::model::alb::LoadBalancer;
use crate::queue::Queue;
use crate::record::Records;
use crate::wire::ClientBody;
use crate::wire::headers::Peer;

/// The most streams that are open at a time: one for each page that somebody looks at.
const STREAMS_MAX: usize = 32;

/// The largest form, in bytes: a payload, as text with each byte escaped.
const FORM_MAX: usize = 1024 * 1024;

/// What the console needs of the platform.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) registry: Arc<Registry>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) log: Log,
    pub(crate) records: Records,
    pub(crate) meters: Meters,
    pub(crate) stop: CancellationToken,
    pub(crate) gate: Arc<Gate>,
    /// The file of the certificate that clients of TLS have to trust.
    pub(crate) authority: Option<PathBuf>,
    /// The name of the project.
    pub(crate) project: String,
    pub(crate) manifest: PathBuf,
    /// The environment that is laid over the manifest.
    pub(crate) environment: Option<String>,
    /// Masks the secrets of the manifest wherever they stand.
    pub(crate) redactor: RwLock<Redactor>,
    /// Settings of this run, by name.
    pub(crate) effective: Vec<(&'static str, String)>,
}

impl Shared {
    /// The text without the values of secrets, of the manifest and of every function. What a client sent is masked by its names already; a value may stand
    /// anywhere.
    pub(super) fn masked(&self, text: String) -> String {
        let redactor = self.redactor.read().unwrap_or_else(PoisonError::into_inner).clone();
        data::masked(&self.registry, redactor.redact(text))
    }
}

/// Looks at the project as `fc-local doctor` does. The rules stand above this room.
pub(crate) type Doctor =
    Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Vec<Finding>, String>> + Send>> + Send + Sync>;

/// Sends a recorded request once more, to where it came in or to another address. Gives what is told of the reply.
pub(crate) type Replay<'a> = Box<
    dyn FnOnce(String, Option<String>) -> Pin<Box<dyn Future<Output = Result<Value, String>> + Send + 'a>>
        + Send
        + 'a,
>;

/// The console of a platform.
pub(crate) struct Console {
    pub(super) shared: Arc<Shared>,
    /// What forms with an effect send. It is another one in each run.
    token: String,
    pub(super) streams: Arc<Semaphore>,
    pub(super) doctor: OnceLock<Doctor>,
}

impl fmt::Debug for Console {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Console").field("streams", &self.streams).finish_non_exhaustive()
    }
}

/// What is around the console when a request comes.
pub(crate) struct Around<'a> {
    /// Where the open ports are reached, by the names of their functions.
    pub(crate) ports: BTreeMap<Arc<str>, SocketAddr>,
    pub(crate) balancer: Arc<LoadBalancer>,
    pub(crate) replay: Replay<'a>,
}

/// A request for a page.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) frame: Frame<'a>,
    /// The fields of the query.
    pub(super) fields: Fields,
    /// The parts of the path behind the page's own.
    pub(super) rest: Vec<String>,
    /// How far the stream had come that the browser goes on with.
    pub(super) last_event: Option<Mark>,
    /// The open ports, by the names of their functions.
    pub(super) ports: &'a BTreeMap<Arc<str>, SocketAddr>,
    pub(super) balancer: &'a LoadBalancer,
}

impl Console {
    pub(crate) fn new(shared: Shared) -> Self {
        let mut bytes = [0; 18];
        // Without random numbers no form is taken: a token that somebody could know is none.
        let token = SystemRandom::new().fill(&mut bytes).map(|()| URL_SAFE_NO_PAD.encode(bytes));
        Console {
            shared: Arc::new(shared),
            token: token.unwrap_or_default(),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            doctor: OnceLock::new(),
        }
    }

    /// What ends the streams of pages, and other long waits, when the platform stops.
    pub(in crate::front) fn stop(&self) -> &CancellationToken {
        &self.shared.stop
    }

    /// Masks the secrets of this manifest from now on.
    pub(crate) fn set_redactor(&self, redactor: Redactor) {
        *self.shared.redactor.write().unwrap_or_else(PoisonError::into_inner) = redactor;
    }

    /// Lets the page of the configuration show what `doctor` finds.
    pub(crate) fn set_doctor(&self, doctor: Doctor) {
        // The first one stays.
        _ = self.doctor.set(doctor);
    }

    /// Answers a request whose path begins with `base`.
    pub(crate) async fn serve(
        &self,
        base: &'static str,
        around: Around<'_>,
        peer: &Peer,
        request: Request<ClientBody>,
    ) -> Response<Outgoing> {
        let mut reply = self.answer(base, around, peer, request).await;
        let is_shown = reply
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind == reply::HTML || kind == reply::JSON);
        if let Some(page) = reply.body().whole_bytes().filter(|_| is_shown) {
            let page = String::from_utf8_lossy(page).into_owned();
            *reply.body_mut() = Outgoing::whole(self.shared.masked(page).into());
        }
        reply::guarded(reply)
    }

    async fn answer(
        &self,
        base: &'static str,
        around: Around<'_>,
        peer: &Peer,
        request: Request<ClientBody>,
    ) -> Response<Outgoing> {
        if !peer.is_near() {
            let text = "the console answers this machine alone; from another one, forward its port here";
            return reply::refusal(StatusCode::FORBIDDEN, text);
        }
        let (head, mut body) = request.into_parts();
        let Some(path) = head.uri.path().strip_prefix(base).and_then(|path| path.strip_prefix('/')) else {
            return reply::see(&format!("{base}/"));
        };
        let is_read = matches!(head.method, Method::GET | Method::HEAD);
        if let Some(name) = path.strip_prefix("assets/") {
            return match assets::reply(name, &head.headers) {
                Some(reply) if is_read => reply.map(Outgoing::whole),
                Some(_) => reply::wrong_method("GET, HEAD"),
                None => reply::refusal(StatusCode::NOT_FOUND, "the console has no such file"),
            };
        }
        let last_event = head.headers.get("last-event-id").and_then(|id| Mark::parse(id.to_str().ok()?));
        let mut asked = Asked {
            frame: Frame { base, token: &self.token, project: &self.shared.project },
            fields: Fields::read(head.uri.query().unwrap_or_default().as_bytes()),
            rest: path.split('/').map(of_segment).collect(),
            last_event,
            ports: &around.ports,
            balancer: &around.balancer,
        };
        if is_read {
            return self.show(&asked).await;
        }
        if head.method != Method::POST {
            return reply::wrong_method("GET, HEAD, POST");
        }
        if self.shared.gate.requires_signature {
            let text = "calls are signed here, and a form is not: fc-local invoke, replay and tasks sign with the key of the \
                        project";
            return reply::refusal(StatusCode::FORBIDDEN, text);
        }
        if guard::check_site(&head.headers).is_err() {
            let text = "a page of another site sent this: nothing was done";
            return reply::refusal(StatusCode::FORBIDDEN, text);
        }
        asked.fields = match body.read_in(FORM_MAX).await {
            Ok(bytes) => Fields::read(&bytes),
            Err(failure) => {
                let is_large = failure.kind == FailureKind::EntityTooLarge;
                let status =
                    if is_large { StatusCode::PAYLOAD_TOO_LARGE } else { refusal::status(failure.kind) };
                return reply::refusal(status, &failure.told());
            }
        };
        if !token::is_own(&self.token, asked.fields.get("token")) {
            let text = "this form is of an earlier run, or of another page: go back, reload the page, and send it again";
            return reply::refusal(StatusCode::FORBIDDEN, text);
        }
        self.act(&asked, around.replay).await
    }

    /// A page that there is not.
    pub(super) fn unknown(asked: &Asked<'_>, text: &str) -> Response<Outgoing> {
        let body = maud::html! { p { (text) } p { a href=(asked.frame.to("/")) { "Overview" } } };
        let page = asked.frame.page(Tab::Overview, Some("Not here"), None, &body);
        reply::page(StatusCode::NOT_FOUND, page)
    }
}
