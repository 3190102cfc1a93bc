//! A listener in use: its settings, its compiled rules, and what they count.

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::group::Group;
use super::limiter::Limiter;
use super::trace;
use crate::alb::Rules;
use crate::model::alb::{AclKind, CertificateField, Cidr, Listener, ListenerProtocol, LoadBalancer};
use crate::wire::TlsServer;
use crate::wire::headers::Peer;

/// The name by which a listener is found: its load balancer and its port in the cloud.
pub(crate) fn key(listener: &Listener) -> Arc<str> {
    Arc::from(format!("{}:{}", listener.balancer, listener.port))
}

/// A listener in use.
#[derive(Debug)]
pub(crate) struct Port {
    /// `None` for HTTP, and where no TLS can be offered.
    pub(crate) tls: Option<TlsServer>,
    pub(super) name: Arc<str>,
    pub(super) rules: Rules,
    pub(super) rule_names: Vec<Arc<str>>,
    pub(super) groups: Arc<[Arc<Group>]>,
    pub(super) limiters: Vec<Limiter>,
    /// What each rule leaves in the header of loops.
    marks: Vec<HeaderValue>,
    default_mark: HeaderValue,
    acl: Option<(AclKind, Vec<Cidr>)>,
    /// The names of the headers with fields of the client's certificate.
    certificate: [Option<HeaderName>; 4],
}

impl Port {
    pub(super) fn new(
        listener: &Listener,
        config: &LoadBalancer,
        groups: &Arc<[Arc<Group>]>,
        tls: Option<TlsServer>,
    ) -> Self {
        let key = key(listener);
        let acl = listener.acl.as_ref().map(|acl| {
            let lists = acl.acls.iter().filter_map(|number| config.acls.get(*number));
            (acl.kind, lists.flat_map(|list| list.entries.iter().copied()).collect())
        });
        let forwarded = &listener.x_forwarded;
        let name_of = |field: &CertificateField, usual: &'static str| {
            let name = field.alias.as_deref().unwrap_or(usual);
            field.enabled.then(|| HeaderName::from_bytes(name.as_bytes()).ok()).flatten()
        };
        Port {
            name: Arc::from(listener.name.as_str()),
            rules: Rules::new(config, listener),
            rule_names: listener.rules.iter().map(|rule| Arc::from(rule.name.as_str())).collect(),
            groups: Arc::clone(groups),
            limiters: listener.rules.iter().map(|_| Limiter::default()).collect(),
            marks: listener.rules.iter().map(|rule| trace::mark(&key, &rule.name)).collect(),
            default_mark: trace::mark(&key, ""),
            acl,
            certificate: [
                name_of(&forwarded.subject, "x-forwarded-clientcert-subjectdn"),
                name_of(&forwarded.issuer, "x-forwarded-clientcert-issuerdn"),
                name_of(&forwarded.fingerprint, "x-forwarded-clientcert-fingerprint"),
                name_of(&forwarded.verify, "x-forwarded-clientcert-clientverify"),
            ],
            tls,
        }
    }

    pub(crate) fn listener(&self) -> &Listener {
        self.rules.listener()
    }

    pub(crate) fn is_https(&self) -> bool {
        self.listener().protocol == ListenerProtocol::Https
    }

    /// Whether the listener's access control lets a client in.
    pub(crate) fn takes(&self, client: IpAddr) -> bool {
        let Some((kind, blocks)) = &self.acl else { return true };
        let is_listed = blocks.iter().any(|block| block.contains(client));
        (*kind == AclKind::White) == is_listed
    }

    pub(super) fn mark(&self, rule: Option<usize>) -> &HeaderValue {
        rule.and_then(|rule| self.marks.get(rule)).unwrap_or(&self.default_mark)
    }

    /// Sets the headers about the client's certificate. What a client says of it itself does not pass.
    pub(super) fn certificate_headers(&self, headers: &mut HeaderMap, peer: &Peer) {
        let certificate = peer.certificate();
        let fields = [
            certificate.map(|own| own.subject.as_str()),
            certificate.map(|own| own.issuer.as_str()),
            certificate.map(|own| own.fingerprint.as_str()),
            Some(if certificate.is_some() { "SUCCESS" } else { "NONE" }),
        ];
        for (name, field) in self.certificate.iter().zip(fields) {
            let Some(name) = name else { continue };
            headers.remove(name);
            if let Some(value) = field.and_then(|field| HeaderValue::from_str(field).ok()) {
                headers.insert(name.clone(), value);
            }
        }
    }
}
