//! The files of a folder, and the resources that they declare.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hcl_edit::Span;
use hcl_edit::structure::{Block, Body};

use super::block;
use super::scope::{Config, Declared, File, Scope};
use crate::manifest::alb::source::{Form, Kind, Problems, Resource, Source, place};
use crate::manifest::node::{Node, Value};
use crate::manifest::text_file;

/// The most instances that one resource may have here.
const INSTANCES_MAX: usize = 1000;

/// The most files of a folder.
const FILES_MAX: usize = 200;

const KINDS: [(&str, Kind); 12] = [
    ("alicloud_alb_load_balancer", Kind::Balancer),
    ("alicloud_alb_listener", Kind::Listener),
    ("alicloud_alb_rule", Kind::Rule),
    ("alicloud_alb_server_group", Kind::Group),
    ("alicloud_alb_server_group_server_attachment", Kind::Servers),
    ("alicloud_alb_acl", Kind::Acl),
    ("alicloud_alb_acl_entry_attachment", Kind::AclEntry),
    ("alicloud_alb_listener_acl_attachment", Kind::ListenerAcl),
    ("alicloud_alb_listener_additional_certificate_attachment", Kind::Certificates),
    ("alicloud_fcv3_function", Kind::Function),
    ("alicloud_fc_function", Kind::Function),
    ("alicloud_fcv2_function", Kind::Function),
];

/// Reads the `.tf` files of a folder, or one file. Every file that was looked at is added to `files`.
pub(in crate::manifest::alb) fn read(
    path: &Path,
    variables: &BTreeMap<String, String>,
    environment: &dyn Fn(&str) -> Option<String>,
    files: &mut Vec<PathBuf>,
    problems: &mut Problems,
) -> Result<Source, String> {
    // Files come and go: the folder itself is looked at.
    files.push(if path.is_dir() { path } else { path.parent().unwrap_or(path) }.to_owned());
    let (folder, names) = list(path)?;
    let mut texts = |names: Vec<PathBuf>| {
        let read = |file: PathBuf| text_file::read(&file).map(|text| (file, text));
        files.extend(names.iter().cloned());
        names.into_iter().map(read).collect::<Result<Vec<_>, _>>()
    };
    let (declarations, values) = (texts(names)?, texts(value_files(&folder))?);
    Ok(of_texts(&declarations, &values, variables, environment, problems))
}

/// Reads files by their texts: declarations, and values of variables.
pub(in crate::manifest::alb) fn of_texts(
    declarations: &[(PathBuf, String)],
    values: &[(PathBuf, String)],
    variables: &BTreeMap<String, String>,
    environment: &dyn Fn(&str) -> Option<String>,
    problems: &mut Problems,
) -> Source {
    let mut config = Config::default();
    for (file, text) in declarations {
        let Some(body) = parse(text, file, problems) else { continue };
        let number = config.files.len();
        config.files.push(File::new(Arc::from(file.as_path()), text));
        declare(&mut config, number, body, problems);
    }
    let mut set: BTreeMap<String, Node> = BTreeMap::new();
    for name in config.variables.keys() {
        if let Some(text) = environment(&format!("TF_VAR_{name}")) {
            set.insert(name.clone(), Node::text(1, text));
        }
    }
    for (file, text) in values {
        let Some(body) = parse(text, file, problems) else { continue };
        let number = config.files.len();
        config.files.push(File::new(Arc::from(file.as_path()), text));
        for attribute in body.attributes() {
            let scope = Scope::new(&config, number);
            set.insert(attribute.key.as_str().to_owned(), scope.evaluate(&attribute.value));
        }
    }
    set.extend(variables.iter().map(|(name, text)| (name.clone(), Node::text(1, text.clone()))));
    config.values = set;
    let resources = expand(&config, problems);
    Source { form: Form::Terraform, resources }
}

/// The folder and its files, in Terraform's order.
fn list(path: &Path) -> Result<(PathBuf, Vec<PathBuf>), String> {
    if path.is_file() {
        let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
        return Ok((folder, vec![path.to_owned()]));
    }
    let names = with_ending(path, ".tf")?;
    if names.is_empty() {
        return Err(format!("{} has no `.tf` file", path.display()));
    }
    if names.len() > FILES_MAX {
        return Err(format!("{} has more than {FILES_MAX} `.tf` files", path.display()));
    }
    Ok((path.to_owned(), names))
}

/// What Terraform reads of a folder, as bytes that change with every file: names, and contents.
pub(in crate::manifest) fn folder_text(folder: &Path) -> Option<Vec<u8>> {
    let mut names = with_ending(folder, ".tf").ok()?;
    names.truncate(FILES_MAX + 1);
    names.extend(value_files(folder));
    let mut all = Vec::new();
    for name in names {
        all.extend_from_slice(name.as_os_str().as_encoded_bytes());
        all.push(0);
        all.extend(text_file::read_octets(&name).unwrap_or_default());
        all.push(0);
    }
    Some(all)
}

fn with_ending(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, String> {
    let entries =
        std::fs::read_dir(folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let is_one = |path: &PathBuf| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.ends_with(ending) && !name.starts_with('.'))
    };
    let mut names: Vec<PathBuf> = paths.filter(is_one).collect();
    names.sort();
    Ok(names)
}

/// The files of values that Terraform reads by itself: the later one wins.
fn value_files(folder: &Path) -> Vec<PathBuf> {
    let first = folder.join("terraform.tfvars");
    let mut files: Vec<PathBuf> = first.is_file().then_some(first).into_iter().collect();
    files.extend(with_ending(folder, ".auto.tfvars").unwrap_or_default());
    files
}

fn parse(text: &str, file: &Path, problems: &mut Problems) -> Option<Body> {
    match hcl_edit::parser::parse_body(text) {
        Ok(body) => Some(body),
        Err(error) => {
            let why = error.message().trim().replace('\n', ", ");
            let place = place(&Arc::from(file), error.location().line());
            problems.error(&place, format!("this is no Terraform: {why}"));
            None
        }
    }
}

fn declare(config: &mut Config, file: usize, body: Body, problems: &mut Problems) {
    for attribute in body.attributes() {
        let line = config.files[file].line(attribute.span());
        let text = format!("`{}` stands outside of a block", attribute.key.as_str());
        problems.error(&place(&config.files[file].path, line), text);
    }
    for block in body.into_blocks() {
        let line = config.files[file].line(block.span());
        let at = place(&config.files[file].path, line);
        let labels: Vec<String> = block.labels.iter().map(|label| label.as_str().to_owned()).collect();
        match (block.ident.as_str(), labels.as_slice()) {
            ("variable", [name]) => {
                let default = block.body.get_attribute("default").map(|own| own.value.clone());
                config.variables.insert(name.clone(), (default, file));
            }
            ("locals", []) => {
                for attribute in block.body.attributes() {
                    config.locals.insert(attribute.key.as_str().to_owned(), (attribute.value.clone(), file));
                }
            }
            ("resource", [kind, name]) => {
                let address = format!("{kind}.{name}");
                if config.resources.iter().any(|own| own.address == address) {
                    problems.error(&at, format!("`{address}` is declared twice"));
                }
                if kind.starts_with("alicloud_alb_") && !KINDS.iter().any(|(own, _)| own == kind) {
                    problems.note(&at, format!("`{kind}` is not emulated"));
                }
                config.resources.push(Declared { address, kind: kind.clone(), block, file });
            }
            ("module", [name]) => {
                problems.note(
                    &at,
                    format!("module `{name}` is not read: fc-local reads the resources of this folder"),
                );
            }
            _ => {}
        }
    }
}

fn expand(config: &Config, problems: &mut Problems) -> Vec<Resource> {
    let mut all = Vec::new();
    for declared in &config.resources {
        let Some((_, kind)) = KINDS.iter().find(|(own, _)| *own == declared.kind) else { continue };
        let file = &config.files[declared.file];
        let at = place(&file.path, file.line(declared.block.span()));
        let scope = Scope::new(config, declared.file);
        let instances = match instances(&declared.block, &scope) {
            Ok(instances) => instances,
            Err(why) => {
                problems.error(&at, format!("`{}`: {why}", declared.address));
                continue;
            }
        };
        for instance in instances {
            let own = match &instance {
                Instance::Only => scope.clone(),
                Instance::Counted(number) => scope.with_count(*number),
                Instance::Each(key, value) => scope.with_each(key, value.clone()),
            };
            let node = block::node(&declared.block, &own, problems);
            let address = match instance {
                Instance::Only => declared.address.clone(),
                Instance::Counted(number) => format!("{}[{number}]", declared.address),
                Instance::Each(key, _) => format!("{}[\"{key}\"]", declared.address),
            };
            all.push(Resource { kind: *kind, address, place: at.clone(), node });
        }
    }
    all
}

/// One of the instances of a resource.
enum Instance {
    Only,
    Counted(usize),
    Each(String, Node),
}

fn instances(block: &Block, scope: &Scope<'_>) -> Result<Vec<Instance>, String> {
    if let Some(count) = block.body.get_attribute("count") {
        let node = scope.evaluate(&count.value);
        let number = node.scalar().and_then(|text| text.parse::<usize>().ok());
        let number = number.filter(|number| *number <= INSTANCES_MAX);
        let number = number
            .ok_or_else(|| format!("`count` must be a number up to {INSTANCES_MAX} that is known here"))?;
        return Ok((0..number).map(Instance::Counted).collect());
    }
    let Some(each) = block.body.get_attribute("for_each") else { return Ok(vec![Instance::Only]) };
    let pairs = pairs(&scope.evaluate(&each.value)).filter(|pairs| pairs.len() <= INSTANCES_MAX).ok_or_else(
        || format!("`for_each` must be a map or a set of up to {INSTANCES_MAX} values that are known here"),
    )?;
    Ok(pairs.into_iter().map(|(key, value)| Instance::Each(key, value)).collect())
}

/// The keys and values of a map, or the texts of a set.
pub(super) fn pairs(node: &Node) -> Option<Vec<(String, Node)>> {
    match &node.value {
        Value::Map(entries) => Some(entries.iter().map(|own| (own.key.clone(), own.node.clone())).collect()),
        Value::List(items) => {
            items.iter().map(|item| Some((item.scalar()?, item.clone()))).collect::<Option<Vec<_>>>()
        }
        _ => None,
    }
}
