use std::{fmt, sync::Arc, time::Duration};

use http::HeaderValue;
use zeroize::Zeroizing;

use super::{
    CertificateMode, Client, Identity, core::Core, failover::Failover, refresher::Refresher,
};
use crate::{
    base::crypto::{Certificate, PrivateKey, PublicKey},
    error::{Error, Result},
    protocol::{
        certificates,
        host::{API, Base, HostRule},
        merchant::{apiv3_key, check_apiv2_key, check_id},
        notification::{Owners, Receiver},
        path::shown,
        request::Setup,
        retry::{Budget, RetryPolicy},
        sign::{MerchantKey, Signer, check_serial},
        trust::{DynVerifier, Own, PlatformKey, Trust, Verifier},
    },
    wire::Transport,
};

/// The marks in the sandbox's identifiers.
const SANDBOX: &str = "SANDBOX";

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
    fault: Option<Error>,
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
    /// [`Client::save_certificates`] writes them; those that are over are passed over. Reads the
    /// folder at once; what is wrong with it is told by [`build`](ClientBuilder::build).
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
        self.signer = Some(MerchantKey::remote(signer));
        self
    }

    /// Verifies in place of platform keys and certificates.
    pub fn verifier(mut self, verifier: impl Verifier) -> Self {
        self.verifier = Some(Arc::new(verifier));
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

    /// Builds the client.
    ///
    /// # Errors
    /// On a configuration that could not work or would not be safe, each with what to do.
    pub fn build(mut self) -> Result<Client> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let setup = self.setup()?;
        let failover = Failover::new(setup.base.clone(), self.backup()?);
        let named = [("mchid", &self.mchid), ("brand_id", &self.brand_id)];
        for (field, id) in named {
            if let Some(id) = id {
                check_id(field, id)?;
            }
        }
        self.check_not_sandbox(&setup)?;
        let own = self.own()?;
        let key = self.merchant_key()?;
        let identity = self.take_identity()?;
        let transport = self.take_transport()?;
        let owners = self.owners()?;
        let apiv3_key = self
            .apiv3_key
            .as_deref()
            .map(|key| apiv3_key(key))
            .transpose()?;
        check_apiv2_key(self.apiv2_key.as_ref())?;
        if self.max_response == 0 {
            return Err(Error::config("max_response is 0: no answer could be taken"));
        }
        let mode = self.certificate_mode(apiv3_key.is_some())?;
        let trust = Trust::new(self.platform, self.verifier, own)?;
        let receiver = Arc::new(Receiver {
            trust: trust.clone(),
            apiv3_key: apiv3_key.clone(),
            apiv2_key: self.apiv2_key.clone(),
            owners,
        });
        Ok(Client::new(Core {
            setup,
            mchid: self.mchid,
            brand_id: self.brand_id,
            key,
            trust,
            refresher: Refresher::new(mode),
            apiv2_key: self.apiv2_key,
            identity,
            apiv3_key,
            receiver,
            transport,
            budget: Budget::new(&self.retry),
            retry: self.retry,
            failover,
            max_response: self.max_response,
        }))
    }

    fn setup(&self) -> Result<Setup> {
        let base =
            Base::parse(&self.base_uri).map_err(|err| Error::config(format!("base_uri: {err}")))?;
        let backup = self.backup()?.map(|backup| backup.origin);
        let mut hosts = HostRule::new(base.origin.clone(), backup);
        for host in &self.trusted_hosts {
            hosts.trust(host)?;
        }
        Ok(Setup {
            base,
            hosts,
            user_agent: user_agent(self.user_agent.as_deref())?,
            timeout: self.timeout,
            connect_timeout: self.connect_timeout,
            strict: self.strict,
        })
    }

    /// Whose notifications are taken: any merchant's only where the client has none itself.
    fn owners(&self) -> Result<Owners> {
        let mut owners = self.notified.clone();
        for mchid in &owners.mchids {
            check_id("notification_mchid", mchid)?;
        }
        if owners.appids.iter().any(String::is_empty) {
            return Err(Error::config("a `notification_appid` is empty"));
        }
        owners.mchids.extend(self.mchid.clone());
        Ok(owners)
    }

    fn backup(&self) -> Result<Option<Base>> {
        let parsed = self.backup_base_uri.as_deref().map(Base::parse).transpose();
        parsed.map_err(|err| Error::config(format!("backup_base_uri: {err}")))
    }

    fn merchant_key(&mut self) -> Result<Option<MerchantKey>> {
        let local = (self.serial.take(), self.private_key.take());
        match (local, self.signer.take()) {
            ((None, None), signer) => Ok(signer),
            (_, Some(_)) => Err(Error::config(
                "a signer stands in place of `serial` and `private_key`: give one or the other",
            )),
            ((Some(serial), Some(key)), None) => Ok(Some(MerchantKey::local(serial, key))),
            ((Some(_), None), None) => Err(Error::config(
                "a `serial` without its `private_key`: give both",
            )),
            ((None, Some(_)), None) => Err(Error::config(
                "a `private_key` without the `serial` of its certificate: give both \
                 (openssl x509 -noout -serial -in apiclient_cert.pem)",
            )),
        }
    }

    fn certificate_mode(&self, decrypts: bool) -> Result<CertificateMode> {
        match self.certificates {
            None if decrypts && self.verifier.is_none() => Ok(CertificateMode::OnDemand),
            None | Some(CertificateMode::Fixed) => Ok(CertificateMode::Fixed),
            Some(_) if !decrypts => Err(Error::config(
                "platform certificates are decrypted with the APIv3 key: give `apiv3_key`, or \
                 CertificateMode::Fixed",
            )),
            Some(_) if self.verifier.is_some() => Err(Error::config(
                "a verifier keeps its own keys: CertificateMode is for the client's",
            )),
            Some(mode) => Ok(mode),
        }
    }

    /// What of the merchant's own must never be trusted as WeChat Pay's.
    fn own(&self) -> Result<Option<Own>> {
        let Some(serial) = &self.serial else {
            return Ok(None);
        };
        check_serial(serial).map_err(|what| Error::config(format!("serial: {what}")))?;
        Ok(self.private_key.as_ref().map(|key| Own {
            serial: serial.clone(),
            key: key.public_key(),
        }))
    }

    fn check_not_sandbox(&self, setup: &Setup) -> Result<()> {
        let platform = self.platform.iter().map(PlatformKey::id);
        let ids = platform.chain(self.serial.as_deref());
        let origin = &setup.base.origin;
        for id in ids {
            if id.contains(SANDBOX) && !origin.is_loopback() && !setup.hosts.trusts(origin) {
                return Err(Error::config(format!(
                    "{} is a sandbox's, and {origin} is not one: a sandbox's keys must not be \
                     used in production",
                    shown(id)
                )));
            }
        }
        Ok(())
    }

    #[cfg(not(feature = "pkcs12"))]
    fn take_identity(&mut self) -> Result<Option<Identity>> {
        Ok(self.identity.take())
    }

    #[cfg(feature = "pkcs12")]
    fn take_identity(&mut self) -> Result<Option<Identity>> {
        match (self.identity.take(), self.pkcs12.take()) {
            (Some(_), Some(_)) => Err(Error::config(
                "a client has one identity: give `client_identity` or `client_identity_pkcs12`",
            )),
            (None, Some(archive)) => {
                let password = self.mchid.as_deref().ok_or_else(|| {
                    Error::config(
                        "`client_identity_pkcs12` takes the `mchid` for the password: give it, or \
                         open the archive by Identity::from_pkcs12",
                    )
                })?;
                Identity::from_pkcs12(&archive, password).map(Some)
            }
            (identity, None) => Ok(identity),
        }
    }

    fn take_transport(&mut self) -> Result<Transport> {
        match (self.transport.take(), self.proxy.take(), self.no_proxy) {
            (None, None, false) => Ok(Transport::shared()),
            (None, None, true) => Ok(Transport::direct()),
            (None, Some(proxy), false) => Transport::builder().proxy(&proxy).build(),
            (None, Some(_), true) => {
                Err(Error::config("`proxy` and `no_proxy` exclude one another"))
            }
            (Some(transport), None, false) => Ok(transport),
            (Some(_), _, _) => Err(Error::config(
                "a transport brings its own proxy: set it on Transport::builder()",
            )),
        }
    }
}

fn user_agent(given: Option<&str>) -> Result<HeaderValue> {
    let own = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
    let text = match given {
        Some(text) => text.to_owned(),
        None => format!(
            "{own} ({}; {})",
            std::env::consts::OS,
            std::env::consts::ARCH
        ),
    };
    HeaderValue::try_from(&text)
        .ok()
        .filter(|value| !value.is_empty())
        .ok_or_else(|| Error::config("user_agent is empty or holds a control character"))
}

/// Shows no key.
impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("mchid", &self.mchid)
            .field("base_uri", &self.base_uri)
            .field("timeout", &self.timeout)
            .field("connect_timeout", &self.connect_timeout)
            .finish_non_exhaustive()
    }
}
