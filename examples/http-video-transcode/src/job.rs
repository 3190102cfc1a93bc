//! A job, as the caller writes it.

use fc_runtime::Error;
use serde::Deserialize;

/// What can be made: containers of one file each.
const FORMATS: [&str; 7] = ["avi", "flv", "mkv", "mov", "mp4", "ts", "webm"];

/// `{"bucket":"my-bucket", "object":"480P.mp4", "output_dir":"a", "dst_format":"mov"}`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Job {
    pub bucket: String,
    pub object: String,
    pub output_dir: String,
    pub dst_format: String,
}

impl Job {
    /// Refuses names that lead out of the bucket, and formats that cannot be made.
    pub fn check(&self) -> Result<(), Error> {
        let is_bucket = (3..=63).contains(&self.bucket.len())
            && self.bucket.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let is_path = |path: &str| {
            path.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && !part.contains('\\'))
        };
        let wrong = |what: String| Err(Error::new(500, what));
        if !is_bucket {
            return wrong(format!("`{}` is no name of a bucket", self.bucket));
        }
        if !is_path(&self.object) || !is_path(&self.output_dir) {
            return wrong(format!("`{}` or `{}` is no path in a bucket", self.object, self.output_dir));
        }
        if !FORMATS.contains(&self.dst_format.as_str()) {
            return wrong(format!("`{}` cannot be made; there are {}", self.dst_format, FORMATS.join(", ")));
        }
        Ok(())
    }

    /// Where the result goes: `a/480P.mov`.
    pub fn output(&self) -> String {
        let name = self.object.rsplit('/').next().unwrap_or(&self.object);
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        format!("{}/{stem}.{}", self.output_dir, self.dst_format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(change: impl FnOnce(&mut Job)) -> Job {
        let text = r#"{"bucket":"my-bucket", "object":"480P.mp4" , "output_dir":"a", "dst_format":"mov"}"#;
        let mut job = serde_json::from_str(text).unwrap();
        change(&mut job);
        job
    }

    #[test]
    fn the_job_of_the_document_is_taken() {
        assert!(job(|_| {}).check().is_ok());
        assert_eq!(job(|_| {}).output(), "a/480P.mov");
        let deep = job(|job| job.object = "in/b.c.mp4".to_owned());
        assert!(deep.check().is_ok());
        assert_eq!(deep.output(), "a/b.c.mov");
    }

    #[test]
    fn nothing_leads_out_of_the_bucket() {
        for wrong in [
            job(|job| job.bucket = "../x".to_owned()),
            job(|job| job.bucket = String::new()),
            job(|job| job.object = "../../etc/passwd".to_owned()),
            job(|job| job.object = "/etc/passwd".to_owned()),
            job(|job| job.output_dir = "a/../..".to_owned()),
            job(|job| job.output_dir = String::new()),
            job(|job| job.dst_format = "m3u8".to_owned()),
            job(|job| job.dst_format = "mp4;rm".to_owned()),
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }
}
