//! The way to WeChat Pay: proxy, DNS, TCP, TLS, and the clock by the server's `Date`.

use std::{
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    sync::mpsc,
    thread,
    time::{Duration, SystemTime},
};

use wechatpay_chain::{
    Client, Error, Options, Response,
    http::{HeaderMap, Uri},
};

use super::report::Report;
use crate::{
    command::call::interruptible,
    exit::{Exit, Failure, Result, misconfigured},
    settings::Settings,
    text::{reason, t, tf},
};

const BASE_URI: &str = "https://api.mch.weixin.qq.com/";
const DNS_TIMEOUT: Duration = Duration::from_secs(10);
const TCP_TIMEOUT: Duration = Duration::from_secs(5);

/// WeChat Pay refuses requests whose timestamp is further off, and the library responses.
const MAX_SKEW: u64 = 300;

/// Checks each step. Returns whether the API can be reached.
pub(super) fn check(settings: &Settings, report: &mut Report) -> Result<bool> {
    let base = settings.base_uri.as_deref().unwrap_or(BASE_URI);
    let transport = match settings.transport() {
        Ok(transport) => transport,
        Err(failure) => {
            report.failure("transport", failure, "");
            return Ok(false);
        }
    };
    let proxy = match transport.proxy_for(base) {
        Ok(proxy) => proxy,
        Err(err) => {
            report.failure("proxy", misconfigured(err), "");
            return Ok(false);
        }
    };
    match &proxy {
        Some(proxy) => report.ok("proxy", tf!("proxy: {proxy}", "代理: {proxy}")),
        None => report.ok("proxy", t("no proxy", "没有使用代理")),
    }
    if !tcp(proxy.as_deref().unwrap_or(base), report) {
        return Ok(false);
    }
    https(settings, base, report)
}

/// Looks up the host, or the proxy's, and connects to it.
fn tcp(url: &str, report: &mut Report) -> bool {
    let Some((host, port)) = authority(url) else {
        report.error(
            "dns",
            Exit::Configuration,
            tf!("{url} has no host", "{url} 没有主机名"),
            "",
        );
        return false;
    };
    let addresses = match lookup(&host, port) {
        Ok(addresses) => addresses,
        Err(reason) => {
            report.error(
                "dns",
                Exit::NotSent,
                tf!("{host}: not found: {reason}", "无法解析 {host}: {reason}"),
                t(
                    "Check the network and its DNS servers.",
                    "请检查网络和DNS服务器。",
                ),
            );
            return false;
        }
    };
    let shown: Vec<_> = addresses
        .iter()
        .map(|address| address.ip().to_string())
        .collect();
    let shown = shown.join(", ");
    report.ok("dns", tf!("{host}: {shown}", "{host}: {shown}"));
    let mut failed = String::new();
    for address in &addresses {
        match TcpStream::connect_timeout(address, TCP_TIMEOUT) {
            Ok(_) => {
                report.ok("tcp", tf!("connected to {address}", "已连接 {address}"));
                return true;
            }
            Err(err) => failed = format!("{address}: {}", reason(&err)),
        }
    }
    report.error(
        "tcp",
        Exit::NotSent,
        tf!("no connection to {failed}", "无法连接 {failed}"),
        t(
            "Check the firewall; where only a proxy may connect, set HTTPS_PROXY or --proxy.",
            "请检查防火墙; 如只能通过代理访问, 请设置 HTTPS_PROXY 或 --proxy。",
        ),
    );
    false
}

fn authority(url: &str) -> Option<(String, u16)> {
    let uri: Uri = url.parse().ok()?;
    let port = match uri.scheme_str()? {
        "http" => 80,
        "https" => 443,
        _ => 1080,
    };
    Some((
        uri.host()?.trim_matches(['[', ']']).to_owned(),
        uri.port_u16().unwrap_or(port),
    ))
}

/// Looks up a host. The system's resolver has no limit of its own that could be set, so that it has a thread.
fn lookup(host: &str, port: u16) -> std::result::Result<Vec<SocketAddr>, String> {
    let (sender, receiver) = mpsc::channel();
    let host = host.to_owned();
    thread::spawn(move || {
        let found = (host.as_str(), port).to_socket_addrs();
        // Nobody waits any more after the timeout.
        let _ = sender.send(found.map(Vec::from_iter));
    });
    match receiver.recv_timeout(DNS_TIMEOUT) {
        Ok(Ok(addresses)) if !addresses.is_empty() => Ok(addresses),
        Ok(Ok(_)) => Err(t("no address", "没有地址").to_owned()),
        Ok(Err(err)) => Err(err.to_string()),
        Err(_) => {
            let seconds = DNS_TIMEOUT.as_secs();
            Err(tf!("no answer in {seconds} s", "{seconds} 秒内没有应答"))
        }
    }
}

/// Sends a request without a signature: the answer is a refusal, whose headers tell the time.
fn https(settings: &Settings, base: &str, report: &mut Report) -> Result<bool> {
    let client = Client::builder()
        .base_uri(base)
        .timeout(Duration::from_secs(15));
    let client = settings
        .transport()
        .and_then(|transport| client.transport(transport).build().map_err(misconfigured));
    let client = match client {
        Ok(client) => client,
        Err(failure) => {
            report.failure("tls", failure, "");
            return Ok(false);
        }
    };
    let chain = client.chain("v3/certificates");
    let answer = interruptible(true, chain.get_async(Options::new().unsigned(true)))?;
    let Some(headers) = headers(&answer) else {
        if let Err(err) = answer {
            let advice = advice(&err);
            report.failure(
                "tls",
                Failure {
                    exit: Exit::NotSent,
                    ..err.into()
                },
                advice,
            );
        }
        return Ok(false);
    };
    if base.starts_with("https:") {
        match &settings.ca {
            Some(ca) => {
                let ca = ca.display();
                report.ok(
                    "tls",
                    tf!(
                        "TLS: the server's certificate is trusted, with those of {ca}",
                        "TLS: 服务器证书可信 (含 {ca} 中的证书)"
                    ),
                );
            }
            None => report.ok(
                "tls",
                t(
                    "TLS: the server's certificate is trusted",
                    "TLS: 服务器证书可信",
                ),
            ),
        }
    } else {
        report.ok(
            "tls",
            t(
                "no TLS: the base URI is plain http",
                "没有TLS: 接口地址是http",
            ),
        );
    }
    if let Err(err) = &answer
        && err.api().is_some_and(|api| api.code().is_empty())
    {
        let status = err.status().map_or(0, |status| status.as_u16());
        report.error(
            "api",
            Exit::NotSent,
            tf!(
                "the answer, with status {status}, is not WeChat Pay's",
                "收到的应答 (状态码 {status}) 不是微信支付的"
            ),
            t(
                "Something on the way answers: a proxy, a gateway or a login page.",
                "途中有其他程序作出应答: 代理、网关或登录页面。",
            ),
        );
        return Ok(false);
    }
    clock(headers, report);
    Ok(true)
}

fn headers(answer: &std::result::Result<Response, Error>) -> Option<&HeaderMap> {
    match answer {
        Ok(response) => Some(response.headers()),
        Err(err) => err.api().map(|api| api.headers()),
    }
}

/// Returns what to do about a failure to connect, by the words of TLS and of the proxy.
fn advice(err: &Error) -> &'static str {
    let failure = Failure::message_of(err).to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| failure.contains(word));
    if has(&["unknownissuer", "unknown issuer"]) {
        t(
            "The server's certificate is not from a public authority: a company's proxy or an antivirus program may be reading TLS. Give its CA with --ca.",
            "服务器证书不是公共机构签发的: 可能是公司代理或杀毒软件在解密TLS。请用 --ca 指定其CA证书。",
        )
    } else if has(&["expired", "notvalidyet", "not valid yet"]) {
        t(
            "The certificate's validity and this machine's clock do not fit: check the clock.",
            "证书有效期与本机时钟不符: 请检查时钟。",
        )
    } else if has(&["notvalidforname", "not valid for name"]) {
        t(
            "The certificate is for another host: check the base URI.",
            "证书属于其他主机: 请检查接口地址。",
        )
    } else if has(&["proxy", "tunnel", "connect "]) {
        t(
            "Check the proxy, and what it allows.",
            "请检查代理及其允许访问的主机。",
        )
    } else {
        t(
            "Something on the way may be in between: a firewall or a proxy.",
            "途中可能有防火墙或代理拦截。",
        )
    }
}

/// Compares this machine's clock with the server's.
fn clock(headers: &HeaderMap, report: &mut Report) {
    let date = headers
        .get("date")
        .and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    let Some(date) = date else {
        return report.warning(
            "clock",
            t("the server told no time", "服务器没有返回时间"),
            "",
        );
    };
    let now = SystemTime::now();
    let (seconds, is_behind) = match now.duration_since(date) {
        Ok(ahead) => (ahead.as_secs(), false),
        Err(behind) => (behind.duration().as_secs(), true),
    };
    let advice = t("Synchronize the clock, with NTP.", "请用NTP同步时钟。");
    let message = match is_behind {
        true => tf!(
            "the clock is {seconds} s behind the server's",
            "本机时钟比服务器慢 {seconds} 秒"
        ),
        false => tf!(
            "the clock is {seconds} s ahead of the server's",
            "本机时钟比服务器快 {seconds} 秒"
        ),
    };
    match seconds {
        // The header has whole seconds, and was on its way for some time.
        0..=5 => report.ok(
            "clock",
            t("the clock agrees with the server's", "本机时钟与服务器一致"),
        ),
        6..MAX_SKEW => report.warning("clock", message, advice),
        _ => report.error("clock", Exit::Configuration, message, advice),
    }
}
