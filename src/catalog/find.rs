//! Looking up operations while the program runs.

use http::Method;

use super::{nearest::nearest_template, operation::Operation, table::OPERATIONS};

/// Every documented operation, sorted by template.
///
/// ```
/// use wechatpay_chain::catalog;
///
/// let v2 = catalog::all().iter().filter(|operation| operation.version() == "v2");
/// assert!(v2.count() > 100);
/// ```
pub fn all() -> &'static [Operation] {
    &OPERATIONS
}

/// The operation that a method and a path mean.
///
/// The path may be a template, with any name for a variable and any way to write it (`{id}`,
/// `<id>`, `_id_`), or an expanded path, with or without a query, with or without a leading slash. A
/// base URI's own prefix, such as `/hk`, is not part of it. A documented segment goes before a
/// variable: `v3/pay/transactions/native` is never taken for `v3/pay/transactions/{…}`.
///
/// ```
/// use http::Method;
/// use wechatpay_chain::catalog;
///
/// let query = catalog::find(&Method::GET, "/v3/pay/transactions/id/1217752501201407033233368018?mchid=1230000109");
/// assert_eq!(query.unwrap().template(), "v3/pay/transactions/id/{transaction_id}");
/// assert!(catalog::find(&Method::DELETE, "v3/certificates").is_none());
/// ```
pub fn find(method: &Method, path: &str) -> Option<&'static Operation> {
    let path = Path::new(path);
    let same_method = |operation: &&Operation| operation.method() == *method;
    best(path.family().iter().filter(same_method), &path).next()
}

/// The operations, under whatever method, that a path means; written as for [`find`].
///
/// ```
/// use wechatpay_chain::catalog;
///
/// let methods: Vec<_> = catalog::by_path("v3/merchant-service/complaint-notifications")
///     .map(|operation| operation.method().to_string())
///     .collect();
/// assert_eq!(methods, ["DELETE", "GET", "POST", "PUT"]);
/// ```
pub fn by_path(path: &str) -> impl Iterator<Item = &'static Operation> {
    let path = Path::new(path);
    best(path.family().iter(), &path)
}

/// The operations with `part` in their title, small and capital ASCII letters alike.
///
/// ```
/// use wechatpay_chain::catalog;
///
/// assert!(catalog::by_title("native下单").any(|operation| {
///     operation.template() == "v3/pay/transactions/native"
/// }));
/// ```
pub fn by_title(part: &str) -> impl Iterator<Item = &'static Operation> {
    let part = part.to_ascii_lowercase();
    OPERATIONS
        .iter()
        .filter(move |operation| operation.title().to_ascii_lowercase().contains(&part))
}

/// The documented template nearest to `path`, however far that is.
///
/// ```
/// use wechatpay_chain::catalog;
///
/// assert_eq!(
///     catalog::nearest("v3/payscore/service-order/{id}/synch"),
///     "v3/payscore/serviceorder/{out_order_no}/sync",
/// );
/// ```
pub fn nearest(path: &str) -> &'static str {
    nearest_template(path)
}

/// The documented template that PHP's camelCase stands for, where `path` is written so.
///
/// The PHP SDK turns `outTradeNo` into `out-trade-no`, also in a path given whole. A chain here sends
/// a path as written, so such a path would be answered with 404. `None` where no segment with a
/// capital has a documented form in kebab-case: a capital in a value means nothing.
///
/// ```
/// use wechatpay_chain::catalog;
///
/// assert_eq!(
///     catalog::camel_hint("v3/pay/transactions/outTradeNo/N123ABC"),
///     Some("v3/pay/transactions/out-trade-no/{out_trade_no}"),
/// );
/// assert_eq!(catalog::camel_hint("v3/pay/transactions/out-trade-no/N123ABC"), None);
/// ```
pub fn camel_hint(path: &str) -> Option<&'static str> {
    let is_camel = |segment: &str| {
        !is_variable(segment) && segment.bytes().any(|byte| byte.is_ascii_uppercase())
    };
    let written = Path::new(path);
    if !written.segments.iter().any(|segment| is_camel(segment)) {
        return None;
    }
    let kebab: Vec<String> = written.segments.iter().map(|s| kebab(s)).collect();
    let kebab = Path {
        segments: kebab.iter().map(String::as_str).collect(),
    };
    let template = best(kebab.family().iter(), &kebab).next()?.template();
    template
        .split('/')
        .zip(&written.segments)
        .any(|(documented, segment)| is_camel(segment) && !is_variable(documented))
        .then_some(template)
}

/// A path in segments, as it is matched against templates.
struct Path<'a> {
    segments: Vec<&'a str>,
}

impl<'a> Path<'a> {
    fn new(path: &'a str) -> Self {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let path = path.strip_prefix('/').unwrap_or(path);
        Self {
            segments: path.split('/').take(MAX_SEGMENTS + 1).collect(),
        }
    }

    /// The operations that share the first two segments: no template has a variable there.
    fn family(&self) -> &'static [Operation] {
        fn head<'a>(mut segments: impl Iterator<Item = &'a str>) -> [Option<&'a str>; 2] {
            [segments.next(), segments.next()]
        }
        let own = head(self.segments.iter().copied());
        let begin = OPERATIONS.partition_point(|o| head(o.template().split('/')) < own);
        let rest = OPERATIONS.get(begin..).unwrap_or_default();
        let len = rest.partition_point(|o| head(o.template().split('/')) <= own);
        rest.get(..len).unwrap_or_default()
    }

    /// How the segments match those of a template; greater is closer.
    fn closeness(&self, template: &str) -> Option<[Closeness; MAX_SEGMENTS]> {
        let mut closeness = [Closeness::Variable; MAX_SEGMENTS];
        let mut documented = template.split('/');
        for (at, segment) in self.segments.iter().enumerate() {
            *closeness.get_mut(at)? = Closeness::of(segment, documented.next()?)?;
        }
        documented.next().is_none().then_some(closeness)
    }
}

/// More than any documented template has.
const MAX_SEGMENTS: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Closeness {
    /// A value, or a variable under another name, in a variable's place.
    Variable,
    /// The variable under the documented name, or that name itself.
    NamedVariable,
    /// The documented word.
    Word,
}

impl Closeness {
    fn of(segment: &str, documented: &str) -> Option<Self> {
        let Some(name) = variable_name(documented) else {
            return (segment == documented).then_some(Self::Word);
        };
        // `{empty}` is never given: it leaves a trailing slash.
        if segment.is_empty() {
            return (name == "empty").then_some(Self::NamedVariable);
        }
        // `secapi/mch/addInstitutionsub` is documented as `{addinstitutionsub}`.
        let given = variable_name(segment).unwrap_or(segment);
        Some(if given.eq_ignore_ascii_case(name) {
            Self::NamedVariable
        } else if name == "empty" {
            return None;
        } else {
            Self::Variable
        })
    }
}

/// Those that match `path` as closely as any of them does.
fn best(
    operations: impl Iterator<Item = &'static Operation>,
    path: &Path<'_>,
) -> std::vec::IntoIter<&'static Operation> {
    let mut found = Vec::new();
    let mut closest = None;
    for operation in operations {
        let closeness = path.closeness(operation.template());
        if closeness.is_none() || closeness < closest {
            continue;
        }
        if closeness > closest {
            found.clear();
            closest = closeness;
        }
        found.push(operation);
    }
    found.into_iter()
}

fn variable_name(segment: &str) -> Option<&str> {
    let between = |open, close| segment.strip_prefix(open)?.strip_suffix(close);
    between('{', '}')
        .or_else(|| between('<', '>'))
        .or_else(|| between('_', '_'))
        .filter(|name| !name.is_empty())
}

fn is_variable(segment: &str) -> bool {
    variable_name(segment).is_some()
}

/// What the PHP SDK makes of a segment: `ComplaintsV2` is `complaints-v2`.
fn kebab(segment: &str) -> String {
    if is_variable(segment) {
        return segment.to_owned();
    }
    let mut kebab = String::with_capacity(segment.len() + 4);
    for (at, letter) in segment.char_indices() {
        if letter.is_ascii_uppercase() && at > 0 {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}
