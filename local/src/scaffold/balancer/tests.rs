//! Which groups and rules are written.

use super::plan::{Group, Plan, Rule};
use super::{ros, terraform};

fn plan() -> Plan {
    let group = |function: &str, qualifier: Option<&str>| Group {
        function: function.to_owned(),
        qualifier: qualifier.map(str::to_owned),
    };
    let rule = |host: Option<&str>, path: &str, group| Rule {
        host: host.map(str::to_owned),
        paths: vec![path.to_owned()],
        methods: Vec::new(),
        group,
    };
    Plan {
        name: "shop".to_owned(),
        region: "cn-hangzhou".to_owned(),
        groups: vec![group("_web", None), group("api", Some("prod"))],
        rules: vec![rule(Some("a.example.com"), "/a\"${x}", 1), rule(None, "/b/*", 0)],
        has_tls: true,
    }
}

#[test]
fn texts_are_quoted_and_labels_are_names() {
    let text = terraform::text(&plan());
    assert!(text.contains(r#"values = ["/a\"$${x}"]"#), "{text}");
    assert!(text.contains("\"alicloud_alb_server_group\" \"fn__web\""), "{text}");
    assert!(text.contains(":functions/api/prod\""), "{text}");
    assert_eq!(
        text.matches("resource \"alicloud_alb_rule\"").count(),
        4,
        "two listeners have two rules each"
    );
    let text = ros::text(&plan());
    assert!(text.contains("Values: ['/a\"${x}']"), "{text}");
    assert!(text.contains("  Group2fnapiprodFunction:\n"), "{text}");
}
