//! Path parameters: percent-decoded once, then parsed.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::exchange::Call;

/// A type that a path parameter can become: every type that implements `FromStr`.
///
/// ```
/// use fc_runtime::App;
/// use std::str::FromStr;
///
/// struct Size(u32);
/// impl FromStr for Size {
///     type Err = String;
///     fn from_str(text: &str) -> Result<Self, String> {
///         match text {
///             "small" => Ok(Self(250)),
///             "large" => Ok(Self(1000)),
///             _ => Err(format!("there is no size {text:?}")),
///         }
///     }
/// }
///
/// # fc_runtime::testing::run(async {
/// let client = App::new()
///     .get("/tea/{size}", async |ex| {
///         let Size(grams) = ex.param("size")?;
///         Ok(format!("{grams} g"))
///     })
///     .test_client();
/// client.get("/tea/small").await.assert_text("250 g");
/// client.get("/tea/huge").await.assert_status(400);
/// # });
/// ```
#[diagnostic::on_unimplemented(
    message = "a path parameter cannot become `{Self}`: say its type, as in `let id: u32 = ex.param(\"id\")?`",
    label = "`{Self}` cannot be parsed from text",
    note = "it has to implement `FromStr`"
)]
#[doc(alias = "Path")]
#[doc(alias = "FromStr")]
pub trait FromParam: Sized {
    #[doc(hidden)]
    fn from_param(text: &str) -> Result<Self, String>;
}

#[diagnostic::do_not_recommend]
impl<T> FromParam for T
where
    T: FromStr<Err: Display>,
{
    fn from_param(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: T::Err| error.to_string())
    }
}

#[track_caller]
pub(crate) fn read<T: FromParam>(call: &Call, name: &str) -> Result<T> {
    let param = call.scope.as_ref().and_then(|scope| scope.params.iter().find(|param| param.name == name));
    let Some(raw) = param.and_then(|param| param.value(call.path())) else {
        let pattern = call.scope.as_ref().map_or("", |scope| &scope.pattern);
        return Err(Error::internal(format!("the pattern {pattern:?} has no parameter named {name:?}")));
    };
    let text =
        decode(raw).ok_or_else(|| Error::bad_request(format!("path parameter {name:?} is not UTF-8")))?;
    T::from_param(&text).map_err(|error| Error::bad_request(format!("path parameter {name:?}: {error}")))
}

/// Percent-decodes once. A `%` without two hexadecimal digits is kept. `None` when the result is not UTF-8.
fn decode(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.contains('%') {
        return Some(Cow::Borrowed(raw));
    }
    let digit = |byte: Option<&u8>| match *byte? {
        digit @ b'0'..=b'9' => Some(digit - b'0'),
        digit @ b'a'..=b'f' => Some(digit - b'a' + 10),
        digit @ b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    };
    let bytes = raw.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(high * 16 + low);
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &str, expected: Option<&str>) {
        assert_eq!(decode(raw).as_deref(), expected);
    }

    #[test]
    fn percent_signs_are_decoded_once() {
        check("plain", Some("plain"));
        check("a%20b", Some("a b"));
        check("a%2Fb", Some("a/b"));
        check("%2525", Some("%25"));
        check("caf%C3%A9", Some("café"));
        check("100%", Some("100%"));
        check("%zz", Some("%zz"));
        check("%ff", None);
    }
}
