//! The merchants of one sandbox.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, OnceLock, PoisonError, RwLock},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{
    keys::{KeySource, Role},
    random,
};
use crate::{
    base::crypto::{PrivateKey, PublicKey},
    error::cause::Result,
    protocol::merchant::SANDBOX_IN_HEX,
    sandbox::flows::platform::trust::PlatformTrust,
};

/// A merchant that signs requests.
pub(crate) struct Merchant {
    pub(crate) mchid: String,
    /// The apps that are bound to it. There is at least one.
    pub(crate) appids: Vec<String>,
    /// The serial of the merchant key, and of its client certificate: 40 hexadecimal digits.
    // It begins with `SANDBOX` in ASCII, so that a client can tell that it belongs to a sandbox and
    // refuse to use it with a real host.
    pub(crate) serial: String,
    pub(crate) key: MerchantKeyPair,
    pub(crate) apiv3: Zeroizing<String>,
    pub(crate) apiv2: Zeroizing<String>,
    pub(crate) trust: Mutex<PlatformTrust>,
    /// The URL of each event that is configured on the merchant platform and not in a request.
    pub(crate) events: HashMap<String, String>,
    /// The sub-merchants that it may act for from the start. The world has those of later.
    pub(crate) partner_of: Vec<String>,
    /// In fen.
    pub(crate) opening_balance: u64,
    /// The brand that it runs.
    pub(crate) brand: Option<Brand>,
}

/// A brand, which signs requests below `/brand/` with a key of its own.
pub(crate) struct Brand {
    pub(crate) id: String,
    /// As a merchant's.
    pub(crate) serial: String,
    pub(crate) key: MerchantKeyPair,
}

/// What a new merchant is made of.
pub(crate) struct NewMerchant {
    pub(crate) mchid: String,
    pub(crate) appids: Vec<String>,
    pub(crate) trust: PlatformTrust,
    pub(crate) events: HashMap<String, String>,
    pub(crate) partner_of: Vec<String>,
    pub(crate) opening_balance: u64,
    pub(crate) brand_id: Option<String>,
}

/// What proves that a request is a merchant's, and opens its notifications.
pub(crate) struct MerchantSecrets {
    pub(crate) serial: String,
    pub(crate) key: PrivateKey,
    pub(crate) apiv3: Zeroizing<String>,
    pub(crate) apiv2: Zeroizing<String>,
    /// The serial and the key of its brand.
    pub(crate) brand: Option<(String, PrivateKey)>,
}

impl MerchantSecrets {
    /// Draws new ones. `nth` counts the merchants of the sandbox.
    pub(crate) fn draw(nth: usize, has_brand: bool, keys: KeySource) -> Result<Self> {
        let brand = match has_brand {
            true => Some((new_serial()?, keys.key(Role::Brand)?)),
            false => None,
        };
        Ok(Self {
            serial: new_serial()?,
            key: keys.key(Role::merchant(nth))?,
            apiv3: Zeroizing::new(random::token(32)?),
            apiv2: Zeroizing::new(random::token(32)?),
            brand,
        })
    }
}

impl Merchant {
    /// Makes a merchant.
    pub(crate) fn new(new: NewMerchant, secrets: MerchantSecrets) -> Self {
        let brand = |(id, (serial, private))| Brand {
            id,
            serial,
            key: MerchantKeyPair::new(private),
        };
        Self {
            serial: secrets.serial,
            key: MerchantKeyPair::new(secrets.key),
            apiv3: secrets.apiv3,
            apiv2: secrets.apiv2,
            brand: new.brand_id.zip(secrets.brand).map(brand),
            mchid: new.mchid,
            appids: new.appids,
            trust: Mutex::new(new.trust),
            events: new.events,
            partner_of: new.partner_of,
            opening_balance: new.opening_balance,
        }
    }

    /// Returns the first app that is bound to the merchant.
    pub(crate) fn appid(&self) -> &str {
        self.appids.first().map_or("", String::as_str)
    }

    /// Returns the URL for an event that is configured on the merchant platform: the event's own, or that of
    /// all events, `*`.
    pub(crate) fn url_of(&self, event: &str) -> Option<&str> {
        let url = self.events.get(event).or_else(|| self.events.get("*"));
        url.map(String::as_str)
    }

    fn has_brand(&self, brand_id: &str) -> bool {
        let brand = self.brand.as_ref();
        brand.is_some_and(|brand| brand.id == brand_id)
    }

    /// Returns a copy of how the platform signs for this merchant.
    pub(crate) fn trust(&self) -> PlatformTrust {
        *self.trust.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns a new serial of a sandbox.
fn new_serial() -> Result<String> {
    let digits = random::hex(40 - SANDBOX_IN_HEX.len())?;
    Ok(format!("{SANDBOX_IN_HEX}{digits}"))
}

/// The RSA key of a merchant or a brand.
pub(crate) struct MerchantKeyPair {
    pub(crate) private: PrivateKey,
    pub(crate) public: PublicKey,
}

impl MerchantKeyPair {
    fn new(private: PrivateKey) -> Self {
        Self {
            public: private.public_key(),
            private,
        }
    }

    /// Returns whether the merchant signed this message. `signature` is in base64.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &str) -> bool {
        STANDARD
            .decode(signature)
            .is_ok_and(|signature| self.public.verify(message, &signature))
    }

    /// Encrypts for the merchant and returns base64.
    pub(crate) fn encrypt(&self, plaintext: &[u8]) -> Result<String> {
        Ok(STANDARD.encode(self.public.encrypt_oaep(plaintext)?))
    }

    /// Encrypts like [`encrypt`](Self::encrypt), with PKCS#1 v1.5 padding.
    pub(crate) fn encrypt_pkcs1(&self, plaintext: &[u8]) -> Result<String> {
        Ok(STANDARD.encode(self.public.encrypt_pkcs1(plaintext)?))
    }
}

/// The merchants of a sandbox, by ID.
#[derive(Default)]
pub(crate) struct Merchants {
    by_id: RwLock<BTreeMap<String, Arc<Merchant>>>,
    first: OnceLock<Arc<Merchant>>,
}

impl Merchants {
    pub(crate) fn get(&self, mchid: &str) -> Option<Arc<Merchant>> {
        let merchants = self.by_id.read().unwrap_or_else(PoisonError::into_inner);
        merchants.get(mchid).cloned()
    }

    /// Returns the merchant that runs a brand.
    pub(crate) fn by_brand(&self, brand_id: &str) -> Option<Arc<Merchant>> {
        let merchants = self.by_id.read().unwrap_or_else(PoisonError::into_inner);
        let mut merchants = merchants.values();
        merchants
            .find(|merchant| merchant.has_brand(brand_id))
            .cloned()
    }

    /// Adds a merchant. Returns `None` if its ID or that of its brand is taken.
    pub(crate) fn add(&self, merchant: Merchant) -> Option<Arc<Merchant>> {
        let mut merchants = self.by_id.write().unwrap_or_else(PoisonError::into_inner);
        let has_same_brand = |known: &Arc<Merchant>| {
            let brand = merchant.brand.as_ref();
            brand.is_some_and(|brand| known.has_brand(&brand.id))
        };
        if merchants.contains_key(&merchant.mchid) || merchants.values().any(has_same_brand) {
            return None;
        }
        let merchant = Arc::new(merchant);
        merchants.insert(merchant.mchid.clone(), Arc::clone(&merchant));
        self.first.get_or_init(|| Arc::clone(&merchant));
        Some(merchant)
    }

    /// Returns the one that was added first.
    pub(crate) fn first(&self) -> Option<Arc<Merchant>> {
        self.first.get().cloned()
    }

    /// Returns all merchants, by ID.
    pub(crate) fn all(&self) -> Vec<Arc<Merchant>> {
        let merchants = self.by_id.read().unwrap_or_else(PoisonError::into_inner);
        merchants.values().cloned().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }
}
