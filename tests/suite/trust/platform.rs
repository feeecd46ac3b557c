//! A server whose platform certificates change.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rcgen::{CertificateParams, DnType, SerialNumber, date_time_ymd};
use serde_json::{Value, json};
use wechatpay_chain::{Certificate, CertificateMode, ClientBuilder, RetryPolicy};

use crate::fixtures::{
    keys::{self, Pair},
    programs::node,
    server::{MockResponse, Reply, Request, Server},
    tls,
};

pub const APIV3_KEY: &str = "fedcba9876543210fedcba9876543210";

/// A platform certificate and its key.
pub struct Cert {
    pub serial: &'static str,
    pub pem: String,
    pub pair: &'static Pair,
}

impl Cert {
    pub fn new(serial: &'static str, pair: &'static Pair, expiry_year: i32) -> Self {
        let mut params = CertificateParams::new([]).expect("parameters");
        params
            .distinguished_name
            .push(DnType::CommonName, "Tenpay.com sign");
        let bytes = (0..serial.len()).step_by(2);
        let bytes = bytes.map(|at| u8::from_str_radix(&serial[at..at + 2], 16).expect("hex"));
        params.serial_number = Some(SerialNumber::from(bytes.collect::<Vec<_>>()));
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(expiry_year, 1, 1);
        let certificate = params.self_signed(&tls::key(pair)).expect("a certificate");
        Self {
            serial,
            pem: certificate.pem(),
            pair,
        }
    }

    pub fn certificate(&self) -> Certificate {
        Certificate::from_pem(&self.pem).expect("a certificate")
    }

    pub fn signs(&self, body: &str) -> MockResponse {
        MockResponse::signed_by(200, body, (self.serial, self.pair))
    }
}

fn pair(number: usize) -> &'static Pair {
    static PAIRS: [OnceLock<Pair>; 2] = [const { OnceLock::new() }; 2];
    PAIRS[number].get_or_init(Pair::generate)
}

/// The certificate that is being replaced.
pub fn old() -> &'static Cert {
    static CERT: OnceLock<Cert> = OnceLock::new();
    CERT.get_or_init(|| Cert::new("10DE5157F09EFDC096DE15EBE81A47057A720000", pair(0), 2088))
}

/// The certificate that replaces the old one. Its serial has a leading zero.
pub fn new() -> &'static Cert {
    static CERT: OnceLock<Cert> = OnceLock::new();
    CERT.get_or_init(|| Cert::new("0BADF09EFDC096DE15EBE81A47057A7200000002", pair(1), 2093))
}

/// An expired certificate with the new one's key.
pub fn expired() -> &'static Cert {
    static CERT: OnceLock<Cert> = OnceLock::new();
    CERT.get_or_init(|| Cert::new("0E0DF09EFDC096DE15EBE81A47057A7200000003", pair(1), 2020))
}

/// The body of `/v3/certificates`, encrypted with this key by node.
pub fn body(certificates: &[&Cert], key: &str) -> String {
    static CACHE: OnceLock<Mutex<HashMap<(String, String), Value>>> = OnceLock::new();
    let mut cache = CACHE
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let data = certificates.iter().map(|certificate| {
        let encrypted = cache
            .entry((certificate.pem.clone(), key.to_owned()))
            .or_insert_with(|| encrypt(&certificate.pem, key));
        json!({
            "serial_no": certificate.serial,
            "effective_time": "2019-01-01T00:00:00+08:00",
            "expire_time": "2093-01-01T00:00:00+08:00",
            "encrypt_certificate": encrypted,
        })
    });
    json!({ "data": data.collect::<Vec<_>>() }).to_string()
}

fn encrypt(pem: &str, key: &str) -> Value {
    node(
        "const nonce = crypto.randomBytes(6).toString('hex');
         const cipher = crypto.createCipheriv('aes-256-gcm', input.key, nonce);
         cipher.setAAD(Buffer.from('certificate'));
         const parts = [cipher.update(input.pem), cipher.final(), cipher.getAuthTag()];
         return { algorithm: 'AEAD_AES_256_GCM', nonce, associated_data: 'certificate',
                  ciphertext: Buffer.concat(parts).toString('base64') };",
        &json!({ "pem": pem, "key": key }),
    )
}

/// The response with these certificates, signed by one of them.
pub fn response_with(certificates: &[&Cert], signer: &Cert) -> MockResponse {
    signer.signs(&body(certificates, APIV3_KEY))
}

/// A server with separate responses for `/v3/certificates` and for all other paths. Counts the
/// downloads.
pub struct Platform {
    pub server: Server,
    downloads: Arc<AtomicUsize>,
}

impl Platform {
    pub fn start<C: Into<Reply>, R: Into<Reply>>(
        certificates: impl Fn(&Request) -> C + Send + Sync + 'static,
        others: impl Fn(&Request) -> R + Send + Sync + 'static,
    ) -> Self {
        let downloads = Arc::new(AtomicUsize::new(0));
        let server = Server::start({
            let downloads = Arc::clone(&downloads);
            move |request| {
                if request.path() != "/v3/certificates" {
                    return others(request).into();
                }
                assert_eq!(request.target, "/v3/certificates?algorithm_type=RSA");
                request.authorization(keys::merchant());
                downloads.fetch_add(1, Ordering::SeqCst);
                certificates(request).into()
            }
        });
        Self { server, downloads }
    }

    pub fn downloads(&self) -> usize {
        self.downloads.load(Ordering::SeqCst)
    }

    /// A client builder without any platform key.
    pub fn builder(&self) -> ClientBuilder {
        wechatpay_chain::Client::builder()
            .mchid(keys::MCHID)
            .serial(keys::SERIAL)
            .private_key(keys::merchant().private())
            .apiv3_key(APIV3_KEY)
            .base_uri(self.server.url())
            .timeout(Duration::from_secs(20))
            .retry(RetryPolicy::none())
            .certificate_mode(CertificateMode::OnDemand)
            .no_proxy()
    }
}
