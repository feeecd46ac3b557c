//! Faults on request: what can go wrong between a client and WeChat Pay.

mod responses;

pub(super) use responses::{cut_response, flood_body, flood_response, raw_response, retry_after};

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use super::state::{path_pattern::PathPattern, random::Rng};

/// How many faults can wait. One more drops the oldest.
const MAX_WAITING: usize = 1_000;

/// A fault for one request: see [`Sandbox::inject`](super::Sandbox::inject).
///
/// Unless a variant says otherwise, the sandbox carries out the operation and then damages the
/// response. That is the hard case in production: the client sees a failure, but the order exists.
///
/// ```
/// use wechatpay_chain::{
///     Outcome, json,
///     sandbox::{Fault, Sandbox},
/// };
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// let sandbox = Sandbox::start()?;
/// let client = sandbox.client_builder().build()?;
/// sandbox.inject(Fault::LostResponse);
///
/// let err = client.chain("v3/pay/transactions/native").post(json!({ "json": {
///     "appid": sandbox.appid(),
///     "mchid": sandbox.mchid(),
///     "description": "A cup of tea",
///     "out_trade_no": "tea-0001",
///     "notify_url": "https://example.com/notify",
///     "amount": { "total": 100 },
/// }})).unwrap_err();
/// // The client cannot know that the order was created.
/// assert_eq!(err.outcome(), Outcome::Unknown);
/// assert_eq!(sandbox.order_state("tea-0001").as_deref(), Some("NOTPAY"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// A signature that does not match.
    BadSignature,
    /// No signature headers.
    NoSignature,
    /// WeChat Pay's own test of whether a client verifies signatures: a signature that begins with
    /// `WECHATPAY/SIGNTEST/`.
    Probe,
    /// A serial that does not name a key of the platform.
    UnknownSerial,
    /// A timestamp this many seconds after the real time (before it, if negative), with a valid
    /// signature.
    Timestamp(i64),
    /// A signed error response, in XML on APIv2. The operation is not carried out.
    Error {
        /// The status, such as 500 or 429.
        status: StatusCode,
        /// The error code, such as `SYSTEM_ERROR`.
        code: String,
        /// The error message.
        message: String,
        /// The seconds in a `Retry-After` header.
        retry_after: Option<u32>,
    },
    /// An unsigned response, such as a proxy on the way might send. The operation is not carried
    /// out.
    Raw {
        /// The status, such as 502 or 301.
        status: StatusCode,
        /// The headers, such as a content type or a location.
        headers: HeaderMap,
        /// The body, such as an HTML page.
        body: Bytes,
    },
    /// A response that is delayed by this time.
    Delay(Duration),
    /// A connection that is cut after this many bytes of the response's body.
    Cut(usize),
    /// A connection that is closed without a response. The operation is not carried out.
    Hangup,
    /// A connection that is closed without a response after the operation.
    LostResponse,
    /// An unsigned response whose body has this many bytes and no `Content-Length`.
    Flood(usize),
}

impl Fault {
    /// Returns its name in the control endpoints.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::BadSignature => "bad_signature",
            Self::NoSignature => "no_signature",
            Self::Probe => "probe",
            Self::UnknownSerial => "unknown_serial",
            Self::Timestamp(_) => "timestamp",
            Self::Error { .. } => "error",
            Self::Raw { .. } => "raw",
            Self::Delay(_) => "delay",
            Self::Cut(_) => "cut",
            Self::Hangup => "hangup",
            Self::LostResponse => "lost_response",
            Self::Flood(_) => "flood",
        }
    }
}

/// A fault, and the requests that it is for: see [`Sandbox::inject_with`](super::Sandbox::inject_with).
///
/// ```
/// use wechatpay_chain::sandbox::{Fault, Injection, Sandbox};
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// let sandbox = Sandbox::builder().seed(7).start()?;
/// // Three queries get no response, then one in ten of all requests.
/// let query = "v3/pay/transactions/out-trade-no/{out_trade_no}";
/// sandbox.inject_with(Injection::new(Fault::Hangup).path(query).times(3))?;
/// sandbox.inject_with(Injection::new(Fault::Hangup).probability(0.1))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Injection {
    fault: Fault,
    path: PathPattern,
    method: Option<Method>,
    times: Option<u32>,
    probability: Option<f64>,
}

impl Injection {
    /// An injection of a fault into the next request.
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            path: PathPattern::new(""),
            method: None,
            times: None,
            probability: None,
        }
    }

    /// Sets the path: a template with variables, or how the path begins. Defaults to all paths.
    pub fn path(mut self, path: &str) -> Self {
        self.path = PathPattern::new(path);
        self
    }

    /// Sets the method. Defaults to all methods.
    pub fn method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// Sets for how many requests it is. Defaults to one, and to no limit with a
    /// [`probability`](Self::probability).
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Sets the probability for each request, from 0 to 1. The sandbox's
    /// [`seed`](super::SandboxBuilder::seed) decides which requests it meets.
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = Some(probability);
        self
    }

    pub(super) fn fault(&self) -> &Fault {
        &self.fault
    }

    pub(super) fn path_prefix(&self) -> &str {
        self.path.as_str()
    }

    pub(super) fn only_method(&self) -> Option<&Method> {
        self.method.as_ref()
    }

    pub(super) fn chance(&self) -> Option<f64> {
        self.probability
    }

    /// Returns what is wrong with it.
    pub(super) fn mistake(&self) -> Option<String> {
        let is_probability = |p: f64| (0.0..=1.0).contains(&p);
        match (self.times, self.probability) {
            (Some(0), _) => Some("times(0) would never inject the fault".to_owned()),
            (_, Some(p)) if !is_probability(p) => {
                Some(format!("invalid probability {p}: expected 0 to 1"))
            }
            _ => None,
        }
    }
}

/// The faults that wait for their requests.
// One queue for all paths: a test reads the order of its `inject` calls from top to bottom.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    waiting: VecDeque<Waiting>,
}

#[derive(Clone, Debug)]
struct Waiting {
    injection: Injection,
    /// How many requests it is still for. `None`: no limit.
    left: Option<u32>,
    rng: Rng,
}

impl Faults {
    /// Adds a fault for the next request whose path begins with `prefix`.
    pub(super) fn add(&mut self, prefix: &str, fault: Fault) {
        // Without a probability, nothing is drawn.
        self.inject(Injection::new(fault).path(prefix), Rng::from_seed(0));
    }

    /// Adds a fault. `rng` draws for its probability.
    pub(super) fn inject(&mut self, injection: Injection, rng: Rng) {
        let once = injection.probability.is_none().then_some(1);
        self.waiting.push_back(Waiting {
            left: injection.times.or(once),
            injection,
            rng,
        });
        if self.waiting.len() > MAX_WAITING {
            self.waiting.pop_front();
        }
    }

    /// Returns the first fault for this request, and removes it if this was the last request that it is for.
    pub(super) fn take(&mut self, method: &Method, path: &str) -> Option<Fault> {
        let hit = |waiting: &mut Waiting| waiting.is_for(method, path) && waiting.draw();
        let index = self.waiting.iter_mut().position(hit)?;
        let waiting = self.waiting.get_mut(index)?;
        if let Some(left) = &mut waiting.left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                return self
                    .waiting
                    .remove(index)
                    .map(|waiting| waiting.injection.fault);
            }
        }
        Some(waiting.injection.fault.clone())
    }

    /// Returns the faults that wait, and for how many requests. `None` is for all.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (&Injection, Option<u32>)> {
        let waiting = self.waiting.iter();
        waiting.map(|waiting| (&waiting.injection, waiting.left))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }
}

impl Waiting {
    fn is_for(&self, method: &Method, path: &str) -> bool {
        let own = self.injection.method.as_ref();
        own.is_none_or(|own| own == method) && self.injection.path.is_or_begins(path)
    }

    fn draw(&mut self) -> bool {
        const STEPS: u64 = 1 << 32;
        match self.injection.probability {
            None => true,
            Some(probability) => (self.rng.below(STEPS) as f64) < probability * STEPS as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_is_taken_once_by_its_path() {
        let mut faults = Faults::default();
        faults.add("/v3/pay", Fault::Probe);
        faults.add("", Fault::Hangup);
        let mut take = |path| faults.take(&Method::GET, path);
        assert!(matches!(take("/v3/x"), Some(Fault::Hangup)));
        assert!(take("/v3/x").is_none());
        assert!(matches!(take("/v3/pay/x"), Some(Fault::Probe)));
        assert!(take("/v3/pay/x").is_none());
    }

    #[test]
    fn counted_fault_is_for_so_many_requests_of_its_method() {
        let mut faults = Faults::default();
        let twice = Injection::new(Fault::Probe).method(Method::POST).times(2);
        faults.inject(twice, Rng::from_seed(0));
        let mut is_hit = |method| faults.take(&method, "/v3/x").is_some();
        assert!(!is_hit(Method::GET));
        assert!(is_hit(Method::POST) && is_hit(Method::POST));
        assert!(!is_hit(Method::POST));
    }

    #[test]
    fn seed_decides_which_requests_a_probable_fault_meets() {
        let hits = |seed, probability| -> Vec<bool> {
            let mut faults = Faults::default();
            let injection = Injection::new(Fault::Probe).probability(probability);
            faults.inject(injection, Rng::from_seed(seed));
            let take = |_| faults.take(&Method::GET, "/v3/x").is_some();
            (0..1000).map(take).collect()
        };
        let count = |hits: Vec<bool>| hits.into_iter().filter(|hit| *hit).count();
        assert_eq!(hits(1, 0.25), hits(1, 0.25));
        assert_ne!(hits(1, 0.25), hits(2, 0.25));
        assert!((200..300).contains(&count(hits(1, 0.25))));
        assert_eq!((count(hits(1, 0.0)), count(hits(1, 1.0))), (0, 1000));
    }

    #[test]
    fn impossible_injections_have_a_mistake() {
        let injection = || Injection::new(Fault::Probe);
        for wrong in [
            injection().times(0),
            injection().probability(1.5),
            injection().probability(-0.5),
            injection().probability(f64::NAN),
        ] {
            assert!(wrong.mistake().is_some(), "{wrong:?}");
        }
        assert_eq!(injection().probability(1.0).times(3).mistake(), None);
    }
}
