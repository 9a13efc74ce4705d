use std::fmt;
use std::io;
use std::path::PathBuf;

/// Whom to trust when the endpoint is `https`: one or more CA certificates in PEM.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Certificate {
    /// An absolute path, read when there is something to send.
    File(PathBuf),
    /// The text itself.
    Pem(String),
}

/// Why a certificate cannot be used. The traces wait until it can be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// A charm's working directory is not what its author expects, so only absolute paths are taken.
    #[error("the certificate's path is not absolute: {}", path.display())]
    RelativePath {
        /// The path as it was given.
        path: PathBuf,
    },
    /// The file is missing, not a file, or not readable.
    #[error("cannot read the certificate {}", path.display())]
    Unreadable {
        /// The path as it was given.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// There is no certificate in PEM in it.
    #[error("{from} holds no certificate in PEM")]
    NotPem {
        /// The file, or "the given text".
        from: String,
    },
}

#[cfg(feature = "tls")]
impl Certificate {
    /// The PEM, wherever it is.
    pub(super) fn read(&self) -> Result<Vec<u8>, CertificateError> {
        match self {
            Self::Pem(text) => Ok(text.clone().into_bytes()),
            Self::File(path) if path.is_relative() => {
                Err(CertificateError::RelativePath { path: path.clone() })
            }
            Self::File(path) => {
                read_file(path).map_err(|source| CertificateError::Unreadable { path: path.clone(), source })
            }
        }
    }

    pub(super) fn not_pem(&self) -> CertificateError {
        let from = match self {
            Self::File(path) => path.display().to_string(),
            Self::Pem(_) => "the given text".to_owned(),
        };
        CertificateError::NotPem { from }
    }
}

/// The text is public, but long.
impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Pem(text) => write!(f, "Pem({} bytes)", text.len()),
        }
    }
}

#[cfg(feature = "tls")]
fn read_file(path: &std::path::Path) -> io::Result<Vec<u8>> {
    use std::io::Read as _;
    use std::os::unix::fs::OpenOptionsExt as _;

    /// A system's whole bundle has about a quarter of this.
    const LARGEST: u64 = 1 << 20;

    // A pipe in this place must not hold the hook up.
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = std::fs::OpenOptions::new().read(true).custom_flags(nonblocking).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    if metadata.len() > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 1 MiB"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}
