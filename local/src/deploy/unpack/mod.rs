//! A zip of unknown origin to a new folder: checked as a whole before anything is written, and there as a whole or not at all.

mod crc64;
mod directory;
mod names;
mod plan;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use crc64::Crc64;
pub(super) use plan::Limits;
pub(super) use write::unpack;
pub(super) use write::unpack_code;
