//! PKCS#7 signatures of loaders, as the kernel checks them: of SHA-256, detached, by an RSA key.

use std::fmt::Display;
use std::fs;
use std::path::Path;

use cms::builder::{SignedDataBuilder, SignerInfoBuilder};
use cms::cert::IssuerAndSerialNumber;
use cms::signed_data::{EncapsulatedContentInfo, SignerIdentifier};
use const_oid::db::rfc5911::ID_DATA;
use const_oid::db::rfc5912::ID_SHA_256;
use rsa::RsaPrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs1v15::{Signature, SigningKey};
use rsa::pkcs8::DecodePrivateKey;
use rsa::sha2::{Digest, Sha256};
use x509_cert::Certificate;
use x509_cert::der::{DecodePem, Encode};
use x509_cert::spki::AlgorithmIdentifierOwned;

use crate::error::Error;

/// The signature of these bytes, DER encoded.
pub(super) fn sign(bytes: &[u8], key: &Path, cert: &Path) -> Result<Vec<u8>, Error> {
    let failed =
        |what: &Path, why: &dyn Display| Error::Sign { path: what.to_owned(), reason: why.to_string() };
    let text = |path: &Path| {
        fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })
    };
    let key_text = text(key)?;
    let private = RsaPrivateKey::from_pkcs8_pem(&key_text)
        .or_else(|error| RsaPrivateKey::from_pkcs1_pem(&key_text).map_err(|_| error))
        .map_err(|error| failed(key, &format!("not an RSA key in PEM that is not encrypted: {error}")))?;
    let certificate = Certificate::from_pem(text(cert)?)
        .map_err(|error| failed(cert, &format!("not a certificate in PEM: {error}")))?;
    let of_cert = certificate.tbs_certificate.subject_public_key_info.to_der();
    let of_key = rsa::pkcs8::EncodePublicKey::to_public_key_der(&private.to_public_key());
    if !matches!((of_cert, of_key), (Ok(cert), Ok(key)) if cert == key.as_bytes()) {
        return Err(failed(cert, &format!("not the certificate of the key in {}", key.display())));
    }
    signed(bytes, private, &certificate).map_err(|error| failed(key, &error))
}

fn signed(
    bytes: &[u8],
    key: RsaPrivateKey,
    certificate: &Certificate,
) -> Result<Vec<u8>, cms::builder::Error> {
    let signer = SigningKey::<Sha256>::new(key);
    let content = EncapsulatedContentInfo { econtent_type: ID_DATA, econtent: None };
    let digest = AlgorithmIdentifierOwned { oid: ID_SHA_256, parameters: None };
    let hash = Sha256::digest(bytes);
    // The kernel looks for the certificate by who issued it, and its number.
    let id = SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
        issuer: certificate.tbs_certificate.issuer.clone(),
        serial_number: certificate.tbs_certificate.serial_number.clone(),
    });
    let info = SignerInfoBuilder::new(&signer, id, digest.clone(), &content, Some(&hash))?;
    let mut all = SignedDataBuilder::new(&content);
    let signed =
        all.add_digest_algorithm(digest)?.add_signer_info::<SigningKey<Sha256>, Signature>(info)?.build()?;
    Ok(signed.to_der()?)
}
