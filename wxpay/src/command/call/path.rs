//! The path of a call: with slashes or dots, compared with the documents.

use wechatpay_chain::{
    Chain, Client, Method,
    catalog::{self, Operation},
};

use crate::{
    exit::{Failure, Result},
    output::Output,
    text::tf,
};

/// Returns the chain of a path. `v3.pay.transactions.outTradeNo` has one segment between two dots, as in
/// the PHP SDK's properties.
pub(crate) fn chain(client: &Client, path: &str) -> Chain {
    if path.contains('/') || !path.contains('.') {
        return client.chain(path);
    }
    let mut segments = path.split('.');
    let first = client.seg(segments.next().unwrap_or_default());
    segments.fold(first, |chain, segment| chain.seg(segment))
}

/// Returns a path with slashes, for the catalogue.
pub(crate) fn slashed(path: &str) -> String {
    match path.contains('/') {
        true => path.to_owned(),
        false => path.replace('.', "/"),
    }
}

/// Returns the variables of a template, such as `{id}`, `{?a,b}` and `<id>`.
pub(crate) fn variables(template: &str) -> impl Iterator<Item = &str> {
    let between = |open: char, close: char| {
        let parts = template.split(open).skip(1);
        parts.map(move |part| part.split(close).next().unwrap_or_default())
    };
    let lists = between('{', '}').chain(between('<', '>'));
    let names = lists.flat_map(|list| {
        let list = list.trim_start_matches(['+', '#', '.', '/', ';', '?', '&']);
        list.split(',')
    });
    names.filter_map(|name| name.split([':', '*']).next())
}

/// Returns the documented operation of a call. A path that is not documented is sent all the same; one that
/// is documented for other methods is not.
pub(crate) fn operation(
    method: &Method,
    path: &str,
    output: &Output,
) -> Result<Option<&'static Operation>> {
    if let Some(operation) = catalog::find(method, path) {
        return Ok(Some(operation));
    }
    let methods: Vec<_> = catalog::by_path(path)
        .map(|op| op.method().to_string())
        .collect();
    if !methods.is_empty() {
        let methods = methods.join(", ");
        return Err(Failure::usage(tf!(
            "{path} takes {methods}, not {method}",
            "{path} 的方法是 {methods}, 不是 {method}"
        )));
    }
    let nearest = catalog::camel_hint(path).unwrap_or_else(|| catalog::nearest(path));
    output.warn(tf!(
        "{path} is not documented; the nearest is {nearest}",
        "文档中没有 {path}; 最接近的是 {nearest}"
    ));
    Ok(None)
}
