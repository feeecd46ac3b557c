//! Mistakes in the URL.

use http::header::HOST;
use percent_encoding::percent_decode_str;

use super::{Candidate, Mistake, text};
use crate::{
    base::percent::{self, UNRESERVED},
    sandbox::{
        RecordedRequest, checks::authorization::SignedMessage, state::path_pattern::operation_of,
    },
};

/// The largest query of which every order is tried.
const MAX_PAIRS: usize = 4;

pub(super) fn candidates<'a>(
    message: SignedMessage<'a>,
    request: &'a RecordedRequest,
) -> impl Iterator<Item = Candidate> {
    let in_table = TARGETS.iter().filter_map(move |mistake| {
        let target = (mistake.make)(message.target).filter(|target| target != message.target)?;
        Some(mistake.candidate(with_target(message, &target)))
    });
    in_table
        .chain(with_hosts(message, request))
        .chain(orders(message))
        .chain(template(message, request))
}

fn with_target(message: SignedMessage<'_>, target: &str) -> Vec<u8> {
    SignedMessage { target, ..message }.to_bytes()
}

type Make = fn(&str) -> Option<String>;

const TARGETS: &[Mistake<Make>] = &[
    Mistake {
        id: "url_without_query",
        en: "The query was not signed: sign it with the path.",
        zh: "查询参数没有参与签名：应与路径一起签名。",
        make: |target| {
            let (path, query) = split(target)?;
            (!query.is_empty()).then(|| path.to_owned())
        },
    },
    Mistake {
        id: "url_query_alone",
        en: "The query was signed without the path.",
        zh: "只签了查询参数，没有路径。",
        make: |target| Some(split(target)?.1.to_owned()),
    },
    Mistake {
        id: "url_empty_query",
        en: "A question mark was signed at the end that is not sent, or the other way round.",
        zh: "URL末尾的问号只在签名或请求的一方出现。",
        make: |target| match split(target) {
            None => Some(format!("{target}?")),
            Some((path, "")) => Some(path.to_owned()),
            Some(_) => None,
        },
    },
    Mistake {
        id: "url_decoded",
        en: "The URL was signed before it was percent-encoded: sign it as it is sent.",
        zh: "签名用的URL没有经过百分号编码：应按实际发送的URL签名。",
        make: |target| Some(decoded(target)),
    },
    Mistake {
        id: "url_encoded",
        en: "The URL was signed percent-encoded, and is sent with other characters encoded: sign it as it is sent.",
        zh: "签名用的URL经过百分号编码，但与实际发送的编码不同：应按实际发送的URL签名。",
        make: |target| Some(encoded(target, |text| encode(&decoded(text)))),
    },
    Mistake {
        id: "url_encoded_as_form",
        en: "The query was signed as a form encodes it, with + for a space: sign it as it is sent.",
        zh: "签名用的查询参数按表单编码（空格写作+）：应按实际发送的URL签名。",
        make: |target| {
            Some(encoded(target, |text| {
                encode(&decoded(text)).replace("%20", "+")
            }))
        },
    },
    Mistake {
        id: "url_plus_for_space",
        en: "Spaces of the query were signed as %20, and are sent as +, or the other way round.",
        zh: "查询参数中的空格在签名和请求中写法不同（%20与+）。",
        make: |target| {
            let (path, query) = split(target)?;
            let query = match query.contains('+') {
                true => query.replace('+', "%20"),
                false => query.replace("%20", "+"),
            };
            Some(format!("{path}?{query}"))
        },
    },
    Mistake {
        id: "url_small_hex",
        en: "The URL was signed with small letters after %, and is sent with capitals.",
        zh: "签名用的URL中%后是小写字母，实际发送的是大写。",
        make: |target| Some(cased(target, str::to_lowercase)),
    },
    Mistake {
        id: "url_capital_hex",
        en: "The URL was signed with capitals after %, and is sent with small letters.",
        zh: "签名用的URL中%后是大写字母，实际发送的是小写。",
        make: |target| Some(cased(target, str::to_uppercase)),
    },
    Mistake {
        id: "url_without_slash",
        en: "The path was signed without the slash at its beginning.",
        zh: "签名用的路径缺少开头的斜杠。",
        make: |target| target.strip_prefix('/').map(str::to_owned),
    },
    Mistake {
        id: "url_two_slashes",
        en: "The path was signed with two slashes at its beginning.",
        zh: "签名用的路径以两个斜杠开头。",
        make: |target| Some(format!("/{target}")),
    },
    Mistake {
        id: "url_trailing_slash",
        en: "A slash at the end of the path is only signed, or only sent.",
        zh: "路径末尾的斜杠只在签名或请求的一方出现。",
        make: |target| {
            let (path, query) =
                split(target).map_or((target, None), |(path, query)| (path, Some(query)));
            let path = match path.strip_suffix('/') {
                Some(path) => path.to_owned(),
                None => format!("{path}/"),
            };
            Some(query.map_or(path.clone(), |query| format!("{path}?{query}")))
        },
    },
    Mistake {
        id: "url_without_version",
        en: "The path was signed without /v3.",
        zh: "签名用的路径缺少 /v3。",
        make: |target| Some(target.strip_prefix("/v3")?.to_owned()),
    },
    Mistake {
        id: "url_without_prefix",
        en: "The path was signed without the prefix of the base URI: it is sent with it.",
        zh: "签名用的路径缺少基础URI的前缀，实际发送的路径包含它。",
        make: |target| Some(target.get(target.find("/v3/")?..)?.to_owned()),
    },
];

/// Returns the path and the query.
fn split(target: &str) -> Option<(&str, &str)> {
    target.split_once('?')
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn encode(text: &str) -> String {
    let mut encoded = String::new();
    percent::push(text, UNRESERVED, &mut encoded);
    encoded
}

/// Encodes each segment, name and value.
fn encoded(target: &str, encode: impl Fn(&str) -> String) -> String {
    let (path, query) = split(target).unwrap_or((target, ""));
    let each = |text: &str, separators: &[char]| -> String {
        let pieces = text.split_inclusive(separators);
        let piece = |piece: &str| match piece.strip_suffix(separators) {
            Some(text) => format!(
                "{}{}",
                encode(text),
                piece.get(text.len()..).unwrap_or_default()
            ),
            None => encode(piece),
        };
        pieces.map(piece).collect()
    };
    let path = each(path, &['/']);
    match target.contains('?') {
        true => format!("{path}?{}", each(query, &['&', '='])),
        false => path,
    }
}

/// Changes the case of the digits after each percent sign.
fn cased(target: &str, case: fn(&str) -> String) -> String {
    let mut pieces = target.split('%');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |done, piece| {
        match (piece.get(..2), piece.get(2..)) {
            (Some(digits), Some(rest)) => format!("{done}%{}{rest}", case(digits)),
            _ => format!("{done}%{piece}"),
        }
    })
}

/// The whole URL, or with its host.
fn with_hosts<'a>(
    message: SignedMessage<'a>,
    request: &'a RecordedRequest,
) -> impl Iterator<Item = Candidate> + use<'a> {
    let own = request.headers().get(HOST);
    let own = own.and_then(|host| host.to_str().ok());
    let known = [
        "api.mch.weixin.qq.com",
        "api2.mch.weixin.qq.com",
        "api.wechatpay.cn",
    ];
    let hosts = own.into_iter().chain(known);
    let schemes = ["http://", "https://", "//", ""];
    hosts.flat_map(move |host| {
        schemes.into_iter().map(move |scheme| {
            let change = text(
                format!("The URL was signed with its host, as {scheme}{host}…: sign the path and the query alone."),
                format!("签名包含了域名（{scheme}{host}…）：只应包含路径和查询参数。"),
            );
            let target = format!("{scheme}{host}{}", message.target);
            Candidate::new("url_with_host", change, with_target(message, &target))
        })
    })
}

/// The query in another order.
fn orders(message: SignedMessage<'_>) -> impl Iterator<Item = Candidate> {
    let (path, query) = split(message.target).unwrap_or((message.target, ""));
    let pairs: Vec<_> = query.split('&').collect();
    let mut orders = vec![Vec::new()];
    if pairs.len() <= MAX_PAIRS {
        for pair in pairs {
            orders = orders.iter().flat_map(|order| with(order, pair)).collect();
        }
    } else {
        let (mut sorted, mut reversed) = (pairs.clone(), pairs);
        sorted.sort_unstable();
        reversed.reverse();
        orders = vec![sorted, reversed];
    }
    let path = path.to_owned();
    let targets = orders
        .into_iter()
        .map(move |order| format!("{path}?{}", order.join("&")));
    let others =
        targets.filter(move |target| split(message.target).is_some() && target != message.target);
    others.map(move |target| {
        let change = text(
            format!("The query was signed in another order than it is sent in, as {target:.512}."),
            format!("查询参数的顺序与签名时不同，签名时为 {target:.512}。"),
        );
        Candidate::new("url_query_order", change, with_target(message, &target))
    })
}

/// Returns the orders with one more pair, in each place.
fn with<'q>(order: &[&'q str], pair: &'q str) -> Vec<Vec<&'q str>> {
    let insert = |at| {
        let mut longer = order.to_vec();
        longer.insert(at, pair);
        longer
    };
    (0..=order.len()).map(insert).collect()
}

/// The path before its variables were filled in.
fn template<'a>(
    message: SignedMessage<'a>,
    request: &'a RecordedRequest,
) -> impl Iterator<Item = Candidate> + use<'a> {
    let operation = operation_of(request.method(), request.path());
    let template = operation.map(|operation| operation.template());
    let template = template.filter(|template| template.contains('{'));
    template.into_iter().map(move |template| {
        let query = message
            .target
            .get(request.path().len()..)
            .unwrap_or_default();
        let change = text(
            format!("The path was signed with its variables not filled in, as /{template}."),
            format!("签名用的路径没有替换其中的变量：/{template}。"),
        );
        let target = format!("/{template}{query}");
        Candidate::new("url_template", change, with_target(message, &target))
    })
}
