//! A stand-in for OSS: objects, multipart uploads and ranges, as far as the example asks for them.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

pub struct Bucket {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    objects: HashMap<String, Vec<u8>>,
    /// Parts by their numbers, for uploads by their names.
    uploads: HashMap<String, BTreeMap<u32, Vec<u8>>>,
    begun: usize,
    unsigned: usize,
}

struct Asked {
    method: String,
    key: String,
    query: HashMap<String, String>,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Bucket {
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let own = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let state = Arc::clone(&own);
                std::thread::spawn(move || serve(&stream, &state));
            }
        });
        Bucket { port, state }
    }

    /// It answers for every host, as a proxy: the bucket is a part of the host's name.
    pub fn as_proxy(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn object(&self, key: &str) -> Option<Vec<u8>> {
        self.state().objects.get(key).cloned()
    }

    pub fn objects(&self) -> usize {
        self.state().objects.len()
    }

    /// Uploads that are neither completed nor aborted and have parts; and how many have begun.
    pub fn uploads(&self) -> (usize, usize) {
        let state = self.state();
        (state.uploads.values().filter(|parts| !parts.is_empty()).count(), state.begun)
    }

    pub fn unsigned(&self) -> usize {
        self.state().unsigned
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve(stream: &TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read(&mut reader) {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let (status, headers, body) = answer(&asked, &mut state);
        drop(state);
        let length = if headers.contains("Content-Length") {
            String::new()
        } else {
            format!("Content-Length: {}\r\n", body.len())
        };
        let head = format!("HTTP/1.1 {status} -\r\nx-oss-request-id: 1\r\n{length}{headers}\r\n");
        let body = if asked.method == "HEAD" { vec![] } else { body };
        let mut stream = stream;
        if stream.write_all(&[head.into_bytes(), body].concat()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Asked> {
    let mut lines = reader.by_ref().lines().map_while(Result::ok);
    let first = lines.next()?;
    let headers: HashMap<String, String> = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        })
        .collect();
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    // As clients write it to a proxy.
    let target = target.strip_prefix("http://my-bucket.oss.example.com/")?;
    let (key, query) = target.split_once('?').unwrap_or((target, ""));
    let query = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { method, key: key.to_owned(), query, headers, body })
}

fn answer(asked: &Asked, state: &mut State) -> (u16, String, Vec<u8>) {
    let is_signed = asked.headers.get("authorization").is_some_and(|value| value.starts_with("OSS id:"))
        && asked.headers.get("x-oss-security-token").is_some_and(|token| token == "token");
    state.unsigned += usize::from(!is_signed);
    let upload = asked.query.get("uploadId");
    match (&*asked.method, upload) {
        ("POST", None) if asked.query.contains_key("uploads") => {
            state.begun += 1;
            let id = format!("upload{}", state.begun);
            state.uploads.insert(id.clone(), BTreeMap::new());
            let told = format!(
                "<InitiateMultipartUploadResult><Bucket>my-bucket</Bucket><Key>{}</Key><UploadId>{id}</UploadId></InitiateMultipartUploadResult>",
                asked.key
            );
            (200, String::new(), told.into_bytes())
        }
        ("PUT", Some(id)) => {
            let number = asked.query["partNumber"].parse().unwrap();
            match state.uploads.get_mut(id) {
                Some(parts) => {
                    parts.insert(number, asked.body.clone());
                    (200, format!("ETag: \"{number}\"\r\n"), vec![])
                }
                None => (404, String::new(), vec![]),
            }
        }
        ("POST", Some(id)) => match state.uploads.remove(id) {
            Some(_)
                if asked.headers.contains_key("x-oss-forbid-overwrite")
                    && state.objects.contains_key(&asked.key) =>
            {
                (
                    409,
                    String::new(),
                    b"<Error><Code>FileAlreadyExists</Code><Message>there</Message></Error>".to_vec(),
                )
            }
            Some(parts) => {
                state.objects.insert(asked.key.clone(), parts.into_values().flatten().collect());
                (
                    200,
                    String::new(),
                    b"<CompleteMultipartUploadResult><ETag>\"1\"</ETag></CompleteMultipartUploadResult>"
                        .to_vec(),
                )
            }
            None => (404, String::new(), vec![]),
        },
        ("DELETE", Some(id)) => {
            state.uploads.remove(id);
            (204, String::new(), vec![])
        }
        ("PUT", None) => {
            state.objects.insert(asked.key.clone(), asked.body.clone());
            (200, "ETag: \"1\"\r\n".to_owned(), vec![])
        }
        ("HEAD" | "GET", None) => match state.objects.get(&asked.key) {
            Some(object) => given(object, asked),
            None => {
                (404, String::new(), b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>".to_vec())
            }
        },
        _ => (501, String::new(), vec![]),
    }
}

fn given(object: &[u8], asked: &Asked) -> (u16, String, Vec<u8>) {
    let known = "ETag: \"1\"\r\nLast-Modified: Wed, 09 Nov 1994 08:49:37 GMT\r\n";
    if asked.method == "HEAD" {
        return (200, format!("{known}Content-Length: {}\r\n", object.len()), vec![]);
    }
    let Some((first, last)) =
        asked.headers.get("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-'))
    else {
        return (200, known.to_owned(), object.to_vec());
    };
    let first: usize = first.parse().unwrap();
    let last = last.parse().unwrap_or(usize::MAX).min(object.len() - 1);
    (
        206,
        format!("{known}Content-Range: bytes {first}-{last}/{}\r\n", object.len()),
        object[first..=last].to_vec(),
    )
}
