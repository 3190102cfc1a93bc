//! The objects of the account: functions, triggers, domains, layers, and what stands beside them.

use std::sync::Arc;
use std::time::SystemTime;

use http::{Request, Response, header};
use serde_json::{Value, json};

use super::manage::{self, page_document};
use crate::account::{Account, Answer, Ask, What as Asked};
use crate::auth::{Gate, judge_control};
use crate::deploy::Deployer;
use crate::failure::Failure;
use crate::front::body::Outgoing;
use crate::front::operation::{Operation, What};
use crate::front::page::Page;
use crate::front::visit::Visit;
use crate::queue::Queue;
use crate::wire::headers::Peer;
use crate::wire::{ClientBody, limits};

/// The largest body: a package of 50 MB in base64, and the settings beside it.
const BODY_MAX: usize = 72 * 1024 * 1024;

/// Carries out the operation, to its end even if the client leaves.
pub(crate) async fn account(
    operation: Operation,
    (account, deployer, queue): (&Arc<Account>, &Arc<Deployer>, &Arc<Queue>),
    (gate, peer): (&Gate, &Peer),
    visit: &Visit,
    request: Request<ClientBody>,
) -> Result<Response<Outgoing>, Failure> {
    let (head, mut body) = request.into_parts();
    let hash = judge_control(gate, &head, peer.is_near(), SystemTime::now())?;
    limits::check_stated(&head.headers, BODY_MAX)?;
    let bytes = body.read_in(BODY_MAX).await?;
    if let Some(hash) = hash {
        hash.check(&bytes)?;
    }
    let Operation { function, what: What::Account(what), .. } = operation else {
        return Err(Failure::invalid_argument("this is no operation on the objects of an account"));
    };
    let page = Page::of(&head.uri)?;
    let begins = matches!(what, Asked::CreateFunction);
    let ends = matches!(what, Asked::DeleteFunction);
    let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let ask = Ask {
        what,
        host: host.unwrap_or_default().to_owned(),
        keys: gate.keys()?.clone(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        body: bytes,
        request: visit.id().to_string(),
        function: function.clone(),
    };
    let answer = deployer.complete(Arc::clone(account).carry_out(ask)).await?;
    let name = match &answer {
        Answer::Document(document) if begins => document["functionName"].as_str().unwrap_or_default(),
        _ if ends => function.as_str(),
        _ => "",
    };
    if !name.is_empty() {
        // What was set for a function of this name goes with it; also if a former removal was cut off.
        for ((function, qualifier), _) in queue.configs(Some(name)) {
            queue.remove_config(&function, qualifier.as_deref()).await?;
        }
    }
    let document = match answer {
        Answer::Done => Value::Null,
        Answer::Document(document) => document,
        Answer::List(key, all) => {
            let (entries, next) = page.cut(all);
            page_document(json!({ key: entries }), next)
        }
    };
    Ok(manage::reply(&document, visit))
}
