//! The certificate that a host shows: until when it holds, and whether the host
//! signed it itself. Whether it is trusted, the client tells.

use std::io;

use chrono::{NaiveDateTime, Utc};

use crate::doctor::Report;
use crate::doctor::probe::Answer;
use crate::{duration, print};

/// How many seconds before its end a certificate is worth a warning: 14 days.
const SOON: i64 = 14 * 86_400;

/// What matters of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Certificate {
    not_before: i64,
    not_after: i64,
    /// Whether issuer and subject are one.
    pub(crate) is_self_signed: bool,
}

/// Tells about the dates of the certificate, if there is one.
pub(crate) fn examine(answer: &Answer, report: &mut Report<'_>) -> io::Result<Option<Certificate>> {
    let Some(der) = &answer.certificate else {
        return Ok(None);
    };
    let Some(certificate) = read(der) else {
        report.warn(
            "certificate",
            "its dates cannot be read",
            "look at it with openssl x509",
        )?;
        return Ok(None);
    };
    let now = Utc::now().timestamp();
    let date = |ts| print::time(ts).unwrap_or_else(|| ts.to_string());
    let signed = if certificate.is_self_signed {
        ", self-signed"
    } else {
        ""
    };
    let until = format!("valid until {}{signed}", date(certificate.not_after));
    if now > certificate.not_after {
        let message = format!("expired on {}{signed}", date(certificate.not_after));
        report.fail("certificate", message, "have it renewed on the archive")?;
    } else if now < certificate.not_before {
        let message = format!("not valid before {}{signed}", date(certificate.not_before));
        report.fail(
            "certificate",
            message,
            "check the clock of this machine, then the certificate",
        )?;
    } else if certificate.not_after - now < SOON {
        let left = duration::words(certificate.not_after - now);
        report.warn(
            "certificate",
            until,
            format!("have it renewed: {left} are left"),
        )?;
    } else {
        report.ok("certificate", until)?;
    }
    Ok(Some(certificate))
}

/// Reads the few fields of DER that are looked at: in a certificate, the first part
/// holds version (may be missing), serial number, algorithm, issuer, dates, subject.
fn read(der: &[u8]) -> Option<Certificate> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    let (certificate, _) = expect(SEQUENCE, der)?;
    let (mut rest, _) = expect(SEQUENCE, certificate)?;
    if let Some((_, after)) = expect(VERSION, rest) {
        rest = after;
    }
    let (_, _, rest) = element(rest)?;
    let (_, _, rest) = element(rest)?;
    let (issuer, rest) = expect(SEQUENCE, rest)?;
    let (dates, rest) = expect(SEQUENCE, rest)?;
    let (subject, _) = expect(SEQUENCE, rest)?;
    let (tag, not_before, dates) = element(dates)?;
    let not_before = time(tag, not_before)?;
    let (tag, not_after, _) = element(dates)?;
    Some(Certificate {
        not_before,
        not_after: time(tag, not_after)?,
        is_self_signed: issuer == subject,
    })
}

/// Splits off an element of this tag: its content, and what follows.
fn expect(wanted: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (tag, content, rest) = element(der)?;
    (tag == wanted).then_some((content, rest))
}

/// Splits off an element: tag, content, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first & 0x80 != 0 {
        let count = usize::from(first & 0x7f);
        if count > 4 {
            return None;
        }
        let (digits, after) = rest.split_at_checked(count)?;
        length = digits
            .iter()
            .fold(0, |length, digit| length << 8 | usize::from(*digit));
        rest = after;
    }
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

fn time(tag: u8, text: &[u8]) -> Option<i64> {
    const SHORT: u8 = 0x17;
    const LONG: u8 = 0x18;
    let text = std::str::from_utf8(text).ok()?;
    let long = match tag {
        // Two digits of a year are those of 1950 to 2049.
        SHORT => {
            let year: u8 = text.get(..2)?.parse().ok()?;
            let century = if year < 50 { "20" } else { "19" };
            format!("{century}{text}")
        }
        LONG => text.to_owned(),
        _ => return None,
    };
    let time = NaiveDateTime::parse_from_str(&long, "%Y%m%d%H%M%SZ").ok()?;
    Some(time.and_utc().timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, Issuer, KeyPair, date_time_ymd};

    #[test]
    fn dates_and_signer_are_read() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["host.example".to_owned()]).unwrap();
        params.not_before = date_time_ymd(1970, 1, 2);
        params.not_after = date_time_ymd(2060, 1, 1);
        let own = params.self_signed(&key).unwrap();
        assert_eq!(
            read(own.der()),
            Some(Certificate {
                not_before: 86_400,
                not_after: 2_840_140_800,
                is_self_signed: true
            })
        );
        params
            .distinguished_name
            .push(DnType::CommonName, "authority");
        let issuer = Issuer::from_params(&params, &key);
        let other = CertificateParams::new(["other.example".to_owned()]).unwrap();
        let signed = other.signed_by(&key, &issuer).unwrap();
        assert!(!read(signed.der()).unwrap().is_self_signed);
    }

    #[test]
    fn nonsense_has_no_dates() {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["host.example".to_owned()]).unwrap();
        let der = params.self_signed(&key).unwrap().der().to_vec();
        for end in 0..der.len() {
            assert_eq!(read(&der[..end]), None, "{end}");
        }
        assert_eq!(read(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 1]), None);
    }
}
