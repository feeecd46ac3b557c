//! Merchants of a sandbox: their options, their keys, and clients with them.

use std::{collections::HashMap, fmt, sync::Arc};

use super::{Sandbox, folder::KeysFolder};
use crate::{
    base::crypto::{Certificate, PrivateKey, PublicKey},
    client::{Client, ClientBuilder, Notifications, NotificationsBuilder},
    error::{Cause, Result, cause},
    protocol::merchant::check_id,
    sandbox::{
        flows::platform::trust::{self, PlatformMode, PlatformTrust, Rotation},
        outbox::check_event,
        state::{
            SandboxState,
            keys::PlatformKey,
            merchant::{Merchant as MerchantState, MerchantSecrets, NewMerchant},
        },
    },
};

/// The app that is bound to a merchant by default, as in the official documents.
const APPID: &str = "wxd678efh567hg6787";
/// 100 million yuan, in fen: enough for any test that is not about the balance.
const OPENING_BALANCE: u64 = 10_000_000_000;
/// How many merchants a sandbox has at most.
const MAX_MERCHANTS: usize = 1_000;

/// A merchant to add to a sandbox: see [`Sandbox::add_merchant`].
#[derive(Clone, Debug)]
#[must_use]
pub struct MerchantOptions {
    pub(super) mchid: String,
    pub(super) appids: Vec<String>,
    pub(super) partner_of: Vec<String>,
    pub(super) events: HashMap<String, String>,
    pub(super) mode: PlatformMode,
    pub(super) rotation: Rotation,
    pub(super) opening_balance: u64,
    pub(super) brand_id: Option<String>,
}

impl MerchantOptions {
    /// Returns the options of a merchant with this ID and the app `wxd678efh567hg6787`.
    pub fn new(mchid: impl Into<String>) -> Self {
        Self::unnamed().named(mchid.into())
    }

    /// Binds an app to the merchant. The first call replaces the default one.
    pub fn appid(mut self, appid: impl Into<String>) -> Self {
        self.appids.push(appid.into());
        self
    }

    /// Makes the merchant a service provider, which may act for these sub-merchants.
    ///
    /// A sub-merchant need not be a merchant of the sandbox: it has an account all the same.
    pub fn partner_of<I>(mut self, sub_mchids: I) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        self.partner_of
            .extend(sub_mchids.into_iter().map(Into::into));
        self
    }

    /// Sets the URL for an event that is configured on the merchant platform and not in a request, such as
    /// profit sharing's, or the end of a papay contract: `ENTRUST.TERMINATE`. The event `*` stands for all that
    /// have no URL of their own.
    pub fn notify_url(mut self, event: impl Into<String>, url: impl Into<String>) -> Self {
        self.events.insert(event.into(), url.into());
        self
    }

    /// Sets which keys of the platform the merchant has. Defaults to the public key.
    pub fn platform_mode(mut self, mode: PlatformMode) -> Self {
        self.mode = mode;
        self
    }

    /// Lets the merchant run a brand, which signs the paths that begin with `/brand/` with a serial and a key
    /// of its own: see [`Merchant::brand_client_builder`].
    pub fn brand(mut self, brand_id: impl Into<String>) -> Self {
        self.brand_id = Some(brand_id.into());
        self
    }

    /// Sets the balance at the start, in fen. Defaults to 100 million yuan.
    pub fn opening_balance(mut self, fen: u64) -> Self {
        self.opening_balance = fen;
        self
    }

    pub(super) fn unnamed() -> Self {
        Self {
            mchid: String::new(),
            appids: Vec::new(),
            partner_of: Vec::new(),
            events: HashMap::new(),
            mode: PlatformMode::default(),
            rotation: Rotation::default(),
            opening_balance: OPENING_BALANCE,
            brand_id: None,
        }
    }

    pub(super) fn named(mut self, mchid: String) -> Self {
        self.mchid = mchid;
        self
    }

    pub(super) fn only_appid(mut self, appid: impl Into<String>) -> Self {
        self.appids = vec![appid.into()];
        self
    }

    /// Takes what is as by default from another's options.
    pub(super) fn or(self, other: Self) -> Self {
        fn either<T: PartialEq>(one: T, other: T, default: &T) -> T {
            match one == *default {
                true => other,
                false => one,
            }
        }
        let default = Self::unnamed();
        Self {
            mchid: self.mchid,
            appids: either(self.appids, other.appids, &default.appids),
            partner_of: either(self.partner_of, other.partner_of, &default.partner_of),
            events: either(self.events, other.events, &default.events),
            mode: either(self.mode, other.mode, &default.mode),
            rotation: either(self.rotation, other.rotation, &default.rotation),
            opening_balance: either(
                self.opening_balance,
                other.opening_balance,
                &default.opening_balance,
            ),
            brand_id: self.brand_id.or(other.brand_id),
        }
    }

    /// Adds the merchant, with the keys that the folder has for it if there is one.
    pub(super) fn add_to(
        mut self,
        state: &SandboxState,
        folder: Option<&KeysFolder>,
    ) -> cause::Result<Arc<MerchantState>> {
        check_id("mchid", &self.mchid)?;
        for sub_mchid in &self.partner_of {
            check_id("sub_mchid", sub_mchid)?;
        }
        if let Some(brand_id) = &self.brand_id {
            check_id("brand_id", brand_id)?;
        }
        for event in self.events.keys() {
            check_event(event)?;
        }
        let count = state.merchants.len();
        if count >= MAX_MERCHANTS {
            return Err(Cause::config(format!(
                "the sandbox has {MAX_MERCHANTS} merchants already: start another one for more"
            )));
        }
        let mut kept = None;
        if let Some(folder) = folder {
            let (options, secrets) = folder.merchant(self, count, state.key_source)?;
            (self, kept) = (options, Some(secrets));
        }
        if self.appids.is_empty() {
            self.appids.push(APPID.to_owned());
        }
        let trust = PlatformTrust {
            mode: self.mode,
            certificates: self.rotation,
        };
        if self.mode != PlatformMode::PublicKey {
            trust.prepare(state)?;
        }
        let new = NewMerchant {
            mchid: self.mchid.clone(),
            appids: self.appids,
            trust,
            events: self.events,
            partner_of: self.partner_of,
            opening_balance: self.opening_balance,
            brand_id: self.brand_id.clone(),
        };
        let secrets = match kept {
            Some(secrets) => secrets,
            None => MerchantSecrets::draw(count, new.brand_id.is_some(), state.key_source)?,
        };
        let merchant = state.merchants.add(MerchantState::new(new, secrets));
        let merchant = merchant.ok_or_else(|| {
            let brand = self.brand_id.iter();
            let brand: String = brand.map(|id| format!(", or a brand {id},")).collect();
            Cause::config(format!(
                "the sandbox has a merchant {}{brand} already",
                self.mchid
            ))
        })?;
        state.world().open(&merchant);
        Ok(merchant)
    }
}

/// A merchant of a sandbox, with its keys.
///
/// ```
/// use wechatpay_chain::sandbox::{MerchantOptions, Sandbox};
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// let sandbox = Sandbox::start()?;
/// let shop = sandbox.add_merchant(MerchantOptions::new("1900000109"))?;
/// let client = shop.client_builder().build()?;
/// # let _ = client;
/// assert_ne!(shop.serial(), sandbox.serial());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Merchant {
    pub(super) merchant: Arc<MerchantState>,
    pub(super) state: Arc<SandboxState>,
}

impl Merchant {
    /// Returns the merchant ID.
    pub fn mchid(&self) -> &str {
        &self.merchant.mchid
    }

    /// Returns the ID of the first app that is bound to the merchant.
    pub fn appid(&self) -> &str {
        self.merchant.appid()
    }

    /// Returns the serial of the merchant key.
    pub fn serial(&self) -> &str {
        &self.merchant.serial
    }

    /// Returns the merchant key, which signs requests.
    pub fn private_key(&self) -> PrivateKey {
        self.merchant.key.private.clone()
    }

    /// Returns the merchant key as PKCS#8 PEM.
    ///
    /// # Errors
    /// Returns an error if the crypto library does not export the key.
    pub fn private_key_pem(&self) -> Result<String> {
        let pem = self.merchant.key.private.to_pkcs8_pem();
        Ok(pem.map_err(Cause::not_sent)?.as_str().to_owned())
    }

    /// Returns the APIv3 key: 32 letters and digits.
    pub fn apiv3_key(&self) -> &str {
        &self.merchant.apiv3
    }

    /// Returns the APIv2 key: 32 letters and digits.
    pub fn apiv2_key(&self) -> &str {
        &self.merchant.apiv2
    }

    /// Returns the ID of the platform key that signs responses by default: `PUB_KEY_ID_SANDBOX…`, or the
    /// serial of a platform certificate if the merchant has certificates.
    pub fn platform_key_id(&self) -> &str {
        &self.signing_key().id
    }

    /// Returns the platform key that signs responses by default.
    pub fn platform_key(&self) -> PublicKey {
        self.signing_key().public_key()
    }

    /// Returns the platform certificates that are effective for the merchant, the one that signs first.
    /// There are none by default.
    pub fn platform_certificates(&self) -> Vec<Certificate> {
        trust::certificates(&self.state, &self.merchant)
            .map(|made| made.certificate.clone())
            .collect()
    }

    /// Returns a client builder with the merchant, all its keys and the base URI set, and proxies off.
    ///
    /// The platform keys are those that are effective for the merchant now.
    pub fn client_builder(&self) -> ClientBuilder {
        self.plain(self.keyed_client_builder())
    }

    /// Returns a client builder with the merchant's brand, its serial and its key set, and otherwise like
    /// [`client_builder`](Self::client_builder). Its client calls paths that begin with `brand/`.
    ///
    /// The sandbox verifies their signatures. It has no documents of these paths:
    /// [`respond`](Sandbox::respond) scripts their answers.
    ///
    /// ```
    /// use wechatpay_chain::{Method, Value, json, sandbox::Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let sandbox = Sandbox::builder().brand("120344").start()?;
    /// let client = sandbox.merchant().brand_client_builder()?.build()?;
    /// let path = "brand/store/brandstores/{store_id}";
    /// sandbox.respond(Method::GET, path, json!({ "store_name": "茶馆" }))?;
    ///
    /// let store: Value = client.chain(path).get(json!({ "store_id": "1" }))?.json()?;
    /// assert_eq!(store["store_name"], "茶馆");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if the merchant has no brand.
    pub fn brand_client_builder(&self) -> Result<ClientBuilder> {
        let brand = self.merchant.brand.as_ref().ok_or_else(|| {
            let mchid = self.mchid();
            Cause::config(format!(
                "the merchant {mchid} has no brand: set one with MerchantOptions::brand"
            ))
            .not_sent()
        })?;
        let builder = Client::builder()
            .brand_id(&brand.id)
            .serial(&brand.serial)
            .private_key(brand.key.private.clone())
            .apiv3_key(self.apiv3_key());
        Ok(self.plain(self.with_platform_keys(builder)))
    }

    fn plain(&self, builder: ClientBuilder) -> ClientBuilder {
        builder
            .base_uri(format!("{}/", self.state.origin()))
            // A proxy from the environment cannot reach a sandbox on this machine.
            .no_proxy()
    }

    /// Returns a client builder with the merchant and all its keys set.
    pub(super) fn keyed_client_builder(&self) -> ClientBuilder {
        let builder = Client::builder()
            .mchid(self.mchid())
            .serial(self.serial())
            .private_key(self.private_key())
            .apiv3_key(self.apiv3_key())
            .apiv2_key(self.apiv2_key());
        self.with_platform_keys(builder)
    }

    fn with_platform_keys(&self, builder: ClientBuilder) -> ClientBuilder {
        let builder = match trust::public_key(&self.state, &self.merchant) {
            Some(key) => builder.platform_key(&key.id, key.public_key()),
            None => builder,
        };
        let certificates = self.platform_certificates().into_iter();
        certificates.fold(builder, ClientBuilder::platform_certificate)
    }

    /// Returns a builder for [`Notifications`] with the merchant, its platform keys, the APIv3 key and the
    /// APIv2 key set.
    ///
    /// Only this builder accepts a sandbox's keys; [`Notifications::builder`] refuses them.
    pub fn notifications_builder(&self) -> NotificationsBuilder {
        let builder = Notifications::builder()
            .mchid(self.mchid())
            .apiv3_key(self.apiv3_key())
            .apiv2_key(self.apiv2_key())
            .of_sandbox();
        let builder = match trust::public_key(&self.state, &self.merchant) {
            Some(key) => builder.platform_key(&key.id, key.public_key()),
            None => builder,
        };
        let certificates = self.platform_certificates().into_iter();
        certificates.fold(builder, NotificationsBuilder::platform_certificate)
    }

    fn signing_key(&self) -> &PlatformKey {
        trust::signing_key(&self.state, Some(&self.merchant), None)
    }
}

impl Sandbox {
    /// Adds a merchant. A sandbox with a [folder of keys](crate::sandbox::SandboxBuilder::keys) writes it
    /// there.
    ///
    /// # Errors
    /// Returns an error if its ID, a sub-merchant's or its brand's is invalid, if the merchant's or the brand's
    /// is taken, if an event of [`notify_url`](MerchantOptions::notify_url) is not documented, if the sandbox
    /// has 1,000 merchants, or if a key cannot be generated or written.
    pub fn add_merchant(&self, merchant: MerchantOptions) -> Result<Merchant> {
        self.check_may_act()?;
        let folder = self.keys_folder.as_ref();
        let merchant = merchant.add_to(&self.state, folder);
        let merchant = self.handle_of(merchant.map_err(Cause::not_sent)?);
        if let Some(folder) = folder {
            self.export_these(folder.path(), std::slice::from_ref(&merchant))?;
        }
        Ok(merchant)
    }

    /// Returns the first merchant, whose keys the sandbox's own accessors return.
    pub fn merchant(&self) -> Merchant {
        self.handle_of(Arc::clone(&self.first))
    }

    /// Returns all merchants, by ID.
    pub fn merchants(&self) -> Vec<Merchant> {
        let merchants = self.state.merchants.all().into_iter();
        merchants.map(|merchant| self.handle_of(merchant)).collect()
    }

    fn handle_of(&self, merchant: Arc<MerchantState>) -> Merchant {
        Merchant {
            merchant,
            state: Arc::clone(&self.state),
        }
    }
}

impl fmt::Debug for Merchant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merchant")
            .field("mchid", &self.merchant.mchid)
            .finish_non_exhaustive()
    }
}
