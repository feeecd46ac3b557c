//! The promise that money depends on: if a failure says that nothing was written, nothing was.

use std::{
    collections::HashSet,
    io::{Read as _, Write as _},
    net::Shutdown,
    sync::{Arc, Mutex},
    thread::sleep,
    time::Duration,
};

use bytes::Bytes;
use http::Method;

use super::{
    super::Transport,
    Attempt, fetch, get, send,
    server::{Server, ok, once},
    tls::Authority,
    two_workers,
};

/// Returns a server that serves one or two requests, then closes or resets the connection, at once or
/// a moment later: just when the next request may be under way. Notes the path of every request of
/// which a byte arrived.
fn unreliable_server(
    seen: Arc<Mutex<HashSet<String>>>,
    authority: Option<Arc<Authority>>,
) -> Server {
    Server::start(move |socket, number| {
        let held = socket.try_clone().unwrap();
        let mut stream: Box<dyn ReadWrite> = match &authority {
            Some(authority) => Box::new(authority.accept(socket)),
            None => Box::new(socket),
        };
        for _ in 0..=number % 2 {
            if !serve_one(&mut stream, &seen) {
                return;
            }
        }
        sleep(Duration::from_micros((number as u64 * 37) % 400));
        match number % 3 {
            0 => drop(held.shutdown(Shutdown::Both)),
            1 => {
                // Takes what may still arrive, and resets by leaving bytes unread.
                let mut some = [0; 8];
                if let Ok(n @ 1..) = stream.read(&mut some) {
                    assert_eq!(&some[..n.min(5)], &b"POST "[..n.min(5)]);
                    let mut rest = vec![0; 40 - n];
                    if stream.read_exact(&mut rest).is_ok() {
                        note(&[&some[..n], &rest].concat(), &seen);
                    }
                }
            }
            _ => {}
        }
    })
}

trait ReadWrite: std::io::Read + std::io::Write {}
impl<T: std::io::Read + std::io::Write> ReadWrite for T {}

fn serve_one(stream: &mut Box<dyn ReadWrite>, seen: &Mutex<HashSet<String>>) -> bool {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => {
                note(&head, seen);
                return false;
            }
        }
    }
    note(&head, seen);
    let mut body = [0; 10];
    if stream.read_exact(&mut body).is_err() {
        return false;
    }
    stream.write_all(&ok("done")).is_ok() && stream.flush().is_ok()
}

fn note(head: &[u8], seen: &Mutex<HashSet<String>>) {
    let head = String::from_utf8_lossy(head).into_owned();
    if let Some(path) = head.split(' ').nth(1) {
        seen.lock().unwrap().insert(path.to_owned());
    }
}

fn send_many(transport: &Transport, https: bool, server: &Server) -> (usize, HashSet<String>) {
    let (port, mut unwritten) = (server.port, HashSet::new());
    let mut failures = 0;
    two_workers().block_on(async {
        let mut sending = Vec::new();
        for lane in 0..4 {
            let transport = transport.clone();
            sending.push(tokio::spawn(async move {
                let mut ends = Vec::new();
                for n in 0..150 {
                    let path = format!("/{lane:08}/{n:08}");
                    let mut attempt = Attempt::new(Method::POST, port, &path);
                    attempt.destination.origin.https = https;
                    attempt.body = Bytes::from_static(b"0123456789").into();
                    let result = match send(&transport, attempt).await {
                        Ok(response) => {
                            let _ = response.body.collect(100).await;
                            None
                        }
                        Err(failure) => Some(failure.written),
                    };
                    ends.push((path, result));
                    if n % 7 == 0 {
                        tokio::time::sleep(Duration::from_micros(300)).await;
                    }
                }
                ends
            }));
        }
        for lane in sending {
            for (path, failed) in lane.await.unwrap() {
                failures += usize::from(failed.is_some());
                if failed == Some(false) {
                    unwritten.insert(path);
                }
            }
        }
    });
    (failures, unwritten)
}

fn check(https: bool, transport: &Transport, authority: Option<Arc<Authority>>) {
    let seen = Arc::new(Mutex::new(HashSet::new()));
    let server = unreliable_server(Arc::clone(&seen), authority);
    let (failures, unwritten) = send_many(transport, https, &server);
    drop(server);
    let seen = seen.lock().unwrap();
    let wrong: Vec<_> = unwritten.intersection(&seen).collect();
    assert!(
        wrong.is_empty(),
        "reported as unwritten, but arrived: {wrong:?}"
    );
    println!("{failures} failures, {} of them unwritten", unwritten.len());
    assert!(failures > 0, "no request failed, so nothing was tested");
}

#[test]
fn unwritten_request_never_arrives() {
    check(false, &super::transport(), None);
}

#[test]
fn unwritten_request_never_arrives_over_tls() {
    let authority = Arc::new(Authority::new());
    let transport = authority.transport();
    check(true, &transport, Some(authority));
}

#[test]
fn dead_socket_gets_no_request() {
    let (server, closed) = once();
    let transport = super::transport();
    super::runtime().block_on(async {
        for _ in 0..20 {
            fetch(&transport, get(server.port, "/")).await.unwrap();
            // Blocks the runtime, so the connection's driver cannot have noticed the close.
            closed.recv().unwrap();
        }
    });
    assert_eq!(server.accepted(), 20);
}
