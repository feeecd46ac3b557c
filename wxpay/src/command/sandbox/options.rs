//! The options of `wxpay sandbox`.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use wechatpay_chain::sandbox::{MerchantOptions, PlatformMode, Sandbox, SandboxBuilder};

use super::store;
use crate::{
    exit::{Failure, Result},
    output::Output,
    text::{t, tf},
};

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    #[arg(long, default_value_t = 8080, help = t("Port of HTTP; 0 for a free one", "HTTP端口; 0 表示任意空闲端口"))]
    pub(super) port: u16,

    #[arg(long, value_name = "PORT", default_value_t = 0,
        help = t("Port of HTTPS; 0 for a free one", "HTTPS端口; 0 表示任意空闲端口"))]
    pub(super) https_port: u16,

    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST),
        help = t("Address to listen on", "监听地址"))]
    pub(super) bind: IpAddr,

    #[arg(long, value_name = "NAME",
        help = t("Name or address by which clients may reach it, on any port; can be repeated",
            "允许客户端使用的主机名或地址 (端口不限); 可重复"))]
    pub(super) host: Vec<String>,

    #[arg(long, value_name = "DIR",
        help = t("Folder of the keys, created if missing [default: sandbox beside the profiles]",
            "密钥目录, 不存在则创建 [默认: 配置文件旁的 sandbox]"))]
    pub(super) keys: Option<PathBuf>,

    #[arg(long, value_name = "FILE",
        help = t("Keep orders and money in this file; without it they end with the sandbox",
            "将订单与资金保存在此文件; 不给则随沙箱结束而消失"))]
    pub(super) data: Option<PathBuf>,

    #[arg(long, value_name = "MCHID[:SUB_MCHID,…]",
        help = t("A merchant, or a service provider with its sub-merchants; can be repeated",
            "商户, 或服务商及其子商户; 可重复"))]
    pub(super) merchant: Vec<String>,

    #[arg(long, value_name = "PORT", num_args = 0..=1, default_missing_value = "8081", require_equals = true,
        help = t("Also a proxy that poses as WeChat Pay's hosts, for SDKs whose host is a constant [default port: 8081]",
            "同时启动冒充微信支付域名的代理, 用于无法更改域名的SDK [默认端口: 8081]"))]
    pub(super) proxy: Option<u16>,

    #[arg(long, value_name = "HOST",
        help = t("Let notifications go to this host as well; can be repeated", "允许向此主机投递通知; 可重复"))]
    pub(super) deliver_to: Vec<String>,

    #[arg(long, value_name = "TOKEN", env = "WXPAY_SANDBOX_TOKEN", hide_env_values = true,
        help = t("Token that the endpoints below /_sandbox/v1/ require", "访问 /_sandbox/v1/ 所需的令牌"))]
    pub(super) token: Option<String>,

    #[arg(long, help = t("Platform certificates instead of a public key", "使用平台证书而非微信支付公钥"))]
    pub(super) certificates: bool,
}

impl Options {
    /// Returns the builder of a sandbox with these options.
    pub(super) fn builder(&self, output: &Output) -> Result<SandboxBuilder> {
        let at = |port| SocketAddr::new(self.bind, port);
        let mut builder = Sandbox::builder()
            .bind(at(self.port))
            .https(at(self.https_port));
        let mut merchants = self.merchant.iter().map(|text| merchant(text));
        if let Some(first) = merchants.next() {
            builder = builder.first_merchant(self.with_mode(first?));
        } else if self.certificates {
            builder = builder.platform_mode(PlatformMode::Certificate);
        }
        for merchant in merchants {
            builder = builder.merchant(self.with_mode(merchant?));
        }
        if let Some(keys) = &self.keys {
            builder = builder.keys(keys);
        }
        if let Some(port) = self.proxy {
            builder = builder.proxy(at(port));
        }
        for host in &self.host {
            builder = builder.host(host);
        }
        for host in &self.deliver_to {
            builder = builder.deliver_to(host);
        }
        if let Some(token) = &self.token {
            builder = builder.control_token(token);
        }
        match &self.data {
            Some(path) => store::keep(builder, path, output),
            None => Ok(builder),
        }
    }

    fn with_mode(&self, merchant: MerchantOptions) -> MerchantOptions {
        match self.certificates {
            true => merchant.platform_mode(PlatformMode::Certificate),
            false => merchant,
        }
    }
}

/// Reads `1900000109` or `1900000109:1900000110,1900000111`.
fn merchant(text: &str) -> Result<MerchantOptions> {
    let (mchid, subs) = text.split_once(':').unwrap_or((text, ""));
    let is_id = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    let subs: Vec<_> = subs.split(',').filter(|sub| !sub.is_empty()).collect();
    if !is_id(mchid) || !subs.iter().all(|sub| is_id(sub)) {
        return Err(Failure::usage(tf!(
            "invalid merchant `{text}`: expected digits, such as 1900000109 or 1900000109:1900000110",
            "商户 `{text}` 无效: 应为数字, 如 1900000109 或 1900000109:1900000110"
        )));
    }
    let merchant = MerchantOptions::new(mchid);
    Ok(match subs.is_empty() {
        true => merchant,
        false => merchant.partner_of(subs),
    })
}
