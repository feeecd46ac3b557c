//! `wxpay params`: what a front end opens the payment with.

use clap::ValueEnum;

use crate::{
    exit::Result,
    output::{Output, Style},
    settings::{Settings, Source},
    text::t,
};

#[derive(Debug, clap::Args)]
#[command(after_help = t(
    "Example:\n  wxpay params mini-program wx201410272009395522657a690389285100 --appid wx8888888888888888",
    "示例:\n  wxpay params mini-program wx201410272009395522657a690389285100 --appid wx8888888888888888",
))]
pub(crate) struct Args {
    #[arg(value_name = "FRONT_END", hide_possible_values = true, help = t("jsapi, mini-program or app", "jsapi (JSAPI), mini-program (小程序) 或 app (APP)"))]
    front_end: FrontEnd,

    #[arg(value_name = "PREPAY_ID", help = t("The prepay_id of the order, valid for two hours", "下单返回的prepay_id, 有效期两小时"))]
    prepay_id: String,

    #[arg(long, help = t("Sign for an APIv2 order, with MD5", "用于APIv2订单, MD5签名"))]
    v2: bool,

    #[arg(long, conflicts_with = "v2", help = t("Sign for an APIv2 order, with HMAC-SHA256", "用于APIv2订单, HMAC-SHA256签名"))]
    v2_hmac_sha256: bool,

    #[arg(long, value_name = "MCHID", help = t("The merchant that an app pays, if it is another one", "APP支付的收款商户号, 与当前商户不同时填写"))]
    partnerid: Option<String>,

    #[command(flatten)]
    source: Source,
}

/// Where the customer pays.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FrontEnd {
    Jsapi,
    MiniProgram,
    App,
}

pub(crate) fn run(args: Args, output: &Output) -> Result {
    let (client, settings) = args.source.client()?;
    let appid = Settings::need(&settings.appid, "appid")?;
    let prepay_id = &args.prepay_id;
    let mut params = match args.front_end {
        FrontEnd::Jsapi => client.jsapi_params(appid, prepay_id),
        FrontEnd::MiniProgram => client.mini_program_params(appid, prepay_id),
        FrontEnd::App => client.app_params(appid, prepay_id),
    };
    if args.v2 {
        params = params.v2();
    }
    if args.v2_hmac_sha256 {
        params = params.v2_hmac_sha256();
    }
    if let Some(mchid) = args.partnerid {
        params = params.partnerid(mchid);
    }
    output.value(&params.build()?.to_json());
    output.note(Style::Faint.paint(match args.front_end {
        FrontEnd::Jsapi => t(
            "For WeixinJSBridge.invoke('getBrandWCPayRequest', …).",
            "用于 WeixinJSBridge.invoke('getBrandWCPayRequest', …)。",
        ),
        FrontEnd::MiniProgram => t("For wx.requestPayment(…).", "用于 wx.requestPayment(…)。"),
        FrontEnd::App => t("The fields of PayReq.", "即 PayReq 的各字段。"),
    }));
    Ok(())
}
