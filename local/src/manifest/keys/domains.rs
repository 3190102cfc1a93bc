//! The keys of custom domains, and of CORS at domains and triggers.

use super::key::{Table, boolean, each, known, map, number, one_of, text, texts};
use super::tables::{AUTH, CLOUD_ONLY, REGIONS};

/// `customDomain` of a function.
pub(super) const DOMAIN: &Table = &[
    text("domainName").required(),
    one_of("protocol", PROTOCOLS).required(),
    map("route", ROUTE),
    map("certConfig", CERTIFICATE),
    map("tlsConfig", TLS).without_effect(CLOUD_ONLY),
    map("authConfig", AUTH_OF_DOMAIN),
    map("wafConfig", &[boolean("enableWAF").required()]).without_effect(CLOUD_ONLY),
    map("corsConfig", CORS),
];

/// The properties of component fc3-domain.
pub(super) const DOMAIN_PROPS: &Table = &[
    one_of("region", REGIONS),
    text("domainName").required(),
    one_of("protocol", PROTOCOLS).required(),
    map("routeConfig", &[each("routes", ROUTE).required()]).required(),
    map("certConfig", CERTIFICATE),
    map("tlsConfig", TLS).without_effect(CLOUD_ONLY),
    map("authConfig", AUTH_OF_DOMAIN),
    map("wafConfig", &[boolean("enableWAF").required()]).without_effect(CLOUD_ONLY),
    map("corsConfig", CORS),
    boolean("autoCName").without_effect(CLOUD_ONLY),
    text("endpoint"),
];

const AUTH_OF_DOMAIN: &Table = &[text("authType").required(), map("authInfo", AUTH).or_text()];

const PROTOCOLS: &[&str] = &["HTTP", "HTTPS", "HTTP,HTTPS"];

const ROUTE: &Table = &[
    text("path"),
    text("functionName"),
    text("qualifier"),
    texts("methods"),
    map("rewriteConfig", &[each("equalRules", RULE), each("wildcardRules", RULE), each("regexRules", RULE)]),
];

const RULE: &Table = &[text("match").required(), text("replacement").required()];

const CERTIFICATE: &Table = &[text("certName"), text("certificate"), text("privateKey"), known("certId")];

const TLS: &Table =
    &[one_of("minVersion", TLS_VERSIONS), one_of("maxVersion", TLS_VERSIONS), texts("cipherSuites")];

const TLS_VERSIONS: &[&str] = &["TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

pub(super) const CORS: &Table = &[
    texts("allowOrigins"),
    texts("allowMethods"),
    texts("allowHeaders"),
    texts("exposeHeaders"),
    boolean("allowCredentials"),
    number("maxAge"),
];
