//! The names of functions in server groups.

use super::source::MARK;

/// The function that a group leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) function: String,
    pub(super) qualifier: Option<String>,
    /// The service, in the form of edition 2.0.
    pub(super) service: Option<String>,
    /// A name alone, without an ARN.
    pub(super) is_bare: bool,
}

/// Reads `acs:fc:REGION:ACCOUNT:functions/NAME[/QUALIFIER]`, the form of edition 2.0
/// `acs:fc:REGION:ACCOUNT:services/SERVICE[.QUALIFIER]/functions/NAME`, or a name. The region and the account may be anything.
pub(super) fn parse(text: &str) -> Option<Target> {
    // What is not known here may hold colons.
    let parts = text.split(MARK).enumerate();
    let text: String =
        parts.map(|(at, part)| if at % 2 == 1 { MARK.to_string() } else { part.to_owned() }).collect();
    let text = text.as_str();
    let (rest, is_bare) = match text.strip_prefix("acs:fc:") {
        Some(rest) => (rest.splitn(3, ':').nth(2)?, false),
        None => (text, !text.contains('/')),
    };
    let mut service = None;
    let (function, qualifier) = if let Some(rest) = rest.strip_prefix("services/") {
        let (own, function) = rest.split_once("/functions/")?;
        let (name, qualifier) = own.split_once('.').map_or((own, None), |(name, word)| (name, Some(word)));
        // A name that only the cloud knows is any service.
        service = Some(name).filter(|name| !name.contains(MARK)).map(str::to_owned);
        (function, qualifier)
    } else {
        let rest = rest.strip_prefix("functions/").or(is_bare.then_some(rest))?;
        match rest.split_once(if is_bare { '.' } else { '/' }) {
            Some((function, qualifier)) => (function, Some(qualifier)),
            None => (rest, None),
        }
    };
    let is_word = |text: &str| !text.is_empty() && !text.contains([MARK, '/', ':', ' ']);
    let qualifier = qualifier.filter(|own| *own != "LATEST");
    (is_word(function) && qualifier.is_none_or(is_word)).then(|| Target {
        function: function.to_owned(),
        qualifier: qualifier.map(str::to_owned),
        service,
        is_bare,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_have_several_names() {
        for (text, expected) in [
            ("acs:fc:cn-hangzhou:123:functions/shop", Some(("shop", None))),
            ("acs:fc:cn-hangzhou:123:functions/shop/prod", Some(("shop", Some("prod")))),
            ("acs:fc:cn-hangzhou:123:functions/shop/LATEST", Some(("shop", None))),
            (
                "acs:fc:\u{1}var.region\u{1}:\u{1}data.alicloud_account.me.id\u{1}:functions/shop",
                Some(("shop", None)),
            ),
            (
                "acs:fc:\u{1}Ref.ALIYUN::Region\u{1}:\u{1}Ref.ALIYUN::TenantId\u{1}:functions/shop",
                Some(("shop", None)),
            ),
            ("acs:fc:cn-hangzhou:123:services/web.prod/functions/shop", Some(("shop", Some("prod")))),
            ("acs:fc:cn-hangzhou:123:services/web/functions/shop", Some(("shop", None))),
            ("services/web.2/functions/shop", Some(("shop", Some("2")))),
            ("shop", Some(("shop", None))),
            ("shop.prod", Some(("shop", Some("prod")))),
            ("acs:fc:cn-hangzhou:123:functions/\u{1}var.name\u{1}", None),
            ("acs:fc:cn-hangzhou:123:shop", None),
            ("acs:ram::1:role/x", None),
            ("\u{1}alicloud_fc_function.x.id\u{1}", None),
            ("", None),
        ] {
            let target = parse(text).map(|target| (target.function, target.qualifier));
            let expected =
                expected.map(|(function, qualifier)| (function.to_owned(), qualifier.map(str::to_owned)));
            assert_eq!(target, expected, "{text:?}");
        }
    }

    #[test]
    fn the_form_of_edition_2_names_a_service() {
        for (text, service) in [
            ("acs:fc:r:1:services/web.prod/functions/shop", Some("web")),
            ("acs:fc:r:1:services/web/functions/shop", Some("web")),
            ("acs:fc:r:1:services/\u{1}var.service\u{1}/functions/shop", None),
            ("acs:fc:r:1:functions/shop", None),
        ] {
            assert_eq!(parse(text).unwrap().service.as_deref(), service, "{text:?}");
        }
    }
}
