//! An entry of a journal: an input, and its time.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header::AUTHORIZATION,
    request::Parts,
};

use super::bytes::{Reader, Writer};
use crate::{
    base::crypto::Certificate,
    protocol::url::host,
    sandbox::{
        control,
        dispatch::pipeline::{Arrived, ClientCertificate, Listener},
        outbox::{Attempt, Ending, Way},
        state::merchant::Merchant,
    },
};

/// The version of the format.
const VERSION: u64 = 1;

/// An entry as it is kept.
pub(super) struct Entry(Vec<u8>);

/// What an entry says.
pub(super) enum Said {
    /// A sandbox starts: for the first time with the seed of its numbers and what it was built with.
    Start {
        new: Option<New>,
        merchants: Vec<Opened>,
    },
    Request {
        arrived: Box<Arrived>,
        /// `None`: a fault took the place of the response.
        status: Option<StatusCode>,
    },
    /// Notifications that were due are sent.
    Send,
    Attempt(Way, Box<Attempt>),
    End(Way, Ending),
}

#[derive(Clone, Copy)]
pub(super) struct New {
    pub(super) seed: u64,
    pub(super) settle_after: Option<u64>,
}

/// A merchant as its accounts were opened.
pub(super) struct Opened {
    pub(super) mchid: String,
    pub(super) serial: String,
    pub(super) balance: u64,
    pub(super) partner_of: Vec<String>,
}

impl Entry {
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn start<'a>(
        time: u64,
        new: Option<New>,
        merchants: impl ExactSizeIterator<Item = &'a Merchant>,
    ) -> Self {
        let mut writer = begin(0, time);
        writer.option(new, |writer, new| {
            writer.number(new.seed);
            writer.option(new.settle_after, Writer::number);
        });
        writer.number(merchants.len() as u64);
        for merchant in merchants {
            writer.bytes(merchant.mchid.as_bytes());
            writer.bytes(merchant.serial.as_bytes());
            writer.number(merchant.opening_balance);
            writer.number(merchant.partner_of.len() as u64);
            for sub_mchid in &merchant.partner_of {
                writer.bytes(sub_mchid.as_bytes());
            }
        }
        Self(writer.finish())
    }

    pub(super) fn request(time: u64, arrived: &Arrived, status: Option<StatusCode>) -> Self {
        let Arrived {
            parts,
            body,
            listener,
        } = arrived;
        let mut writer = begin(1, time);
        writer.option(status, |writer, status| {
            writer.number(status.as_u16().into())
        });
        writer.bytes(parts.method.as_str().as_bytes());
        writer.bytes(parts.uri.to_string().as_bytes());
        let mut headers = Cow::Borrowed(&parts.headers);
        if control::is_for(parts) {
            // The token, which is not checked again.
            headers.to_mut().remove(AUTHORIZATION);
        }
        write_headers(&mut writer, &headers);
        writer.bytes(body);
        writer.bytes(listener.address.to_string().as_bytes());
        writer.option(listener.host, |writer, host| writer.bytes(host.as_bytes()));
        writer.flag(listener.tls);
        match &listener.client_certificate {
            ClientCertificate::None => writer.number(0),
            ClientCertificate::Invalid => writer.number(1),
            ClientCertificate::Valid(certificate) => {
                writer.number(2);
                writer.bytes(certificate.as_der());
            }
        }
        Self(writer.finish())
    }

    pub(super) fn send(time: u64) -> Self {
        Self(begin(2, time).finish())
    }

    pub(super) fn attempt(time: u64, way: &Way, attempt: &Attempt) -> Self {
        let mut writer = begin(3, time);
        write_way(&mut writer, way);
        writer.number(attempt.at);
        write_headers(&mut writer, &attempt.sent);
        let status = attempt.status.map(|status| status.as_u16().into());
        writer.option(status, Writer::number);
        write_headers(&mut writer, &attempt.headers);
        writer.bytes(&attempt.body);
        writer.number(attempt.took.as_micros() as u64);
        let error = attempt.error.as_deref().map(str::as_bytes);
        writer.option(error, Writer::bytes);
        let fault = attempt.fault.and_then(|fault| fault.number());
        writer.option(fault, Writer::number);
        Self(writer.finish())
    }

    pub(super) fn end(time: u64, way: &Way, ending: &Ending) -> Self {
        let mut writer = begin(4, time);
        write_way(&mut writer, way);
        match ending {
            Ending::Acknowledged => writer.number(0),
            Ending::Refused => writer.number(1),
            Ending::NotSent(reason) => {
                writer.number(2);
                writer.bytes(reason.as_bytes());
            }
        }
        Self(writer.finish())
    }
}

fn begin(kind: u64, time: u64) -> Writer {
    let mut writer = Writer::default();
    writer.number(VERSION);
    writer.number(kind);
    writer.number(time);
    writer
}

/// Reads an entry and its time.
///
/// # Errors
/// Returns what is wrong with it.
pub(super) fn read(entry: &[u8]) -> Result<(u64, Said), &'static str> {
    let mut reader = Reader::new(entry).ok_or("is damaged")?;
    if reader.number() != Some(VERSION) {
        return Err("is of a later version of this library");
    }
    read_rest(&mut reader).ok_or("is damaged")
}

fn read_rest(reader: &mut Reader<'_>) -> Option<(u64, Said)> {
    let (kind, time) = (reader.number()?, reader.number()?);
    let said = match kind {
        0 => Said::Start {
            new: reader.option(|reader| {
                Some(New {
                    seed: reader.number()?,
                    settle_after: reader.option(Reader::number)?,
                })
            })?,
            merchants: reader.list(|reader| {
                Some(Opened {
                    mchid: reader.text()?,
                    serial: reader.text()?,
                    balance: reader.number()?,
                    partner_of: reader.list(Reader::text)?,
                })
            })?,
        },
        1 => Said::Request {
            status: reader.option(status)?,
            arrived: Box::new(arrived(reader)?),
        },
        2 => Said::Send,
        3 => Said::Attempt(way(reader)?, Box::new(attempt(reader)?)),
        4 => Said::End(
            way(reader)?,
            match reader.number()? {
                0 => Ending::Acknowledged,
                1 => Ending::Refused,
                2 => Ending::NotSent(reader.text()?),
                _ => return None,
            },
        ),
        _ => return None,
    };
    Some((time, said))
}

fn arrived(reader: &mut Reader<'_>) -> Option<Arrived> {
    let parts = parts(reader)?;
    Some(Arrived {
        parts,
        body: Bytes::copy_from_slice(reader.bytes()?),
        listener: Listener {
            address: reader.text()?.parse().ok()?,
            host: reader.option(|reader| {
                let named = reader.text()?;
                host::of_wechat_pay().find(|host| *host == named)
            })?,
            tls: reader.flag()?,
            client_certificate: match reader.number()? {
                0 => ClientCertificate::None,
                1 => ClientCertificate::Invalid,
                2 => ClientCertificate::Valid(Certificate::from_der(reader.bytes()?).ok()?),
                _ => return None,
            },
        },
    })
}

fn parts(reader: &mut Reader<'_>) -> Option<Parts> {
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = Method::from_bytes(reader.bytes()?).ok()?;
    parts.uri = Uri::try_from(reader.bytes()?).ok()?;
    parts.headers = headers(reader)?;
    Some(parts)
}

fn attempt(reader: &mut Reader<'_>) -> Option<Attempt> {
    Some(Attempt {
        at: reader.number()?,
        sent: headers(reader)?,
        status: reader.option(status)?,
        headers: headers(reader)?,
        body: Bytes::copy_from_slice(reader.bytes()?),
        took: Duration::from_micros(reader.number()?),
        error: reader.option(Reader::text)?,
        fault: reader
            .option(Reader::number)?
            .and_then(crate::sandbox::DeliveryFault::from_number),
    })
}

fn write_way(writer: &mut Writer, way: &Way) {
    for number in way.numbers() {
        writer.number(number);
    }
}

fn way(reader: &mut Reader<'_>) -> Option<Way> {
    let mut numbers = [0; 6];
    for number in &mut numbers {
        *number = reader.number()?;
    }
    Some(Way::from_numbers(numbers))
}

fn status(reader: &mut Reader<'_>) -> Option<StatusCode> {
    let status = u16::try_from(reader.number()?).ok()?;
    StatusCode::from_u16(status).ok()
}

fn write_headers(writer: &mut Writer, headers: &HeaderMap) {
    writer.number(headers.len() as u64);
    for (name, value) in headers {
        writer.bytes(name.as_str().as_bytes());
        writer.bytes(value.as_bytes());
    }
}

fn headers(reader: &mut Reader<'_>) -> Option<HeaderMap> {
    let headers = reader.list(|reader| {
        let name = HeaderName::from_bytes(reader.bytes()?).ok()?;
        Some((name, HeaderValue::from_bytes(reader.bytes()?).ok()?))
    })?;
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name, value);
    }
    Some(map)
}
