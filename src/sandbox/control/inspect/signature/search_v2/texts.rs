//! Other texts of the same fields.

use percent_encoding::percent_encode;

use super::{SIGN, Search, joined};
use crate::base::percent::UNRESERVED;

/// A row in the table of texts.
pub(super) struct Wrong {
    pub(super) id: &'static str,
    pub(super) en: &'static str,
    pub(super) zh: &'static str,
    pub(super) make: fn(&Search<'_>) -> String,
}

pub(super) const TEXTS: &[Wrong] = &[
    Wrong {
        id: "order_as_sent",
        en: "The fields were signed in the order of the XML: sort them by name.",
        zh: "参数按XML中的顺序签名：应按参数名排序。",
        make: |search| {
            let sent = search.sent.iter().map(|(name, value)| (*name, &**value));
            joined(sent.filter(|(_, value)| !value.is_empty())) + "key="
        },
    },
    Wrong {
        id: "order_without_case",
        en: "The fields were sorted without regard to capitals: sort by ASCII, where capitals come first.",
        zh: "参数排序时忽略了大小写：应按ASCII码排序，大写在前。",
        make: |search| search.ordered(str::to_lowercase),
    },
    Wrong {
        id: "order_descending",
        en: "The fields were sorted in descending order.",
        zh: "参数按降序排序，应为升序。",
        make: |search| search.ordered(|name| std::cmp::Reverse(name.to_owned())),
    },
    Wrong {
        id: "empty_values",
        en: "Fields without a value were signed: leave them out.",
        zh: "空值参数参与了签名：应排除。",
        make: |search| {
            let pairs = search.fields.iter().map(|(name, value)| (*name, &**value));
            joined(pairs) + "key="
        },
    },
    Wrong {
        id: "sign_included",
        en: "An empty sign was signed with the other fields: leave it out.",
        zh: "空的sign参与了签名：应排除。",
        make: |search| {
            let mut pairs: Vec<_> = search.given_fields().chain([(SIGN, "")]).collect();
            pairs.sort_unstable();
            joined(pairs.into_iter()) + "key="
        },
    },
    Wrong {
        id: "key_without_name",
        en: "The key was signed without key= before it.",
        zh: "签名串末尾的密钥前缺少key=。",
        make: |search| joined(search.given_fields()),
    },
    Wrong {
        id: "key_without_separator",
        en: "The key was appended to the fields without &key= between them.",
        zh: "密钥直接接在参数之后，中间缺少&key=。",
        make: |search| {
            joined(search.given_fields())
                .trim_end_matches('&')
                .to_owned()
        },
    },
    Wrong {
        id: "values_encoded",
        en: "The values were percent-encoded before they were signed: sign them as they are.",
        zh: "签名前对参数值做了URL编码：应直接用原值签名。",
        make: |search| {
            search.mapped(|value| percent_encode(value.as_bytes(), UNRESERVED).to_string())
        },
    },
    Wrong {
        id: "values_escaped",
        en: "The values were signed with the escapes of XML, such as &amp;: sign them as they are.",
        zh: "签名用的参数值含有XML转义（如&amp;）：应直接用原值签名。",
        make: |search| {
            search.mapped(|value| {
                let value = value.replace('&', "&amp;").replace('<', "&lt;");
                value.replace('>', "&gt;")
            })
        },
    },
    Wrong {
        id: "values_trimmed",
        en: "The values were signed without the white space around them.",
        zh: "签名时去掉了参数值首尾的空白。",
        make: |search| search.mapped(|value| value.trim().to_owned()),
    },
    Wrong {
        id: "values_quoted",
        en: "The values were signed in quotes.",
        zh: "签名用的参数值带有引号。",
        make: |search| search.mapped(|value| format!("\"{value}\"")),
    },
    Wrong {
        id: "values_latin1",
        en: "The UTF-8 of the values was read as Latin-1 and encoded again before it was signed.",
        zh: "签名前参数值的UTF-8被误读为Latin-1再次编码。",
        make: |search| search.mapped(|value| value.bytes().map(char::from).collect()),
    },
    Wrong {
        id: "values_question_marks",
        en: "The text was signed as ASCII, with ? for every other character: sign its UTF-8.",
        zh: "签名串按ASCII编码，其他字符变成了问号：应按UTF-8签名。",
        make: |search| search.mapped(super::super::ascii),
    },
];
