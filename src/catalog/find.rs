//! Looks up operations at run time.

use http::Method;

use super::{nearest::nearest_template, operation::Operation, table::OPERATIONS};

/// Returns every documented operation, sorted by template.
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

/// Returns the operation that a method and a path stand for.
///
/// The path may be a template, with any names for its variables and any way to write them (`{id}`,
/// `<id>`, `_id_`), or an expanded path. A leading slash and a query are ignored. A prefix of the base
/// URI, such as `/hk`, is not part of the path. A documented segment has precedence over a variable:
/// `v3/pay/transactions/native` never matches `v3/pay/transactions/{…}`.
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
    let operations = path.family().iter();
    // The first of the closest: `max_by_key` returns the last one.
    operations
        .rev()
        .filter(|operation| operation.method() == *method)
        .filter_map(|operation| Some((path.closeness(operation.template())?, operation)))
        .max_by_key(|(closeness, _)| *closeness)
        .map(|(_, operation)| operation)
}

/// Returns the operations of a path, whatever their method. The path is written as for [`find`].
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
    closest(path)
}

/// Returns the operations whose title contains `part`. The case of ASCII letters is ignored.
///
/// ```
/// use wechatpay_chain::catalog;
///
/// assert!(catalog::by_title("native下单").any(|operation| {
///     operation.template() == "v3/pay/transactions/native"
/// }));
/// ```
pub fn by_title(part: &str) -> impl Iterator<Item = &'static Operation> {
    // Titles are Chinese with some English: only ASCII letters have a case.
    let part = part.to_ascii_lowercase();
    OPERATIONS
        .iter()
        .filter(move |operation| operation.title().to_ascii_lowercase().contains(&part))
}

/// Returns the documented template that is most similar to `path`, however different it is.
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

/// Returns the documented template that `path` stands for, if `path` is in the PHP SDK's camelCase.
///
/// The PHP SDK turns `outTradeNo` into `out-trade-no`, even in a whole path. A chain here sends a path as
/// it is written, so WeChat Pay would respond with 404. Returns `None` if no segment with a capital letter
/// has a documented form in kebab-case: a capital letter in a value means nothing.
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
    if !written.segments().iter().any(|segment| is_camel(segment)) {
        return None;
    }
    let kebab: Vec<String> = written.segments().iter().map(|s| kebab(s)).collect();
    let kebab = Path::of(kebab.iter().map(String::as_str));
    let template = closest(kebab).next()?.template();
    template
        .split('/')
        .zip(written.segments())
        .any(|(documented, segment)| is_camel(segment) && !is_variable(documented))
        .then_some(template)
}

/// A path, split into segments to be matched against templates.
// An array, because a call looks its operation up: that must not allocate.
#[derive(Clone, Copy)]
struct Path<'a> {
    segments: [&'a str; MAX_SEGMENTS + 1],
    len: usize,
}

impl<'a> Path<'a> {
    fn new(path: &'a str) -> Self {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let path = path.strip_prefix('/').unwrap_or(path);
        Self::of(path.split('/'))
    }

    fn of(segments: impl Iterator<Item = &'a str>) -> Self {
        let mut path = Self {
            segments: [""; MAX_SEGMENTS + 1],
            len: 0,
        };
        for (place, segment) in path.segments.iter_mut().zip(segments) {
            *place = segment;
            path.len += 1;
        }
        path
    }

    fn segments(&self) -> &[&'a str] {
        &self.segments[..self.len]
    }

    /// The operations with the same first two segments. No template has a variable there, so that a
    /// binary search finds them.
    fn family(&self) -> &'static [Operation] {
        fn head<'a>(mut segments: impl Iterator<Item = &'a str>) -> [Option<&'a str>; 2] {
            [segments.next(), segments.next()]
        }
        let own = head(self.segments().iter().copied());
        // The table is sorted by segments, slash first, and so are the heads of its templates.
        let begin = OPERATIONS.partition_point(|o| head(o.template().split('/')) < own);
        let rest = OPERATIONS.get(begin..).unwrap_or_default();
        let len = rest.partition_point(|o| head(o.template().split('/')) <= own);
        rest.get(..len).unwrap_or_default()
    }

    /// How closely the segments match those of a template: greater is closer. `None` if they do not.
    fn closeness(&self, template: &str) -> Option<[Closeness; MAX_SEGMENTS]> {
        let mut closeness = [Closeness::Variable; MAX_SEGMENTS];
        let mut documented = template.split('/');
        for (at, segment) in self.segments().iter().enumerate() {
            *closeness.get_mut(at)? = Closeness::of(segment, documented.next()?)?;
        }
        documented.next().is_none().then_some(closeness)
    }
}

/// More than any documented template has. Longer paths are cut, so that the time to match one has a
/// bound.
const MAX_SEGMENTS: usize = 16;

// The order of the variants is their closeness. Segments are compared from left to right, so that an
// earlier segment decides.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Closeness {
    /// A value, or a variable with another name, for a variable.
    Variable,
    /// The variable with its documented name, or that name itself.
    NamedVariable,
    /// The documented word.
    Word,
}

impl Closeness {
    fn of(segment: &str, documented: &str) -> Option<Self> {
        // In the table, a variable is always in braces.
        let name = documented.strip_prefix('{');
        let Some(name) = name.and_then(|name| name.strip_suffix('}')) else {
            return (segment == documented).then_some(Self::Word);
        };
        // `{empty}` is never given, and leaves a trailing slash.
        if segment.is_empty() {
            return (name == "empty").then_some(Self::NamedVariable);
        }
        // The documents write `secapi/mch/addInstitutionsub` as `{addinstitutionsub}`.
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

/// The operations that match `path` most closely: several if a path has several methods.
fn closest(path: Path<'_>) -> impl Iterator<Item = &'static Operation> {
    let operations = path.family().iter();
    let closeness = move |operation: &Operation| path.closeness(operation.template());
    let closest = operations.clone().filter_map(closeness).max();
    operations.filter(move |operation| closest.is_some() && closeness(operation) == closest)
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

/// Converts a segment as the PHP SDK does: `ComplaintsV2` to `complaints-v2`.
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
