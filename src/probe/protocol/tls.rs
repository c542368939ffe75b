use super::banner::other;
use super::wire::{self, Ended};
use super::{Proof, Question};
use crate::model::TlsExpect;
use crate::observation::TlsSeen;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use sha2::{Digest, Sha256};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The roots this machine trusts, read once and only when a TLS service is asked.
#[derive(Default)]
pub(crate) struct Trust(OnceLock<Result<Arc<WebPkiServerVerifier>, String>>);

impl Trust {
    fn verifier(&self) -> Result<Arc<WebPkiServerVerifier>, String> {
        self.0
            .get_or_init(|| {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                if roots.is_empty() {
                    return Err("this machine trusts no root at all".into());
                }
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
                    .build()
                    .map_err(|e| e.to_string())
            })
            .clone()
    }
}

fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())).clone()
}

/// Looks at every certificate and judges none: judging comes after, with everything seen.
#[derive(Debug)]
struct Look(Arc<CryptoProvider>);

impl ServerCertVerifier for Look {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

fn client() -> Option<Arc<ClientConfig>> {
    static CLIENT: OnceLock<Option<Arc<ClientConfig>>> = OnceLock::new();
    CLIENT
        .get_or_init(|| {
            let mut config = ClientConfig::builder_with_provider(provider())
                .with_safe_default_protocol_versions()
                .ok()?
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Look(provider())))
                .with_no_client_auth();
            // Each look is a first look.
            config.resumption = rustls::client::Resumption::disabled();
            Some(Arc::new(config))
        })
        .clone()
}

/// The bytes of a client hello, for asking whether TLS is spoken at all.
pub(super) fn hello() -> Vec<u8> {
    let mut out = Vec::new();
    if let (Some(config), Ok(name)) = (client(), ServerName::try_from("portcullis.invalid"))
        && let Ok(mut connection) = rustls::ClientConnection::new(config, name)
    {
        let _ = connection.write_tls(&mut out);
    }
    out
}

/// A connection that remembers the first bytes that came in, to name what is not TLS.
pub(super) struct Remembering {
    inner: TcpStream,
    first: Vec<u8>,
    total: usize,
}

impl AsyncRead for Remembering {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let done = Pin::new(&mut self.inner).poll_read(cx, buf);
        let new = &buf.filled()[before..];
        let keep = new.len().min(256usize.saturating_sub(self.first.len()));
        self.first.extend_from_slice(&new[..keep]);
        self.total += new.len();
        // Twice the bound: the body is inside of records, and a chain comes before it.
        if self.total > 2 * wire::MOST {
            return Poll::Ready(Err(std::io::ErrorKind::FileTooLarge.into()));
        }
        done
    }
}

impl AsyncWrite for Remembering {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// Expects a TLS handshake with the properties declared.
pub(super) async fn prove(
    stream: TcpStream,
    question: &Question,
    expect: &TlsExpect,
    trust: &Trust,
) -> Proof {
    let name =
        expect.sni.clone().or_else(|| expect.names.iter().find(|n| !n.starts_with('*')).cloned());
    match handshake(stream, question, name.as_deref(), trust).await {
        Ok((_, seen)) => judge(seen, expect),
        Err(proof) => *proof,
    }
}

/// Shakes hands and looks; the error is the verdict when there is nothing to look at.
pub(super) async fn handshake(
    stream: TcpStream,
    question: &Question,
    name: Option<&str>,
    trust: &Trust,
) -> Result<(TlsStream<Remembering>, TlsSeen), Box<Proof>> {
    let server = match name.map(|n| ServerName::try_from(n.to_owned())) {
        Some(Ok(name)) => name,
        Some(Err(_)) => {
            return Err(Box::new(Proof::unconfirmed("the server name to send is not a host name")));
        }
        // An address as server name sends no SNI.
        None => ServerName::IpAddress(question.address.into()),
    };
    let Some(config) = client() else { return Err(Box::new(Proof::unasked())) };
    let stream = Remembering { inner: stream, first: Vec::new(), total: 0 };
    let wait = (question.banner_wait() * 8).min(super::PATIENCE / 2);
    let connecting = TlsConnector::from(config).connect(server.clone(), stream).into_fallible();
    let stream = match tokio::time::timeout(wait, connecting).await {
        Ok(Ok(stream)) => stream,
        Ok(Err((error, stream))) => return Err(Box::new(not_shaken(&stream.first, &error))),
        Err(_) => {
            return Err(Box::new(Proof::unconfirmed(
                "a TLS handshake was expected, none came to an end in time",
            )));
        }
    };
    let seen = look(stream.get_ref().1, &server, trust);
    Ok((stream, seen))
}

/// Why there was no handshake: TLS that we do not agree with is still TLS.
fn not_shaken(first: &[u8], error: &std::io::Error) -> Proof {
    if matches!(first, [0x15 | 0x16, 0x03, ..]) {
        let mut proof = Proof::unconfirmed(format!("TLS is spoken, the handshake failed: {error}"));
        proof.service = Some("tls".into());
        return proof;
    }
    let ended = match error.kind() {
        std::io::ErrorKind::UnexpectedEof => Ended::Closed,
        _ => Ended::Reset,
    };
    other(first, ended, "a TLS handshake")
}

/// Everything worth telling of a finished handshake.
fn look(connection: &rustls::ClientConnection, server: &ServerName<'_>, trust: &Trust) -> TlsSeen {
    let version = connection.protocol_version().and_then(|v| match v {
        rustls::ProtocolVersion::TLSv1_2 => Some("1.2".to_owned()),
        rustls::ProtocolVersion::TLSv1_3 => Some("1.3".to_owned()),
        _ => None,
    });
    let chain = connection.peer_certificates().unwrap_or_default();
    let mut seen = TlsSeen {
        version,
        chain_sha256: chain.iter().take(16).map(|c| hex(&Sha256::digest(c))).collect(),
        ..TlsSeen::default()
    };
    let Some((leaf, intermediates)) = chain.split_first() else { return seen };
    if let Ok((_, certificate)) = x509_parser::parse_x509_certificate(leaf) {
        seen.issuer = Some(short(&certificate.issuer().to_string()));
        seen.not_after = Some(certificate.validity().not_after.timestamp());
        if let Ok(Some(names)) = certificate.subject_alternative_name() {
            seen.names = names.value.general_names.iter().take(256).filter_map(name).collect();
        }
    }
    let verdict = trust.verifier().map(|v| {
        v.verify_server_cert(leaf, intermediates, server, &[], UnixTime::now()).map(|_| ())
    });
    (seen.trusted, seen.untrusted_why) = match verdict {
        Ok(Ok(())) => (Some(true), None),
        // The chain holds; whether the names do is judged by what was declared.
        Ok(Err(rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ))) => (Some(true), None),
        Ok(Err(error)) => (Some(false), Some(short(&error.to_string()))),
        // Not that the chain is bad: it could not be judged.
        Err(why) => (None, Some(why)),
    };
    seen
}

fn name(name: &x509_parser::extensions::GeneralName<'_>) -> Option<String> {
    use x509_parser::extensions::GeneralName;
    match name {
        GeneralName::DNSName(n) => Some(short(n)),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|b| std::net::IpAddr::from(b).to_string()),
            16 => <[u8; 16]>::try_from(*bytes).ok().map(|b| std::net::IpAddr::from(b).to_string()),
            _ => None,
        },
        _ => None,
    }
}

fn short(text: &str) -> String {
    text.chars().take(256).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Judges what was seen by what was declared: TLS with another certificate is another service.
fn judge(seen: TlsSeen, expect: &TlsExpect) -> Proof {
    let now = i64::try_from(UnixTime::now().as_secs()).unwrap_or(i64::MAX);
    let wrong = complaints(&seen, expect, now);
    let proof = if wrong.is_empty() {
        Proof::confirmed("tls")
    } else {
        Proof::wrong(Some("tls"), wrong.join("; "))
    };
    proof.tls(seen)
}

/// What of a handshake does not hold.
pub(super) fn complaints(seen: &TlsSeen, expect: &TlsExpect, now: i64) -> Vec<String> {
    // Whole: a property added to the declaration must not be forgotten here.
    let TlsExpect { names, days_left, min_version, trusted, sni: _ } = expect;
    let mut out = Vec::new();
    for name in names {
        if !seen.names.iter().any(|have| covers(have, name)) {
            let have = if seen.names.is_empty() { "no name".into() } else { seen.names.join(", ") };
            out.push(format!("the certificate is for {have}, not for {name}"));
        }
    }
    match (days_left, seen.not_after) {
        (Some(days), Some(end)) => {
            let left = (end - now).div_euclid(86_400);
            if end < now {
                out.push("the certificate has expired".into());
            } else if left < i64::from(*days) {
                out.push(format!("the certificate is valid for {left} more days, not {days}"));
            }
        }
        (Some(_), None) => out.push("the certificate's end of validity could not be read".into()),
        (None, _) => {}
    }
    if let Some(least) = min_version
        && seen.version.as_ref().is_none_or(|v| v < least)
    {
        let version = seen.version.as_deref().unwrap_or("of an unknown version");
        out.push(format!("TLS {version} was agreed on, at least {least} is declared"));
    }
    if *trusted && seen.trusted != Some(true) {
        let why = seen.untrusted_why.as_deref().unwrap_or("unknown");
        out.push(format!("the chain is not trusted: {why}"));
    }
    out
}

/// Whether a certificate's name covers a declared one; a declared wildcard asks for that very
/// wildcard or any name below it.
fn covers(have: &str, want: &str) -> bool {
    let (have, want) = (have.to_ascii_lowercase(), want.to_ascii_lowercase());
    if have == want {
        return true;
    }
    if let Some(below) = want.strip_prefix('*') {
        return !have.starts_with('*') && have.ends_with(below) && have.len() > below.len();
    }
    // RFC 6125: a wildcard stands for exactly one label.
    have.strip_prefix('*').is_some_and(|suffix| {
        want.strip_suffix(suffix).is_some_and(|label| !label.is_empty() && !label.contains('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_one_label() {
        assert!(covers("*.media.example", "a.media.example"));
        assert!(!covers("*.media.example", "a.b.media.example"));
        assert!(!covers("*.media.example", "media.example"));
        assert!(covers("*.media.example", "*.media.example"));
        assert!(covers("a.media.example", "*.media.example"));
        assert!(!covers("media.example", "*.media.example"));
        assert!(!covers("evilmedia.example", "*.media.example"));
        assert!(covers("A.Media.Example", "a.media.example"));
    }

    #[test]
    fn every_declared_property_is_judged() {
        let now = 1_000_000;
        let seen = TlsSeen {
            version: Some("1.2".into()),
            names: vec!["a.example".into()],
            not_after: Some(now + 10 * 86_400),
            trusted: Some(false),
            ..TlsSeen::default()
        };
        let none = TlsExpect::default();
        assert_eq!(complaints(&seen, &none, now), Vec::<String>::new());
        for (expect, word) in [
            (TlsExpect { names: vec!["b.example".into()], ..none.clone() }, "not for b.example"),
            (TlsExpect { days_left: Some(11), ..none.clone() }, "10 more days"),
            (TlsExpect { min_version: Some("1.3".into()), ..none.clone() }, "at least 1.3"),
            (TlsExpect { trusted: true, ..none.clone() }, "not trusted"),
        ] {
            let said = complaints(&seen, &expect, now).join("; ");
            assert!(said.contains(word), "{said}");
        }
        let expired =
            complaints(&seen, &TlsExpect { days_left: Some(0), ..none }, now + 11 * 86_400);
        assert!(expired.join("").contains("expired"));
    }
}
