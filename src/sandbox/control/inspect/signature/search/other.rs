//! The right message with another key, another algorithm, or in another encoding.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use percent_encoding::percent_decode_str;

use super::{Candidate, Mistake, With, text};
use crate::{
    base::crypto::{
        OtherSignature,
        digest::{hex_lower, hex_upper, sha256},
    },
    sandbox::{checks::authorization::SignedMessage, state::SandboxState},
};

/// Of how many merchants the keys are tried.
const MAX_MERCHANTS: usize = 100;

pub(super) fn candidates<'a>(
    state: &'a SandboxState,
    message: SignedMessage<'a>,
    signature: &'a str,
) -> impl Iterator<Item = Candidate> + use<'a> {
    let encodings = ENCODINGS.iter().filter_map(move |mistake| {
        let signature = (mistake.make)(signature)?;
        let mut candidate = mistake.candidate(message.to_bytes());
        candidate.with = With::Signature(signature);
        Some(candidate)
    });
    let hashes = HASHES
        .iter()
        .map(move |mistake| mistake.candidate((mistake.make)(sha256(&message.to_bytes()))));
    let algorithms = ALGORITHMS.iter().map(move |mistake| {
        let mut candidate = mistake.candidate(message.to_bytes());
        candidate.with = With::Algorithm(mistake.make);
        candidate
    });
    keys(state, message)
        .chain(encodings)
        .chain(hashes)
        .chain(algorithms)
}

fn keys(state: &SandboxState, message: SignedMessage<'_>) -> impl Iterator<Item = Candidate> {
    let merchants = state.merchants.all().into_iter().take(MAX_MERCHANTS);
    merchants.flat_map(move |merchant| {
        let of_merchant = text(
            format!(
                "The request was signed with the key of merchant {}.",
                merchant.mchid
            ),
            format!("请求是用商户 {} 的私钥签名的。", merchant.mchid),
        );
        let of_brand = merchant.brand.as_ref().map(|brand| {
            text(
                format!("The request was signed with the key of brand {}.", brand.id),
                format!("请求是用品牌 {} 的私钥签名的。", brand.id),
            )
        });
        let change = [(false, Some(of_merchant)), (true, of_brand)];
        let change = change
            .into_iter()
            .filter_map(|(is_brand, change)| Some((is_brand, change?)));
        change.map(move |(is_brand, change)| Candidate {
            id: "key_of_another".to_owned(),
            change,
            message: message.to_bytes(),
            with: With::Key {
                merchant: merchant.clone(),
                is_brand,
            },
        })
    })
}

/// Decodes the signature.
type Decode = fn(&str) -> Option<Vec<u8>>;
/// Writes the hash of the message.
type Write = fn([u8; 32]) -> Vec<u8>;

const ENCODINGS: &[Mistake<Decode>] = &[
    Mistake {
        id: "signature_url_safe",
        en: "The signature is in base64 for URLs, with - and _: expected + and /.",
        zh: "签名值用了URL安全的Base64（-和_），应为标准Base64（+和/）。",
        make: |signature| {
            let decoded = URL_SAFE.decode(signature);
            decoded.or_else(|_| URL_SAFE_NO_PAD.decode(signature)).ok()
        },
    },
    Mistake {
        id: "signature_without_padding",
        en: "The signature is in base64 without the = at its end.",
        zh: "签名值的Base64缺少末尾的等号。",
        make: |signature| STANDARD_NO_PAD.decode(signature).ok(),
    },
    Mistake {
        id: "signature_spaces",
        en: "The signature has spaces where base64 has +: it was decoded as a form.",
        zh: "签名值中的加号变成了空格：被当作表单解码过。",
        make: |signature| STANDARD.decode(signature.replace(' ', "+")).ok(),
    },
    Mistake {
        id: "signature_percent_encoded",
        en: "The signature is percent-encoded: expected plain base64.",
        zh: "签名值经过了百分号编码，应为Base64原文。",
        make: |signature| {
            let decoded = percent_decode_str(signature).decode_utf8().ok()?;
            STANDARD.decode(decoded.as_bytes()).ok()
        },
    },
    Mistake {
        id: "signature_hex",
        en: "The signature is in hexadecimal digits: expected base64.",
        zh: "签名值是十六进制，应为Base64。",
        make: from_hex,
    },
    Mistake {
        id: "signature_base64_twice",
        en: "The signature was encoded in base64 twice.",
        zh: "签名值经过了两次Base64编码。",
        make: |signature| STANDARD.decode(STANDARD.decode(signature).ok()?).ok(),
    },
    Mistake {
        id: "signature_hex_in_base64",
        en: "The hexadecimal digits of the signature were encoded in base64: encode its bytes.",
        zh: "对签名值的十六进制文本做了Base64编码，应直接编码其字节。",
        make: |signature| from_hex(&String::from_utf8(STANDARD.decode(signature).ok()?).ok()?),
    },
];

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.bytes().map(|byte| char::from(byte).to_digit(16));
    let digits = digits.collect::<Option<Vec<_>>>()?;
    let byte = |pair: &[u32]| match pair {
        [high, low] => u8::try_from(high << 4 | low).ok(),
        _ => None,
    };
    digits.chunks(2).map(byte).collect()
}

const HASHES: &[Mistake<Write>] = &[
    Mistake {
        id: "hash_hex",
        en: "The SHA-256 of the message was signed, as hexadecimal digits: the algorithm hashes on its own.",
        zh: "对签名串先做了SHA-256（十六进制）再签名：签名算法自身已包含哈希。",
        make: |hash| hex_lower(&hash).into_bytes(),
    },
    Mistake {
        id: "hash_capital_hex",
        en: "The SHA-256 of the message was signed, as hexadecimal digits in capitals: the algorithm hashes on its own.",
        zh: "对签名串先做了SHA-256（大写十六进制）再签名：签名算法自身已包含哈希。",
        make: |hash| hex_upper(&hash).into_bytes(),
    },
    Mistake {
        id: "hash_bytes",
        en: "The SHA-256 of the message was signed: the algorithm hashes on its own.",
        zh: "对签名串先做了SHA-256再签名：签名算法自身已包含哈希。",
        make: |hash| hash.to_vec(),
    },
    Mistake {
        id: "hash_base64",
        en: "The SHA-256 of the message was signed, in base64: the algorithm hashes on its own.",
        zh: "对签名串先做了SHA-256（Base64）再签名：签名算法自身已包含哈希。",
        make: |hash| STANDARD.encode(hash).into_bytes(),
    },
];

const ALGORITHMS: &[Mistake<OtherSignature>] = &[
    Mistake {
        id: "algorithm_sha1",
        en: "The signature was made with SHA-1, as SHA1withRSA does: expected SHA-256.",
        zh: "签名算法用了SHA-1（SHA1withRSA），应为SHA-256。",
        make: OtherSignature::Sha1,
    },
    Mistake {
        id: "algorithm_sha512",
        en: "The signature was made with SHA-512: expected SHA-256.",
        zh: "签名算法用了SHA-512，应为SHA-256。",
        make: OtherSignature::Sha512,
    },
    Mistake {
        id: "algorithm_pss",
        en: "The signature was made with RSA-PSS: expected PKCS#1 v1.5, as SHA256withRSA.",
        zh: "签名用了RSA-PSS填充，应为PKCS#1 v1.5（SHA256withRSA）。",
        make: OtherSignature::Pss,
    },
];
