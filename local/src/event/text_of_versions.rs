//! What happened to versions and aliases, in words for people.

use super::details::VersionNews;

pub(super) fn version_news(news: &VersionNews) -> String {
    match news {
        VersionNews::Published(version) => format!("version {version} is published"),
        VersionNews::Removed(version) => format!("version {version} is removed"),
        VersionNews::AliasSet { alias, version, additional: None } => {
            format!("alias {alias} leads to version {version}")
        }
        VersionNews::AliasSet { alias, version, additional: Some((second, weight)) } => format!(
            "alias {alias} leads to version {version}, and {} % of its calls to version {second}",
            weight * 100.0
        ),
        VersionNews::AliasRemoved(alias) => format!("alias {alias} is removed"),
    }
}
