use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    HandshakeKind, ProtocolVersion, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    SupportedProtocolVersion,
};

use super::super::Certificate;
use super::Destination;
use super::server::{Reply, Server, Stream};

/// A certificate authority of the test's own.
pub(super) struct Authority(pub(super) CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
#[derive(Clone)]
pub(super) struct Identity {
    /// The certificate itself, then those that are between it and the authority.
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) pem: String,
    pub(super) key: String,
    key_der: Vec<u8>,
}

/// How each connection began, as the backend saw it.
pub(super) type Handshakes = Arc<Mutex<Vec<(HandshakeKind, ProtocolVersion)>>>;

/// A backend that is about to be started.
pub(super) struct SecureServer {
    identity: Identity,
    versions: Vec<&'static SupportedProtocolVersion>,
    wants: Option<CertificateDer<'static>>,
    reply: Reply,
    handshakes: Handshakes,
}

impl Authority {
    pub(super) fn new() -> Self {
        Self::named("an authority")
    }

    pub(super) fn named(name: &str) -> Self {
        Self(CertifiedIssuer::self_signed(params_of_authority(name), KeyPair::generate().unwrap()).unwrap())
    }

    /// One whose key is on P-384.
    pub(super) fn on_p384() -> Self {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
        Self(CertifiedIssuer::self_signed(params_of_authority("an authority"), key).unwrap())
    }

    /// One that this one vouches for.
    pub(super) fn intermediate(&self) -> Self {
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::signed_by(params_of_authority("an intermediate"), key, &self.0).unwrap())
    }

    pub(super) fn pem(&self) -> Certificate {
        Certificate::Pem(self.0.pem())
    }

    pub(super) fn issue(&self, name: &str) -> Identity {
        self.issue_with(name, |_| {})
    }

    pub(super) fn issue_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity::new(&certificate, &key)
    }

    /// A backend whose certificate is for this name, that speaks these versions of TLS.
    pub(super) fn server(&self, name: &str, versions: &[&'static SupportedProtocolVersion]) -> Server {
        SecureServer::new(self.issue(name)).versions(versions).start()
    }
}

fn params_of_authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

impl Identity {
    fn new(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        Self {
            chain: vec![certificate.der().clone()],
            pem: certificate.pem(),
            key: key.serialize_pem(),
            key_der: key.serialize_der(),
        }
    }

    /// A certificate that signs itself, of an authority as those of OpenSSL are.
    pub(super) fn of_its_own(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Self::new(&params.self_signed(&key).unwrap(), &key)
    }

    /// Its certificate with other bytes, so that all signatures on it are false.
    pub(super) fn forged(mut self, from: &[u8], to: &[u8]) -> Self {
        let der = forged(&self.chain[0], from, to);
        (self.pem, self.chain[0]) = (pem(&der), der.into());
        self
    }

    pub(super) fn certificate(&self) -> Certificate {
        Certificate::Pem(self.pem.clone())
    }
}

impl SecureServer {
    pub(super) fn new(identity: Identity) -> Self {
        Self {
            identity,
            versions: rustls::ALL_VERSIONS.to_vec(),
            wants: None,
            reply: Reply::OK,
            handshakes: Handshakes::default(),
        }
    }

    pub(super) fn versions(mut self, versions: &[&'static SupportedProtocolVersion]) -> Self {
        self.versions = versions.to_vec();
        self
    }

    /// Insists on a certificate of this authority.
    pub(super) fn wants_certificate_of(mut self, authority: &Authority) -> Self {
        self.wants = Some(authority.0.der().clone());
        self
    }

    pub(super) fn reply(mut self, reply: Reply) -> Self {
        self.reply = reply;
        self
    }

    pub(super) fn observed(mut self, handshakes: &Handshakes) -> Self {
        self.handshakes = Arc::clone(handshakes);
        self
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&self.versions)
            .unwrap();
        let config = match &self.wants {
            None => config.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                config.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let key = PrivateKeyDer::Pkcs8(self.identity.key_der.clone().into());
        Arc::new(config.with_single_cert(self.identity.chain.clone(), key).unwrap())
    }

    pub(super) fn start(self) -> Server {
        let config = self.config();
        let (reply, handshakes) = (self.reply, self.handshakes);
        let wrap = move |stream: TcpStream| -> Box<dyn Stream> {
            let tls = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
            Box::new(Observed { tls, handshakes: Some(Arc::clone(&handshakes)) })
        };
        Server::wrapped(Box::new(move |_, _| reply.clone()), Box::new(wrap))
    }
}

struct Observed {
    tls: StreamOwned<ServerConnection, TcpStream>,
    /// Until it is known.
    handshakes: Option<Handshakes>,
}

impl Read for Observed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tls.read(buffer)
    }
}

impl Write for Observed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(handshakes) = self.handshakes.take() {
            let kind = self.tls.conn.handshake_kind().expect("it answers, so it is done");
            let version = self.tls.conn.protocol_version().expect("it answers, so it is agreed");
            handshakes.lock().unwrap().push((kind, version));
        }
        self.tls.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tls.flush()
    }
}

/// Replaces bytes of a certificate by as many.
pub(super) fn forged(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut forged = der.to_vec();
    let mut count = 0;
    for at in 0..=der.len() - from.len() {
        if forged[at..].starts_with(from) {
            forged[at..][..to.len()].copy_from_slice(to);
            count += 1;
        }
    }
    assert!(count > 0 && from.len() == to.len());
    forged
}

pub(super) fn pem(der: &[u8]) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64_STANDARD.encode(der))
}

/// The server under the name that its certificate is for.
pub(super) fn destination(server: &Server, certificate: Certificate) -> Destination {
    Destination::new(format!("https://localhost:{}", server.port()), Some(certificate))
}
