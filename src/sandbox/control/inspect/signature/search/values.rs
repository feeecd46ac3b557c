//! Mistakes in the method, the timestamp and the nonce.

use http::Method;

use super::{Candidate, Mistake, text};
use crate::sandbox::checks::authorization::SignedMessage;

/// By how many seconds a second look at the clock may differ.
const SECONDS: u64 = 5;
/// The longest message of which every millisecond is tried.
const MAX_MILLISECONDS: usize = 16 << 10;

pub(super) fn candidates(message: SignedMessage<'_>) -> impl Iterator<Item = Candidate> {
    methods(message)
        .chain(seconds(message))
        .chain(NONCES.iter().filter_map(move |mistake| {
            let nonce = &(mistake.make)(message.nonce)?;
            Some(mistake.candidate(SignedMessage { nonce, ..message }.to_bytes()))
        }))
}

fn methods(message: SignedMessage<'_>) -> impl Iterator<Item = Candidate> {
    let methods = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ];
    let all = methods.into_iter().map(|method| method.to_string());
    let small = all.clone().map(|method| method.to_lowercase());
    let others = all
        .chain(small)
        .filter(move |method| method != message.method);
    others.map(move |method| {
        let change = text(
            format!(
                "The method was signed as {method}: {} is sent.",
                message.method
            ),
            format!(
                "签名用的请求方法是 {method}，实际发送的是 {}。",
                message.method
            ),
        );
        let wrong = SignedMessage {
            method: &method,
            ..message
        };
        Candidate::new("method", change, wrong.to_bytes())
    })
}

fn seconds(message: SignedMessage<'_>) -> impl Iterator<Item = Candidate> {
    let given = message.timestamp.parse::<u64>().unwrap_or_default();
    let near = (1..=SECONDS).flat_map(move |by| [given.checked_sub(by), given.checked_add(by)]);
    let near = near.flatten().map(move |seconds| {
        let change = text(
            format!("The timestamp was signed as {seconds}, and {given} is in the header: take the time once."),
            format!("签名用的时间戳是 {seconds}，请求头中是 {given}：只取一次时间。"),
        );
        with_timestamp("timestamp_taken_twice", change, message, &seconds.to_string())
    });
    // The header has milliseconds, and seconds were signed.
    let in_seconds = (given > 100_000_000_000).then_some(given / 1_000);
    let in_seconds = in_seconds.map(move |seconds| {
        let change = text(
            format!("The timestamp was signed in seconds, as {seconds}, and is in milliseconds in the header."),
            format!("签名用的时间戳以秒为单位（{seconds}），请求头中却以毫秒为单位。"),
        );
        with_timestamp("timestamp_in_seconds", change, message, &seconds.to_string())
    });
    near.chain(in_seconds)
}

/// Every millisecond of the second in the header.
pub(super) fn milliseconds(message: SignedMessage<'_>) -> impl Iterator<Item = Candidate> {
    let is_short = message.body.len() <= MAX_MILLISECONDS;
    let all = (0..1_000).filter(move |_| is_short);
    all.map(move |millisecond| {
        let signed = format!("{}{millisecond:03}", message.timestamp);
        let change = text(
            format!("The timestamp was signed in milliseconds, as {signed}: sign the seconds that are in the header."),
            format!("签名用的时间戳以毫秒为单位（{signed}）：应使用请求头中的秒数。"),
        );
        with_timestamp("timestamp_in_milliseconds", change, message, &signed)
    })
}

fn with_timestamp(
    id: &str,
    change: super::Text,
    message: SignedMessage<'_>,
    timestamp: &str,
) -> Candidate {
    let wrong = SignedMessage {
        timestamp,
        ..message
    };
    Candidate::new(id, change, wrong.to_bytes())
}

type Make = fn(&str) -> Option<String>;

const NONCES: &[Mistake<Make>] = &[
    Mistake {
        id: "nonce_capitals",
        en: "The nonce was signed in capitals.",
        zh: "签名用的随机串是大写的。",
        make: |nonce| changed(nonce, nonce.to_uppercase()),
    },
    Mistake {
        id: "nonce_small_letters",
        en: "The nonce was signed in small letters.",
        zh: "签名用的随机串是小写的。",
        make: |nonce| changed(nonce, nonce.to_lowercase()),
    },
    Mistake {
        id: "nonce_without_hyphens",
        en: "The nonce was signed without its hyphens.",
        zh: "签名用的随机串去掉了连字符。",
        make: |nonce| changed(nonce, nonce.replace('-', "")),
    },
    Mistake {
        id: "nonce_empty",
        en: "An empty nonce was signed.",
        zh: "签名用的随机串为空。",
        make: |nonce| changed(nonce, String::new()),
    },
];

fn changed(right: &str, wrong: String) -> Option<String> {
    (wrong != right).then_some(wrong)
}
