//! The forms in which serializers write JSON.

pub(super) struct Layout {
    pub(super) id: &'static str,
    pub(super) en: &'static str,
    pub(super) zh: &'static str,
    /// Before each member or item, for each level.
    pub(super) indent: Option<&'static str>,
    pub(super) comma: &'static str,
    pub(super) colon: &'static str,
}

pub(super) const LAYOUTS: &[Layout] = &[
    Layout {
        id: "compact",
        en: "without spaces",
        zh: "不含空格",
        indent: None,
        comma: ",",
        colon: ":",
    },
    Layout {
        id: "spaced",
        en: "with a space after each comma and colon",
        zh: "逗号和冒号后有空格",
        indent: None,
        comma: ", ",
        colon: ": ",
    },
    Layout {
        id: "indent2",
        en: "indented by 2 spaces",
        zh: "缩进2个空格",
        indent: Some("  "),
        comma: ",",
        colon: ": ",
    },
    Layout {
        id: "indent4",
        en: "indented by 4 spaces",
        zh: "缩进4个空格",
        indent: Some("    "),
        comma: ",",
        colon: ": ",
    },
    Layout {
        id: "tabs",
        en: "indented by tabs",
        zh: "用制表符缩进",
        indent: Some("\t"),
        comma: ",",
        colon: ": ",
    },
];

pub(super) struct Order {
    pub(super) id: &'static str,
    pub(super) en: &'static str,
    pub(super) zh: &'static str,
    pub(super) is_sorted: bool,
}

pub(super) const ORDERS: &[Order] = &[
    Order {
        id: "",
        en: "",
        zh: "",
        is_sorted: false,
    },
    Order {
        id: "sorted",
        en: "with its names sorted",
        zh: "字段名已排序",
        is_sorted: true,
    },
];

pub(super) struct Escapes {
    pub(super) id: &'static str,
    pub(super) en: &'static str,
    pub(super) zh: &'static str,
    pub(super) escape: fn(char) -> Option<String>,
}

pub(super) const ESCAPES: &[Escapes] = &[
    Escapes {
        id: "",
        en: "",
        zh: "",
        escape: |_| None,
    },
    Escapes {
        id: "unicode",
        en: "with \\u for Chinese and all else that is not ASCII",
        zh: "中文等非ASCII字符写作\\u",
        escape: |c| (!c.is_ascii()).then(|| units(c)),
    },
    Escapes {
        id: "slashes",
        en: "with \\/ for /",
        zh: "斜杠写作\\/",
        escape: |c| (c == '/').then(|| "\\/".to_owned()),
    },
    Escapes {
        id: "php",
        en: "with \\/ for / and \\u for Chinese, as PHP does by default",
        zh: "斜杠写作\\/，中文写作\\u（PHP的默认方式）",
        escape: |c| match c {
            '/' => Some("\\/".to_owned()),
            c => (!c.is_ascii()).then(|| units(c)),
        },
    },
    Escapes {
        id: "html",
        en: "with \\u for <, > and &, as Go does by default",
        zh: "<、>、&写作\\u（Go的默认方式）",
        escape: |c| matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}').then(|| units(c)),
    },
    Escapes {
        id: "gson",
        en: "with \\u for <, >, &, = and ', as Gson does by default",
        zh: "<、>、&、=、'写作\\u（Gson的默认方式）",
        escape: |c| {
            let is_escaped = matches!(c, '<' | '>' | '&' | '=' | '\'' | '\u{2028}' | '\u{2029}');
            is_escaped.then(|| units(c))
        },
    },
];

/// Returns `\u` and the digits of each unit of UTF-16.
pub(super) fn units(c: char) -> String {
    let mut units = [0; 2];
    let units = c.encode_utf16(&mut units).iter();
    units.map(|unit| format!("\\u{unit:04x}")).collect()
}
