//! A function's program for the platform: built for the image of its runtime, stripped, checked and packed.

mod archive;
mod cargo;
mod check;
mod elf;
mod image;
mod pack;
mod symbolize;
mod toolchain;

pub(crate) use check::package_max;
pub(crate) use elf::Elf;
pub(crate) use image::{Version, has_library, of as image_of};
pub(crate) use pack::{Packed, Wish, pack};
pub(crate) use symbolize::Symbols;
