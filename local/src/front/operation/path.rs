//! The parts of paths and queries.

use http::Uri;

/// The address of an HTTP trigger in edition 2.0: `/2016-08-15/proxy/SERVICE[.QUALIFIER]/FUNCTION/…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProxyPath {
    pub(crate) service: String,
    pub(crate) qualifier: Option<String>,
    pub(crate) function: String,
    /// The part of the path that the function does not see, without a slash at its end.
    pub(crate) base: String,
}

impl ProxyPath {
    /// `None` if the path is no such address.
    pub(crate) fn parse(uri: &Uri) -> Option<Self> {
        const PREFIX: &str = "/2016-08-15/proxy/";
        let rest = uri.path().strip_prefix(PREFIX)?;
        let (service, rest) = rest.split_once('/')?;
        let function = rest.split('/').next().filter(|function| !function.is_empty())?;
        let base = format!("{PREFIX}{service}/{function}");
        let (service, function) = (decode(service)?, decode(function)?);
        let (service, qualifier) = split_service(&service);
        Some(ProxyPath { service: service.to_owned(), qualifier, function, base })
    }
}

/// `SERVICE` or `SERVICE.QUALIFIER`. Names of services have no dots.
pub(super) fn split_service(text: &str) -> (&str, Option<String>) {
    match text.split_once('.') {
        Some((service, qualifier)) => (service, latest_is_none(qualifier.to_owned())),
        None => (text, None),
    }
}

pub(super) fn qualifier(uri: &Uri) -> Option<String> {
    let query = uri.query()?;
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("qualifier="))
        .and_then(decode)
        .and_then(latest_is_none)
}

fn latest_is_none(qualifier: String) -> Option<String> {
    Some(qualifier).filter(|qualifier| !qualifier.is_empty() && qualifier != "LATEST")
}

/// The parts of a path, each decoded for itself.
pub(super) fn decoded(path: &str) -> Option<Vec<String>> {
    path.split('/').map(decode).collect()
}

pub(in crate::front) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let value = digit(rest.next()?)? * 16 + digit(rest.next()?)?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}
