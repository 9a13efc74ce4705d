use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Destination;

/// The reaction of the backend to a request.
#[derive(Clone)]
pub(super) enum Reply {
    /// Status, further header lines, body.
    Answer(u16, &'static str, Vec<u8>),
    /// Waits before it answers 200.
    Slow(Duration),
    /// Never answers.
    Hang,
    /// Closes the connection instead.
    Close,
}

impl Reply {
    pub(super) const OK: Self = Self::Answer(200, "", Vec::new());

    pub(super) fn status(status: u16) -> Self {
        Self::Answer(status, "", Vec::new())
    }
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) line: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Request {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as it was before it was compressed, if it was.
    pub(super) fn payload(&self) -> Vec<u8> {
        if self.header("content-encoding") != Some("gzip") {
            return self.body.clone();
        }
        let mut payload = Vec::new();
        flate2::read::GzDecoder::new(&self.body[..]).read_to_end(&mut payload).unwrap();
        payload
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

pub(super) trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

pub(super) type Wrap = Box<dyn Fn(TcpStream) -> Box<dyn Stream> + Send + Sync>;
type Script = Box<dyn Fn(usize, &Request) -> Reply + Send + Sync>;

/// A backend on a free port, that ends with the test.
pub(super) struct Server {
    shared: Arc<Shared>,
    port: u16,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    script: Script,
    wrap: Wrap,
    requests: Mutex<Vec<Request>>,
    connections: AtomicUsize,
    stopped: AtomicBool,
}

impl Server {
    /// Answers every request the same way.
    pub(super) fn always(reply: Reply) -> Self {
        Self::scripted(move |_, _| reply.clone())
    }

    /// Answers by the number of the request, counted from 0 over all connections, and by what is in it.
    pub(super) fn scripted(script: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::wrapped(Box::new(script), Box::new(|stream| Box::new(stream)))
    }

    pub(super) fn wrapped(script: Script, wrap: Wrap) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            script,
            wrap,
            requests: Mutex::default(),
            connections: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        let acceptor = std::thread::spawn(move || accepting.accept(&listener));
        Self { shared, port, acceptor: Some(acceptor) }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn destination(&self) -> Destination {
        Destination::new(format!("http://127.0.0.1:{}", self.port), None)
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// The bodies that arrived, in order.
    pub(super) fn texts(&self) -> Vec<String> {
        self.requests().iter().map(Request::text).collect()
    }

    pub(super) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl Shared {
    fn accept(self: Arc<Self>, listener: &TcpListener) {
        let mut handlers = Vec::new();
        for stream in listener.incoming() {
            if self.stopped.load(Ordering::SeqCst) {
                break;
            }
            self.connections.fetch_add(1, Ordering::SeqCst);
            let shared = Arc::clone(&self);
            let stream = stream.unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            handlers.push(std::thread::spawn(move || shared.serve(stream)));
        }
        for handler in handlers {
            let _ = handler.join();
        }
    }

    fn serve(&self, stream: TcpStream) {
        let mut stream = BufReader::new((self.wrap)(stream));
        while let Some(request) = read_request(&mut stream) {
            let number = {
                let mut requests = self.requests.lock().unwrap();
                requests.push(request.clone());
                requests.len() - 1
            };
            let (status, headers, body) = match (self.script)(number, &request) {
                Reply::Answer(status, headers, body) => (status, headers, body),
                Reply::Slow(time) => {
                    std::thread::sleep(time);
                    (200, "", Vec::new())
                }
                Reply::Hang => {
                    while !self.stopped.load(Ordering::SeqCst) {
                        std::thread::sleep(Duration::from_millis(5));
                    }
                    return;
                }
                Reply::Close => return,
            };
            let head = format!("HTTP/1.1 {status} Text\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
            if stream.get_mut().write_all(&[head.as_bytes(), &body].concat()).is_err() {
                return;
            }
            let _ = stream.get_mut().flush();
        }
    }
}

pub(super) fn read_request(stream: &mut impl BufRead) -> Option<Request> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let headers: Vec<_> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, value)| value.parse().unwrap())];
    stream.read_exact(&mut body).ok()?;
    Some(Request { line: lines[0].clone(), headers, body })
}
