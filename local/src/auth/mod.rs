//! Who may call: the checks of a request's head against keys and time. What they need of the body, they ask for.

mod acs3;
mod caller;
mod encoding;
mod fc_signature;
mod fetch;
mod gate;
mod jwt;
mod key_file;
mod key_sets;
mod keys;
mod object;
mod parameters;
mod paths;
mod plain;
mod signature;
mod signing;
mod time;

pub(crate) use caller::{Admission, BodyNeed, body_need, judge, judge_api, judge_control};
pub(crate) use encoding::{encode, hex};
pub(crate) use gate::Gate;
pub(crate) use key_file::{find as find_keys, load as load_keys, random};
pub(crate) use keys::{AccessKey, LocalKeys};
pub(crate) use object::{check_object, is_of_object_client, presign_object};
pub(crate) use signing::{presign, sign};
pub(crate) use time::iso8601;
