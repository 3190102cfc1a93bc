//! What Cargo knows: which program of which package belongs to a function.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::model::Product;

/// A program that Cargo can build.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Program {
    /// The name of its package.
    pub(super) package: String,
    pub(super) product: Product,
    /// Where Cargo puts what it builds.
    pub(super) target_folder: PathBuf,
}

impl Program {
    /// Chooses a program from what `cargo metadata` says of the package in `folder`.
    ///
    /// # Errors
    ///
    /// No program is wanted by name, and several or none are there; or the wanted one is not.
    pub(super) fn choose(
        metadata: &Value,
        folder: &Path,
        function: &str,
        wanted: Option<&Product>,
    ) -> Result<Self, String> {
        let file = folder.join("Cargo.toml");
        let all = list(&metadata["packages"]);
        let is_own =
            |package: &&Value| package["manifest_path"].as_str().is_some_and(|own| Path::new(own) == file);
        let own: Vec<&Value> = all.iter().filter(is_own).collect();
        // A folder with a workspace and no package of its own stands for all packages.
        let packages = if own.is_empty() { all.iter().collect() } else { own };
        let default = packages.iter().find_map(|package| package["default_run"].as_str());
        let found: Vec<(String, Product)> = packages.into_iter().flat_map(programs).collect();
        let named = |name: &str| {
            let product = Product::Binary(name.to_owned());
            found.iter().find(|(_, own)| *own == product)
        };
        let binaries: Vec<_> =
            found.iter().filter(|(_, product)| matches!(product, Product::Binary(_))).collect();
        let chosen = match (wanted, &binaries[..], default) {
            (Some(wanted), _, _) => found.iter().find(|(_, product)| product == wanted),
            (None, [only], _) => Some(*only),
            (None, _, default) => named(default.unwrap_or(function)),
        };
        let Some((package, product)) = chosen else {
            let all: Vec<&str> = found.iter().map(|(_, product)| product.name()).collect();
            let what = wanted.map_or("no program of that function's name".to_owned(), |wanted| {
                format!("no program `{}`", wanted.name())
            });
            return Err(format!(
                "{} has {what}; there are: {}. `x-local.package.bin` in the manifest names one",
                file.display(),
                if all.is_empty() { "none".to_owned() } else { all.join(", ") }
            ));
        };
        let target_folder = metadata["target_directory"].as_str().unwrap_or("target").into();
        Ok(Program { package: package.clone(), product: product.clone(), target_folder })
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The programs of a package.
fn programs(package: &Value) -> impl Iterator<Item = (String, Product)> {
    let owner = package["name"].as_str().unwrap_or_default().to_owned();
    list(&package["targets"]).iter().filter_map(move |target| {
        let name = target["name"].as_str()?.to_owned();
        let is = |kind: &str| list(&target["kind"]).iter().any(|own| own == kind);
        let product = if is("bin") {
            Product::Binary(name)
        } else if is("example") {
            Product::Example(name)
        } else {
            return None;
        };
        Some((owner.clone(), product))
    })
}

/// The path of the program in the messages of a build.
pub(super) fn executable(messages: &[u8], product: &Product) -> Option<PathBuf> {
    let messages = String::from_utf8_lossy(messages);
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let kind = if matches!(product, Product::Example(_)) { "example" } else { "bin" };
    let own = |artifact: &Value| {
        artifact["reason"] == "compiler-artifact"
            && artifact["target"]["name"] == product.name()
            && list(&artifact["target"]["kind"]).iter().any(|own| own == kind)
    };
    artifacts.filter(own).find_map(|artifact| Some(artifact["executable"].as_str()?.into()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(folder: &str, programs: &[(&str, &str)], default: Option<&str>) -> Value {
        let targets: Vec<Value> =
            programs.iter().map(|(kind, name)| json!({"kind": [kind], "name": name})).collect();
        json!({
            "name": folder.trim_start_matches('/'), "manifest_path": format!("{folder}/Cargo.toml"), "targets": targets,
            "default_run": default,
        })
    }

    #[track_caller]
    fn check(packages: &[Value], wanted: Option<&Product>, expected: Result<(&str, &str), &str>) {
        let metadata = json!({"packages": packages, "target_directory": "/t"});
        let found = Program::choose(&metadata, Path::new("/shop"), "orders", wanted);
        match (found, expected) {
            (Ok(program), Ok((package, name))) => {
                assert_eq!((program.package.as_str(), program.product.name()), (package, name));
            }
            (Err(text), Err(part)) => assert!(text.contains(part), "{text}"),
            (found, expected) => panic!("{found:?}, and not {expected:?}"),
        }
    }

    #[test]
    fn the_program_of_a_function() {
        let one = package("/shop", &[("lib", "shop"), ("bin", "app"), ("example", "orders")], None);
        check(std::slice::from_ref(&one), None, Ok(("shop", "app")));
        check(
            std::slice::from_ref(&one),
            Some(&Product::Example("orders".to_owned())),
            Ok(("shop", "orders")),
        );
        check(
            std::slice::from_ref(&one),
            Some(&Product::Binary("x".to_owned())),
            Err("no program `x`; there are: app, orders"),
        );
        let several = [("bin", "orders"), ("bin", "prices")];
        check(&[package("/shop", &several, None)], None, Ok(("shop", "orders")));
        check(&[package("/shop", &several, Some("prices"))], None, Ok(("shop", "prices")));
        check(&[package("/shop", &[("bin", "a"), ("bin", "b")], None)], None, Err("there are: a, b"));
        check(&[package("/shop", &[("lib", "shop")], None)], None, Err("there are: none"));
        // Another package of the workspace does not count, unless the folder has none of its own.
        let others = [package("/a", &[("bin", "a")], None), package("/b", &[("bin", "orders")], None)];
        check(&others, None, Ok(("b", "orders")));
        check(&[others[1].clone(), one], None, Ok(("shop", "app")));
    }

    #[test]
    fn the_path_comes_from_the_build_itself() {
        let messages = br#"{"reason":"compiler-artifact","target":{"kind":["custom-build"],"name":"app"},"executable":"/t/build"}
not json
{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"app"},"executable":"/t/app"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages, &Product::Binary("app".to_owned())), Some("/t/app".into()));
        assert_eq!(executable(messages, &Product::Example("app".to_owned())), None);
    }
}
