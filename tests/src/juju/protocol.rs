//! What a hook tool and the agent say to each other: one request and one reply per connection.
//!
//! Every part is its length in four bytes, then its bytes. A hook tool is a process that lives for a millisecond, so
//! nothing here is worth a parser.

use std::io::{self, Read, Write};

/// A hook tool's request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// The dispatch that the tool believes to be part of.
    pub(super) context_id: Vec<u8>,
    /// Where the tool was started.
    pub(super) directory: Vec<u8>,
    /// All of standard input, if the agent has asked for it before.
    pub(super) stdin: Option<Vec<u8>>,
    /// The tool's name and its arguments.
    pub(super) argv: Vec<Vec<u8>>,
}

/// The agent's reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// The tool has run: print this and exit with the code.
    Done { code: u8, stdout: Vec<u8>, stderr: Vec<u8> },
    /// Ask again, with standard input.
    NeedsStdin,
}

impl Request {
    pub(super) fn write(&self, stream: &mut impl Write) -> io::Result<()> {
        let stdin: &[&[u8]] = match &self.stdin {
            Some(stdin) => &[b"stdin", stdin],
            None => &[b"none", b""],
        };
        let argv = self.argv.iter().map(Vec::as_slice);
        let parts = [self.context_id.as_slice(), &self.directory].into_iter().chain(stdin.iter().copied());
        write_parts(stream, parts.chain(argv).collect())
    }

    pub(super) fn read(stream: &mut impl Read) -> io::Result<Self> {
        let mut parts = read_parts(stream)?.into_iter();
        let mut next = || parts.next().ok_or(io::ErrorKind::InvalidData);
        let (context_id, directory, marker, stdin) = (next()?, next()?, next()?, next()?);
        let stdin = (marker == b"stdin").then_some(stdin);
        Ok(Self { context_id, directory, stdin, argv: parts.collect() })
    }
}

impl Reply {
    pub(super) fn write(&self, stream: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Done { code, stdout, stderr } => write_parts(stream, vec![&[*code], stdout, stderr]),
            Self::NeedsStdin => write_parts(stream, Vec::new()),
        }
    }

    pub(super) fn read(stream: &mut impl Read) -> io::Result<Self> {
        let mut parts = read_parts(stream)?.into_iter();
        match (parts.next().as_deref(), parts.next(), parts.next()) {
            (Some(&[code]), Some(stdout), Some(stderr)) => Ok(Self::Done { code, stdout, stderr }),
            (None, ..) => Ok(Self::NeedsStdin),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

fn write_parts(stream: &mut impl Write, parts: Vec<&[u8]>) -> io::Result<()> {
    let length = |count: usize| u32::try_from(count).map(u32::to_le_bytes).map_err(io::Error::other);
    let mut message = length(parts.len())?.to_vec();
    for part in parts {
        message.extend(length(part.len())?);
        message.extend_from_slice(part);
    }
    stream.write_all(&message)
}

fn read_parts(stream: &mut impl Read) -> io::Result<Vec<Vec<u8>>> {
    let count = read_length(stream)?;
    (0..count)
        .map(|_| {
            let length = read_length(stream)?;
            let mut part = Vec::new();
            // Grows as bytes come, so a wrong length cannot ask for all memory.
            let read = stream.take(length.into()).read_to_end(&mut part)?;
            if read == length as usize { Ok(part) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
        })
        .collect()
}

fn read_length(stream: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    stream.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for stdin in [None, Some(Vec::new()), Some(b"key: value".to_vec())] {
            let request = Request {
                context_id: b"app/0-install-1".to_vec(),
                directory: b"/charm".to_vec(),
                stdin,
                argv: vec![b"relation-set".to_vec(), Vec::new(), b"a=\xff\n".to_vec()],
            };
            let mut bytes = Vec::new();
            request.write(&mut bytes).expect("memory takes everything");
            assert_eq!(Request::read(&mut bytes.as_slice()).expect("complete"), request);
            bytes.pop();
            assert!(Request::read(&mut bytes.as_slice()).is_err(), "cut off");
        }
        for reply in
            [Reply::NeedsStdin, Reply::Done { code: 2, stdout: Vec::new(), stderr: b"ERROR x\n".to_vec() }]
        {
            let mut bytes = Vec::new();
            reply.write(&mut bytes).expect("memory takes everything");
            assert_eq!(Reply::read(&mut bytes.as_slice()).expect("complete"), reply);
        }
    }
}
