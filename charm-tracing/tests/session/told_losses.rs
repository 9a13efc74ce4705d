//! What a trace tells of what was lost is told again if that trace does not arrive.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;

use charm_tracing::juju::Dispatch;
use charm_tracing::{Config, Destination, Session};

use super::take_turn;

const KEY: &[u8] = b"charm_tracing.refused_traces";

#[test]
fn the_first_trace_that_arrives_tells_of_all_that_were_refused() {
    let _turn = take_turn();
    let directory = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for number in 0..4 {
            let mut stream = BufReader::new(listener.accept().unwrap().0);
            let mut length = 0;
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            // The key, the tag and the length of the value, its tag, and a number below 128.
            let at = body.windows(KEY.len()).position(|window| window == KEY);
            tell.send(at.map_or(0, |at| body[at + KEY.len() + 3])).unwrap();
            let status = if number < 3 { "400 Bad Request" } else { "200 OK" };
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    for refused in [1, 1, 1, 0] {
        let dispatch = Dispatch::from_vars([
            ("JUJU_UNIT_NAME", "app/0"),
            ("JUJU_DISPATCH_PATH", "hooks/start"),
            ("JUJU_MODEL_NAME", "testing"),
            ("JUJU_MODEL_UUID", "0d3bbd5f-9d24-4d24-8d45-9b8fd2ad4a2c"),
            ("JUJU_CHARM_DIR", directory.path().to_str().unwrap()),
        ]);
        let session = Session::start(dispatch, Config::new());
        assert_eq!(session.finish(Some(Destination::new(&endpoint, None))).refused, refused);
    }
    assert_eq!(told.iter().last(), Some(3), "three were refused before the one that arrived");
}
