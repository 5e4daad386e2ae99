//! `tls ca …`, `tls cert …`: certificates of a cluster's own authority.

use crate::context::Context;
use crate::error::CliError;
use crate::jobfile::reason;
use crate::output::{self, Table};
use crate::registry::{Invoke, Outcome};
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType, SerialNumber,
};
use std::fs::OpenOptions;
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, Pem, X509Certificate};

/// `2.5.4.17`, the postal code of a name.
const POSTAL_CODE: &[u64] = &[2, 5, 4, 17];
/// `2.5.4.9`, the street of a name.
const STREET: &[u64] = &[2, 5, 4, 9];

/// Makes an authority.
#[derive(clap::Args)]
#[command(next_help_heading = "CA Create Options")]
pub struct CaCreate {
    /// With -name-constraint: a further DNS zone; may be given several times.
    #[arg(long = "additional-domain", value_name = "domain")]
    additional_domain: Vec<String>,
    /// Its name. Default: "Nomad Agent CA".
    #[arg(long = "common-name", value_name = "name")]
    common_name: Option<String>,
    /// Country.
    #[arg(long, value_name = "country", default_value = "US")]
    country: String,
    /// Days that it is valid.
    #[arg(long, value_name = "days", default_value_t = 1825)]
    days: i64,
    /// With -name-constraint: the DNS zone of the cluster. Default: "nomad".
    #[arg(long, value_name = "domain")]
    domain: Option<String>,
    /// Locality.
    #[arg(long, value_name = "locality", default_value = "San Francisco")]
    locality: String,
    /// Only names below -domain, -additional-domain and localhost.
    #[arg(long = "name-constraint")]
    name_constraint: bool,
    /// Organization. Default: "Drover".
    #[arg(long, value_name = "organization", default_value = "Drover")]
    organization: String,
    /// Part of the organization.
    #[arg(long = "organizational-unit", value_name = "unit", default_value = "Nomad")]
    organizational_unit: String,
    /// Postal code.
    #[arg(long = "postal-code", value_name = "code", default_value = "94105")]
    postal_code: String,
    /// Province.
    #[arg(long, value_name = "province", default_value = "CA")]
    province: String,
    /// Street.
    #[arg(long = "street-address", value_name = "street", default_value = "101 Second Street")]
    street_address: String,
}

impl Invoke for CaCreate {
    fn invoke(self, _: &Context) -> Outcome {
        if self.name_constraint && self.domain.is_none() {
            let text = "Please provide the -domain flag if you want to enable custom domain constraints";
            return Err(CliError::new(text));
        }
        if !self.additional_domain.is_empty() && !self.name_constraint {
            let text = "Please provide the -name-constraint flag to use a custom domain constraints";
            return Err(CliError::new(text));
        }
        let domain = self.domain.as_deref().unwrap_or("nomad");
        let (file, key_file) = (format!("{domain}-agent-ca.pem"), format!("{domain}-agent-ca-key.pem"));
        not_there("CA certificate", &file)?;
        not_there("CA key", &key_file)?;
        let key = KeyPair::generate().map_err(|error| unmade(&error))?;
        let certificate = self.params()?.self_signed(&key).map_err(|error| unmade(&error))?;
        save(&file, &certificate.pem(), 0o644)?;
        output::line(&format!("==> CA certificate saved to: {file}"));
        save(&key_file, &key.serialize_pem(), 0o600)?;
        output::line(&format!("==> CA certificate key saved to: {key_file}"));
        Ok(0)
    }
}

impl CaCreate {
    fn params(&self) -> Result<CertificateParams, CliError> {
        let mut params = CertificateParams::default();
        let serial = serial()?;
        let decimal = decimal(&serial);
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        let mut name = DistinguishedName::new();
        name.push(DnType::CountryName, self.country.as_str());
        name.push(DnType::StateOrProvinceName, self.province.as_str());
        name.push(DnType::LocalityName, self.locality.as_str());
        name.push(DnType::CustomDnType(STREET.to_vec()), self.street_address.as_str());
        name.push(DnType::CustomDnType(POSTAL_CODE.to_vec()), self.postal_code.as_str());
        name.push(DnType::OrganizationName, self.organization.as_str());
        name.push(DnType::OrganizationalUnitName, self.organizational_unit.as_str());
        let common_name = self.common_name.clone().unwrap_or_else(|| format!("Nomad Agent CA {decimal}"));
        name.push(DnType::CommonName, common_name);
        params.distinguished_name = name;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.use_authority_key_identifier_extension = true;
        set_validity(&mut params, self.days)?;
        if self.name_constraint {
            let zones = self.domain.iter().chain(&self.additional_domain).cloned().chain(["localhost".to_owned()]);
            let permitted_subtrees = zones.map(GeneralSubtree::DnsName).collect();
            params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
        }
        Ok(params)
    }
}

/// Makes a certificate.
#[derive(clap::Args)]
#[command(next_help_heading = "Certificate Create Options")]
pub struct CertCreate {
    /// A further DNS name; may be given several times. "localhost" is always there.
    #[arg(long = "additional-dnsname", value_name = "name")]
    additional_dnsname: Vec<String>,
    /// A further IP address; may be given several times. "127.0.0.1" is always there.
    #[arg(long = "additional-ipaddress", value_name = "address")]
    additional_ipaddress: Vec<IpAddr>,
    /// The authority's certificate. Default: DOMAIN-agent-ca.pem.
    #[arg(long, value_name = "path")]
    ca: Option<String>,
    /// For the command line.
    #[arg(long)]
    cli: bool,
    /// For clients.
    #[arg(long)]
    client: bool,
    /// Days that it is valid.
    #[arg(long, value_name = "days", default_value_t = 365)]
    days: i64,
    /// The cluster's domain.
    #[arg(long, value_name = "domain", default_value = "nomad")]
    domain: String,
    /// The authority's key. Default: DOMAIN-agent-ca-key.pem.
    #[arg(long, value_name = "path")]
    key: Option<String>,
    /// The region.
    #[arg(long, value_name = "region", default_value = "global")]
    region: String,
    /// For servers.
    #[arg(long)]
    server: bool,
}

const SERVER_WARNING: &str = "==> WARNING: Server Certificates grants authority to become a
    server and access all state in the cluster including root keys
    and all ACL tokens. Do not distribute them to production hosts
    that are not server nodes. Store them as securely as CA keys.";

impl Invoke for CertCreate {
    fn invoke(self, _: &Context) -> Outcome {
        use ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
        let (role, title, usages) = match (self.server, self.client, self.cli) {
            (true, false, false) => ("server", "Server", vec![ServerAuth, ClientAuth]),
            (false, true, false) => ("client", "Client", vec![ClientAuth, ServerAuth]),
            (false, false, true) => ("cli", "Cli", vec![ClientAuth, ServerAuth]),
            _ => return Err(CliError::new("Please provide either -server, -client, or -cli")),
        };
        let ca = self.ca.clone().unwrap_or_else(|| format!("{}-agent-ca.pem", self.domain));
        let ca_key = self.key.clone().unwrap_or_else(|| format!("{}-agent-ca-key.pem", self.domain));
        let prefix = format!("{}-{role}-{}", self.region, self.domain);
        let (file, key_file) = (format!("{prefix}.pem"), format!("{prefix}-key.pem"));
        not_there(&format!("{title} certificate"), &file)?;
        not_there(&format!("{title} key"), &key_file)?;
        if self.server {
            output::line(SERVER_WARNING);
        }
        let (ca_text, ca_key_text) = (read("CA", &ca)?, read("CA key", &ca_key)?);
        output::line(&format!("==> Using CA file {ca} and CA key {ca_key}"));
        let unusable = |error: rcgen::Error| CliError::new(format!("The CA in {ca}, {ca_key} cannot be used: {error}"));
        let issuer_key = KeyPair::from_pem(&pkcs8(&ca_key_text)?).map_err(unusable)?;
        let issuer = Issuer::from_ca_cert_pem(&ca_text, issuer_key).map_err(unusable)?;
        let key = KeyPair::generate().map_err(|error| unmade(&error))?;
        let certificate = self.params(role, usages)?.signed_by(&key, &issuer).map_err(|error| unmade(&error))?;
        save(&file, &certificate.pem(), 0o644)?;
        output::line(&format!("==> {title} Certificate saved to {file}"));
        save(&key_file, &key.serialize_pem(), 0o600)?;
        let title = if self.cli { "CLI" } else { title };
        output::line(&format!("==> {title} Certificate key saved to {key_file}"));
        Ok(0)
    }
}

impl CertCreate {
    fn params(&self, role: &str, usages: Vec<ExtendedKeyUsagePurpose>) -> Result<CertificateParams, CliError> {
        let own = format!("{role}.{}.{}", self.region, self.domain);
        let dns = |name: &str| {
            let name = Ia5String::try_from(name).map_err(|_| CliError::new(format!("{name:?} is no DNS name")))?;
            Ok::<_, CliError>(SanType::DnsName(name))
        };
        let mut params = CertificateParams::default();
        params.serial_number = Some(SerialNumber::from_slice(&serial()?));
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, own.as_str());
        for name in self.additional_dnsname.iter().map(String::as_str).chain([own.as_str(), "localhost"]) {
            params.subject_alt_names.push(dns(name)?);
        }
        let loopback = (!self.cli).then_some(IpAddr::from([127, 0, 0, 1]));
        let addresses = self.additional_ipaddress.iter().copied().chain(loopback);
        params.subject_alt_names.extend(addresses.map(SanType::IpAddress));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages = usages;
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        set_validity(&mut params, self.days)?;
        Ok(params)
    }
}

/// Describes an authority.
#[derive(clap::Args)]
pub struct CaInfo {
    #[arg(hide = true)]
    file: Vec<String>,
}

impl Invoke for CaInfo {
    fn invoke(self, context: &Context) -> Outcome {
        let [file] = self.file.as_slice() else {
            return Err(context.usage("This command takes one argument: <path>"));
        };
        describe("CA", file)
    }
}

/// Describes a certificate.
#[derive(clap::Args)]
pub struct CertInfo {
    #[arg(hide = true)]
    file: Vec<String>,
}

impl Invoke for CertInfo {
    fn invoke(self, context: &Context) -> Outcome {
        let [file] = self.file.as_slice() else {
            return Err(context.usage("This command takes one argument: <path>"));
        };
        describe("certificate", file)
    }
}

fn describe(what: &str, file: &str) -> Outcome {
    let text = read(what, file)?;
    let bad = |error: &dyn std::fmt::Display| CliError::new(format!("Error parsing {what} file {file}: {error}"));
    let pem = Pem::iter_from_buffer(text.as_bytes()).next().ok_or_else(|| bad(&"there is no certificate in it"))?;
    let pem = pem.map_err(|error| bad(&error))?;
    let (_, certificate) = X509Certificate::from_der(&pem.contents).map_err(|error| bad(&error))?;
    let issuer = certificate.issuer().iter_common_name().next().and_then(|name| name.as_str().ok()).unwrap_or_default();
    let expiry = certificate.validity().not_after.timestamp();
    let expiry = jiff::Timestamp::from_second(expiry).map_err(|error| bad(&error))?;
    let mut table = Table::with_blanks(&["Serial Number", &certificate.tbs_certificate.serial.to_string()]);
    table.row(["Issuer CN".into(), issuer.to_owned()]);
    table.row(["Common Name".into(), subject(&certificate)]);
    table.row(["Expiry Date".into(), expiry.strftime("%Y-%m-%d %H:%M:%S +0000 UTC").to_string()]);
    let names = names_of(&certificate);
    if certificate.is_ca() {
        table.row(["Permitted DNS Domains".into(), format!("[{}]", names.permitted.join(" "))]);
    } else {
        table.row(["DNS Names".into(), format!("[{}]", names.dns.join(" "))]);
        table.row(["IP Addresses".into(), format!("[{}]", names.addresses.join(" "))]);
    }
    output::line(&table.render());
    Ok(0)
}

/// `CN=…,OU=…`, the most special part first.
fn subject(certificate: &X509Certificate<'_>) -> String {
    let short = |oid: &str| match oid {
        "2.5.4.3" => "CN".to_owned(),
        "2.5.4.6" => "C".to_owned(),
        "2.5.4.7" => "L".to_owned(),
        "2.5.4.8" => "ST".to_owned(),
        "2.5.4.9" => "STREET".to_owned(),
        "2.5.4.10" => "O".to_owned(),
        "2.5.4.11" => "OU".to_owned(),
        "2.5.4.17" => "POSTALCODE".to_owned(),
        other => other.to_owned(),
    };
    let mut parts: Vec<String> = certificate
        .subject()
        .iter_attributes()
        .map(|part| format!("{}={}", short(&part.attr_type().to_id_string()), part.as_str().unwrap_or_default()))
        .collect();
    parts.reverse();
    parts.join(",")
}

#[derive(Default)]
struct Names {
    dns: Vec<String>,
    addresses: Vec<String>,
    permitted: Vec<String>,
}

fn names_of(certificate: &X509Certificate<'_>) -> Names {
    let mut names = Names::default();
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(found) => {
                for name in &found.general_names {
                    match name {
                        GeneralName::DNSName(name) => names.dns.push((*name).to_owned()),
                        GeneralName::IPAddress(bytes) => names.addresses.extend(address(bytes)),
                        _ => {}
                    }
                }
            }
            ParsedExtension::NameConstraints(found) => {
                for subtree in found.permitted_subtrees.iter().flatten() {
                    if let GeneralName::DNSName(name) = &subtree.base {
                        names.permitted.push((*name).to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    names
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(four).to_string());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|sixteen| IpAddr::from(sixteen).to_string())
}

/// 16 random bytes that are a positive number.
fn serial() -> Result<[u8; 16], CliError> {
    let text = drover_base::uuid::random().replace('-', "");
    let number = u128::from_str_radix(&text, 16).map_err(|error| CliError::new(error.to_string()))?;
    let mut bytes = number.to_be_bytes();
    bytes[0] = (bytes[0] & 0x7f) | 0x40;
    Ok(bytes)
}

fn decimal(serial: &[u8; 16]) -> String {
    u128::from_be_bytes(*serial).to_string()
}

fn set_validity(params: &mut CertificateParams, days: i64) -> Result<(), CliError> {
    if days < 1 {
        return Err(CliError::new("-days must be at least 1"));
    }
    let invalid = |_| CliError::new(format!("-days: {days} days are too many"));
    let date = |timestamp: jiff::Timestamp| {
        let day = timestamp.to_zoned(jiff::tz::TimeZone::UTC);
        let month = u8::try_from(day.month()).unwrap_or(1);
        rcgen::date_time_ymd(i32::from(day.year()), month, u8::try_from(day.day()).unwrap_or(1))
    };
    let now = jiff::Timestamp::now();
    let hours = days.checked_mul(24).ok_or_else(|| invalid(()))?;
    let end = now.checked_add(jiff::SignedDuration::from_hours(hours)).map_err(|_| invalid(()))?;
    params.not_before = date(now);
    params.not_after = date(end);
    Ok(())
}

/// Keys of other makers are in the older form of elliptic curves, which has to be wrapped.
fn pkcs8(pem: &str) -> Result<String, CliError> {
    if !pem.contains("BEGIN EC PRIVATE KEY") {
        return Ok(pem.to_owned());
    }
    use base64::Engine;
    let engine = base64::engine::general_purpose::STANDARD;
    let body: String = pem
        .lines()
        .skip_while(|line| !line.contains("BEGIN EC PRIVATE KEY"))
        .skip(1)
        .take_while(|line| !line.contains("END"))
        .collect();
    let inner = engine.decode(body).map_err(|error| CliError::new(format!("The CA key is damaged: {error}")))?;
    // SEQUENCE { INTEGER 0, SEQUENCE { ecPublicKey, prime256v1 }, OCTET STRING { the old form } }
    const HEAD: &[u8] = &[
        0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
        0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
    ];
    let octets = tagged(0x04, &inner);
    let whole = tagged(0x30, &[HEAD, &octets].concat());
    Ok(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", engine.encode(whole)))
}

/// A DER value of at most 65535 bytes.
fn tagged(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len();
    let mut out = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        Ok(byte) => out.extend([0x81, byte]),
        Err(_) => out.extend([0x82, (length >> 8) as u8, (length & 0xff) as u8]),
    }
    out.extend_from_slice(bytes);
    out
}

fn not_there(what: &str, file: &str) -> Result<(), CliError> {
    if Path::new(file).exists() {
        return Err(CliError::new(format!("{what} file '{file}' already exists")));
    }
    Ok(())
}

fn read(what: &str, file: &str) -> Result<String, CliError> {
    std::fs::read_to_string(file)
        .map_err(|error| CliError::new(format!("Error reading {what} file: open {file}: {}", reason(&error))))
}

fn save(file: &str, text: &str, mode: u32) -> Result<(), CliError> {
    let failed = |error: std::io::Error| CliError::new(format!("Failed to write {file}: {}", reason(&error)));
    let mut out = OpenOptions::new().write(true).create_new(true).mode(mode).open(file).map_err(failed)?;
    out.write_all(text.as_bytes()).map_err(failed)
}

fn unmade(error: &rcgen::Error) -> CliError {
    CliError::new(format!("The certificate cannot be made: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_the_older_form_can_be_used() {
        let pem = "-----BEGIN EC PRIVATE KEY-----\n\
            MHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB04fSeQ6tF1aY/PuoAoGCCqGSM49\n\
            AwEHoUQDQgAEPR3tU2Fta9ktY+6P9G0cWO+0kETA6SFs38GecTyudlHz6xvCdz8q\n\
            EKTcWGekdmdDPsHloRNtsiCa697B2O9IFA==\n-----END EC PRIVATE KEY-----\n";
        KeyPair::from_pem(&pkcs8(pem).unwrap()).unwrap();
    }

    #[test]
    fn a_certificate_of_the_authority_says_what_it_is_for() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        set_validity(&mut params, 10).unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let parsed = Pem::iter_from_buffer(pem.as_bytes()).next().unwrap().unwrap();
        let (_, certificate) = X509Certificate::from_der(&parsed.contents).unwrap();
        assert!(certificate.is_ca());
        let days = (certificate.validity().not_after.timestamp() - jiff::Timestamp::now().as_second()) / 86_400;
        assert!((8..=10).contains(&days), "{days}");
    }
}
