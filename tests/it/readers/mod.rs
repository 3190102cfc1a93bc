//! What people send and ask for: forms, cookies, ranges, uploads, compressed replies.

mod accepts;
mod compression;
mod conditional;
mod cookies;
mod files;
mod forms;
mod multipart;
mod valid;
