//! What a client accepts: lists of media types, languages and codings with weights (RFC 9110, section 12.5).

use http::header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE};
use http::{HeaderMap, HeaderName};

/// Whether the list in a header has this member.
pub(crate) fn lists(headers: &HeaderMap, name: &HeaderName, member: &str) -> bool {
    let lines = headers.get_all(name).iter();
    let mut members = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    members.any(|own| own.trim_ascii().eq_ignore_ascii_case(member.as_bytes()))
}

/// One member of a list, such as `text/*;q=0.5`.
struct Member<'h> {
    /// The value without parameters, such as `text/*`.
    value: &'h str,
    /// The parameters before the weight, such as `;level=1`.
    parameters: &'h str,
    /// In thousandths. Zero means: not acceptable.
    weight: u16,
}

/// The index of the offered media type that the client likes best, `None` if none is acceptable. Without a list every
/// type is. Of equals, the first wins.
pub(crate) fn media_type(headers: &HeaderMap, offers: &[&str]) -> Option<usize> {
    best(headers, &ACCEPT, offers, media_fit)
}

/// The index of the offered language that the client likes best, as [`media_type`].
pub(crate) fn language(headers: &HeaderMap, offers: &[&str]) -> Option<usize> {
    best(headers, &ACCEPT_LANGUAGE, offers, language_fit)
}

/// The weight of each content coding, in thousandths, and the weight of the plain content.
///
/// A coding that the list does not name has the weight of `*`, and zero without that. The plain content is acceptable
/// unless the list refuses it.
pub(crate) fn codings<const N: usize>(headers: &HeaderMap, offers: [&str; N]) -> ([u16; N], u16) {
    let (mut weights, mut plain, mut any) = ([None; N], None, None);
    for member in members(headers, &ACCEPT_ENCODING) {
        let slot = match member.value {
            "*" => &mut any,
            value if value.eq_ignore_ascii_case("identity") => &mut plain,
            value => match offers.iter().position(|offer| is_coding(value, offer)) {
                Some(at) => &mut weights[at],
                None => continue,
            },
        };
        *slot = Some(member.weight);
    }
    let plain = plain.unwrap_or(u16::from(any != Some(0)));
    (weights.map(|weight| weight.or(any).unwrap_or(0)), plain)
}

/// `x-gzip` is the old name of `gzip`.
fn is_coding(value: &str, offer: &str) -> bool {
    value.eq_ignore_ascii_case(offer) || offer == "gzip" && value.eq_ignore_ascii_case("x-gzip")
}

/// How well a member of the list fits an offer: the more exactly it names the offer, the higher. `None` if it does not.
type Fit = fn(&Member<'_>, &str) -> Option<usize>;

fn best(headers: &HeaderMap, name: &HeaderName, offers: &[&str], fit: Fit) -> Option<usize> {
    if !headers.contains_key(name) {
        return (!offers.is_empty()).then_some(0);
    }
    let (mut found, mut found_weight) = (None, 0);
    for (at, offer) in offers.iter().enumerate() {
        // The most exact member decides, and the heavier one of equals.
        let fitting = members(headers, name).filter_map(|member| Some((fit(&member, offer)?, member.weight)));
        let weight = fitting.max().map_or(0, |(_, weight)| weight);
        if weight > found_weight {
            (found, found_weight) = (Some(at), weight);
        }
    }
    found
}

/// Parameters of a range restrict it only if the offer has parameters: many clients add a `charset` out of habit.
fn media_fit(member: &Member<'_>, offer: &str) -> Option<usize> {
    let (value, mut parameters) = offer.split_once(';').map_or((offer, ""), |(value, rest)| (value, rest));
    let (own_type, own_subtype) = value.trim().split_once('/')?;
    let (asked_type, asked_subtype) = match member.value {
        // As Java's `URLConnection` sends it.
        "*" => ("*", "*"),
        value => value.split_once('/')?,
    };
    match (asked_type, asked_subtype) {
        ("*", "*") => Some(0),
        (kind, "*") => kind.eq_ignore_ascii_case(own_type).then_some(1),
        (kind, subtype) => {
            let is_same = kind.eq_ignore_ascii_case(own_type) && subtype.eq_ignore_ascii_case(own_subtype);
            parameters = parameters.trim();
            let asked = member.parameters.trim_matches([';', ' ', '\t']);
            match (is_same, parameters.is_empty() || asked.is_empty()) {
                (false, _) => None,
                (true, true) => Some(2),
                (true, false) => parameters.eq_ignore_ascii_case(asked).then_some(3),
            }
        }
    }
}

/// `zh` fits `zh-CN`, and `zh-CN` fits `zh`.
fn language_fit(member: &Member<'_>, offer: &str) -> Option<usize> {
    let is_prefix = |short: &str, long: &str| {
        long.get(..short.len()).is_some_and(|start| start.eq_ignore_ascii_case(short))
            && matches!(long.as_bytes().get(short.len()), None | Some(b'-'))
    };
    match member.value {
        "*" => Some(0),
        range if is_prefix(range, offer) => Some(2 * range.len()),
        range if is_prefix(offer, range) => Some(2 * offer.len() - 1),
        _ => None,
    }
}

/// The members of a list, over all lines of the header. A line that is not ASCII is left out.
fn members<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = Member<'h>> {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| split(line, b',')).map(member).filter(|member| !member.value.is_empty())
}

fn member(text: &str) -> Member<'_> {
    let (value, parameters) = text.split_at(text.find(';').unwrap_or(text.len()));
    let (mut weight, mut end, mut at) = (1000, parameters.len(), 0);
    for parameter in split(parameters, b';') {
        if let Some((name, given)) = parameter.split_once('=')
            && name.trim().eq_ignore_ascii_case("q")
        {
            (weight, end) = (thousandths(given.trim()), at);
            break;
        }
        at += parameter.len() + 1;
    }
    Member { value: value.trim(), parameters: &parameters[..end.min(parameters.len())], weight }
}

/// Splits at a separator, which does not count between quotes.
fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut quoted = false;
        let end = text.bytes().position(|byte| {
            quoted ^= byte == b'"';
            byte == separator && !quoted
        });
        rest = end.map(|end| &text[end + 1..]);
        Some(&text[..end.unwrap_or(text.len())])
    })
}

/// A weight such as `0.8`. What is no weight counts as the highest.
fn thousandths(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !matches!(whole, "" | "0") || !digits(fraction) || text.is_empty() {
        return 1000;
    }
    fraction.bytes().chain(*b"000").take(3).fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(name: &HeaderName, lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (name.clone(), HeaderValue::from_str(line).unwrap())).collect()
    }

    #[track_caller]
    fn check(lines: &[&str], offers: &[&str], expected: Option<&str>) {
        let found = media_type(&headers(&ACCEPT, lines), offers).map(|at| offers[at]);
        assert_eq!(found, expected, "{lines:?}");
    }

    #[test]
    fn the_client_chooses_among_the_offers() {
        let offers = ["application/json", "text/html", "text/csv"];
        check(&[], &offers, Some("application/json"));
        check(&["*/*"], &offers, Some("application/json"));
        check(&["*; q=.2"], &offers, Some("application/json"));
        check(
            &["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"],
            &offers,
            Some("text/html"),
        );
        check(&["text/*"], &offers, Some("text/html"));
        check(&["text/*, text/html;q=0.1"], &offers, Some("text/csv"));
        check(&["text/*;q=0.5", "application/json;q=0.4"], &offers, Some("text/html"));
        check(&["Application/JSON"], &offers, Some("application/json"));
        check(&["application/json; charset=utf-8"], &offers, Some("application/json"));
        check(&["application/json;q=0"], &offers, None);
        check(&["application/json;q=0, */*"], &offers, Some("text/html"));
        check(&["image/png"], &offers, None);
        check(&["image/png, nonsense,,"], &offers, None);
        check(&["text/csv;header=\"a,b\";q=0.4, text/html;q=0.3"], &offers, Some("text/csv"));
        check(&["text/csv;q=0.9999, text/html; Q=1.000"], &offers, Some("text/html"));
        check(&[""], &offers, None);
    }

    #[test]
    fn parameters_count_where_the_offer_has_them() {
        let offers = ["application/json;profile=full", "application/json;profile=short"];
        check(&["application/json;profile=short"], &offers, Some(offers[1]));
        check(&["application/json;profile=other"], &offers, None);
        check(&["application/json"], &offers, Some(offers[0]));
        check(&["application/json;q=0.1, application/json;profile=short;q=1"], &offers, Some(offers[1]));
    }

    #[test]
    fn languages_fit_by_their_beginning() {
        let choose = |line: &str, offers: &[&'static str]| {
            language(&headers(&ACCEPT_LANGUAGE, &[line]), offers).map(|at| offers[at])
        };
        assert_eq!(choose("zh-CN,zh;q=0.9,en;q=0.8", &["en", "zh"]), Some("zh"));
        assert_eq!(choose("zh", &["en", "zh-CN"]), Some("zh-CN"));
        assert_eq!(choose("zh-Hant, en;q=0.5", &["en", "zh-Hant-TW"]), Some("zh-Hant-TW"));
        assert_eq!(choose("zh-TW, en;q=0.5", &["en", "zh"]), Some("zh"));
        assert_eq!(choose("en;q=0, *", &["en", "zh"]), Some("zh"));
        assert_eq!(choose("de, *;q=0.1", &["en", "zh"]), Some("en"));
        assert_eq!(choose("de", &["en", "zh"]), None);
        assert_eq!(choose("zhx", &["zh"]), None);
    }

    #[test]
    fn codings_have_weights() {
        let weigh = |lines: &[&str]| codings(&headers(&ACCEPT_ENCODING, lines), ["br", "gzip"]);
        assert_eq!(weigh(&[]), ([0, 0], 1));
        assert_eq!(weigh(&["gzip, deflate, br"]), ([1000, 1000], 1));
        assert_eq!(weigh(&["gzip;q=0.5", "BR;q=0.25"]), ([250, 500], 1));
        assert_eq!(weigh(&["*"]), ([1000, 1000], 1));
        assert_eq!(weigh(&["x-gzip, *;q=0"]), ([0, 1000], 0));
        assert_eq!(weigh(&["identity;q=0, gzip"]), ([0, 1000], 0));
        assert_eq!(weigh(&["br;q=0, *;q=0.1, identity;q=0.5"]), ([0, 100], 500));
    }
}
