//! Calls as they were: requests, replies and times of the latest ones, in bounded memory; who looks at them, and what they see.

mod body;
mod curl;
mod filter;
mod har;
mod headers;
mod json;
mod mask;
mod recorded;
mod records;
mod ring;

pub(crate) use body::{Bodies, Body};
pub(crate) use curl::curl_line;
pub(crate) use filter::Filter;
pub(crate) use har::har;
pub(crate) use headers::Headers;
pub(crate) use json::{detail, summary};
pub(crate) use mask::shown_headers;
pub(crate) use recorded::{End, Original, Phases, Recorded};
pub(crate) use records::{Page, Records, Unfound};
pub(crate) use ring::{Entry, Limits};

#[cfg(test)]
mod tests;
