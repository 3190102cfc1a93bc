//! The gRPC reflection service, for tools that do not have the protocol's descriptors.

use std::collections::BTreeSet;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use tonic::Code;

use crate::app::App;
use crate::error::Result;
use crate::grpc::call::{of_many, with_many};
use crate::grpc::descriptors::Descriptors;
use crate::grpc::health;
use crate::grpc::messages::Messages;
use crate::grpc::routes::services;

impl<S: Send + Sync + 'static> App<S> {
    /// Answers `grpc.reflection.v1.ServerReflection`, and its `v1alpha` for older tools, from a descriptor set such as
    /// `fc-runtime-build` writes. Reflection lists itself too, and [health](Self::grpc_health) where the app answers
    /// health checks.
    ///
    /// Several sets may be joined, one after the other. Every client that can call the app can read the descriptors. If
    /// the protocol is not public, leave reflection out, or put it behind the same middleware (arounds) as the methods.
    #[track_caller]
    pub fn grpc_reflection(mut self, descriptor_set: &[u8]) -> Self {
        let line = Location::caller();
        let descriptors = match Descriptors::read(descriptor_set) {
            Ok(descriptors) => Arc::new(descriptors),
            Err(error) => {
                self.add_mistake(format!("the set of descriptors for reflection: {error}"), line);
                return self;
            }
        };
        let own = Arc::new(OnceLock::new());
        for version in ["v1", "v1alpha"] {
            let (descriptors, own) = (Arc::clone(&descriptors), Arc::clone(&own));
            let answer = async move |_, requests: Messages<ServerReflectionRequest>| {
                Ok(Answers { requests, descriptors, own })
            };
            let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
            self.routes_mut().method(path.into(), of_many(answer, with_many), line);
        }
        self.once_sealed(move |app| {
            let served = services(app);
            // The set cannot fail: an app is sealed once.
            let _ = own.set(OWN.into_iter().filter(|name| served.iter().any(|own| own == name)).collect());
        });
        self
    }
}

/// The services of this crate. Their descriptors are built in.
const OWN: [&str; 3] =
    [health::SERVICE, "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];

/// The services of this crate that the app answers. Known only once the app is sealed.
type Own = Arc<OnceLock<Vec<&'static str>>>;

struct Answers {
    requests: Messages<ServerReflectionRequest>,
    descriptors: Arc<Descriptors>,
    own: Own,
}

impl Stream for Answers {
    type Item = Result<ServerReflectionResponse>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let request = ready!(Pin::new(&mut self.requests).poll_next(cx));
        Poll::Ready(request.map(|request| Ok(answer(&self.descriptors, &self.own, request?))))
    }
}

fn answer(
    descriptors: &Descriptors,
    own: &Own,
    request: ServerReflectionRequest,
) -> ServerReflectionResponse {
    let found = request.question.as_ref().and_then(|question| match question {
        Question::FileByFilename(name) => descriptors.file(name).map(files),
        Question::FileContainingSymbol(name) => descriptors.file_of_symbol(name).map(files),
        Question::FileContainingExtension(ExtensionRequest { containing_type, extension_number }) => {
            descriptors.file_of_extension(containing_type, *extension_number).map(files)
        }
        Question::AllExtensionNumbersOfType(name) => {
            descriptors.extensions_of(name).map(|extension_number| {
                let base_type_name = name.clone();
                Found::AllExtensionNumbers(ExtensionNumberResponse { base_type_name, extension_number })
            })
        }
        Question::ListServices(_) => {
            let own = own.get().into_iter().flatten().copied();
            let names: BTreeSet<_> = descriptors.services().chain(own).collect();
            let service = names.into_iter().map(|name| ServiceResponse { name: name.to_owned() }).collect();
            Some(Found::ListServices(ListServiceResponse { service }))
        }
    });
    let found = found.unwrap_or_else(|| {
        Found::Error(ErrorResponse {
            error_code: Code::NotFound.into(),
            error_message: "the descriptor sets of this app do not contain it".to_owned(),
        })
    });
    let valid_host = request.host.clone();
    ServerReflectionResponse { valid_host, original_request: Some(request), found: Some(found) }
}

fn files(file_descriptor_proto: Vec<Vec<u8>>) -> Found {
    Found::FileDescriptor(FileDescriptorResponse { file_descriptor_proto })
}

// The messages of grpc/reflection/v1/reflection.proto.

#[derive(Clone, PartialEq, prost::Message)]
struct ServerReflectionRequest {
    #[prost(string, tag = "1")]
    host: String,
    #[prost(oneof = "Question", tags = "3, 4, 5, 6, 7")]
    question: Option<Question>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Question {
    #[prost(string, tag = "3")]
    FileByFilename(String),
    #[prost(string, tag = "4")]
    FileContainingSymbol(String),
    #[prost(message, tag = "5")]
    FileContainingExtension(ExtensionRequest),
    #[prost(string, tag = "6")]
    AllExtensionNumbersOfType(String),
    #[prost(string, tag = "7")]
    ListServices(String),
}

#[derive(Clone, PartialEq, prost::Message)]
struct ExtensionRequest {
    #[prost(string, tag = "1")]
    containing_type: String,
    #[prost(int32, tag = "2")]
    extension_number: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ServerReflectionResponse {
    #[prost(string, tag = "1")]
    valid_host: String,
    #[prost(message, optional, tag = "2")]
    original_request: Option<ServerReflectionRequest>,
    #[prost(oneof = "Found", tags = "4, 5, 6, 7")]
    found: Option<Found>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Found {
    #[prost(message, tag = "4")]
    FileDescriptor(FileDescriptorResponse),
    #[prost(message, tag = "5")]
    AllExtensionNumbers(ExtensionNumberResponse),
    #[prost(message, tag = "6")]
    ListServices(ListServiceResponse),
    #[prost(message, tag = "7")]
    Error(ErrorResponse),
}

#[derive(Clone, PartialEq, prost::Message)]
struct FileDescriptorResponse {
    #[prost(bytes = "vec", repeated, tag = "1")]
    file_descriptor_proto: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ExtensionNumberResponse {
    #[prost(string, tag = "1")]
    base_type_name: String,
    #[prost(int32, repeated, tag = "2")]
    extension_number: Vec<i32>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ListServiceResponse {
    #[prost(message, repeated, tag = "1")]
    service: Vec<ServiceResponse>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ServiceResponse {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ErrorResponse {
    #[prost(int32, tag = "1")]
    error_code: i32,
    #[prost(string, tag = "2")]
    error_message: String,
}
