//! A descriptor set, indexed for reflection. Each file is given out byte for byte.

use std::collections::{BTreeSet, HashMap, HashSet};

use prost::{DecodeError, Message};

/// The descriptors of health and reflection, compiled from `proto/grpc`. `build/tests/services.rs` compares them.
const OWN: &[u8] = include_bytes!("services.bin");

pub(crate) struct Descriptors {
    files: Vec<File>,
    by_name: HashMap<String, usize>,
    by_symbol: HashMap<String, usize>,
    /// Indexed by the extended type and the field number.
    by_extension: HashMap<(String, i32), usize>,
    messages: HashSet<String>,
    services: BTreeSet<String>,
}

struct File {
    bytes: Vec<u8>,
    dependencies: Vec<String>,
}

impl Descriptors {
    pub(crate) fn read(set: &[u8]) -> Result<Self, DecodeError> {
        let mut descriptors = Self {
            files: Vec::new(),
            by_name: HashMap::new(),
            by_symbol: HashMap::new(),
            by_extension: HashMap::new(),
            messages: HashSet::new(),
            services: BTreeSet::new(),
        };
        for bytes in FileSet::decode(set)?.file {
            descriptors.add(bytes)?;
        }
        // The descriptors of health and reflection are always found by name. Only a service that the app answers is
        // listed.
        let services = descriptors.services.clone();
        for bytes in FileSet::decode(OWN)?.file {
            descriptors.add(bytes)?;
        }
        Ok(Self { services, ..descriptors })
    }

    /// A file, followed by all files that it depends on.
    pub(crate) fn file(&self, name: &str) -> Option<Vec<Vec<u8>>> {
        self.by_name.get(name).map(|at| self.with_dependencies(*at))
    }

    pub(crate) fn file_of_symbol(&self, name: &str) -> Option<Vec<Vec<u8>>> {
        self.by_symbol.get(name).map(|at| self.with_dependencies(*at))
    }

    pub(crate) fn file_of_extension(&self, of: &str, number: i32) -> Option<Vec<Vec<u8>>> {
        self.by_extension.get(&(of.to_owned(), number)).map(|at| self.with_dependencies(*at))
    }

    /// The field numbers of a message's extensions, if there is such a message.
    pub(crate) fn extensions_of(&self, name: &str) -> Option<Vec<i32>> {
        let mut numbers: Vec<i32> =
            self.by_extension.keys().filter(|(of, _)| of == name).map(|(_, number)| *number).collect();
        numbers.sort_unstable();
        (self.messages.contains(name) || !numbers.is_empty()).then_some(numbers)
    }

    pub(crate) fn services(&self) -> impl Iterator<Item = &str> {
        self.services.iter().map(String::as_str)
    }

    fn with_dependencies(&self, at: usize) -> Vec<Vec<u8>> {
        let mut wanted = vec![at];
        let mut next = 0;
        while let Some(&at) = wanted.get(next) {
            let names = &self.files[at].dependencies;
            for at in names.iter().filter_map(|name| self.by_name.get(name)) {
                if !wanted.contains(at) {
                    wanted.push(*at);
                }
            }
            next += 1;
        }
        wanted.iter().map(|at| self.files[*at].bytes.clone()).collect()
    }

    fn add(&mut self, bytes: Vec<u8>) -> Result<(), DecodeError> {
        let file = FileDescriptor::decode(&bytes[..])?;
        let at = self.files.len();
        // Several sets may contain the same file.
        if self.by_name.contains_key(&file.name) {
            return Ok(());
        }
        self.by_name.insert(file.name, at);
        self.files.push(File { bytes, dependencies: file.dependency });
        let package = file.package.as_str();
        for message in &file.message_type {
            self.add_message(message, package, at);
        }
        for kind in &file.enum_type {
            self.add_enum(kind, package, at);
        }
        for extension in &file.extension {
            self.add_extension(extension, package, at);
        }
        for service in &file.service {
            let name = self.add_symbol(package, &service.name, at);
            for method in &service.method {
                self.add_symbol(&name, &method.name, at);
            }
            self.services.insert(name);
        }
        Ok(())
    }

    fn add_message(&mut self, message: &MessageDescriptor, outer: &str, at: usize) {
        let name = self.add_symbol(outer, &message.name, at);
        for part in
            message.field.iter().map(|field| &field.name).chain(message.oneof_decl.iter().map(|of| &of.name))
        {
            self.add_symbol(&name, part, at);
        }
        for inner in &message.nested_type {
            self.add_message(inner, &name, at);
        }
        for kind in &message.enum_type {
            self.add_enum(kind, &name, at);
        }
        for extension in &message.extension {
            self.add_extension(extension, &name, at);
        }
        self.messages.insert(name);
    }

    /// The values of an enum are named in the scope that contains the enum.
    fn add_enum(&mut self, kind: &EnumDescriptor, outer: &str, at: usize) {
        self.add_symbol(outer, &kind.name, at);
        for value in &kind.value {
            self.add_symbol(outer, &value.name, at);
        }
    }

    fn add_extension(&mut self, extension: &Field, outer: &str, at: usize) {
        self.add_symbol(outer, &extension.name, at);
        let of = extension.extendee.trim_start_matches('.').to_owned();
        self.by_extension.insert((of, extension.number), at);
    }

    fn add_symbol(&mut self, outer: &str, name: &str, at: usize) -> String {
        let name = if outer.is_empty() { name.to_owned() } else { format!("{outer}.{name}") };
        // The author's files come first. An author's declaration of the same symbol is kept.
        self.by_symbol.entry(name.clone()).or_insert(at);
        name
    }
}

// The parts of google/protobuf/descriptor.proto that are read.

#[derive(Clone, PartialEq, Message)]
struct FileSet {
    #[prost(bytes = "vec", repeated, tag = "1")]
    file: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct FileDescriptor {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    package: String,
    #[prost(string, repeated, tag = "3")]
    dependency: Vec<String>,
    #[prost(message, repeated, tag = "4")]
    message_type: Vec<MessageDescriptor>,
    #[prost(message, repeated, tag = "5")]
    enum_type: Vec<EnumDescriptor>,
    #[prost(message, repeated, tag = "6")]
    service: Vec<ServiceDescriptor>,
    #[prost(message, repeated, tag = "7")]
    extension: Vec<Field>,
}

#[derive(Clone, PartialEq, Message)]
struct MessageDescriptor {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    field: Vec<Field>,
    #[prost(message, repeated, tag = "3")]
    nested_type: Vec<MessageDescriptor>,
    #[prost(message, repeated, tag = "4")]
    enum_type: Vec<EnumDescriptor>,
    #[prost(message, repeated, tag = "6")]
    extension: Vec<Field>,
    #[prost(message, repeated, tag = "8")]
    oneof_decl: Vec<Named>,
}

#[derive(Clone, PartialEq, Message)]
struct EnumDescriptor {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    value: Vec<Named>,
}

#[derive(Clone, PartialEq, Message)]
struct ServiceDescriptor {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    method: Vec<Named>,
}

#[derive(Clone, PartialEq, Message)]
struct Field {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    extendee: String,
    #[prost(int32, tag = "3")]
    number: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Named {
    #[prost(string, tag = "1")]
    name: String,
}
