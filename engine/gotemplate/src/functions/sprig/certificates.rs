//! Private keys and certificates.

use super::{Outcome, encodings, int, text, texts};
use crate::exec::Execution;
use crate::functions::{Function, Functions, Type};
use crate::host::Host;
use crate::value::{Object, Value};
use num_bigint::BigUint;
use p256::elliptic_curve::zeroize::Zeroizing;
use p256::pkcs8::{EncodePrivateKey, LineEnding};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, SerialNumber,
};
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use std::any::Any;

/// Bits of the key of a certificate, and of a key alone.
const CERTIFICATE_BITS: usize = 2048;
const KEY_BITS: usize = 4096;
const CERTIFICATE: Type = Type::Host("sprig.certificate");

pub(super) fn add(functions: &mut Functions) {
    use Type::{Int, List, Text};
    functions.add(
        "genPrivateKey",
        Function::new(&[Text], None, |execution, v| private_key(execution.host(), &text(&v[0])).map(Value::text)),
    );
    functions.plain("buildCustomCert", &[Text, Text], None, |v| {
        let decoded = |value: &Value, what: &str| {
            let bytes = encodings::base64_decode(text(value).as_bytes());
            bytes
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                .map_err(|_| format!("unable to decode {what}"))
        };
        let pair = Pair { cert: decoded(&v[0], "base64 certificate")?, key: decoded(&v[1], "base64 private key")? };
        pair.issuer()?;
        Ok(Value::object(pair))
    });
    functions.add(
        "genCA",
        Function::new(&[Text, Int], None, |execution, v| {
            let key = rsa_pem(execution.host(), CERTIFICATE_BITS)?;
            authority(execution, &v[0], int(&v[1]), key)
        }),
    );
    functions.add(
        "genCAWithKey",
        Function::new(&[Text, Int, Text], None, |execution, v| authority(execution, &v[0], int(&v[1]), text(&v[2]))),
    );
    functions.add(
        "genSelfSignedCert",
        Function::new(&[Text, List, List, Int], None, |execution, v| {
            let key = rsa_pem(execution.host(), CERTIFICATE_BITS)?;
            leaf(execution, v, None, key)
        }),
    );
    functions.add(
        "genSelfSignedCertWithKey",
        Function::new(&[Text, List, List, Int, Text], None, |execution, v| leaf(execution, v, None, text(&v[4]))),
    );
    functions.add(
        "genSignedCert",
        Function::new(&[Text, List, List, Int, CERTIFICATE], None, |execution, v| {
            let key = rsa_pem(execution.host(), CERTIFICATE_BITS)?;
            leaf(execution, v, Some(&v[4]), key)
        }),
    );
    functions.add(
        "genSignedCertWithKey",
        Function::new(&[Text, List, List, Int, CERTIFICATE, Text], None, |execution, v| {
            leaf(execution, v, Some(&v[4]), text(&v[5]))
        }),
    );
}

/// A certificate with its key, both in PEM.
struct Pair {
    cert: String,
    key: String,
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pair").field("cert", &self.cert).finish_non_exhaustive()
    }
}

impl Pair {
    fn issuer(&self) -> Result<Issuer<'static, KeyPair>, String> {
        let key = signing_key(&self.key)?;
        Issuer::from_ca_cert_pem(&self.cert, key).map_err(|error| format!("unable to parse certificate: {error}"))
    }
}

impl Object for Pair {
    fn type_name(&self) -> &'static str {
        "sprig.certificate"
    }
    fn get(&self, name: &str, _: &[Value]) -> Option<Outcome> {
        match name {
            "Cert" => Some(Ok(Value::text(self.cert.as_str()))),
            "Key" => Some(Ok(Value::text(self.key.as_str()))),
            _ => None,
        }
    }
    fn show(&self) -> String {
        format!("{{{} {}}}", self.cert, self.key)
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A common name, a life in days and a serial number.
fn parameters(host: &dyn Host, name: &str, days: i64) -> Result<CertificateParams, String> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let mut serial = [0; 16];
    host.random(&mut serial)?;
    serial[0] &= 0x7f;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    let (now, _) = host.now();
    let at = |seconds: i64| {
        let day = jiff::Timestamp::from_second(seconds).map_err(|error| error.to_string())?;
        let day = day.to_zoned(jiff::tz::TimeZone::UTC);
        let month = u8::try_from(day.month()).unwrap_or(1);
        Ok::<_, String>(rcgen::date_time_ymd(day.year().into(), month, u8::try_from(day.day()).unwrap_or(1)))
    };
    params.not_before = at(now)?;
    // Whole days, so that the last one counts.
    params.not_after = at(now.saturating_add(days.saturating_mul(86_400)).saturating_add(86_400))?;
    Ok(params)
}

fn authority(execution: &Execution<'_>, name: &Value, days: i64, key: String) -> Outcome {
    let mut params = parameters(execution.host(), &text(name), days)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages =
        vec![KeyUsagePurpose::KeyEncipherment, KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let signer = signing_key(&key)?;
    let cert = params.self_signed(&signer).map_err(|error| format!("error creating certificate: {error}"))?;
    Ok(Value::object(Pair { cert: cert.pem(), key }))
}

/// `name ips dns days`, signed by itself or by an authority.
fn leaf(execution: &Execution<'_>, v: &[Value], signer: Option<&Value>, key: String) -> Outcome {
    let mut params = parameters(execution.host(), &text(&v[0]), int(&v[3]))?;
    params.key_usages = vec![KeyUsagePurpose::KeyEncipherment, KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    for address in texts(&v[1]) {
        let parsed = address.parse().map_err(|_| format!("error parsing ip: {address:?} is not a valid ip address"))?;
        params.subject_alt_names.push(SanType::IpAddress(parsed));
    }
    for name in texts(&v[2]) {
        let parsed = name.clone().try_into().map_err(|_| format!("{name:?} is not a valid DNS name"))?;
        params.subject_alt_names.push(SanType::DnsName(parsed));
    }
    let own = signing_key(&key)?;
    let fault = |error: rcgen::Error| format!("error creating certificate: {error}");
    let cert = match signer {
        None => params.self_signed(&own).map_err(fault)?,
        Some(Value::Object(object)) => {
            let pair = object.as_any().downcast_ref::<Pair>().ok_or("the authority is not a certificate")?;
            params.signed_by(&own, &pair.issuer()?).map_err(fault)?
        }
        Some(_) => return Err("the authority is not a certificate".to_owned()),
    };
    Ok(Value::object(Pair { cert: cert.pem(), key }))
}

/// A key that can sign, from any of the forms that `genPrivateKey` gives.
fn signing_key(pem: &str) -> Result<KeyPair, String> {
    use rsa::pkcs1::DecodeRsaPrivateKey;
    let wrong = || "unable to parse private key: RSA, EC (P-256) and Ed25519 keys in PEM are known".to_owned();
    let pkcs8 = if pem.contains("BEGIN RSA PRIVATE KEY") {
        let key = RsaPrivateKey::from_pkcs1_pem(pem).map_err(|_| wrong())?;
        key.to_pkcs8_pem(LineEnding::LF).map_err(|_| wrong())?.to_string()
    } else if pem.contains("BEGIN EC PRIVATE KEY") {
        let key = p256::SecretKey::from_sec1_pem(pem).map_err(|_| wrong())?;
        key.to_pkcs8_pem(LineEnding::LF).map_err(|_| wrong())?.to_string()
    } else {
        pem.to_owned()
    };
    KeyPair::from_pem(&pkcs8).map_err(|_| wrong())
}

/// A private key of a type, in PEM; the message for an unknown type is the result, as templates expect.
fn private_key(host: &dyn Host, kind: &str) -> Result<String, String> {
    let fault = |error: &dyn std::fmt::Display| format!("failed to generate private key: {error}");
    match kind {
        "" | "rsa" => rsa_pem(host, KEY_BITS),
        "dsa" => dsa_pem(host),
        "ecdsa" => loop {
            let mut bytes = Zeroizing::new([0; 32]);
            host.random(&mut *bytes)?;
            // Numbers beyond the curve's order are drawn again.
            if let Ok(key) = p256::SecretKey::from_slice(&*bytes) {
                return Ok(key.to_sec1_pem(LineEnding::LF).map_err(|error| fault(&error))?.to_string());
            }
        },
        "ed25519" => {
            let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).map_err(|error| fault(&error))?;
            let bytes = key.serialize_der();
            // The seed stands after the fixed head of the structure (RFC 8410).
            let seed = bytes.get(16..48).ok_or("failed to generate private key")?;
            Ok(pem(
                "PRIVATE KEY",
                &[&[0x30, 46, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 34, 4, 32], seed].concat(),
            ))
        }
        kind => Ok(format!("Unknown type {kind}")),
    }
}

/// The host's randomness for libraries.
struct Random<'a>(&'a dyn Host);

impl rsa::rand_core::RngCore for Random<'_> {
    fn next_u32(&mut self) -> u32 {
        rsa::rand_core::impls::next_u32_via_fill(self)
    }
    fn next_u64(&mut self) -> u64 {
        rsa::rand_core::impls::next_u64_via_fill(self)
    }
    fn fill_bytes(&mut self, buffer: &mut [u8]) {
        // Asked once before a key is made, the host does not refuse later.
        if self.0.random(buffer).is_err() {
            buffer.fill(0xa5);
        }
    }
    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), rsa::rand_core::Error> {
        self.fill_bytes(buffer);
        Ok(())
    }
}
impl rsa::rand_core::CryptoRng for Random<'_> {}

fn rsa_pem(host: &dyn Host, bits: usize) -> Result<String, String> {
    host.random(&mut [0; 1])?;
    let key = RsaPrivateKey::new(&mut Random(host), bits)
        .map_err(|error| format!("failed to generate private key: {error}"))?;
    let pem = key.to_pkcs1_pem(LineEnding::LF).map_err(|error| error.to_string())?;
    Ok(pem.to_string())
}

/// Domain parameters of 2048 and 224 bits (FIPS 186-4), made once; they may be shared between keys.
const DSA: [&str; 3] = [
    "a9274d00bcba509cbd04b68308622d537106e55d10e57e06a2ed45770e2431cb863a9e2ed3edca0916bd8fe9fe0a756dc499\
     3ce8fae1b405b4067364afc3ec4d239b1af4fb1423322d8cf0cb62469acf5fb7e33285e1c632cd8f61dac56efbabf475032c\
     a21006256be7d42cf608bf580e13742ad1a675c4406abd04a91e026dad36422cfdb88424a7572f1ff5f3328cb1d0d9736008\
     96b9a7438c15d2797c571e0474be85c747080187a671d3fe44d9e8f76edec133da1a25adf2798838a65cdb0e7fea00f67aa8\
     6cf28a9acf7ade1bead991479cc9737f23391f4c5518576be963ab70108913d9e34d8f37e37444b2ceb1d051c526fc080950\
     c68167453f2f",
    "dc26eaaee27a299d6a8d31565e13ff930357c9dc37ac59dddcdf5ca1",
    "39bdacadadd9086a080821583540e666a160eb2e06ce8ff9c0709bb129ca1083f43e3838500a8a56388a992846c8355bf24e\
     ce07c998f4ae6f3be7068b9898cebb247bb2c179b315441d86b8e4969e9dfe61655e47d9a8be7aa1402ba201de963a70c442\
     389ba8cdbfa75c9dd80bb92f7820873105a6fbdd7d80622e418a998652afa312c2a6ce25d983d379ba8daddb58422c237064\
     5ee5541c50e723e4294a7e9efb41540974b63f72f58124f883b081ff14358330dfe7a5a4ec8883374dee1eca8ad04032acaf\
     5414dd8bbe9f8b8a0da1028c48ee52cf9fb784551291efcdf23fe1250eb9359a4dae3c64c87df0a76430fbf74e49a1329ed0\
     a6312e08a112",
];

fn dsa_pem(host: &dyn Host) -> Result<String, String> {
    let number = |digits: &str| BigUint::parse_bytes(digits.as_bytes(), 16).ok_or("damaged parameters");
    let (p, q, g) = (number(DSA[0])?, number(DSA[1])?, number(DSA[2])?);
    let mut bytes = [0; 36];
    host.random(&mut bytes)?;
    let one = BigUint::from(1_u8);
    let x = BigUint::from_bytes_be(&bytes) % (&q - &one) + &one;
    let y = g.modpow(&x, &p);
    let body: Vec<u8> = [BigUint::ZERO, p, q, g, y, x].iter().flat_map(integer).collect();
    Ok(pem("DSA PRIVATE KEY", &element(0x30, &body)))
}

/// An element of DER.
fn element(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = body.len().to_be_bytes();
    let short: Vec<u8> = length.iter().copied().skip_while(|&byte| byte == 0).collect();
    if body.len() < 128 {
        out.push(short.first().copied().unwrap_or(0));
    } else {
        out.push(0x80 | u8::try_from(short.len()).unwrap_or(0));
        out.extend(short);
    }
    out.extend(body);
    out
}
fn integer(value: &BigUint) -> Vec<u8> {
    let mut body = value.to_bytes_be();
    if body.first().is_none_or(|&byte| byte >= 0x80) {
        body.insert(0, 0);
    }
    element(2, &body)
}

fn pem(label: &str, bytes: &[u8]) -> String {
    use base64::Engine;
    let body = base64::engine::general_purpose::STANDARD.encode(bytes);
    let lines: Vec<String> =
        body.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
