//! HTTPS against a server with a certificate that nobody knows, and with `--ca-file`.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};

use super::{AdminPath, Answer, Freshness, Options, Target, Via};
use crate::build_url::BuildUrl;

/// A certificate of its own authority for 127.0.0.1.
fn certificate(authority: &str) -> Result<(PKey<Private>, X509), openssl::error::ErrorStack> {
    let key = PKey::from_rsa(Rsa::generate(2048)?)?;
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_nid(Nid::COMMONNAME, authority)?;
    let name = name.build();
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    let serial = BigNum::from_u32(1)?.to_asn1_integer()?;
    builder.set_serial_number(&serial)?;
    builder.set_subject_name(&name)?;
    builder.set_issuer_name(&name)?;
    builder.set_pubkey(&key)?;
    let (from, until) = (Asn1Time::days_from_now(0)?, Asn1Time::days_from_now(1)?);
    builder.set_not_before(&from)?;
    builder.set_not_after(&until)?;
    builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
    let names = SubjectAlternativeName::new().ip("127.0.0.1").build(&builder.x509v3_context(None, None))?;
    builder.append_extension(names)?;
    builder.sign(&key, MessageDigest::sha256())?;
    Ok((key, builder.build()))
}

/// Serves 200 to every request; gives its address. A client that does not trust it is none of its concern.
fn serve(key: &PKey<Private>, certificate: &X509) -> String {
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).expect("TLS");
    acceptor.set_private_key(key).expect("a key");
    acceptor.set_certificate(certificate).expect("a certificate");
    let acceptor = acceptor.build();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = acceptor.accept(stream.expect("a client")) else { continue };
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let _ = stream.shutdown();
        }
    });
    format!("https://{address}/")
}

#[tokio::test]
async fn a_certificate_has_to_be_known() {
    let (key, certificate) = certificate("one").expect("a certificate");
    let via: Via = serve(&key, &certificate).parse().expect("an address");
    let build = BuildUrl::parse("https://ci.example.com/gh/acme/api/1").expect("a build");
    let options = || Options { token: Some("x".into()), timeout: Duration::from_secs(60), ..Options::default() };

    let path = AdminPath::connect(&via, options()).await.expect("an admin path");
    let mut answer = path.delete(Target::at(&build), &Freshness::for_ever()).await;
    while matches!(answer, Answer::Busy(..)) {
        answer = path.delete(Target::at(&build), &Freshness::for_ever()).await;
    }
    assert!(matches!(&answer, Answer::Denied(text) if text.contains("certificate verify failed")), "{answer:?}");

    // A second certificate before the one that counts.
    let (_, other) = self::certificate("another").expect("a certificate");
    let file = tempfile::NamedTempFile::new().expect("a file");
    let pem = [other.to_pem().expect("PEM"), certificate.to_pem().expect("PEM")].concat();
    std::fs::write(file.path(), pem).expect("a file that can be written");
    let options = Options { ca_file: Some(file.path().to_owned()), ..options() };
    let path = AdminPath::connect(&via, options).await.expect("an admin path");
    assert_eq!(path.describe(), via.to_string());
    assert_eq!(path.delete(Target::at(&build), &Freshness::for_ever()).await, Answer::Accepted("200 OK".into()));
    path.close().await;
}
