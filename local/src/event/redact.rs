//! Secrets that must not show in logs.

use std::sync::Arc;

const MASK: &str = "******";

/// Shorter values occur in ordinary words too.
const LENGTH_MIN: usize = 8;

/// Replaces known secret values in text.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    secrets: Arc<[String]>,
}

impl Redactor {
    /// Takes the values of `variables` whose names say that they are secret.
    pub(crate) fn new<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut secrets: Vec<String> = variables
            .into_iter()
            .filter(|(name, value)| is_secret_name(name) && value.len() >= LENGTH_MIN)
            // A log is read line by line, and so a secret of several lines is seen.
            .flat_map(|(_, value)| std::iter::once(value).chain(value.lines().map(str::trim)))
            .filter(|text| text.len() >= LENGTH_MIN && !text.starts_with("-----"))
            .map(str::to_owned)
            .collect();
        // A secret that holds another one must go first.
        secrets.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        secrets.dedup();
        Redactor { secrets: secrets.into() }
    }

    pub(crate) fn redact(&self, mut text: String) -> String {
        for secret in self.secrets.iter() {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), MASK);
            }
        }
        text
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Redactor({} secrets)", self.secrets.len())
    }
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let tells = [
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "TOKEN",
        "CREDENTIAL",
        "PRIVATE",
        "ACCESS_KEY",
        "ACCESSKEY",
        "API_KEY",
        "APIKEY",
    ];
    tells.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::Redactor;

    #[test]
    fn secret_values_are_masked_and_others_stay() {
        let variables = [
            ("DB_PASSWORD", "hunter2-hunter2"),
            ("API_TOKEN", "hunter2-hunter2-longer"),
            ("PORT_TOKEN", "9000"),
            ("REGION", "cn-hangzhou"),
            ("SIGNING_PRIVATE", "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkq9w0BAQEFAASC\n-----END KEY-----\n"),
        ];
        let redactor = Redactor::new(variables);
        let text = redactor.redact("a hunter2-hunter2-longer b hunter2-hunter2 9000 cn-hangzhou".to_owned());
        assert_eq!(text, "a ****** b ****** 9000 cn-hangzhou");
        let text = redactor.redact("> kq9w0BAQEFAASC\n-----END KEY-----".to_owned());
        assert_eq!(text, "> ******\n-----END KEY-----");
        assert!(!format!("{redactor:?}").contains("hunter2"));
    }
}
