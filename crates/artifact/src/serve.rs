//! Serving the store: plain files with Range, HEAD and conditional requests, and listings of folders. No login, as
//! upstream; nothing outside the folder, a bounded number of connections, no slow heads.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::io::SeekFrom;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::TryStreamExt as _;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::io::ReaderStream;
use tokio_util::sync::CancellationToken;

const MOST_CONNECTIONS: usize = 1024;
/// A connection older than this is closed; a consumer comes again.
const LONGEST_CONNECTION: Duration = Duration::from_mins(15);
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long answers under way may take after the stop.
const GRACE: Duration = Duration::from_secs(5);
const LARGEST_LISTING: usize = 100_000;

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// Serves the files below `root` until `stop`.
pub async fn serve(listener: TcpListener, root: PathBuf, stop: CancellationToken) {
    let root: Arc<Path> = Arc::from(root.canonicalize().unwrap_or(root));
    let permits = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut open = JoinSet::new();
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { break };
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let (root, stop) = (Arc::clone(&root), stop.clone());
                    open.spawn(async move {
                        converse(stream, root, stop).await;
                        drop(permit);
                    });
                }
                Err(error) => tracing::warn!(%error, "the file server could not accept a connection"),
            },
        }
        while open.try_join_next().is_some() {}
    }
    // Those that are not done then are cut off with the set.
    let _ = tokio::time::timeout(GRACE, async { while open.join_next().await.is_some() {} }).await;
}

async fn converse(stream: TcpStream, root: Arc<Path>, stop: CancellationToken) {
    let service = service_fn(move |request: Request<Incoming>| {
        let root = Arc::clone(&root);
        async move { Ok::<_, Infallible>(answer(&root, &request).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::time::timeout(LONGEST_CONNECTION, async {
        tokio::select! {
            result = connection.as_mut() => result,
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.as_mut().await
            }
        }
    });
    if let Ok(Err(error)) = ended.await {
        tracing::debug!(%error, "a connection to the file server ended");
    }
}

async fn answer<B>(root: &Path, request: &Request<B>) -> Response<Body> {
    let is_head = request.method() == Method::HEAD;
    if !is_head && request.method() != Method::GET {
        let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n");
        refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    let found = match find(root, request.uri().path()).await {
        Ok(found) => found,
        Err(refusal) => return refusal,
    };
    match found {
        Found::Folder(path) => listing(&path, is_head).await,
        Found::File(path) => file(&path, request.headers(), is_head).await,
    }
}

enum Found {
    Folder(PathBuf),
    File(PathBuf),
}

async fn find(root: &Path, path: &str) -> Result<Found, Response<Body>> {
    let missing = || plain(StatusCode::NOT_FOUND, "404 page not found\n");
    let decoded = decode(path).ok_or_else(|| plain(StatusCode::BAD_REQUEST, "invalid URL path\n"))?;
    let mut segments: Vec<&str> = Vec::new();
    for segment in decoded.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    let joined = root.join(segments.join("/"));
    // Links are followed, but not out of the folder.
    let real = tokio::fs::canonicalize(&joined).await.map_err(|_| missing())?;
    if !real.starts_with(root) {
        return Err(missing());
    }
    let kind = tokio::fs::metadata(&real).await.map_err(|_| missing())?;
    let slash = decoded.ends_with('/');
    let last = segments.last().copied().unwrap_or_default();
    if kind.is_dir() {
        if !slash {
            return Err(redirect(&format!("{}/", encode(last))));
        }
        return Ok(Found::Folder(real));
    }
    if !kind.is_file() {
        return Err(missing());
    }
    if slash { Err(redirect(&format!("../{}", encode(last)))) } else { Ok(Found::File(real)) }
}

async fn listing(path: &Path, is_head: bool) -> Response<Body> {
    let failed = || plain(StatusCode::INTERNAL_SERVER_ERROR, "Error reading directory\n");
    let Ok(mut entries) = tokio::fs::read_dir(path).await else { return failed() };
    let mut names = Vec::new();
    while let Ok(Some(entry)) = entries.next_entry().await {
        let mut name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().await.is_ok_and(|kind| kind.is_dir()) {
            name.push('/');
        }
        names.push(name);
        if names.len() >= LARGEST_LISTING {
            break;
        }
    }
    names.sort();
    let mut page =
        String::from("<!doctype html>\n<meta name=\"viewport\" content=\"width=device-width\">\n<pre>\n");
    for name in names {
        let shown =
            name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;");
        // Writing into a String cannot fail.
        let _ = writeln!(page, "<a href=\"{}\">{shown}</a>", encode(&name));
    }
    page.push_str("</pre>\n");
    let length = page.len();
    let body = if is_head { Bytes::new() } else { Bytes::from(page) };
    let mut response = Response::new(full(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}

async fn file(path: &Path, asked: &HeaderMap, is_head: bool) -> Response<Body> {
    let missing = || plain(StatusCode::NOT_FOUND, "404 page not found\n");
    let Ok(mut file) = tokio::fs::File::open(path).await else { return missing() };
    let Ok(found) = file.metadata().await else { return missing() };
    let size = found.len();
    let modified = found.modified().ok().and_then(whole_seconds);
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    if let Some(value) = modified.and_then(http_date) {
        headers.insert(header::LAST_MODIFIED, value);
    }
    if let Some(status) = precondition(asked, modified) {
        headers.remove(header::CONTENT_TYPE);
        return with(status, headers, full(Bytes::new()));
    }
    let range = match range(asked, size, modified) {
        Ok(range) => range,
        Err(Unsatisfiable) => {
            if let Ok(value) = HeaderValue::from_str(&format!("bytes */{size}")) {
                headers.insert(header::CONTENT_RANGE, value);
            }
            return with(
                StatusCode::RANGE_NOT_SATISFIABLE,
                headers,
                full(Bytes::from_static(b"invalid range\n")),
            );
        }
    };
    let (status, start, length) = match range {
        None => (StatusCode::OK, 0, size),
        Some((start, length)) => {
            let text = format!("bytes {start}-{}/{size}", start + length - 1);
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(header::CONTENT_RANGE, value);
            }
            (StatusCode::PARTIAL_CONTENT, start, length)
        }
    };
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if is_head {
        return with(status, headers, full(Bytes::new()));
    }
    if start > 0 && file.seek(SeekFrom::Start(start)).await.is_err() {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "seek failed\n");
    }
    let stream = ReaderStream::with_capacity(file.take(length), 64 * 1024).map_ok(Frame::data);
    with(status, headers, StreamBody::new(stream).boxed_unsync())
}

/// 412 or 304, where the conditions of the request say so.
fn precondition(asked: &HeaderMap, modified: Option<Timestamp>) -> Option<StatusCode> {
    let modified = modified?;
    if let Some(limit) = date(asked, &header::IF_UNMODIFIED_SINCE)
        && modified > limit
    {
        return Some(StatusCode::PRECONDITION_FAILED);
    }
    // Without entity tags of our own no tag but `*` matches.
    if let Some(tags) = asked.get(header::IF_NONE_MATCH) {
        return (tags.as_bytes() == b"*").then_some(StatusCode::NOT_MODIFIED);
    }
    let since = date(asked, &header::IF_MODIFIED_SINCE)?;
    (modified <= since).then_some(StatusCode::NOT_MODIFIED)
}

struct Unsatisfiable;

/// The one range that is asked for; none for the whole file, and where several are asked for.
fn range(
    asked: &HeaderMap,
    size: u64,
    modified: Option<Timestamp>,
) -> Result<Option<(u64, u64)>, Unsatisfiable> {
    let Some(text) = asked.get(header::RANGE).and_then(|value| value.to_str().ok()) else { return Ok(None) };
    if asked.contains_key(header::IF_RANGE) && date(asked, &header::IF_RANGE) != modified {
        return Ok(None);
    }
    let ranges = text.strip_prefix("bytes=").ok_or(Unsatisfiable)?;
    if ranges.contains(',') {
        return Ok(None);
    }
    let (first, last) = ranges.trim().split_once('-').ok_or(Unsatisfiable)?;
    let number = |text: &str| text.parse::<u64>().map_err(|_| Unsatisfiable);
    let (start, end) = if first.is_empty() {
        let count = number(last)?.min(size);
        (size - count, size)
    } else {
        let start = number(first)?;
        let end = if last.is_empty() { size } else { number(last)?.saturating_add(1).min(size) };
        (start, end)
    };
    if start >= size || start >= end {
        return Err(Unsatisfiable);
    }
    Ok(Some((start, end - start)))
}

fn date(asked: &HeaderMap, name: &header::HeaderName) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(asked.get(name)?.to_str().ok()?).ok()
}

fn http_date(at: Timestamp) -> Option<HeaderValue> {
    let text = DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok()?;
    HeaderValue::from_str(&text).ok()
}

fn whole_seconds(time: SystemTime) -> Option<Timestamp> {
    Timestamp::from_second(Timestamp::try_from(time).ok()?.as_second()).ok()
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|end| end.to_str()) {
        Some("gz" | "tgz") => "application/gzip",
        Some("json") => "application/json",
        Some("yaml" | "yml" | "txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn redirect(location: &str) -> Response<Body> {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(location) {
        headers.insert(header::LOCATION, value);
    }
    with(StatusCode::MOVED_PERMANENTLY, headers, full(Bytes::new()))
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    with(status, headers, full(Bytes::from_static(text.as_bytes())))
}

fn with(status: StatusCode, headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

fn decode(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let pair = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(pair, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

fn encode(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/@:$&+,;=".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(
        root: &Path,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> (u16, HeaderMap, String) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let root = root.canonicalize().unwrap();
        let response = answer(&root, &request.body(()).unwrap()).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (parts.status.as_u16(), parts.headers, String::from_utf8_lossy(&bytes).into_owned())
    }

    fn home() -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(home.path().join("k/ns")).unwrap();
        std::fs::write(home.path().join("k/ns/a.tar.gz"), "0123456789").unwrap();
        std::fs::write(home.path().join("k/ns/<b> c"), "x").unwrap();
        std::os::unix::fs::symlink("a.tar.gz", home.path().join("k/ns/latest.tar.gz")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", home.path().join("k/ns/out")).unwrap();
        home
    }

    #[tokio::test]
    async fn files_ranges_and_conditions() {
        let home = home();
        let (status, headers, body) = ask(home.path(), "GET", "/k/ns/a.tar.gz", &[]).await;
        assert_eq!((status, body.as_str()), (200, "0123456789"));
        assert_eq!(
            (&headers["content-length"], &headers["content-type"]),
            (&"10".parse().unwrap(), &"application/gzip".parse().unwrap())
        );
        let modified = headers["last-modified"].to_str().unwrap().to_owned();
        assert!(modified.ends_with(" GMT"), "{modified}");
        let (status, headers, body) = ask(home.path(), "HEAD", "/k/ns/a.tar.gz", &[]).await;
        assert_eq!((status, body.as_str(), &headers["content-length"]), (200, "", &"10".parse().unwrap()));
        for (range, want, text) in [
            ("bytes=2-4", 206, "234"),
            ("bytes=7-", 206, "789"),
            ("bytes=-3", 206, "789"),
            ("bytes=-30", 206, "0123456789"),
            ("bytes=8-100", 206, "89"),
            ("bytes=10-", 416, "invalid range\n"),
            ("bytes=5-2", 416, "invalid range\n"),
            ("lines=1-2", 416, "invalid range\n"),
            ("bytes=0-1,3-4", 200, "0123456789"),
        ] {
            let (status, _, body) = ask(home.path(), "GET", "/k/ns/a.tar.gz", &[("Range", range)]).await;
            assert_eq!((status, body.as_str()), (want, text), "{range}");
        }
        let since = [("If-Modified-Since", modified.as_str())];
        assert_eq!(ask(home.path(), "GET", "/k/ns/a.tar.gz", &since).await.0, 304);
        let past = [("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT")];
        assert_eq!(ask(home.path(), "GET", "/k/ns/a.tar.gz", &past).await.0, 200);
        let unless = [("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT")];
        assert_eq!(ask(home.path(), "GET", "/k/ns/a.tar.gz", &unless).await.0, 412);
        let other = [("Range", "bytes=1-1"), ("If-Range", "Thu, 01 Jan 1970 00:00:00 GMT")];
        assert_eq!(ask(home.path(), "GET", "/k/ns/a.tar.gz", &other).await.0, 200);
    }

    #[tokio::test]
    async fn folders_are_listed_and_nothing_leaves_the_root() {
        let home = home();
        let (status, _, body) = ask(home.path(), "GET", "/k/ns/", &[]).await;
        assert_eq!(status, 200);
        assert!(
            body.contains("<a href=\"%3Cb%3E%20c\">&lt;b&gt; c</a>\n<a href=\"a.tar.gz\">a.tar.gz</a>"),
            "{body}"
        );
        let (status, headers, _) = ask(home.path(), "GET", "/k", &[]).await;
        assert_eq!((status, headers["location"].to_str().unwrap()), (301, "k/"));
        assert_eq!(ask(home.path(), "GET", "/k/ns/a.tar.gz/", &[]).await.0, 301);
        assert_eq!(ask(home.path(), "GET", "/k/ns/latest.tar.gz", &[]).await.2, "0123456789");
        for path in
            ["/k/ns/out", "/absent", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/k/..%2f..%2fetc"]
        {
            assert_eq!(ask(home.path(), "GET", path, &[]).await.0, 404, "{path}");
        }
        for path in ["/%zz", "/%00", "/%ff", "/%"] {
            assert_eq!(ask(home.path(), "GET", path, &[]).await.0, 400, "{path}");
        }
        assert_eq!(ask(home.path(), "POST", "/k/", &[]).await.0, 405);
    }

    #[tokio::test]
    async fn it_serves_over_a_socket_and_stops() {
        let home = home();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve(listener, home.path().to_owned(), stop.clone()));
        let client = sluice_net::Clients::default().client(&sluice_net::Settings::default()).unwrap();
        let body = client.get(format!("http://{address}/k/ns/a.tar.gz")).send().await.unwrap();
        assert_eq!(body.bytes().await.unwrap(), "0123456789");
        stop.cancel();
        server.await.unwrap();
    }
}
