//! Just enough HTTP/1.1 for one client: requests one after the other over a connection that stays open.

use std::io::{self, Read, Write};

use super::answer::Reply;
use super::request::{RawRequest, header};

/// Reads requests from and writes replies to a stream, TLS or not.
#[derive(Debug)]
pub(super) struct Http<S> {
    pub(super) stream: S,
    /// Read from the stream but not yet part of a request.
    pending: Vec<u8>,
}

const MOST_HEADERS: usize = 64;

impl<S: Read + Write> Http<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, pending: Vec::new() }
    }

    /// The next request, or None when the client has closed the connection after the one before.
    pub(super) fn next_request(&mut self) -> io::Result<Option<RawRequest>> {
        let Some(mut request) = self.head()? else { return Ok(None) };
        let headers = &request.headers;
        if header(headers, "expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            self.stream.flush()?;
        }
        request.body = if header(headers, "transfer-encoding").is_some_and(|value| value.contains("chunked"))
        {
            self.chunked_body()?
        } else {
            let length = header(headers, "content-length").map_or(Ok(0), str::parse).map_err(malformed)?;
            self.take(length)?
        };
        Ok(Some(request))
    }

    pub(super) fn reply(&mut self, reply: &Reply, keep_alive: bool) -> io::Result<()> {
        let mut bytes = format!("HTTP/1.1 {} {}\r\n", reply.status, reason(reply.status)).into_bytes();
        for (name, value) in &reply.headers {
            write!(bytes, "{name}: {value}\r\n")?;
        }
        if !keep_alive {
            bytes.extend_from_slice(b"connection: close\r\n");
        }
        write!(bytes, "content-length: {}\r\n\r\n", reply.body.len())?;
        bytes.extend_from_slice(&reply.body);
        // One write, so that the client never sees half an answer for want of the other packet.
        self.stream.write_all(&bytes)?;
        self.stream.flush()
    }

    fn head(&mut self) -> io::Result<Option<RawRequest>> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
            let mut parsed = httparse::Request::new(&mut headers);
            if let httparse::Status::Complete(length) = parsed.parse(&self.pending).map_err(malformed)? {
                let request = owned(&parsed);
                self.pending.drain(..length);
                return Ok(Some(request));
            }
            if self.fill()? == 0 {
                return if self.pending.is_empty() { Ok(None) } else { Err(cut_off()) };
            }
        }
    }

    fn chunked_body(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let size = match httparse::parse_chunk_size(&line) {
                Ok(httparse::Status::Complete((_, size))) => usize::try_from(size).map_err(malformed)?,
                _ => return Err(malformed("a chunk without a size")),
            };
            if size == 0 {
                // Trailer fields, up to the empty line.
                while self.line()? != b"\r\n" {}
                return Ok(body);
            }
            body.extend(self.take(size)?);
            self.line()?;
        }
    }

    /// Up to and including the next line feed.
    fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(end) = self.pending.iter().position(|&byte| byte == b'\n') {
                return Ok(self.pending.drain(..=end).collect());
            }
            if self.fill()? == 0 {
                return Err(cut_off());
            }
        }
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.pending.len() < length {
            if self.fill()? == 0 {
                return Err(cut_off());
            }
        }
        let rest = self.pending.split_off(length);
        Ok(std::mem::replace(&mut self.pending, rest))
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut piece = [0; 16 * 1024];
        let count = self.stream.read(&mut piece)?;
        self.pending.extend_from_slice(&piece[..count]);
        Ok(count)
    }
}

fn owned(parsed: &httparse::Request<'_, '_>) -> RawRequest {
    let headers = parsed.headers.iter().map(|header| {
        (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).trim().to_owned())
    });
    let mut request = RawRequest {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: parsed.path.unwrap_or_default().to_owned(),
        headers: headers.collect(),
        body: Vec::new(),
        keep_alive: parsed.version == Some(1),
    };
    if let Some(connection) = header(&request.headers, "connection") {
        request.keep_alive = !connection.eq_ignore_ascii_case("close")
            && (request.keep_alive || connection.eq_ignore_ascii_case("keep-alive"));
    }
    request
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        // The phrase is for people; a client must not look at it.
        _ => "Status",
    }
}

fn malformed(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended within a request")
}
