//! The names of gRPC's own interoperability cases that a server takes part in.

/// What every client does, the one in pure Python too: all but compression.
pub const PLAIN: [&str; 14] = [
    "empty_unary",
    "large_unary",
    "client_streaming",
    "server_streaming",
    "ping_pong",
    "empty_stream",
    "custom_metadata",
    "status_code_and_message",
    "special_status_message",
    "unimplemented_method",
    "unimplemented_service",
    "cancel_after_begin",
    "cancel_after_first_response",
    "timeout_on_sleeping_server",
];

/// What the clients that compress do beside.
pub const COMPRESSED: [&str; 7] = [
    "client_compressed_unary",
    "client_compressed_streaming",
    "server_compressed_unary",
    "server_compressed_streaming",
    "half_duplex",
    "concurrent_large_unary",
    "channel_soak",
];
