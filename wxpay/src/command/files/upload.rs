//! `wxpay upload FILE`: an image, a video, or a file of another documented upload.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use wechatpay_chain::{
    Checks, Media, Method, Options,
    catalog::{self, Operation},
};

use super::progress::Progress;
use crate::{
    command::call::{fields, send::interruptible},
    exit::{Exit, Failure, Result},
    output::Output,
    settings::Source,
    text::{t, tf},
};

const IMAGE: &str = "v3/merchant/media/upload";
const VIDEO: &str = "v3/merchant/media/video_upload";
/// Its documents do not list the file among the fields.
const IMAGE_V2: &str = "v2/secapi/mch/uploadmedia";

/// A list that stands here, since reading the documents at each start takes milliseconds.
const UPLOADS: &str = "  v2/secapi/mch/uploadmedia  图片上传
  v3/ecommerce/account/cancel-applications/media  注销申请图片上传
  v3/global/merchant-storage/file/upload  上传文件
  v3/marketing/bank/packages/{package_id}/tasks  导入定向用户协议号
  v3/marketing/favor/media/image-upload  （营销）图片上传
  v3/marketing/partner/product-coupon/media/upload-image  图片上传
  v3/marketing/shopping-receipt/shoppingreceipts  上传电子小票
  v3/mch-manage/submission-files/sub-mchid/{sub_mchid}/upload  上传商户提交资料文件
  v3/mch-operation-manage/enhanced-due-diligence/{due_diligence_id}/upload  上传尽调资料文件
  v3/merchant/media/upload  文件上传
  v3/merchant/media/video_upload  视频上传
  v3/merchant-service/images/upload  商户上传反馈图片
  v3/new-tax-control-fapiao/fapiao-applications/upload-fapiao-file  上传电子发票文件
  v3/taxi-invoice/cards/upload-file  上传出租车电子发票文件";

/// The documented formats of a video.
const VIDEOS: [&str; 11] = [
    "avi", "wmv", "mpeg", "mpg", "mp4", "mov", "mkv", "flv", "f4v", "m4v", "rmvb",
];

#[derive(Debug, clap::Args)]
#[command(after_help = tf!(
    "Uploads:\n{UPLOADS}\n\nExamples:\n  \
     wxpay upload license.jpg\n  wxpay upload receipt.jpg --as v3/merchant-service/images/upload",
    "上传接口:\n{UPLOADS}\n\n示例:\n  \
     wxpay upload license.jpg\n  wxpay upload receipt.jpg --as v3/merchant-service/images/upload",
))]
pub(crate) struct Args {
    #[arg(value_name = "FILE", help = t("File to upload", "要上传的文件"))]
    file: PathBuf,

    #[arg(long, conflicts_with = "operation",
        help = t("Upload as a video, as files such as .mp4 always are", "按视频上传 (.mp4等文件自动按视频上传)"))]
    video: bool,

    #[arg(long = "as", value_name = "OPERATION",
        help = t("Path of another documented upload, see below", "其他上传接口的路径, 见下文"))]
    operation: Option<String>,

    #[arg(short, long = "field", value_name = "KEY=VALUE",
        help = t("Variable of the path, or a field of `meta` beside the name and the hash",
            "路径变量, 或 `meta` 中除文件名和摘要外的字段"))]
    fields: Vec<String>,

    #[arg(long, help = t("Send the request even if the documents say otherwise", "即使与文档不符也发送请求"))]
    no_check: bool,

    #[command(flatten)]
    source: Source,
}

pub(crate) fn run(args: Args, output: &Output) -> Result {
    let operation = operation(&args)?;
    let (options, meta) = split(&args.fields, operation)?;
    let media = with_meta(Media::from_file(&args.file)?, meta, operation);
    let (client, _) = args.source.client()?;
    let progress = Progress::new(args.file.display().to_string(), output);
    let mut options = Options::from(Value::Object(options)).media(media);
    if operation.request().get("security").is_some() {
        options = options.mutual_tls(true);
    }
    if !args.no_check {
        options = options.check_documents(Checks::Deny);
    }
    let chain = client.chain(operation.template());
    let call = chain.request_async(operation.method(), progress.of(options));
    let response = interruptible(false, call)
        .map_err(harmless)?
        .map_err(|err| harmless(Failure::from(err)))?;
    drop(progress);
    let body = match operation.version() {
        "v2" => response.xml().map(Value::Object)?,
        _ => response.json()?,
    };
    match id(&body) {
        Some(id) if !output.is_json() => output.text(id),
        _ => output.value(&body),
    }
    Ok(())
}

/// Adds fields to `meta`. A few operations document one that does not have the name and the hash.
fn with_meta(media: Media, fields: Map<String, Value>, operation: &Operation) -> Media {
    let request = operation.request();
    let is_usual = request.at("/body/meta/sha256").is_some();
    if !is_usual && request.at("/body/meta").is_some() && !fields.is_empty() {
        return media.meta(fields);
    }
    fields
        .into_iter()
        .fold(media, |media, (name, value)| media.meta_field(name, value))
}

/// Returns what the response names the file by.
fn id(body: &Value) -> Option<&str> {
    ["media_id", "media_url", "image_url", "file_id"]
        .into_iter()
        .find_map(|name| body[name].as_str())
}

/// A file that may have arrived can be uploaded again.
fn harmless(failure: Failure) -> Failure {
    match failure.exit {
        Exit::Unknown => failure.with_advice(t(
            "Upload it again: that does no harm.",
            "可以重新上传, 没有副作用。",
        )),
        _ => failure,
    }
}

fn operation(args: &Args) -> Result<&'static Operation> {
    let path = match &args.operation {
        Some(path) => path.trim_start_matches('/'),
        None if args.video || is_video(&args.file) => VIDEO,
        None => IMAGE,
    };
    let found = catalog::find(&Method::POST, path).filter(|operation| is_upload(operation));
    found.ok_or_else(|| {
        Failure::usage(tf!(
            "{path} is not a documented upload; `wxpay upload --help` lists them",
            "{path} 不是文档中的上传接口; `wxpay upload --help` 列出了全部上传接口"
        ))
    })
}

fn is_video(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| {
        VIDEOS
            .iter()
            .any(|video| video.eq_ignore_ascii_case(extension))
    })
}

fn is_upload(operation: &Operation) -> bool {
    let request = operation.request();
    request.at("/body/meta").is_some() || operation.template() == IMAGE_V2
}

/// Returns the options map and the fields of `meta`.
fn split(
    fields: &[String],
    operation: &'static Operation,
) -> Result<(Map<String, Value>, Map<String, Value>)> {
    let (mut options, mut meta) = (Map::new(), Map::new());
    let path = operation.template();
    for field in fields {
        let name = field.split(['=', ':', '.']).next().unwrap_or_default();
        if operation
            .request()
            .at(&format!("/body/meta/{name}"))
            .is_some()
        {
            fields::add(&mut meta, &format!("json.{field}"), path, Some(operation))?;
        } else {
            fields::add(&mut options, field, path, Some(operation))?;
        }
    }
    let meta = match meta.remove("json") {
        Some(Value::Object(meta)) => meta,
        _ => Map::new(),
    };
    Ok((options, meta))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_lists_the_documented_uploads() {
        let listed: Vec<_> = UPLOADS
            .lines()
            .filter_map(|line| line.strip_prefix("  v"))
            .map(|line| format!("v{}", line.split("  ").next().unwrap_or_default()))
            .collect();
        let documented: Vec<_> = catalog::all()
            .iter()
            .filter(|operation| operation.method() == Method::POST && is_upload(operation))
            .map(Operation::template)
            .collect();
        assert_eq!(listed, documented);
        for path in [IMAGE, VIDEO] {
            assert!(listed.contains(&path.to_owned()), "{path}");
        }
    }
}
