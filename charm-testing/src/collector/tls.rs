//! A certificate authority that lives as long as one collector, and the server it vouches for.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};

/// The server's side of TLS, and what a client must trust to accept it.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) config: Arc<ServerConfig>,
    pub(super) ca_pem: String,
    pub(super) client: Option<Client>,
}

/// With what a client shows who it is, in PEM.
#[derive(Debug)]
pub struct Client {
    /// Its certificate.
    pub certificate: String,
    /// The private key of that.
    pub key: String,
}

type Authority = CertifiedIssuer<'static, KeyPair>;

impl Identity {
    /// Valid for `localhost` and `127.0.0.1`.
    pub(super) fn valid() -> Self {
        Self::of(&server(&["localhost", "127.0.0.1"]), false)
    }

    /// Makes a server's identity like [`Identity::valid`] that wants to see a certificate of its own authority.
    pub(super) fn mutual() -> Self {
        Self::of(&server(&["localhost", "127.0.0.1"]), true)
    }

    /// Valid for another host.
    pub(super) fn of_another(host: &str) -> Self {
        Self::of(&server(&[host]), false)
    }

    /// Valid for `localhost` and `127.0.0.1` until some time ago.
    pub(super) fn expired() -> Self {
        let mut params = server(&["localhost", "127.0.0.1"]);
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
        Self::of(&params, false)
    }

    fn of(server: &CertificateParams, mutual: bool) -> Self {
        let authority = CertifiedIssuer::self_signed(authority(), key()).expect("an authority signs itself");
        let server_key = key();
        let certificate =
            server.signed_by(&server_key, &authority).expect("an authority signs a certificate");

        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring supports the default versions");
        let config = if mutual {
            config.with_client_cert_verifier(only_clients_of(&authority))
        } else {
            config.with_no_client_auth()
        };
        let config = config
            .with_single_cert(vec![certificate.der().clone()], private)
            .expect("the key belongs to the certificate");
        let client = mutual.then(|| Client::of(&authority));
        Self { config: Arc::new(config), ca_pem: authority.pem(), client }
    }
}

impl Client {
    fn of(authority: &Authority) -> Self {
        let key = key();
        let params = CertificateParams::default();
        let certificate = params.signed_by(&key, authority).expect("an authority signs a certificate");
        Self { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

fn only_clients_of(authority: &Authority) -> Arc<dyn ClientCertVerifier> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).expect("it is an authority");
    let provider = Arc::new(ring::default_provider());
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .expect("there is an authority to trust")
}

fn server(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("they are valid subject names");
    params.use_authority_key_identifier_extension = true;
    params
}

fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "collector test authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn key() -> KeyPair {
    KeyPair::generate().expect("the system has randomness")
}
