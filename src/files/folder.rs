//! A folder of files, at a path of the app.

use std::borrow::Cow;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::header::CACHE_CONTROL;
use http::{HeaderValue, Method, StatusCode};

use crate::app::{App, At, Group, Routes};
use crate::error::{Error, Result};
use crate::exchange::Exchange;
use crate::files::open::Root;
use crate::files::send;
use crate::reply::Reply;

/// A folder whose files clients may read: see [`App::files`].
///
/// ```no_run
/// use fc_runtime::{App, Files};
///
/// let assets = Files::new("dist/assets").with_cache_control("public, max-age=31536000, immutable").with_compressed();
/// let app = App::new().files("/assets", assets).files("/", Files::new("dist"));
/// # let _: App = app;
/// ```
#[derive(Debug, Clone)]
#[must_use = "a folder does nothing unless an app or a group serves it"]
#[doc(alias = "ServeDir")]
#[doc(alias = "static")]
pub struct Files {
    folder: PathBuf,
    index: Option<Cow<'static, str>>,
    has_compressed: bool,
    cache_control: Option<Cow<'static, str>>,
}

impl Files {
    /// A folder, relative to the working directory of the process, or absolute.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            index: Some(Cow::Borrowed("index.html")),
            has_compressed: false,
            cache_control: None,
        }
    }

    /// The file that stands for a folder. Default: `index.html`.
    pub fn with_index(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.index = Some(name.into());
        self
    }

    /// Gives nothing for a folder.
    pub fn without_index(mut self) -> Self {
        self.index = None;
        self
    }

    /// Sends `app.js.br`, `app.js.zst` or `app.js.gz` in place of `app.js` to clients that accept the coding. The build
    /// has to make them. Each request costs up to three looks into the folder more.
    #[doc(alias = "precompressed")]
    pub fn with_compressed(mut self) -> Self {
        self.has_compressed = true;
        self
    }

    /// The `Cache-Control` of all files, such as `public, max-age=31536000, immutable` for names with a hash. Without it
    /// clients ask again when they think fit, and get a 304.
    pub fn with_cache_control(mut self, value: impl Into<Cow<'static, str>>) -> Self {
        self.cache_control = Some(value.into());
        self
    }

    /// # Errors
    /// The mistake of the author.
    fn open(self) -> Result<Folder, String> {
        let Self { folder, index, has_compressed, cache_control } = self;
        let wrong = |why: &str| format!("the folder {} of files {why}", folder.display());
        let path = folder.canonicalize().map_err(|error| wrong(&format!("cannot be opened: {error}")))?;
        if !path.is_dir() {
            return Err(wrong("is a file"));
        }
        if index.as_deref().is_some_and(|index| index.contains('/') || index.is_empty()) {
            return Err(wrong("has an index that is no name of a file"));
        }
        let cache_control = cache_control.map(|value| HeaderValue::try_from(&*value)).transpose();
        let cache_control = cache_control.map_err(|_| wrong("has a Cache-Control that HTTP forbids"))?;
        Ok(Folder { root: Root { path, index, has_compressed }, cache_control })
    }
}

impl<P: AsRef<Path>> From<P> for Files {
    fn from(folder: P) -> Self {
        Self::new(folder.as_ref())
    }
}

/// A folder that was found.
struct Folder {
    root: Root,
    cache_control: Option<HeaderValue>,
}

/// The part of the path that belongs to the folder.
#[derive(Clone, Copy)]
enum Below {
    /// The folder itself, without a slash at its end.
    Nothing,
    /// The folder itself.
    Slash,
    Path,
}

impl Folder {
    async fn reply<S: Send + Sync + 'static>(
        self: Arc<Self>,
        ex: Exchange<S>,
        below: Below,
    ) -> Result<Reply> {
        let path = match below {
            Below::Nothing => String::new(),
            Below::Slash => "/".to_owned(),
            // What is no text is no name of a file.
            Below::Path => ex.param("path").map_err(|_| Error::not_found("there is no such file"))?,
        };
        let own = Arc::clone(&self);
        let mut reply = send::file(&ex, move |headers| own.root.open(&path, headers)).await?;
        if let Some(value) = &self.cache_control
            && [StatusCode::OK, StatusCode::PARTIAL_CONTENT, StatusCode::NOT_MODIFIED]
                .contains(&reply.status())
        {
            reply.our_headers_mut().insert(CACHE_CONTROL, value.clone());
        }
        Ok(reply)
    }
}

/// Declares the routes of a folder.
///
/// # Errors
/// The mistake of the author.
fn declare<S>(
    routes: &mut Routes<S>,
    at: &At,
    files: Files,
    line: &'static Location<'static>,
) -> Result<(), String>
where
    S: Send + Sync + 'static,
{
    let folder = Arc::new(files.open()?);
    let base = at.pattern.trim_end_matches('/').to_owned();
    let mut route = |pattern: String, below: Below| {
        let folder = Arc::clone(&folder);
        let at = At { pattern: pattern.into(), settings: at.settings.clone() };
        routes.add(Some(Method::GET), at, move |ex| folder.reply(ex, below), line);
    };
    if !base.is_empty() {
        route(base.clone(), Below::Nothing);
    }
    route(format!("{base}/"), Below::Slash);
    route(format!("{base}/{{*path}}"), Below::Path);
    Ok(())
}

macro_rules! files {
    ($builder:ident) => {
        impl<S: Send + Sync + 'static> $builder<S> {
            /// Serves the files of a folder below a path, to `GET` and `HEAD`.
            ///
            /// Ranges, `If-None-Match`, `If-Modified-Since`, `If-Range` and their like are answered, and content types are
            /// those of the names' endings, as [`Exchange::file`] says. `index.html` stands for its folder. Nothing outside
            /// the folder is served, not by `..` and not by a link that leads out, and nothing whose name starts with a
            /// dot, but for `.well-known`. The folder has to exist when the app starts. Other routes below the path win
            /// where they are more exact.
            ///
            /// ```
            /// use fc_runtime::App;
            ///
            /// # fc_runtime::testing::run(async {
            /// let client = App::new().files("/source", "src").test_client();
            /// client.get("/source/lib.rs").header("range", "bytes=0-2").await.assert_status(206).assert_text("//!");
            /// client.get("/source/../Cargo.toml").await.assert_status(404);
            /// # });
            /// ```
            #[track_caller]
            #[doc(alias = "static")]
            #[doc(alias = "ServeDir")]
            #[doc(alias = "assets")]
            pub fn files(mut self, at: impl Into<At>, files: impl Into<Files>) -> Self {
                let line = Location::caller();
                if let Err(mistake) = declare(self.routes_mut(), &at.into(), files.into(), line) {
                    self.routes_mut().add_mistake(mistake, line);
                }
                self
            }
        }
    };
}

files!(App);
files!(Group);
