mod build;

use std::{fmt, sync::Arc, time::Duration};

use zeroize::Zeroizing;

use super::{CertificateMode, Identity, outside::Outside};
use crate::{
    base::crypto::{Certificate, PrivateKey, PublicKey},
    error::Cause,
    protocol::{
        certificates,
        host::{API, Base},
        notification::Owners,
        retry::RetryPolicy,
        sign::{MerchantKey, Signer},
        trust::{DynVerifier, PlatformKey, Verifier},
    },
    wire::Transport,
};

/// A client's configuration.
///
/// Every setter keeps what it is given; [`build`](ClientBuilder::build) checks it all, without
/// any I/O, and says what is wrong.
#[must_use]
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
    proxy: Option<Zeroizing<String>>,
    no_proxy: bool,
    transport: Option<Transport>,
    retry: RetryPolicy,
    certificates: Option<CertificateMode>,
    strict: bool,
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
            certificates: None,
            strict: false,
            fault: None,
            user_agent: None,
            notified: Owners::default(),
        }
    }
}

impl ClientBuilder {
    /// The merchant ID (`mchid`): digits. Without it the client builds, APIv2 skips its merchant
    /// check, and an APIv3 call is an error.
    pub fn mchid(mut self, mchid: impl Into<String>) -> Self {
        self.mchid = Some(mchid.into());
        self
    }

    /// The serial number of the merchant's API certificate, in hexadecimal.
    pub fn serial(mut self, serial: impl Into<String>) -> Self {
        self.serial = Some(serial.into());
        self
    }

    /// The merchant's private key: `apiclient_key.pem`.
    pub fn private_key(mut self, key: PrivateKey) -> Self {
        self.private_key = Some(key);
        self
    }

    /// A WeChat Pay public key, under its ID (`PUB_KEY_ID_…`). May be given more than once.
    pub fn platform_key(mut self, id: impl Into<String>, key: PublicKey) -> Self {
        self.platform
            .push(PlatformKey::of_public_key(id.into(), key));
        self
    }

    /// A platform certificate. May be given more than once, and beside a public key.
    pub fn platform_certificate(mut self, certificate: Certificate) -> Self {
        self.platform.push(PlatformKey::of_certificate(certificate));
        self
    }

    /// The platform certificates of a folder's `.pem` files, as
    /// [`Client::save_certificates`](crate::Client::save_certificates) writes them; those that are
    /// over are passed over. Reads the folder at once; what is wrong with it is told by
    /// [`build`](ClientBuilder::build).
    pub fn platform_certificates_from(mut self, folder: impl AsRef<std::path::Path>) -> Self {
        match certificates::load(folder.as_ref()) {
            Ok(all) => self
                .platform
                .extend(all.into_iter().map(PlatformKey::of_certificate)),
            Err(err) => {
                self.fault.get_or_insert(err);
            }
        }
        self
    }

    /// Whether the client fetches platform certificates by itself. Unless told,
    /// [`CertificateMode::OnDemand`] where there is an APIv3 key to decrypt them with.
    pub fn certificates(mut self, mode: CertificateMode) -> Self {
        self.certificates = Some(mode);
        self
    }

    /// The APIv3 key: 32 bytes, as set in the merchant platform.
    pub fn apiv3_key(mut self, key: impl Into<String>) -> Self {
        self.apiv3_key = Some(Zeroizing::new(key.into()));
        self
    }

    /// The APIv2 key.
    pub fn apiv2_key(mut self, key: impl Into<String>) -> Self {
        self.apiv2_key = Some(Zeroizing::new(key.into()));
        self
    }

    /// The merchant's API certificate with its key, which calls with the option `security`
    /// ([`Options::mutual_tls`](crate::Options::mutual_tls)) show in TLS. Other calls do not, and
    /// go by connections of their own.
    pub fn client_identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// The bytes of `apiclient_cert.p12`, opened by [`build`](ClientBuilder::build) with the
    /// merchant ID as its password. With the feature `pkcs12`.
    #[cfg(feature = "pkcs12")]
    pub fn client_identity_pkcs12(mut self, archive: impl Into<Vec<u8>>) -> Self {
        self.pkcs12 = Some(Zeroizing::new(archive.into()));
        self
    }

    /// The brand ID, in whose name paths that begin with `/brand/` are signed; `serial` and
    /// `private_key` are then the brand's own.
    pub fn brand_id(mut self, id: impl Into<String>) -> Self {
        self.brand_id = Some(id.into());
        self
    }

    /// Where requests go: `https://api.mch.weixin.qq.com/` unless told, with or without a path.
    /// Plain `http` is taken here and nowhere else.
    pub fn base_uri(mut self, uri: impl Into<String>) -> Self {
        self.base_uri = uri.into();
        self
    }

    /// Where requests go while the base URI's host cannot be reached (DNS or TCP), such as
    /// `https://api2.mch.weixin.qq.com/`. It is kept for five minutes; then the base URI is tried
    /// again.
    pub fn backup_base_uri(mut self, uri: impl Into<String>) -> Self {
        self.backup_base_uri = Some(uri.into());
        self
    }

    /// Lets signed requests go to another host too: a name or an address, with a port (that one
    /// alone) or without (any).
    pub fn trust_host(mut self, host: impl Into<String>) -> Self {
        self.trusted_hosts.push(host.into());
        self
    }

    /// How long a whole call may take, retries included: 30 s unless told; zero is no limit.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long connecting may take: 5 s unless told; zero is no limit.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The most bytes of an answer's body that are taken into memory: 10 MiB unless told.
    pub fn max_response(mut self, bytes: usize) -> Self {
        self.max_response = bytes;
        self
    }

    /// A proxy for this client: `http://[user:password@]host:port` or `socks5://host:port`.
    /// Unless told, the environment's (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`).
    pub fn proxy(mut self, uri: impl Into<String>) -> Self {
        self.proxy = Some(Zeroizing::new(uri.into()));
        self
    }

    /// No proxy, whatever the environment says.
    pub fn no_proxy(mut self) -> Self {
        self.no_proxy = true;
        self
    }

    /// The transport to share with other clients: its pools, its TLS and its proxy.
    pub fn transport(mut self, transport: &Transport) -> Self {
        self.transport = Some(transport.clone());
        self
    }

    /// When a call is sent again: see [`RetryPolicy`].
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Signs in place of `serial` and `private_key`.
    pub fn signer(mut self, signer: impl Signer) -> Self {
        self.signer = Some(MerchantKey::remote(Outside(signer)));
        self
    }

    /// Verifies in place of platform keys and certificates.
    pub fn verifier(mut self, verifier: impl Verifier) -> Self {
        self.verifier = Some(Arc::new(Outside(verifier)));
        self
    }

    /// Takes the notifications of another merchant too, besides the client's own. May be given
    /// more than once.
    pub fn notification_mchid(mut self, mchid: impl Into<String>) -> Self {
        self.notified.mchids.push(mchid.into());
        self
    }

    /// Takes notifications for this app, and for no other than those named. May be given more than
    /// once; if none is, any app's are taken.
    pub fn notification_appid(mut self, appid: impl Into<String>) -> Self {
        self.notified.appids.push(appid.into());
        self
    }

    /// Refuses before sending what WeChat Pay is known to refuse: `null` and characters of four
    /// bytes (emoji) in JSON, a query in `notify_url`, amounts that are not integers. Without it
    /// these are warnings through `tracing`.
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// The `User-Agent`, in place of this library's own.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }
}

/// Shows no key.
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
