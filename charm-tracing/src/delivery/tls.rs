use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{AlertDescription, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::certificate::{Certificate, CertificateError, ClientCertificate};
use super::pem::elements;
use super::read_certificates::{key_error, own, trusted};

/// The TLS settings of a connection.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) config: Arc<ClientConfig>,
    /// The algorithm of the authority's key, if it is not supported.
    unsupported_key: Option<Vec<u8>>,
}

impl Client {
    /// Replaces a handshake failure by the unsupported key of the authority, if it has one: the backend's key is then
    /// probably unsupported as well, and such a backend sends no certificate that would say so.
    pub(super) fn explain(&self, error: std::io::Error) -> std::io::Error {
        let refused = matches!(
            error.get_ref().and_then(|error| error.downcast_ref()),
            Some(Error::AlertReceived(AlertDescription::HandshakeFailure))
        );
        match &self.unsupported_key {
            Some(key) if refused => std::io::Error::other(unsupported_key(key.clone())),
            _ => error,
        }
    }
}

fn unsupported_key(public_key_algorithm_id: Vec<u8>) -> Error {
    let signature_algorithm_id = Vec::new();
    rustls::CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
        signature_algorithm_id,
        public_key_algorithm_id,
    }
    .into()
}

/// Makes the TLS settings that trust exactly these certificates, and show the charm's own to a backend that asks for
/// one.
///
/// The crypto provider is set here, because the charm may have set the process-wide default to one that needs 30 ms for
/// its first handshake.
pub(super) fn client(
    certificate: &Certificate,
    client_certificate: Option<&ClientCertificate>,
) -> Result<Client, CertificateError> {
    let provider = Arc::new(ring::default_provider());
    let trust = Trust::new(trusted(certificate)?, provider.signature_verification_algorithms);
    let unsupported_key = trust.unsupported_key();
    let unusable =
        |source: Error| CertificateError::new("the certificates cannot be used", Some(source.into()));
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trust));
    let config = match client_certificate {
        None => config.with_no_client_auth(),
        Some(certificate) => {
            let (chain, key) = own(certificate)?;
            config.with_client_auth_cert(chain, key).map_err(|source| match source {
                Error::InconsistentKeys(_) => key_error("it is not that of the certificate", None),
                source => key_error("it cannot be read", Some(source.into())),
            })?
        }
    };
    Ok(Client { config: Arc::new(config), unsupported_key })
}

/// The verifier: trusts as rustls does, and in addition a certificate that was named itself, even if it is an
/// authority's or its signature cannot be checked.
///
/// Many backends have a self-signed certificate, and OpenSSL makes these as authorities by default. A charm that names
/// one means exactly this backend. rustls refuses an authority there; OpenSSL, and so Python, does not.
#[derive(Debug)]
struct Trust {
    named: Vec<CertificateDer<'static>>,
    roots: RootCertStore,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Trust {
    fn new(named: Vec<CertificateDer<'static>>, algorithms: WebPkiSupportedAlgorithms) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(named.iter().cloned());
        Self { named, roots, algorithms }
    }

    /// Returns the algorithm of the first key if none of the keys is supported; else `None`.
    fn unsupported_key(&self) -> Option<Vec<u8>> {
        let keys = self.roots.roots.iter().map(|root| elements(&root.subject_public_key_info).next());
        let algorithms: Vec<_> =
            keys.map(|key| key.map(|(_, algorithm)| algorithm)).collect::<Option<_>>()?;
        let is_supported = |algorithm: &&[u8]| {
            self.algorithms.all.iter().any(|known| known.public_key_alg_id().as_ref() == *algorithm)
        };
        if algorithms.iter().any(is_supported) {
            None
        } else {
            algorithms.first().map(|first| first.to_vec())
        }
    }

    /// Returns true if the certificate was named itself and `error`, the reason why there is no chain to an anchor,
    /// does not matter. This is so for an authority's certificate and for a signature algorithm that is not supported.
    /// rustls has checked before that the certificate is valid today.
    fn is_named(&self, certificate: &CertificateDer<'_>, error: &Error) -> bool {
        use rustls::CertificateError as Invalid;

        let Error::InvalidCertificate(error) = error else { return false };
        let needs_no_chain = match error {
            Invalid::Other(other) => other.to_string() == "CaUsedAsEndEntity",
            // A certificate that is known needs no signature.
            Invalid::UnsupportedSignatureAlgorithmContext { .. }
            | Invalid::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => true,
            _ => false,
        };
        needs_no_chain && self.named.iter().any(|named| named == certificate)
    }

    /// Replaces "bad signature" by "unsupported key" if a trusted RSA key has less than 2048 bits, because ring refuses
    /// such keys and rustls reports this as a bad signature.
    fn or_short_key(&self, error: Error) -> Error {
        const RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
        /// A modulus of 2048 bits with its DER encoding and the shortest exponent, 3.
        const SHORTEST: usize = 2048 / 8 + 13;

        let rsa_below_2048_bits = |key: &[u8]| {
            let mut parts = elements(key).map(|(_, part)| part);
            matches!((parts.next(), parts.next()), (Some(algorithm), Some(key))
                if algorithm.starts_with(RSA) && key.len() < SHORTEST)
        };
        let bad_signature =
            matches!(error, Error::InvalidCertificate(rustls::CertificateError::BadSignature));
        if bad_signature
            && self.roots.roots.iter().any(|root| rsa_below_2048_bits(&root.subject_public_key_info))
        {
            return unsupported_key(RSA.to_vec());
        }
        error
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let all = self.algorithms.all;
        match verify_server_cert_signed_by_trust_anchor(&certificate, &self.roots, intermediates, now, all) {
            Err(error) if self.is_named(end_entity, &error) => {}
            signed => signed.map_err(|error| self.or_short_key(error))?,
        }
        verify_server_name(&certificate, server_name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
