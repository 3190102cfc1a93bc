//! The code package.

use super::sources::{LIMITS, TOOL_RUN};
use crate::doctor::facts::Facts;
use crate::doctor::finding::{Finding, Level, Place, Rule};
use crate::package::package_max;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "dot-env-in-code",
        level: Level::Warning,
        title: "No .env is packed.",
        why: "The deployment tool packs every file of the code folder but those that `.fcignore` there names; \
              `.gitignore` is not read. A `.env` with the developer's secrets then lies in the cloud, readable for whoever \
              may download the code. Put it beside the manifest, where the tool reads it too.",
        source: TOOL_RUN,
        check: dot_env_in_code,
    },
    Rule {
        id: "package-size",
        level: Level::Warning,
        title: "The code package is within the platform's limit.",
        why: "A package may hold 500 MiB packed, in some regions 100 MiB. A large package also makes each cold start longer. \
              The files are counted here before they are packed.",
        source: LIMITS,
        check: package_size,
    },
];

const MIB: u64 = 1024 * 1024;

fn dot_env_in_code(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &facts.functions {
        let Some(code) = &function.code else { continue };
        for file in &code.dot_env {
            let file: std::path::PathBuf = code.folder.join(file).components().collect();
            let place = Place { file, line: 1, column: 1, resource: Some(function.resource.clone()) };
            let text = format!(
                "the file is packed into the code of `{}`, with all that stands in it",
                function.name
            );
            found.push(Finding::new(
                place,
                text,
                "move it beside the manifest, or name it in `.fcignore` of the code folder",
            ));
        }
    }
    found
}

fn package_size(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &facts.functions {
        let Some(code) = &function.code else { continue };
        let region = function.text(&["region"]).unwrap_or_default();
        let most = package_max(region);
        if code.bytes > most {
            let text = format!(
                "the code holds {} MiB before it is packed; the platform takes {} MiB in `{region}` packed",
                code.bytes.div_ceil(MIB),
                most / MIB
            );
            let fix =
                "strip the program, leave files out by `.fcignore`, or put them into a layer or a bucket";
            found.push(Finding::new(facts.key(function, &["code"]), text, fix));
        }
    }
    found
}
