//! What the three functions share: jobs, their storage, ffmpeg, and the record of an outcome.

mod ffmpeg;
mod job;
mod outcome;
mod storage;
mod work;

pub use ffmpeg::transcode;
pub use job::Job;
pub use outcome::Outcome;
pub use storage::Storage;
pub use work::Folder;
