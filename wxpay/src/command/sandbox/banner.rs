//! What a sandbox prints when it has started.

use std::path::Path;

use serde_json::json;
use wechatpay_chain::sandbox::Sandbox;

use super::options::Options;
use crate::{
    exit::Result,
    output::{Output, Style},
    text::{t, tf},
};

pub(super) fn print(sandbox: &Sandbox, keys: &Path, options: &Options, output: &Output) -> Result {
    let https = sandbox.https_base_uri()?;
    let proxy = match options.proxy {
        Some(_) => Some(sandbox.proxy_uri()?),
        None => None,
    };
    let merchants = sandbox.merchants();
    if output.is_json() {
        output.value(&json!({
            "base_uri": sandbox.base_uri(),
            "https_base_uri": https,
            "page": sandbox.base_uri(),
            "proxy_uri": proxy,
            "keys": keys.display().to_string(),
            "merchants": merchants.iter().map(|merchant| merchant.mchid()).collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    let strong = |text: &str| Style::Strong.paint(text);
    let http = sandbox.base_uri();
    addresses(Some(&http), &http, &https, proxy.as_deref(), output);
    for merchant in &merchants {
        let folder = keys.join(merchant.mchid());
        let (mchid, folder) = (strong(merchant.mchid()), folder.display());
        output.line(tf!(
            "  merchant {mchid}  keys in {folder}",
            "  商户 {mchid}  密钥目录 {folder}"
        ));
    }
    output.line("");
    output.line(t(
        "In another terminal:\n  \
         wxpay post v3/security/echo -f echo_message=hello --sandbox\n  \
         wxpay sandbox config --for python   a configuration to paste; also rust, php, node, go, java",
        "在另一个终端:\n  \
         wxpay post v3/security/echo -f echo_message=你好 --sandbox\n  \
         wxpay sandbox config --for python   可直接粘贴的配置; 另有 rust, php, node, go, java",
    ));
    if options.port != 8080 {
        let uri = sandbox.base_uri();
        let uri = uri.trim_end_matches('/');
        output.line(tf!("  (with --sandbox={uri})", "  (使用 --sandbox={uri})"));
    }
    output.line("");
    output.line(Style::Faint.paint(t("Ctrl-C ends it.", "按 Ctrl-C 结束。")));
    Ok(())
}

/// Prints the name and where it listens.
pub(super) fn addresses(
    page: Option<&str>,
    http: &str,
    https: &str,
    proxy: Option<&str>,
    output: &Output,
) {
    output.line(Style::Strong.paint(t("WeChat Pay sandbox", "微信支付沙箱")));
    let row = |name: &str, value: &str| output.line(format!("  {name}  {value}"));
    if let Some(page) = page {
        row(t("Page ", "页面 "), &Style::Strong.paint(page));
    }
    row("HTTP ", http);
    row("HTTPS", https);
    if let Some(proxy) = proxy {
        row("Proxy", proxy);
    }
    output.line("");
}
