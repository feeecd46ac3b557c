//! The checks before an operation: the form of a request, its merchant, its sign, its client certificate
//! and its path.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value};

use super::{V2Error, form, optional};
use crate::{
    base::xml,
    catalog::{self, Operation},
    protocol::v2::{
        paths,
        sign::{SignType, check_digest},
    },
    sandbox::{
        dispatch::{
            pipeline::{Arrived, ClientCertificate, Listener},
            request::parse_query,
        },
        state::{SandboxState, merchant::Merchant},
    },
};

/// The largest XML that is read.
const MAX_XML: usize = 1 << 20;

/// A request whose sign is valid.
pub(super) struct Verified {
    pub(super) merchant: Arc<Merchant>,
    pub(super) fields: Map<String, Value>,
    pub(super) file: Option<Bytes>,
    pub(super) sign_type: SignType,
}

/// Reads the fields of a request, and checks their sign.
// Before anything but the gateway's check: without a valid sign, a request learns nothing but what is wrong
// with its form.
pub(super) fn verified(state: &SandboxState, request: &Arrived) -> Result<Verified, V2Error> {
    let parts = &request.parts;
    let query = parts.uri.query();
    let (fields, file) = read(&parts.method, query, &parts.headers, &request.body)?;
    let mchid = merchant_id(&fields).ok_or_else(|| fail("缺少参数mch_id"))?;
    let merchant = state
        .merchants
        .get(mchid)
        .ok_or_else(|| fail("mch_id参数格式错误"))?;
    let sign_type = check_sign(&fields, &merchant.apiv2, parts.uri.path())?;
    Ok(Verified {
        merchant,
        fields,
        file,
        sign_type,
    })
}

/// Reads the fields of a request, and the file of an upload. Nothing else is checked.
pub(crate) fn read(
    method: &Method,
    query: Option<&str>,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<(Map<String, Value>, Option<Bytes>), V2Error> {
    match form::boundary(headers) {
        Some(boundary) => {
            let form = form::parse(boundary, body);
            let form = form.ok_or_else(|| fail("上传的文件格式错误"))?;
            Ok((form.fields, Some(form.file)))
        }
        None => Ok((read_fields(method, query, body)?, None)),
    }
}

/// Returns the merchant that the fields name.
pub(crate) fn merchant_id(fields: &Map<String, Value>) -> Option<&str> {
    let names = ["mch_id", "mchid", "combine_mch_id"];
    names.iter().find_map(|name| optional(fields, name))
}

/// Checks the sign, which must have the digest that the fields ask for.
fn check_sign(fields: &Map<String, Value>, key: &str, path: &str) -> Result<SignType, V2Error> {
    let refuse = |_| fail("签名错误，请检查后再试");
    let made_with = check_digest(fields, key).map_err(refuse)?;
    let asked_for = asked_for(fields, path).map_err(refuse)?;
    if made_with != asked_for {
        return Err(fail("签名错误，请检查后再试"));
    }
    if made_with == SignType::Md5 && requires_hmac(path) {
        return Err(fail("sign_type参数错误，仅支持HMAC-SHA256"));
    }
    Ok(made_with)
}

/// Returns the digest that the fields ask for.
pub(crate) fn asked_for(
    fields: &Map<String, Value>,
    path: &str,
) -> crate::error::cause::Result<SignType> {
    match optional(fields, "sign_type") {
        None if requires_hmac(path) => Ok(SignType::HmacSha256),
        name => SignType::from_field(name),
    }
}

/// Returns whether an operation is documented with HMAC-SHA256 alone.
fn requires_hmac(path: &str) -> bool {
    let op = catalog::find(&Method::POST, &format!("v2{path}"));
    let field = op.and_then(|op| op.request().at("/xml/sign_type"));
    field.is_some_and(|field| field.values() == [SignType::HmacSha256.name()])
        || path == "/pay/downloadfundflow"
}

/// Checks that the client presented a certificate if the path requires one.
// WeChat Pay's gateway does so, before anything of the request is read.
pub(super) fn check_gateway(path: &str, listener: &Listener) -> Result<(), V2Error> {
    match &listener.client_certificate {
        // On every path.
        ClientCertificate::Invalid => Err(bad_request("The SSL certificate error")),
        ClientCertificate::None if paths::needs_certificate(path) => {
            Err(bad_request("No required SSL certificate was sent"))
        }
        _ => Ok(()),
    }
}

/// Checks that the certificate is that of the merchant that signed, if the path requires one.
pub(super) fn check_certificate(
    path: &str,
    listener: &Listener,
    merchant: &Merchant,
) -> Result<(), V2Error> {
    match &listener.client_certificate {
        ClientCertificate::Valid(certificate)
            if paths::needs_certificate(path)
                && (certificate.serial() != merchant.serial
                    || *certificate.public_key() != merchant.key.public) =>
        {
            Err(fail(OTHER_CERTIFICATE))
        }
        _ => Ok(()),
    }
}

/// Says that the certificate is another merchant's.
// The text is that of a support page: https://developers.weixin.qq.com/community/pay/doc/000cc4106b41e8ee8378d66e95ac08
const OTHER_CERTIFICATE: &str = "商户号与API证书不匹配";

/// Returns the page of nginx for a client certificate that it refuses.
fn bad_request(reason: &str) -> V2Error {
    V2Error::Page {
        status: StatusCode::BAD_REQUEST,
        html: format!(
            "<html>\r\n<head><title>400 {reason}</title></head>\r\n<body>\r\n<center><h1>400 Bad \
             Request</h1></center>\r\n<center>{reason}</center>\r\n<hr><center>nginx</center>\r\n\
             </body>\r\n</html>\r\n"
        ),
    }
}

/// Returns the documented operation of a request.
pub(super) fn operation(method: &Method, path: &str) -> Result<&'static Operation, V2Error> {
    // The documents write `secapi/mch/addInstitutionsub` as `{addinstitutionsub}`, which any word would
    // match. These three need a certificate, and that list has their real names.
    let is_meant = |op: &&Operation| !op.template().contains('{') || paths::needs_certificate(path);
    let path = format!("v2{path}");
    if let Some(op) = catalog::find(method, &path).filter(is_meant) {
        return Ok(named_by_case(op, &path).unwrap_or(op));
    }
    if catalog::by_path(&path).any(|op| is_meant(&op)) {
        return Err(fail("请使用post方法"));
    }
    let nearest = catalog::nearest(&path);
    let nearest = nearest.strip_prefix("v2").unwrap_or(nearest);
    Err(V2Error::Absent {
        status: StatusCode::NOT_FOUND,
        message: format!("请求的资源不存在: the nearest is {nearest}"),
    })
}

/// Returns the operation whose last segment is in braces only because it has capitals: the template
/// `secapi/mch/{addinstitutionsub}` is the path `secapi/mch/addInstitutionsub`.
fn named_by_case(found: &'static Operation, path: &str) -> Option<&'static Operation> {
    let is_named = |op: &&Operation| {
        let template = op.template().replace(['{', '}'], "");
        op.method() == found.method() && template.eq_ignore_ascii_case(path)
    };
    let may_differ = found.template().contains('{');
    may_differ.then(|| catalog::all().iter().find(is_named))?
}

/// Returns the fields of the XML, or of the query of a GET.
fn read_fields(
    method: &Method,
    query: Option<&str>,
    body: &[u8],
) -> Result<Map<String, Value>, V2Error> {
    let malformed = || fail("XML格式错误");
    if *method != Method::GET {
        if body.is_empty() {
            return Err(fail("post数据为空"));
        }
        return xml::parse(body, MAX_XML).map_err(|_| malformed());
    }
    let mut fields = Map::new();
    for (name, value) in parse_query(query.unwrap_or_default()).map_err(|_| malformed())? {
        // A sign cannot cover both.
        if fields.insert(name, value.into()).is_some() {
            return Err(malformed());
        }
    }
    Ok(fields)
}

fn fail(message: &str) -> V2Error {
    V2Error::Return(message.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::v2::sign::sign;

    const KEY: &str = "192006250b4c09247ec02edce69f6a2d";

    fn signed(mut fields: Value, sign_type: SignType) -> Map<String, Value> {
        let fields = fields.as_object_mut().unwrap();
        let sign = sign(fields, KEY, sign_type).unwrap();
        fields.insert("sign".to_owned(), sign.into());
        fields.clone()
    }

    #[test]
    fn sign_must_have_the_digest_that_the_fields_ask_for() {
        use SignType::{HmacSha256, Md5};
        let check = |fields, made_with, path| check_sign(&signed(fields, made_with), KEY, path);
        let order = "/pay/unifiedorder";
        assert_eq!(check(json!({"a": "1"}), Md5, order), Ok(Md5));
        for (name, made_with) in [("MD5", Md5), ("HMAC-SHA256", HmacSha256)] {
            let fields = json!({"a": "1", "sign_type": name});
            assert_eq!(check(fields, made_with, order), Ok(made_with));
        }
        for (fields, made_with) in [
            (json!({"a": "1"}), HmacSha256),
            (json!({"a": "1", "sign_type": "HMAC-SHA256"}), Md5),
            (json!({"a": "1", "sign_type": "SM3"}), Md5),
        ] {
            let refused = check(fields.clone(), made_with, order);
            assert_eq!(refused, Err(fail("签名错误，请检查后再试")), "{fields}");
        }
        // Documented with HMAC-SHA256 alone.
        let sharing = "/secapi/pay/profitsharing";
        assert_eq!(
            check(json!({"a": "1"}), HmacSha256, sharing),
            Ok(HmacSha256)
        );
        assert!(check(json!({"a": "1", "sign_type": "MD5"}), Md5, sharing).is_err());
    }

    #[test]
    fn gateway_wants_a_certificate_where_the_documents_do() {
        let listener = |client_certificate| Listener {
            address: ([127, 0, 0, 1], 443).into(),
            host: None,
            tls: true,
            client_certificate,
        };
        let refused = |path, certificate| match check_gateway(path, &listener(certificate)) {
            Err(V2Error::Page { status, html }) => Some((status.as_u16(), html)),
            _ => None,
        };
        let (refund, order) = ("/secapi/pay/refund", "/pay/unifiedorder");
        let (status, html) = refused(refund, ClientCertificate::None).unwrap();
        assert_eq!(status, 400);
        assert!(
            html.contains("No required SSL certificate was sent"),
            "{html}"
        );
        assert_eq!(refused(order, ClientCertificate::None), None);
        for path in [refund, order] {
            let (_, html) = refused(path, ClientCertificate::Invalid).unwrap();
            assert!(html.contains("The SSL certificate error"), "{html}");
        }
    }

    #[test]
    fn capitals_in_a_path_name_its_operation() {
        for name in ["add", "modify", "query"] {
            let found = operation(&Method::POST, &format!("/secapi/mch/{name}Institutionsub"));
            let expected = format!("v2/secapi/mch/{{{name}institutionsub}}");
            assert_eq!(found.unwrap().template(), expected);
        }
    }

    #[test]
    fn path_and_method_must_be_documented() {
        assert!(operation(&Method::POST, "/pay/unifiedorder").is_ok());
        let refused = operation(&Method::GET, "/pay/unifiedorder").unwrap_err();
        assert_eq!(refused, fail("请使用post方法"));
        for path in [
            "/secapi/mch/addinstitutionsub",
            "/secapi/mch/other",
            "/secapi/mch/{any}",
        ] {
            let refused = operation(&Method::POST, path);
            assert!(matches!(refused, Err(V2Error::Absent { .. })), "{path}");
        }
        let V2Error::Absent { status, message } =
            operation(&Method::POST, "/pay/unifedorder").unwrap_err()
        else {
            panic!("not absent")
        };
        assert_eq!(status, 404);
        assert!(
            message.ends_with("the nearest is /pay/unifiedorder"),
            "{message}"
        );
    }

    #[test]
    fn fields_are_read_from_the_body_or_the_query_of_a_get() {
        let read = |method: Method, query, body: &str| read_fields(&method, query, body.as_bytes());
        let fields = read(Method::POST, Some("a=2"), "<xml><a>1</a></xml>").unwrap();
        assert_eq!(fields["a"], "1");
        assert_eq!(read(Method::GET, Some("a=%2B"), "").unwrap()["a"], "+");
        let refused = |result: Result<_, V2Error>| match result.unwrap_err() {
            V2Error::Return(message) => message,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(read(Method::POST, None, "")), "post数据为空");
        assert_eq!(refused(read(Method::POST, None, "{}")), "XML格式错误");
        let gbk = b"<xml><a>\xb2\xe8</a></xml>";
        assert_eq!(
            refused(read_fields(&Method::POST, None, gbk)),
            "XML格式错误"
        );
        assert_eq!(
            refused(read(Method::GET, Some("a=%b2%e8"), "")),
            "XML格式错误"
        );
        assert_eq!(
            refused(read(Method::GET, Some("a=1&a=2"), "")),
            "XML格式错误"
        );
    }
}
