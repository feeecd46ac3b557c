//! The customer's phone: it gets the parameters of a front end, checks them as WeChat does, and pays.

use serde_json::{Map, Value, json};

use super::{
    combine,
    pay::{
        engine::{self, Payer, Product},
        notice::signer,
        order::{H5_URL_LIFETIME, Order, Version},
    },
};
use crate::{
    protocol::v2::sign::{SIGN, SignType, check_digest},
    sandbox::{dispatch::refusal::Refusal, state::SandboxState},
};

/// Opens a payment with the parameters of a front end and pays it. Returns its `out_trade_no`, or
/// `combine_out_trade_no`.
///
/// # Errors
/// Refuses parameters that WeChat would refuse: an unknown or expired `prepay_id`, another app or merchant,
/// a field that is missing or has another value than documented, and a signature that does not fit.
pub(crate) fn pay(state: &SandboxState, given: &Map<String, Value>) -> Result<String, Refusal> {
    let opened = Opened::read(given)?;
    let now = state.clock.now();
    // The key verifies without the lock.
    let order = find(state, &opened).ok_or_else(|| opened.unknown())?;
    check(state, given, &opened, &order, now)?;
    let mut world = state.world();
    let payer = Payer::default();
    Ok(match order.asked.combined {
        Some(whole) => {
            combine::pay(&mut world, &whole.mchid, &whole.number, &payer, now)?;
            whole.number
        }
        None => {
            let (mchid, number) = (order.asked.acting.mchid, order.asked.out_trade_no);
            engine::pay(&mut world, &mchid, &number, payer, now)?;
            number
        }
    })
}

/// Returns what a front end needs to open an order, and the names of the parameters that it passes on: `signed`
/// are those that the signature covers, in their order. Returns `None` for what a customer does not open.
pub(crate) fn parameters(order: &Order) -> Option<Value> {
    let codes = &order.prepaid;
    let names = |names: &[&str], of: &str| {
        let signed = match order.asked.version {
            Version::V3 => &names[..4],
            // All but the signature.
            Version::V2 { .. } => &names[..names.len() - 1],
        };
        json!({
            "prepay_id": codes.prepay_id,
            of: order.asked.appid,
            "names": names,
            "signed": signed,
        })
    };
    Some(match order.asked.product {
        Product::Jsapi | Product::MiniProgram => names(&PAGE, PAGE[0]),
        Product::App => names(&APP, APP[0]),
        Product::Native => json!({ "code_url": codes.code_url }),
        Product::H5 => json!({ "h5_url": codes.h5_url }),
        Product::Code | Product::Deduction => return None,
    })
}

/// What a front end opens.
#[derive(Debug, PartialEq)]
enum Opened<'a> {
    /// A page or a mini program.
    Page {
        prepay_id: &'a str,
    },
    App {
        prepay_id: &'a str,
    },
    CodeUrl(&'a str),
    H5Url(&'a str),
}

/// The fields of a page's parameters, in the order in which the first four are signed.
const PAGE: [&str; 6] = [
    "appId",
    "timeStamp",
    "nonceStr",
    "package",
    "signType",
    "paySign",
];
const APP: [&str; 7] = [
    "appid",
    "timestamp",
    "noncestr",
    "prepayid",
    "package",
    "partnerid",
    "sign",
];

impl<'a> Opened<'a> {
    fn read(given: &'a Map<String, Value>) -> Result<Self, Refusal> {
        if given.contains_key("code_url") {
            return Ok(Self::CodeUrl(only(given, &["code_url"])?.text("code_url")?));
        }
        if given.contains_key("h5_url") {
            return Ok(Self::H5Url(only(given, &["h5_url"])?.text("h5_url")?));
        }
        if given.contains_key("prepayid") {
            let fields = only(given, &APP)?;
            fields.must_be("package", "Sign=WXPay")?;
            let prepay_id = fields.text("prepayid")?;
            return Ok(Self::App { prepay_id });
        }
        let package = only(given, &PAGE)?.text("package")?;
        match package.strip_prefix("prepay_id=") {
            Some(prepay_id) => Ok(Self::Page { prepay_id }),
            None => Err(refuse("package must be prepay_id=…")),
        }
    }

    fn is_of(&self, order: &Order) -> bool {
        let codes = &order.prepaid;
        match *self {
            Self::Page { prepay_id } | Self::App { prepay_id } => codes.prepay_id == prepay_id,
            Self::CodeUrl(url) => !url.is_empty() && codes.code_url == url,
            // The page to return to may follow.
            Self::H5Url(url) => {
                let url = url.split("&redirect_url=").next();
                !codes.h5_url.is_empty() && url == Some(&codes.h5_url)
            }
        }
    }

    fn unknown(&self) -> Refusal {
        refuse(match self {
            Self::Page { .. } | Self::App { .. } => "支付参数错误: the prepay_id is unknown",
            Self::CodeUrl(_) => "the code_url is unknown",
            Self::H5Url(_) => "the h5_url is unknown",
        })
    }
}

/// The fields of the parameters.
struct Given<'a>(&'a Map<String, Value>);

/// Checks that the parameters are these fields and no others.
fn only<'a>(given: &'a Map<String, Value>, names: &[&str]) -> Result<Given<'a>, Refusal> {
    let fields = Given(given);
    for name in names {
        fields.text(name)?;
    }
    match given.keys().find(|name| !names.contains(&name.as_str())) {
        None => Ok(fields),
        Some(other) => Err(refuse(format!("unknown parameter {other}"))),
    }
}

impl<'a> Given<'a> {
    // A number would do in JavaScript on some phones, and not on others.
    fn text(&self, name: &str) -> Result<&'a str, Refusal> {
        match self.0.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text),
            Some(_) => Err(refuse(format!("{name} must be a string"))),
            None => Err(refuse(format!("调用支付JSAPI缺少参数: {name}"))),
        }
    }

    fn must_be(&self, name: &str, value: &str) -> Result<(), Refusal> {
        match self.text(name)? {
            text if text == value => Ok(()),
            _ => Err(refuse(format!("{name} must be {value}"))),
        }
    }
}

/// Returns the order that is opened, of a combined one a part.
fn find(state: &SandboxState, opened: &Opened<'_>) -> Option<Order> {
    let world = state.world();
    let mut stores = world.stores.values();
    stores.find_map(|store| {
        let orders = &store.pay.transactions;
        orders.find(|order| opened.is_of(order)).cloned()
    })
}

fn check(
    state: &SandboxState,
    given: &Map<String, Value>,
    opened: &Opened<'_>,
    order: &Order,
    now: u64,
) -> Result<(), Refusal> {
    let fits = match opened {
        Opened::Page { .. } => {
            matches!(order.asked.product, Product::Jsapi | Product::MiniProgram)
        }
        Opened::App { .. } => order.asked.product == Product::App,
        Opened::CodeUrl(_) => order.asked.product == Product::Native,
        Opened::H5Url(_) => order.asked.product == Product::H5,
    };
    if !fits {
        return Err(refuse("the order is of another product"));
    }
    let fields = Given(given);
    match opened {
        Opened::CodeUrl(_) => Ok(()),
        Opened::H5Url(_) if now.saturating_sub(order.prepaid.issued_at) >= H5_URL_LIFETIME => Err(
            refuse("支付请求已失效，请重新发起支付 (an h5_url expires after 5 minutes)"),
        ),
        Opened::H5Url(_) => Ok(()),
        Opened::Page { .. } => {
            check_app(order, fields.text("appId")?)?;
            check_signature(state, order, &fields, &PAGE[..4], "paySign")
        }
        Opened::App { .. } => {
            check_app(order, fields.text("appid")?)?;
            check_partner(order, fields.text("partnerid")?)?;
            check_signature(state, order, &fields, &APP[..4], "sign")
        }
    }
}

fn check_app(order: &Order, appid: &str) -> Result<(), Refusal> {
    let asked = &order.asked;
    if appid == asked.appid || Some(appid) == asked.sub_appid.as_deref() {
        return Ok(());
    }
    Err(refuse(
        "下单账号与支付账号不一致: the order is of another app",
    ))
}

fn check_partner(order: &Order, partnerid: &str) -> Result<(), Refusal> {
    let acting = &order.asked.acting;
    let is_merchant = match &order.asked.combined {
        Some(whole) => partnerid == whole.mchid,
        None => partnerid == acting.mchid || Some(partnerid) == acting.sp_mchid.as_deref(),
    };
    match is_merchant {
        true => Ok(()),
        false => Err(refuse("partnerid is not the merchant of the order")),
    }
}

/// Checks the signature as the version of the order requires. `signed` are the fields of APIv3's lines.
fn check_signature(
    state: &SandboxState,
    order: &Order,
    fields: &Given<'_>,
    signed: &[&str],
    sign: &str,
) -> Result<(), Refusal> {
    let mchid = match &order.asked.combined {
        Some(whole) => whole.mchid.clone(),
        None => signer(&order.asked.acting),
    };
    let wrong = || refuse("支付验证签名失败");
    let merchant = state.merchants.get(&mchid).ok_or_else(wrong)?;
    let is_page = fields.0.contains_key("signType");
    let given = fields.text(sign)?;
    let is_valid = match order.asked.version {
        Version::V3 => {
            if is_page {
                fields.must_be("signType", "RSA")?;
            }
            let mut lines = String::new();
            for name in signed {
                lines.push_str(fields.text(name)?);
                lines.push('\n');
            }
            merchant.key.has_signed(lines.as_bytes(), given)
        }
        Version::V2 { hmac } => {
            let sign_type = match hmac {
                true => SignType::HmacSha256,
                false => SignType::Md5,
            };
            if is_page {
                fields.must_be("signType", sign_type.name())?;
            }
            let mut all = fields.0.clone();
            if let Some(value) = all.remove(sign) {
                all.insert(SIGN.to_owned(), value);
            }
            check_digest(&all, &merchant.apiv2).is_ok_and(|used| used == sign_type)
        }
    };
    match is_valid {
        true => Ok(()),
        false => Err(wrong()),
    }
}

fn refuse(message: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::new(400, "FAIL", "FAIL", message)
}
