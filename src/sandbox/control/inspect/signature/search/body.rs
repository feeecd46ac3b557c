//! Mistakes in the body, other than the form of its JSON.

use super::{Candidate, Mistake};
use crate::sandbox::checks::authorization::SignedMessage;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// `whole` is the body of the request, of which an upload's signature covers one part.
pub(super) fn candidates<'a>(
    message: SignedMessage<'a>,
    whole: &'a [u8],
) -> impl Iterator<Item = Candidate> + use<'a> {
    let with_body = move |body: &[u8]| SignedMessage { body, ..message }.to_bytes();
    let whole = (whole != message.body).then(|| WHOLE.candidate(with_body(whole)));
    let parts = message.target.split_once('?');
    let parts = parts.filter(|(_, query)| !query.is_empty());
    let query = parts.map(|(path, query)| {
        let wrong = SignedMessage {
            target: path,
            body: query.as_bytes(),
            ..message
        };
        QUERY.candidate(wrong.to_bytes())
    });
    let in_table = BODIES.iter().filter_map(move |mistake| {
        let wrong = (mistake.make)(message.body).filter(|wrong| wrong != message.body)?;
        Some(mistake.candidate(with_body(&wrong)))
    });
    in_table.chain(whole).chain(query)
}

const WHOLE: Mistake<()> = Mistake {
    id: "body_whole_form",
    en: "The whole form of the upload was signed: sign the JSON of its part meta alone.",
    zh: "签名用了整个上传表单：只应对其中meta部分的JSON签名。",
    make: (),
};

const QUERY: Mistake<()> = Mistake {
    id: "body_query",
    en: "The query was signed as the body: sign it with the path.",
    zh: "查询参数被当作报文主体签名：应与路径一起签名。",
    make: (),
};

type Make = fn(&[u8]) -> Option<Vec<u8>>;

const BODIES: &[Mistake<Make>] = &[
    Mistake {
        id: "body_empty",
        en: "An empty body was signed: sign the body that is sent.",
        zh: "签名时报文主体为空：应对实际发送的报文主体签名。",
        make: |_| Some(Vec::new()),
    },
    Mistake {
        id: "body_empty_object",
        en: "The body was signed as {}: sign what is sent, an empty line if the request has no body.",
        zh: "签名时报文主体为{}：应与实际发送的一致，没有报文主体时为空行。",
        make: |_| Some(b"{}".to_vec()),
    },
    Mistake {
        id: "body_null",
        en: "The body was signed as null: sign what is sent, an empty line if the request has no body.",
        zh: "签名时报文主体为null：应与实际发送的一致，没有报文主体时为空行。",
        make: |_| Some(b"null".to_vec()),
    },
    Mistake {
        id: "body_newline_added",
        en: "One line break too many was signed at the end, or the body with one that is not sent.",
        zh: "签名串末尾，或签名时的报文主体末尾，多了一个换行符。",
        make: |body| Some([body, b"\n"].concat()),
    },
    Mistake {
        id: "body_crlf_added",
        en: "The body was signed with \\r\\n at its end, which is not sent.",
        zh: "签名时报文主体末尾多了\\r\\n。",
        make: |body| Some([body, b"\r\n"].concat()),
    },
    Mistake {
        id: "body_newline_removed",
        en: "The body is sent with a line break at its end that was not signed.",
        zh: "实际发送的报文主体末尾多了一个换行符，没有参与签名。",
        make: |body| {
            let body = body.strip_suffix(b"\n")?;
            Some(body.strip_suffix(b"\r").unwrap_or(body).to_vec())
        },
    },
    Mistake {
        id: "body_trimmed",
        en: "The body was signed without the white space around it.",
        zh: "签名时去掉了报文主体首尾的空白。",
        make: |body| Some(body.trim_ascii().to_vec()),
    },
    Mistake {
        id: "body_lf",
        en: "The line breaks of the body were signed as \\n, and are sent as \\r\\n.",
        zh: "报文主体中的换行签名时为\\n，实际发送的是\\r\\n。",
        make: |body| changed(body, |text| text.replace("\r\n", "\n")),
    },
    Mistake {
        id: "body_crlf",
        en: "The line breaks of the body were signed as \\r\\n, and are sent as \\n.",
        zh: "报文主体中的换行签名时为\\r\\n，实际发送的是\\n。",
        make: |body| {
            changed(body, |text| {
                text.replace("\r\n", "\n").replace('\n', "\r\n")
            })
        },
    },
    Mistake {
        id: "body_bom",
        en: "A byte order mark at the beginning of the body is only signed, or only sent.",
        zh: "报文主体开头的BOM只在签名或请求的一方出现。",
        make: |body| match body.strip_prefix(BOM) {
            Some(body) => Some(body.to_vec()),
            None => Some([BOM, body].concat()),
        },
    },
    Mistake {
        id: "body_question_marks",
        en: "The body was signed as ASCII, with ? for every other character: sign its UTF-8.",
        zh: "签名时报文主体按ASCII编码，其他字符变成了问号：应按UTF-8签名。",
        make: |body| changed(body, super::super::ascii),
    },
    Mistake {
        id: "body_latin1",
        en: "The UTF-8 of the body was read as Latin-1 and encoded again before it was signed.",
        zh: "签名前报文主体的UTF-8被误读为Latin-1再次编码。",
        make: |body| {
            Some(
                body.iter()
                    .map(|byte| char::from(*byte))
                    .collect::<String>()
                    .into(),
            )
        },
    },
    Mistake {
        id: "body_json_in_json",
        en: "The JSON was signed as a text in JSON: it was serialized twice.",
        zh: "签名用的JSON又被当作字符串序列化了一次。",
        make: |body| {
            let text = std::str::from_utf8(body).ok()?;
            serde_json::to_vec(text).ok()
        },
    },
    Mistake {
        id: "body_json_sent_in_json",
        en: "The JSON is sent as a text in JSON: it was serialized twice, and signed before that.",
        zh: "实际发送的JSON被当作字符串又序列化了一次，签名用的是之前的JSON。",
        make: |body| Some(serde_json::from_slice::<String>(body).ok()?.into_bytes()),
    },
];

fn changed(body: &[u8], change: impl Fn(&str) -> String) -> Option<Vec<u8>> {
    Some(change(std::str::from_utf8(body).ok()?).into_bytes())
}
