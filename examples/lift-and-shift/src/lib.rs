//! An ordinary web application ([`app`]), which knows nothing of where it runs. `main.rs` puts it on the platform.

pub mod app;
