//! The builder of a client: what each setting means. `build.rs` checks them.

mod build;

use std::{fmt, sync::Arc, time::Duration};

use zeroize::Zeroizing;

use super::{CertificateMode, Identity, plugins::Plugin};
#[cfg(feature = "documents")]
use crate::protocol::{
    documents,
    options::documented::{Check, Checks, Seal},
};
use crate::{
    base::crypto::{Certificate, PrivateKey, PublicKey},
    error::Cause,
    protocol::{
        notification::owner::Owners,
        retry::RetryPolicy,
        sign::{MerchantKey, Signer},
        trust::{
            folder,
            key::PlatformKey,
            verifier::{DynVerifier, Verifier},
        },
        url::host::{API, Base},
    },
    wire::Transport,
};

/// Configures a [`Client`](crate::Client).
///
/// Setters only store their argument. [`build`](ClientBuilder::build) checks the whole
/// configuration, without any I/O, and returns an error that says what is wrong.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use wechatpay_chain::Client;
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// let client = Client::builder()
///     .mchid("1900000109")
///     .apiv2_key("0123456789abcdef0123456789abcdef")
///     .timeout(Duration::from_secs(10))
///     .build()?;
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct ClientBuilder {
    mchid: Option<String>,
    brand_id: Option<String>,
    serial: Option<String>,
    private_key: Option<PrivateKey>,
    signer: Option<MerchantKey>,
    platform: Vec<PlatformKey>,
    verifier: Option<Arc<dyn DynVerifier>>,
    apiv2_key: Option<Zeroizing<String>>,
    identity: Option<Identity>,
    #[cfg(feature = "pkcs12")]
    pkcs12: Option<Zeroizing<Vec<u8>>>,
    apiv3_key: Option<Zeroizing<String>>,
    base_uri: String,
    backup_base_uri: Option<String>,
    trusted_hosts: Vec<String>,
    timeout: Duration,
    connect_timeout: Duration,
    max_response: usize,
    // Its URL may contain a password.
    proxy: Option<Zeroizing<String>>,
    no_proxy: bool,
    transport: Option<Transport>,
    retry: RetryPolicy,
    certificate_mode: Option<CertificateMode>,
    strict: bool,
    #[cfg(feature = "documents")]
    check: Option<Check>,
    #[cfg(feature = "documents")]
    seal: Option<Seal>,
    /// The first mistake that a setter found: setters chain, and `build` returns it.
    fault: Option<Cause>,
    user_agent: Option<String>,
    notified: Owners,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            mchid: None,
            brand_id: None,
            serial: None,
            private_key: None,
            signer: None,
            platform: Vec::new(),
            verifier: None,
            apiv2_key: None,
            identity: None,
            #[cfg(feature = "pkcs12")]
            pkcs12: None,
            apiv3_key: None,
            base_uri: API.to_owned(),
            backup_base_uri: None,
            trusted_hosts: Vec::new(),
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            max_response: 10 * 1024 * 1024,
            proxy: None,
            no_proxy: false,
            transport: None,
            retry: RetryPolicy::default(),
            certificate_mode: None,
            strict: false,
            #[cfg(feature = "documents")]
            check: None,
            #[cfg(feature = "documents")]
            seal: None,
            fault: None,
            user_agent: None,
            notified: Owners::default(),
        }
    }
}

impl ClientBuilder {
    /// Sets the merchant ID (`mchid`): digits only.
    ///
    /// A client without one can be built; then APIv2 skips its merchant check, and an APIv3 call
    /// returns an error.
    pub fn mchid(mut self, mchid: impl Into<String>) -> Self {
        self.mchid = Some(mchid.into());
        self
    }

    /// Sets the serial number of the merchant's API certificate, in hexadecimal.
    ///
    /// `openssl x509 -noout -serial -in apiclient_cert.pem` prints it.
    pub fn serial(mut self, serial: impl Into<String>) -> Self {
        self.serial = Some(serial.into());
        self
    }

    /// Sets the merchant's private key, `apiclient_key.pem`.
    pub fn private_key(mut self, key: PrivateKey) -> Self {
        self.private_key = Some(key);
        self
    }

    /// Adds a WeChat Pay public key with its ID (`PUB_KEY_ID_…`).
    ///
    /// Call it once per key; the keys are trusted side by side with platform certificates.
    pub fn platform_key(mut self, id: impl Into<String>, key: PublicKey) -> Self {
        self.platform
            .push(PlatformKey::of_public_key(id.into(), key));
        self
    }

    /// Adds a platform certificate.
    ///
    /// Call it once per certificate; they are trusted side by side with public keys.
    pub fn platform_certificate(mut self, certificate: Certificate) -> Self {
        self.platform.push(PlatformKey::of_certificate(certificate));
        self
    }

    /// Adds the platform certificates in the `.pem` files of a folder, as
    /// [`Client::save_certificates`](crate::Client::save_certificates) writes them.
    ///
    /// Expired certificates are skipped. The folder is read immediately; if that fails,
    /// [`build`](ClientBuilder::build) returns the error.
    pub fn platform_certificates_from(mut self, folder: impl AsRef<std::path::Path>) -> Self {
        match folder::load(folder.as_ref()) {
            Ok(all) => self
                .platform
                .extend(all.into_iter().map(PlatformKey::of_certificate)),
            Err(err) => {
                self.fault.get_or_insert(err);
            }
        }
        self
    }

    /// Sets when the client downloads platform certificates.
    ///
    /// Defaults to [`CertificateMode::OnDemand`] if there is an APIv3 key to decrypt them with, and
    /// to [`CertificateMode::Fixed`] otherwise.
    pub fn certificate_mode(mut self, mode: CertificateMode) -> Self {
        self.certificate_mode = Some(mode);
        self
    }

    /// Sets the APIv3 key: 32 bytes, as configured on the merchant platform.
    pub fn apiv3_key(mut self, key: impl Into<String>) -> Self {
        self.apiv3_key = Some(Zeroizing::new(key.into()));
        self
    }

    /// Sets the APIv2 key: 32 bytes, as configured on the merchant platform.
    pub fn apiv2_key(mut self, key: impl Into<String>) -> Self {
        self.apiv2_key = Some(Zeroizing::new(key.into()));
        self
    }

    /// Sets the merchant's API certificate with its key, for the calls that present it in TLS: those
    /// with the option `security` ([`Options::mutual_tls`](crate::Options::mutual_tls)).
    ///
    /// Other calls do not present it and never share a connection with those that do.
    pub fn client_identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Sets the client identity from the bytes of `apiclient_cert.p12`.
    ///
    /// [`build`](ClientBuilder::build) opens the archive with the merchant ID as its password, which
    /// is how WeChat Pay delivers it. Requires the feature `pkcs12`.
    #[cfg(feature = "pkcs12")]
    pub fn client_identity_pkcs12(mut self, archive: impl Into<Vec<u8>>) -> Self {
        self.pkcs12 = Some(Zeroizing::new(archive.into()));
        self
    }

    /// Sets the brand ID, which signs the paths that start with `/brand/`.
    ///
    /// `serial` and `private_key` are then those of the brand.
    pub fn brand_id(mut self, id: impl Into<String>) -> Self {
        self.brand_id = Some(id.into());
        self
    }

    /// Sets the base URI of all requests, with or without a path. Defaults to
    /// `https://api.mch.weixin.qq.com/`.
    ///
    /// This is the only place, next to [`trust_host`](ClientBuilder::trust_host), that allows plain
    /// `http`.
    pub fn base_uri(mut self, uri: impl Into<String>) -> Self {
        self.base_uri = uri.into();
        self
    }

    /// Sets where requests go while the host of the base URI cannot be reached (DNS, TCP or the
    /// connect timeout), such as `https://api2.mch.weixin.qq.com/`. Defaults to no backup.
    ///
    /// The backup is used for five minutes, then one request tries the base URI again.
    pub fn backup_base_uri(mut self, uri: impl Into<String>) -> Self {
        self.backup_base_uri = Some(uri.into());
        self
    }

    /// Allows signed requests to one more host: a name or address, with a port (only that port) or
    /// without (any port).
    pub fn trust_host(mut self, host: impl Into<String>) -> Self {
        self.trusted_hosts.push(host.into());
        self
    }

    /// Sets the timeout of a whole call, retries included. Defaults to 30 seconds; zero means no
    /// timeout.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the timeout for establishing a connection. Defaults to 5 seconds; zero means no timeout.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets the maximum size in bytes of a response body held in memory. Defaults to 10 MiB.
    pub fn max_response(mut self, bytes: usize) -> Self {
        self.max_response = bytes;
        self
    }

    /// Sets the proxy of this client, as [`TransportBuilder::proxy`](crate::TransportBuilder::proxy)
    /// takes it, such as `http://user:password@host:port`.
    ///
    /// Defaults to the environment: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`.
    pub fn proxy(mut self, uri: impl Into<String>) -> Self {
        self.proxy = Some(Zeroizing::new(uri.into()));
        self
    }

    /// Uses no proxy and ignores the proxy variables of the environment.
    pub fn no_proxy(mut self) -> Self {
        self.no_proxy = true;
        self
    }

    /// Sets the transport, which brings its own connection pool, TLS trust and proxy.
    ///
    /// Pass clones of one transport to share them between clients.
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Sets when a failed attempt is repeated. Defaults to [`RetryPolicy::default`].
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Sets a signer, such as a key service, instead of `serial` and `private_key`.
    pub fn signer(mut self, signer: impl Signer) -> Self {
        self.signer = Some(MerchantKey::remote(Plugin(signer)));
        self
    }

    /// Sets a verifier instead of platform keys and certificates.
    pub fn verifier(mut self, verifier: impl Verifier) -> Self {
        self.verifier = Some(Arc::new(Plugin(verifier)));
        self
    }

    /// Accepts notifications for another merchant, in addition to the client's own. Call it once per
    /// merchant.
    pub fn notification_mchid(mut self, mchid: impl Into<String>) -> Self {
        self.notified.mchids.push(mchid.into());
        self
    }

    /// Accepts only notifications for this app. Call it once per app. Defaults to accepting every
    /// app.
    pub fn notification_appid(mut self, appid: impl Into<String>) -> Self {
        self.notified.appids.push(appid.into());
        self
    }

    /// Sets whether a call returns an error for values that WeChat Pay is known to refuse: `null` and
    /// four-byte characters (emoji) in JSON, a query in `notify_url`, amounts that are not integers.
    ///
    /// Defaults to `false`: such values are logged as warnings and sent.
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Sets whether each request is compared with what WeChat Pay documents before it is sent. Defaults
    /// to [`Checks::Off`]. Feature `documents`.
    ///
    /// [`Checks`] has an example. [`Options::check_documents`](crate::Options::check_documents) decides for
    /// one call.
    #[cfg(feature = "documents")]
    pub fn check_documents(mut self, checks: Checks) -> Self {
        self.check = Some(documents::check(checks));
        self
    }

    /// Sets whether every call encrypts the fields that WeChat Pay documents as sealed, as
    /// [`Options::encrypt_documented`](crate::Options::encrypt_documented) does for one call. Defaults to
    /// `false`. Feature `documents`.
    ///
    /// A call to an undocumented path is sent as it is.
    ///
    /// Official page: "敏感信息加解密".
    #[cfg(feature = "documents")]
    pub fn encrypt_documented(mut self, enabled: bool) -> Self {
        self.seal = enabled.then_some(documents::SEAL);
        self
    }

    /// Sets the `User-Agent` header. Defaults to this crate's name and version.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }
}

/// Shows neither keys nor the proxy, whose URL may hold a password.
impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("mchid", &self.mchid)
            .field(
                "base_uri",
                &Base::parse(&self.base_uri).map(|base| base.origin).ok(),
            )
            .field("timeout", &self.timeout)
            .field("connect_timeout", &self.connect_timeout)
            .finish_non_exhaustive()
    }
}
