//! Listeners: a port, what clients speak there, and the rules.

use std::time::Duration;

use super::group::ServerGroup;
use super::place::Place;
use super::rule::{Cidr, Rule};
use super::{Forward, GroupId};

/// Everything that a configuration says of load balancers. Server groups are shared by all listeners.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct LoadBalancer {
    pub(crate) listeners: Vec<Listener>,
    pub(crate) groups: Vec<ServerGroup>,
    pub(crate) acls: Vec<Acl>,
}

impl LoadBalancer {
    /// The group of an id of the same configuration.
    pub(crate) fn group(&self, id: GroupId) -> Option<&ServerGroup> {
        self.groups.get(id.0)
    }

    /// The listener of a port: of that in the cloud, else of that on this machine.
    pub(crate) fn listener(&self, protocol: ListenerProtocol, port: u16) -> Option<&Listener> {
        let of_protocol = || self.listeners.iter().filter(move |own| own.protocol == protocol);
        of_protocol()
            .find(|own| own.port == port)
            .or_else(|| of_protocol().find(|own| own.local_port == port))
    }
}

/// What an instance may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum AlbEdition {
    Basic,
    #[default]
    Standard,
    /// Standard with a firewall, which is not emulated.
    Waf,
}

/// A port of a load balancer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Listener {
    /// Its description, else the name of its resource.
    pub(crate) name: String,
    /// The load balancer's name; `SLB-ID` shows it.
    pub(crate) balancer: String,
    pub(crate) edition: AlbEdition,
    pub(crate) place: Place,
    pub(crate) protocol: ListenerProtocol,
    /// The port in the cloud, which `${port}` and `X-Forwarded-Port` show.
    pub(crate) port: u16,
    /// The port on this machine.
    pub(crate) local_port: u16,
    /// For requests that no rule takes.
    pub(crate) default: Forward,
    /// 15 s by default; 1 s to 3 600 s.
    pub(crate) idle_timeout: Duration,
    /// 60 s by default; 1 s to 3 600 s.
    pub(crate) request_timeout: Duration,
    pub(crate) gzip: bool,
    /// For HTTPS alone.
    pub(crate) http2: bool,
    pub(crate) security_policy: SecurityPolicy,
    /// Whether each client is asked for a certificate, which the local authority has signed.
    pub(crate) asks_clients: bool,
    pub(crate) x_forwarded: XForwarded,
    /// Of how many requests in 10 000 the trace is sampled, if the client has not decided; `None`: no tracing headers.
    pub(crate) tracing: Option<u16>,
    pub(crate) acl: Option<ListenerAcl>,
    /// Both directions, by priority.
    pub(crate) rules: Vec<Rule>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListenerProtocol {
    Http,
    Https,
}

impl ListenerProtocol {
    /// The word of the configuration.
    pub(crate) fn name(self) -> &'static str {
        match self {
            ListenerProtocol::Http => "HTTP",
            ListenerProtocol::Https => "HTTPS",
        }
    }
}

/// `tls_cipher_policy_*`: which versions of TLS a client may speak. This machine has none below 1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum SecurityPolicy {
    /// `tls_cipher_policy_1_0`, `_1_1` and `_1_2`.
    #[default]
    Tls12,
    /// `tls_cipher_policy_1_2_strict`.
    Tls12Strict,
    /// `tls_cipher_policy_1_2_strict_with_1_3`.
    Tls12Strict13,
}

/// `XForwardedForConfig`: the headers that the listener tells the function.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the platform")]
pub(crate) struct XForwarded {
    /// `X-Forwarded-For`; on by default. Off leaves the client's own header as it is.
    pub(crate) forwarded_for: bool,
    /// `remove` mode: the header is dropped.
    pub(crate) removes: bool,
    pub(crate) proto: bool,
    pub(crate) port: bool,
    pub(crate) host: bool,
    pub(crate) client_port: bool,
    pub(crate) slb_id: bool,
    /// The proxies whose word is taken for a client's address; `None`: the address is the socket's.
    pub(crate) trusted: Option<Vec<Cidr>>,
    pub(crate) subject: CertificateField,
    pub(crate) issuer: CertificateField,
    pub(crate) fingerprint: CertificateField,
    pub(crate) verify: CertificateField,
}

/// A header with a field of the client's certificate; off by default. The alias takes the place of the usual name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CertificateField {
    pub(crate) enabled: bool,
    pub(crate) alias: Option<String>,
}

impl Default for XForwarded {
    fn default() -> Self {
        XForwarded {
            forwarded_for: true,
            removes: false,
            proto: false,
            port: false,
            host: false,
            client_port: false,
            slb_id: false,
            trusted: None,
            subject: CertificateField::default(),
            issuer: CertificateField::default(),
            fingerprint: CertificateField::default(),
            verify: CertificateField::default(),
        }
    }
}

/// A list of addresses.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Acl {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) entries: Vec<Cidr>,
}

/// Who may speak to a listener.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ListenerAcl {
    pub(crate) kind: AclKind,
    /// Positions in [`LoadBalancer::acls`].
    pub(crate) acls: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AclKind {
    /// Only the addresses of the lists come in.
    White,
    /// All but the addresses of the lists come in.
    Black,
}
