//! `wxpay sandbox status`: whether a sandbox runs and answers, and where. For people, scripts and health checks.

use serde::Deserialize;
use serde_json::{Value, json};

use super::banner;
use crate::{
    command::control,
    exit::Result,
    output::Output,
    settings::SANDBOX,
    text::{t, tf},
};

#[derive(Debug, clap::Args)]
#[command(after_help = t(
    "Exit codes: 0 if it runs, 4 if no sandbox answers, 5 if it refuses the token or cannot go on.",
    "退出码: 0 正在运行, 4 没有沙箱, 5 令牌被拒绝或沙箱无法继续运行。",
))]
pub(super) struct Args {
    #[arg(long, value_name = "URL", env = "WXPAY_SANDBOX", num_args = 0..=1, default_missing_value = SANDBOX,
        default_value = SANDBOX, require_equals = true, help = t("Sandbox to ask", "要查询的沙箱"))]
    sandbox: String,
}

/// The parts of a configuration that are no secrets.
#[derive(Deserialize)]
struct Config {
    base_uri: String,
    https_base_uri: String,
    proxy_uri: Option<String>,
    merchants: Vec<Merchant>,
}

#[derive(Deserialize)]
struct Merchant {
    mchid: String,
}

/// Asks for the configuration: that changes nothing, is in no log of requests and meets no fault.
pub(super) fn run(args: &Args, output: &Output) -> Result {
    let config: Config = control::get(&args.sandbox, "config")?;
    let merchants: Vec<_> = config.merchants.iter().map(|one| &*one.mchid).collect();
    if output.is_json() {
        output.value(&json!({
            "base_uri": config.base_uri,
            "https_base_uri": config.https_base_uri,
            "proxy_uri": config.proxy_uri.map_or(Value::Null, Value::from),
            "merchants": merchants,
        }));
        return Ok(());
    }
    banner::addresses(
        None,
        &config.base_uri,
        &config.https_base_uri,
        config.proxy_uri.as_deref(),
        output,
    );
    for mchid in merchants {
        output.line(tf!("  merchant {mchid}", "  商户 {mchid}"));
    }
    Ok(())
}
