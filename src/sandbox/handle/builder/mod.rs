//! Options of a sandbox.

mod start;

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    time::Duration,
};

use zeroize::Zeroizing;

use super::{MerchantOptions, folder::KeysFolder};
use crate::sandbox::{
    flows::platform::trust::PlatformMode,
    journal::{Given, Journal},
    server::page::PageFile,
    state::keys::KeySource,
};

/// How long WeChat Pay takes to finish what it accepted.
const SETTLE_AFTER: Duration = Duration::from_secs(60);

/// A builder for a [`Sandbox`](crate::sandbox::Sandbox) with options: see
/// [`Sandbox::builder`](crate::sandbox::Sandbox::builder).
///
/// ```
/// use wechatpay_chain::sandbox::Sandbox;
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// let sandbox = Sandbox::builder().mchid("1900000109").start()?;
/// assert_eq!(sandbox.mchid(), "1900000109");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SandboxBuilder {
    address: SocketAddr,
    mchid: Option<String>,
    /// The first merchant; `mchid` replaces its ID.
    first: MerchantOptions,
    further: Vec<MerchantOptions>,
    seed: Option<u64>,
    keys: KeySource,
    keys_folder: Option<KeysFolder>,
    https: Option<SocketAddr>,
    proxy: Option<SocketAddr>,
    journal: Option<Given>,
    settle_after: Option<Duration>,
    hosts: Vec<String>,
    deliver_to: Vec<String>,
    control_token: Option<Token>,
    page: &'static [PageFile],
}

impl SandboxBuilder {
    /// Sets the address to listen on. Defaults to 127.0.0.1 and a free port.
    ///
    /// An address that is not loopback lets other machines in, and requires a
    /// [`control_token`](Self::control_token).
    pub fn bind(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Lets clients reach the sandbox as this host, a name or an address, on any port. Can be repeated.
    ///
    /// Without it, requests whose Host header is not `localhost` or the address that the sandbox listens on are
    /// refused: a web page can point a name of its own at this machine. A container, a port that is mapped, or
    /// a proxy in front gives the sandbox another name. Name only hosts that nobody else controls.
    /// [`start`](Self::start) returns an error for anything else, such as a URL or a host with a port.
    ///
    /// ```
    /// use wechatpay_chain::sandbox::Sandbox;
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let sandbox = Sandbox::builder().host("sandbox.example.com").start()?;
    /// # drop(sandbox);
    /// let with_port = Sandbox::builder().host("sandbox.example.com:8080");
    /// assert!(with_port.start().unwrap_err().is_config());
    /// # Ok(())
    /// # }
    /// ```
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// Sets the merchant ID. Defaults to ten random digits.
    pub fn mchid(mut self, mchid: impl Into<String>) -> Self {
        self.mchid = Some(mchid.into());
        self
    }

    /// Sets all options of the first merchant, its ID too. It replaces what was set for it before.
    ///
    /// ```
    /// use wechatpay_chain::sandbox::{MerchantOptions, Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let provider = MerchantOptions::new("1900000109").partner_of(["1900000110"]);
    /// let sandbox = Sandbox::builder().first_merchant(provider).start()?;
    /// assert_eq!(sandbox.mchid(), "1900000109");
    /// # Ok(())
    /// # }
    /// ```
    pub fn first_merchant(mut self, merchant: MerchantOptions) -> Self {
        self.mchid = Some(merchant.mchid.clone());
        self.first = merchant;
        self
    }

    /// Sets the app that is bound to the merchant. Defaults to `wxd678efh567hg6787`, as in the
    /// official documents.
    pub fn appid(mut self, appid: impl Into<String>) -> Self {
        self.first = self.first.only_appid(appid);
        self
    }

    /// Sets which keys of the platform the merchant has. Defaults to the public key.
    pub fn platform_mode(mut self, mode: PlatformMode) -> Self {
        self.first = self.first.platform_mode(mode);
        self
    }

    /// Lets the merchant run a brand: see [`MerchantOptions::brand`].
    pub fn brand(mut self, brand_id: impl Into<String>) -> Self {
        self.first = self.first.brand(brand_id);
        self
    }

    /// Sets the merchant's balance at the start, in fen. Defaults to 100 million yuan.
    pub fn opening_balance(mut self, fen: u64) -> Self {
        self.first = self.first.opening_balance(fen);
        self
    }

    /// Sets the URL for an event that is configured on the merchant platform and not in a request, such as
    /// profit sharing's, or the end of a papay contract: `ENTRUST.TERMINATE`. The event `*` stands for all that
    /// have no URL of their own.
    /// [`start`](Self::start) returns an error if the event is not documented.
    pub fn notify_url(mut self, event: impl Into<String>, url: impl Into<String>) -> Self {
        self.first = self.first.notify_url(event, url);
        self
    }

    /// Lets notifications go to this host as well: `shop.example.com`, or `shop.example.com:8080` for this
    /// port alone. Otherwise they go to this machine only. [`start`](Self::start) returns an error for anything
    /// else, such as a URL.
    pub fn deliver_to(mut self, host: impl Into<String>) -> Self {
        self.deliver_to.push(host.into());
        self
    }

    /// Sets the token that the endpoints below `/_sandbox/v1/` require, in the header
    /// `Authorization: Bearer`: at least 16 visible ASCII characters. Defaults to none, which only a sandbox
    /// on a loopback address may have.
    ///
    /// ```
    /// use std::net::Ipv4Addr;
    ///
    /// use wechatpay_chain::sandbox::Sandbox;
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let everywhere = Sandbox::builder().bind((Ipv4Addr::UNSPECIFIED, 0).into());
    /// assert!(everywhere.clone().start().unwrap_err().to_string().contains("control_token"));
    /// everywhere.control_token("a-token-that-nobody-guesses").start()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn control_token(mut self, token: impl Into<String>) -> Self {
        self.control_token = Some(Token(Zeroizing::new(token.into())));
        self
    }

    /// Adds a further merchant.
    pub fn merchant(mut self, merchant: MerchantOptions) -> Self {
        self.further.push(merchant);
        self
    }

    /// Makes IDs, nonces and choices repeatable: equal seeds give equal sequences. Keys, secrets and times
    /// are not covered.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Draws new RSA keys for this sandbox, which takes up to seconds. Otherwise all sandboxes of a process
    /// share theirs; IDs, serials and secrets are each sandbox's own all the same.
    pub fn fresh_keys(mut self) -> Self {
        self.keys = KeySource::Fresh;
        self
    }

    /// Keeps the keys in this folder: a sandbox that starts with it again has the same merchants with the
    /// same serials and secrets, the same platform keys, and the same certificate authority.
    ///
    /// A folder that is not there yet is created. It is as
    /// [`Sandbox::export`](crate::sandbox::Sandbox::export) writes one, and one of an
    /// export can be given too: merchants are in subfolders, which are read again and added to those of this
    /// builder. What this builder leaves at its default comes from the folder: the first merchant's ID, and
    /// each merchant's options. The sandbox starts to listen on HTTPS. Several processes can use one folder,
    /// also while it is created; the base URIs in it are those of the process that started last.
    ///
    /// [`start`](Self::start) returns an error that names the file if one is missing or damaged.
    ///
    /// ```
    /// use wechatpay_chain::sandbox::{MerchantOptions, Sandbox};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = std::env::temp_dir().join(format!("wechatpay-keys-{}", std::process::id()));
    /// let sandbox = Sandbox::builder()
    ///     .merchant(MerchantOptions::new("1900000110"))
    ///     .keys(&folder)
    ///     .start()?;
    /// let (mchid, serial) = (sandbox.mchid().to_owned(), sandbox.serial().to_owned());
    /// drop(sandbox);
    ///
    /// let again = Sandbox::builder().keys(&folder).start()?;
    /// assert_eq!((again.mchid(), again.serial()), (&*mchid, &*serial));
    /// assert_eq!(again.merchants().len(), 2);
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn keys(mut self, folder: impl AsRef<Path>) -> Self {
        self.keys_folder = Some(KeysFolder::new(folder.as_ref()));
        self
    }

    /// Listens on HTTPS at this address from the start. The port 0 is a free one. Without it, HTTPS starts
    /// on a free port of the sandbox's address when it is first asked for: see
    /// [`Sandbox::https_base_uri`](crate::sandbox::Sandbox::https_base_uri).
    ///
    /// An address that is not loopback lets other machines in, and requires a
    /// [`control_token`](Self::control_token).
    ///
    /// ```
    /// use wechatpay_chain::sandbox::Sandbox;
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let sandbox = Sandbox::builder().https(([127, 0, 0, 1], 0).into()).start()?;
    /// // The same port again, which is in use.
    /// let uri = sandbox.https_base_uri()?;
    /// let address = uri.trim_start_matches("https://").trim_end_matches('/');
    /// let second = Sandbox::builder().https(address.parse().unwrap());
    /// assert!(second.start().unwrap_err().to_string().contains(address));
    /// # Ok(())
    /// # }
    /// ```
    pub fn https(mut self, address: SocketAddr) -> Self {
        self.https = Some(address);
        self
    }

    /// Starts an HTTP proxy on this address that poses as WeChat Pay's hosts: see
    /// [`Sandbox::proxy_uri`](crate::sandbox::Sandbox::proxy_uri). The port 0 is a free one.
    pub fn proxy(mut self, address: SocketAddr) -> Self {
        self.proxy = Some(address);
        self
    }

    /// Makes the orders, the money and the notifications outlive the process, even one that is killed.
    ///
    /// The sandbox appends an entry to the `journal` for each request that changes something, before its
    /// response leaves, and for each attempt to deliver a notification. `past` are the entries of earlier
    /// runs, in order: [`start`](Self::start) carries them out again before it listens, at the times that they
    /// had. Then everything is as it was: queries have the same answers, and a notification that was not
    /// acknowledged is sent by its schedule. The log of requests is not kept. Keep the keys, too:
    /// [`keys`](Self::keys). An entry has what a request had, its headers included.
    ///
    /// The first entry has what the sandbox was built with: the seed, [`settle_after`](Self::settle_after),
    /// and the accounts of the merchants. These are not changed by later builders, but merchants are added.
    /// If a request is answered otherwise than before, for example by another version of this library, the
    /// start logs a warning and goes on.
    ///
    /// With a journal, requests are carried out one after another, and all changes are requests: what a
    /// customer does is one of `/_sandbox/v1/`. The methods of [`Sandbox`](crate::sandbox::Sandbox) that would
    /// change something return
    /// an error. Those that cannot, such as [`advance`](crate::sandbox::Sandbox::advance), end the journal: see
    /// [`Journal::append`]. A builder's journal is for one sandbox, not for those of its clones.
    ///
    /// [`start`](Self::start) returns an error that names the entry if one cannot be read, is damaged, or is of
    /// a merchant with another serial.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    ///
    /// use wechatpay_chain::{json, sandbox::Sandbox};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = std::env::temp_dir().join(format!("wechatpay-journal-{}", std::process::id()));
    /// // In place of a file.
    /// let entries = Arc::new(Mutex::new(Vec::new()));
    /// let start = || {
    ///     let past: Vec<_> = entries.lock().unwrap().iter().cloned().map(Ok).collect();
    ///     let entries = Arc::clone(&entries);
    ///     let append = move |entry: &[u8]| {
    ///         entries.lock().unwrap().push(entry.to_vec());
    ///         Ok(())
    ///     };
    ///     Sandbox::builder().keys(&folder).journal(past, append).start()
    /// };
    /// let sandbox = start()?;
    /// let native = sandbox.client_builder().build()?.chain("v3/pay/transactions/native");
    /// native.post(json!({ "json": {
    ///     "appid": sandbox.appid(),
    ///     "mchid": sandbox.mchid(),
    ///     "description": "A cup of tea",
    ///     "out_trade_no": "tea-0001",
    ///     "notify_url": "https://example.com/notify",
    ///     "amount": { "total": 100 },
    /// }}))?;
    /// drop(sandbox);
    ///
    /// let again = start()?;
    /// assert_eq!(again.order_state("tea-0001").as_deref(), Some("NOTPAY"));
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn journal<P>(mut self, past: P, journal: impl Journal) -> Self
    where
        P: IntoIterator<Item = io::Result<Vec<u8>>>,
        P::IntoIter: Send + 'static,
    {
        self.journal = Some(Given::new(Box::new(past.into_iter()), Box::new(journal)));
        self
    }

    /// Serves these files to browsers, such as a page that shows the orders and uses the endpoints below
    /// `/_sandbox/v1/`.
    ///
    /// They are served at `/` and below `/_sandbox/page/`, to GET and HEAD. Without them, these paths are like
    /// others. Requests for them are not logged and meet no faults. The files hold no secret: they need no
    /// control token, but the page must send it to the endpoints. A content security policy lets the page load
    /// scripts and styles from the sandbox alone, none that are inline, and nothing from elsewhere.
    /// [`start`](Self::start) returns an error for another path, or if a path is given twice.
    ///
    /// ```
    /// use wechatpay_chain::sandbox::{PageFile, Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// const PAGE: &[PageFile] = &[
    ///     PageFile::new("/", "text/html; charset=utf-8", b"<!doctype html><p>A sandbox"),
    ///     PageFile::new("/_sandbox/page/style.css", "text/css", b"p { color: green }"),
    /// ];
    /// let sandbox = Sandbox::builder().page(PAGE).start()?;
    /// # drop(sandbox);
    /// # Ok(())
    /// # }
    /// ```
    pub fn page(mut self, files: &'static [PageFile]) -> Self {
        self.page = files;
        self
    }

    /// Sets after how much time, by the sandbox's clock, WeChat Pay finishes what it accepted: refunds,
    /// transfers and their cancellations, batches, profit sharing and its returns, deductions, bindings to a
    /// service, changes of settlement accounts. `None` leaves all of it to the handle. Defaults to 60 seconds.
    pub fn settle_after(mut self, after: Option<Duration>) -> Self {
        self.settle_after = after;
        self
    }

    pub(super) fn new() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            mchid: None,
            first: MerchantOptions::unnamed(),
            further: Vec::new(),
            seed: None,
            keys: KeySource::Pooled,
            keys_folder: None,
            https: None,
            proxy: None,
            journal: None,
            settle_after: Some(SETTLE_AFTER),
            hosts: Vec::new(),
            deliver_to: Vec::new(),
            control_token: None,
            page: &[],
        }
    }
}

/// A token that a builder does not show.
#[derive(Clone)]
struct Token(Zeroizing<String>);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
