//! The connection to the agent's socket.

use std::io;
use std::os::fd::{IntoRawFd as _, OwnedFd};
use std::time::Instant;

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::fstat;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, recv, send,
    socket_with,
};

/// A connected socket.
///
/// The charm may close any file descriptor, and a file that it opens later may get the same number. So the socket is used
/// and closed only while it [is still the same one](Self::is_own).
#[derive(Debug)]
pub(super) struct Connection {
    /// The socket; `None` only during the drop.
    socket: Option<OwnedFd>,
    identity: (u64, u64),
}

impl Connection {
    /// Connects to a path, or to an abstract socket if the address begins with `@`. Does not wait for an agent that does
    /// not accept.
    pub(super) fn open(address: &str) -> io::Result<Self> {
        let address = match address.strip_prefix('@') {
            Some(name) => SocketAddrUnix::new_abstract_name(name.as_bytes())?,
            None => SocketAddrUnix::new(address)?,
        };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        connect(&socket, &address)?;
        let identity = identity(&socket)?;
        Ok(Self { socket: Some(socket), identity })
    }

    /// Returns true if the descriptor is still this socket.
    pub(super) fn is_own(&self) -> bool {
        self.socket.as_ref().is_some_and(|socket| identity(socket).ok() == Some(self.identity))
    }

    /// Sends all bytes before the deadline. After an error the agent has not received all of them.
    pub(super) fn send(&self, mut bytes: &[u8], deadline: Instant) -> io::Result<()> {
        let socket = self.socket()?;
        while !bytes.is_empty() {
            match send(socket, bytes, SendFlags::NOSIGNAL) {
                Ok(count) => bytes = &bytes[count..],
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => wait(socket, PollFlags::OUT, deadline)?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Receives some bytes before the deadline, at most 16 KiB.
    pub(super) fn receive(&self, deadline: Instant) -> io::Result<Vec<u8>> {
        let socket = self.socket()?;
        let mut received = Vec::with_capacity(16 * 1024);
        loop {
            // Only the spare capacity is written, because clearing a buffer takes longer than receiving a usual answer.
            match recv(socket, spare_capacity(&mut received), RecvFlags::empty()) {
                Ok((0, _)) => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the agent hung up")),
                Ok(_) => return Ok(received),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => wait(socket, PollFlags::IN, deadline)?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn socket(&self) -> io::Result<&OwnedFd> {
        self.socket.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.is_own() {
            return;
        }
        if let Some(socket) = self.socket.take() {
            // Drops the number without closing it, because it may be another file now.
            let _ = socket.into_raw_fd();
        }
    }
}

fn wait(socket: &OwnedFd, flags: PollFlags, deadline: Instant) -> io::Result<()> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match poll(&mut [PollFd::new(socket, flags)], Timespec::try_from(left).ok().as_ref()) {
            Ok(0) if left.is_zero() => return Err(io::ErrorKind::TimedOut.into()),
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

fn identity(socket: &OwnedFd) -> io::Result<(u64, u64)> {
    let found = fstat(socket)?;
    Ok((found.st_dev, found.st_ino))
}
