//! The proxy that poses as WeChat Pay's hosts.

use std::net::SocketAddr;

use super::Sandbox;
use crate::error::{Cause, Result};

impl Sandbox {
    /// Returns the URI of an HTTP proxy that poses as WeChat Pay's hosts, such as `http://127.0.0.1:49154`.
    ///
    /// A program whose host is a constant, `api.mch.weixin.qq.com`, calls the sandbox when its environment
    /// variable `HTTPS_PROXY` is this URI and it trusts [`ca_certificate`](Self::ca_certificate), which
    /// [`export`](Self::export) writes as `ca.pem`. Nothing else about the program changes. The proxy
    /// connects to nothing: it accepts `CONNECT` for port 443 of the hosts below and serves the sandbox
    /// itself, and refuses any other request with 403.
    ///
    /// The hosts are `api`, `api2`, `apihk`, `apius`, `apieu` and `fraud` of `mch.weixin.qq.com`,
    /// `payapp.weixin.qq.com`, and `api`, `api2` and `pay` of `wechatpay.cn`.
    ///
    /// The first call starts to listen on the sandbox's address and a free port, unless the builder's
    /// [`proxy`](crate::sandbox::SandboxBuilder::proxy) named an address. It may draw keys, which takes up to
    /// a second.
    ///
    /// ```
    /// use wechatpay_chain::{Client, Transport, Value, json, sandbox::Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let sandbox = Sandbox::start()?;
    /// let transport = Transport::builder()
    ///     .proxy(sandbox.proxy_uri()?)
    ///     .root_certificate(sandbox.ca_certificate()?)
    ///     .build()?;
    /// let client = Client::builder()
    ///     .mchid(sandbox.mchid())
    ///     .serial(sandbox.serial())
    ///     .private_key(sandbox.private_key())
    ///     .platform_key(sandbox.platform_key_id(), sandbox.platform_key())
    ///     // A client of this library refuses the keys of a sandbox for a real host.
    ///     .trust_host("api.mch.weixin.qq.com")
    ///     .transport(transport)
    ///     .build()?;
    /// let echo = json!({ "json": { "echo_message": "tea" } });
    /// let response: Value = client.chain("v3/security/echo").post(echo)?.json()?;
    /// assert_eq!(response["echo_message"], "tea");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if the sandbox cannot listen or generate its keys.
    pub fn proxy_uri(&self) -> Result<String> {
        let address = self.state.proxy_address().map_err(Cause::not_sent)?;
        Ok(proxy_uri(address))
    }
}

/// Returns the URI of a proxy on this address.
pub(super) fn proxy_uri(address: SocketAddr) -> String {
    format!("http://{address}")
}
