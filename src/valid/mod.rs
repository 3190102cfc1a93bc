//! Checks of values: all mistakes of a request at once, each with its place.

mod names;

use std::fmt::Write as _;

use garde::Validate;
use garde::error::{Kind, Path};
use serde::de::DeserializeOwned;

use crate::error::{Error, StatusError};
use crate::json::quoted;

/// Gives a value back if its fields fit the rules of its type: a derive of [`garde::Validate`].
///
/// ```
/// use fc_runtime::{App, valid};
/// use serde::Deserialize;
///
/// #[derive(Deserialize, garde::Validate)]
/// struct Order {
///     #[garde(length(min = 1, max = 100))]
///     item: String,
///     #[garde(range(min = 1))]
///     quantity: u32,
/// }
///
/// # fc_runtime::testing::run(async {
/// let client = App::new()
///     .post("/orders", async |ex| {
///         let order: Order = valid(ex.json().await?)?;
///         Ok((201, order.item))
///     })
///     .test_client();
/// let wrong = client.post("/orders").json(&serde_json::json!({"item": "", "quantity": 0})).await;
/// let problem: serde_json::Value = wrong.assert_status(422).json();
/// assert_eq!(problem["errors"][0]["pointer"], "#/item");
/// assert_eq!(problem["errors"][1]["detail"], "lower than 1");
/// # });
/// ```
///
/// The function's manifest needs `garde = { version = "0.23", features = ["derive"] }`, because the derive names it.
///
/// Pointers have the names on the wire: with `#[serde(rename_all = "camelCase")]` a mistake in `ship_to` is at
/// `#/shipTo`. They are found by asking `Deserialize` for its names, once something is wrong. A field whose own `rename` has
/// other letters or digits than its name in Rust keeps the latter, as do fields of a flattened struct or of an enum's
/// variant: serde does not say which field is which. `garde` 0.23 reads a `rename` of its own, and does nothing with it.
///
/// # Errors
/// 422 with the member `errors`: for each mistake its `detail`, and the `pointer` to its field, a JSON pointer as the
/// fragment of a URI. At most 100 of them; `more` counts the others.
#[track_caller]
#[doc(alias = "validate")]
#[doc(alias = "garde")]
#[doc(alias = "validator")]
pub fn valid<T>(value: T) -> Result<T, StatusError>
where
    T: Validate<Context: Default> + DeserializeOwned,
{
    valid_with(value, &T::Context::default())
}

/// As [`valid`], for rules that need a context, such as limits from the configuration.
///
/// # Errors
/// As [`valid`].
#[track_caller]
pub fn valid_with<T: Validate + DeserializeOwned>(value: T, context: &T::Context) -> Result<T, StatusError> {
    match value.validate_with(context) {
        Ok(()) => Ok(value),
        Err(report) => {
            let mistakes = report.into_inner();
            let listed = mistakes.iter().take(LISTED_MAX).map(|(path, error)| {
                let pointer = pointer(&names::on_the_wire::<T>(parts(path)));
                format!("{{\"pointer\":{},\"detail\":{}}}", quoted(&pointer), quoted(error.message()))
            });
            let listed = format!("[{}]", listed.collect::<Vec<_>>().join(","));
            let fields = if mistakes.len() == 1 { "field does" } else { "fields do" };
            let message = format!("{} {fields} not fit", mistakes.len());
            let error = Error::new(422, message).with_json("errors", listed);
            let error = match mistakes.len().checked_sub(LISTED_MAX) {
                None | Some(0) => error,
                Some(more) => error.with_json("more", more.to_string()),
            };
            Err(error.into_std())
        }
    }
}

/// The most mistakes that are listed. A list of a client's may hold many.
const LISTED_MAX: usize = 100;

/// The parts of a path from the outermost on.
fn parts(path: &Path) -> Vec<(Kind, String)> {
    let mut parts: Vec<_> = path.__iter().map(|(kind, part)| (kind, part.to_string())).collect();
    parts.reverse();
    parts.retain(|(kind, _)| *kind != Kind::None);
    parts
}

/// A JSON pointer as the fragment of a URI (RFC 6901, section 6), as RFC 9457 has it in its example.
fn pointer(parts: &[String]) -> String {
    let mut pointer = "#".to_owned();
    for part in parts {
        pointer.push('/');
        for byte in part.bytes() {
            match byte {
                b'~' => pointer.push_str("~0"),
                b'/' => pointer.push_str("~1"),
                byte if byte.is_ascii_alphanumeric() || b"-._!$&'()*+,;=:@".contains(&byte) => {
                    pointer.push(char::from(byte));
                }
                byte => {
                    let _ = write!(pointer, "%{byte:02X}");
                }
            }
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Deserialize, Validate)]
    #[serde(rename_all = "camelCase")]
    struct Order {
        #[garde(dive)]
        lines: Vec<Line>,
        #[garde(ascii)]
        ship_to: String,
        #[garde(dive)]
        more: BTreeMap<String, Line>,
    }

    #[derive(Deserialize, Validate)]
    struct Line {
        #[garde(range(min = 1, max = 9))]
        quantity: u8,
    }

    fn problem(order: Order) -> Value {
        let problem = Error::from(valid(order).err().unwrap()).to_problem("1-a");
        serde_json::from_str(&problem).unwrap()
    }

    #[test]
    fn all_mistakes_are_told_with_their_places() {
        let more = BTreeMap::from([("a/b~ä".to_owned(), Line { quantity: 0 })]);
        let lines = vec![Line { quantity: 1 }, Line { quantity: 0 }, Line { quantity: 10 }];
        let problem = problem(Order { lines, ship_to: "ä".to_owned(), more });
        assert_eq!((&problem["status"], &problem["detail"]), (&json!(422), &json!("4 fields do not fit")));
        let mut errors: Vec<(String, String)> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| (error["pointer"].to_string(), error["detail"].to_string()))
            .collect();
        errors.sort();
        let expected = [
            ("\"#/lines/1/quantity\"", "\"lower than 1\""),
            ("\"#/lines/2/quantity\"", "\"greater than 9\""),
            ("\"#/more/a~1b~0%C3%A4/quantity\"", "\"lower than 1\""),
            ("\"#/shipTo\"", "\"not ascii\""),
        ];
        let expected = expected.map(|(pointer, detail)| (pointer.to_owned(), detail.to_owned()));
        assert_eq!(errors, expected);
    }

    #[test]
    fn a_value_that_fits_is_given_back_and_a_long_list_is_cut() {
        let order = |quantity, lines: usize| Order {
            lines: (0..lines).map(|_| Line { quantity }).collect(),
            ship_to: String::new(),
            more: BTreeMap::new(),
        };
        assert_eq!(valid(order(1, 3)).unwrap().lines.len(), 3);
        let problem = problem(order(0, 1000));
        assert_eq!(problem["errors"].as_array().unwrap().len(), 100);
        assert_eq!(problem["more"], 900);
    }
}
