//! What people send and ask for: forms, cookies, ranges, uploads, compressed replies.

mod accepts;
mod conditional;
mod cookies;
mod files;
mod forms;
