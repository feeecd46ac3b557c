//! Whose keys a command uses: flags first, then the environment, then the profile, or a sandbox's.

mod client;
pub(crate) mod file;
mod keys;
pub(crate) mod modes;
mod read;
mod sandbox;

pub(crate) use self::{read::read, sandbox::DEFAULT as SANDBOX};

use std::{
    env,
    path::{Path, PathBuf},
};

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde::{Deserialize, Serialize};
use wechatpay_chain::Client;

use crate::{
    command::setup::complete,
    exit::{Failure, Result},
    text::{t, tf},
};

/// Where the settings of a client come from, and the settings that flags and the environment give.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = t("Merchant", "商户"))]
pub(crate) struct Source {
    #[arg(long, value_name = "NAME", env = "WXPAY_PROFILE", add = ArgValueCandidates::new(complete::profiles),
        help = t("Profile of the configuration file [default: default]", "配置文件中的配置名 [默认: default]"))]
    pub(crate) profile: Option<String>,

    #[arg(long, value_name = "URL", env = "WXPAY_SANDBOX", num_args = 0..=1, default_missing_value = sandbox::DEFAULT,
        require_equals = true,
        help = t("Use a running sandbox and its keys [default: http://127.0.0.1:8080]",
            "使用正在运行的沙箱及其密钥 [默认: http://127.0.0.1:8080]"))]
    pub(crate) sandbox: Option<String>,

    #[command(flatten)]
    pub(crate) given: Settings,
}

/// The settings of a client, as a profile has them. A field that is absent is `None`.
#[derive(Args, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    #[arg(long, value_name = "ID", env = "WXPAY_MCHID", help = t("Merchant ID", "商户号"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mchid: Option<String>,

    #[arg(long, value_name = "HEX", env = "WXPAY_SERIAL",
        help = t("Serial of the merchant's certificate", "商户API证书序列号"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) serial: Option<String>,

    #[arg(long, value_name = "FILE", env = "WXPAY_PRIVATE_KEY",
        help = t("Merchant's private key, apiclient_key.pem", "商户API私钥文件, apiclient_key.pem"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) private_key: Option<PathBuf>,

    #[arg(long, value_name = "FILE", env = "WXPAY_CLIENT_CERTIFICATE",
        help = t("Merchant's certificate, apiclient_cert.pem", "商户API证书文件, apiclient_cert.pem"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_certificate: Option<PathBuf>,

    #[arg(long, value_name = "ID", env = "WXPAY_PUB_KEY_ID",
        help = t("ID of WeChat Pay's public key, PUB_KEY_ID_…", "微信支付公钥ID, PUB_KEY_ID_…"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pub_key_id: Option<String>,

    #[arg(long, value_name = "FILE", env = "WXPAY_PUB_KEY",
        help = t("WeChat Pay's public key, pub_key.pem", "微信支付公钥文件, pub_key.pem"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pub_key: Option<PathBuf>,

    #[arg(long, value_name = "FILE", env = "WXPAY_PLATFORM_CERTIFICATE",
        help = t("WeChat Pay's platform certificate, for merchants without a public key", "微信支付平台证书文件, 用于没有微信支付公钥的商户"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) platform_certificate: Option<PathBuf>,

    #[arg(long, value_name = "KEY", env = "WXPAY_APIV3_KEY", hide_env_values = true,
        help = t("APIv3 key, 32 characters", "APIv3密钥, 32个字符"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) apiv3_key: Option<String>,

    #[arg(long, value_name = "KEY", env = "WXPAY_APIV2_KEY", hide_env_values = true,
        help = t("APIv2 key, 32 characters", "APIv2密钥, 32个字符"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) apiv2_key: Option<String>,

    #[arg(long, value_name = "ID", env = "WXPAY_APPID", help = t("App ID", "应用ID (appid)"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) appid: Option<String>,

    #[arg(long, value_name = "URL", env = "WXPAY_BASE_URI",
        help = t("Base URI [default: https://api.mch.weixin.qq.com/]", "接口地址 [默认: https://api.mch.weixin.qq.com/]"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) base_uri: Option<String>,

    #[arg(long, value_name = "FILE", env = "WXPAY_CA",
        help = t("Certificates to trust in TLS as well, PEM", "TLS中额外信任的CA证书, PEM"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<PathBuf>,

    #[arg(long, value_name = "URL", env = "WXPAY_PROXY",
        help = t("Proxy [default: HTTPS_PROXY and ALL_PROXY]", "代理 [默认: HTTPS_PROXY和ALL_PROXY]"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) proxy: Option<String>,

    #[arg(long, value_name = "SECONDS", env = "WXPAY_TIMEOUT",
        help = t("Seconds for a call, retries included [default: 30]", "一次调用的秒数, 含重试 [默认: 30]"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timeout: Option<f64>,

    /// The private key itself, which only a sandbox gives.
    #[arg(skip)]
    #[serde(skip)]
    pub(crate) inline: Inline,
}

/// Keys that are not in files.
#[derive(Clone, Default)]
pub(crate) struct Inline {
    private_key: Option<String>,
    certificate: Option<String>,
    pub_key: Option<String>,
    platform_certificates: Vec<String>,
    /// The host of the sandbox that the keys are of, with its port. It is reached without a proxy.
    sandbox: Option<String>,
}

// Only what is no secret: which fields are set.
impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("mchid", &self.mchid)
            .field("base_uri", &self.base_uri)
            .finish_non_exhaustive()
    }
}

impl Source {
    /// Returns the settings that count.
    pub(crate) fn settings(&self) -> Result<Settings> {
        if let Some(url) = &self.sandbox {
            let mut settings = sandbox::settings(url, self.given.mchid.as_deref())?;
            settings.timeout = self.given.timeout;
            return Ok(settings);
        }
        let profile = file::profile(self.profile.as_deref())?;
        Ok(self.given.clone().or(profile))
    }

    /// Returns the settings that may receive a notification: those that count, or those of all merchants of a
    /// sandbox, unless one is chosen.
    pub(crate) fn receivers(&self) -> Result<Vec<Settings>> {
        match (&self.sandbox, &self.given.mchid) {
            (Some(url), None) => sandbox::all(url),
            _ => self.settings().map(|settings| vec![settings]),
        }
    }

    /// Returns a client with the settings that count.
    pub(crate) fn client(&self) -> Result<(Client, Settings)> {
        let settings = self.settings()?;
        let client = settings.client().map_err(|failure| {
            failure.with_advice(t(
                "`wxpay init` writes a profile; `wxpay doctor` checks it; `--sandbox` needs none.",
                "`wxpay init` 生成配置; `wxpay doctor` 检查配置; `--sandbox` 无需配置。",
            ))
        })?;
        Ok((client, settings))
    }
}

impl Settings {
    /// Takes from `other` what is absent here.
    fn or(self, other: Self) -> Self {
        Self {
            mchid: self.mchid.or(other.mchid),
            serial: self.serial.or(other.serial),
            private_key: self.private_key.or(other.private_key),
            client_certificate: self.client_certificate.or(other.client_certificate),
            pub_key_id: self.pub_key_id.or(other.pub_key_id),
            pub_key: self.pub_key.or(other.pub_key),
            platform_certificate: self.platform_certificate.or(other.platform_certificate),
            apiv3_key: self.apiv3_key.or(other.apiv3_key),
            apiv2_key: self.apiv2_key.or(other.apiv2_key),
            appid: self.appid.or(other.appid),
            base_uri: self.base_uri.or(other.base_uri),
            ca: self.ca.or(other.ca),
            proxy: self.proxy.or(other.proxy),
            timeout: self.timeout.or(other.timeout),
            inline: self.inline,
        }
    }

    /// Makes the paths of files relative to a folder, which is the configuration file's.
    pub(crate) fn relative_to(mut self, folder: &Path) -> Self {
        let files = [
            &mut self.private_key,
            &mut self.client_certificate,
            &mut self.pub_key,
            &mut self.platform_certificate,
            &mut self.ca,
        ];
        for file in files.into_iter().flatten() {
            *file = folder.join(&*file);
        }
        self
    }

    /// Removes WeChat Pay's certificates, for a command that downloads them.
    pub(crate) fn without_platform_certificates(mut self) -> Self {
        self.platform_certificate = None;
        self.inline.platform_certificates.clear();
        self
    }

    /// Returns this setting, or an error that says where it can be set.
    pub(crate) fn need<'a>(value: &'a Option<String>, name: &str) -> Result<&'a str> {
        value.as_deref().ok_or_else(|| {
            let (flag, env) = (name.replace('_', "-"), name.to_uppercase());
            Failure::configuration(tf!(
                "no `{name}`: set it in the profile, as WXPAY_{env} or with --{flag}",
                "缺少 `{name}`: 可在配置文件中设置, 或用环境变量 WXPAY_{env}, 或用 --{flag}"
            ))
        })
    }
}

/// Warns about secrets on the command line: other users of the machine and the shell's history see them.
pub(crate) fn exposed_secrets() -> impl Iterator<Item = &'static str> {
    ["--apiv3-key", "--apiv2-key"].into_iter().filter(|flag| {
        env::args_os().any(|arg| {
            arg.to_string_lossy()
                .strip_prefix(flag)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        })
    })
}
