// The faults, and what each takes. Names and defaults are those of `POST faults` and `POST delivery-faults`.

import { t } from "../base/text.js";
import { badge } from "../base/widgets.js";

// Whether the operation is carried out is what a merchant's program has to find out afterwards.
export function responseFaults() {
  const status = (value) => ({ name: "status", title: t("Status", "状态码"), type: "integer", value });
  return [
    {
      title: t("The connection", "连接"),
      faults: [
        {
          name: "lost_response",
          title: t("Response lost", "应答丢失"),
          about: t("Carries out the operation, then closes the connection without a response.", "执行该操作，然后不返回应答就断开连接。"),
        },
        {
          name: "hangup",
          title: t("Connection closed", "连接断开"),
          about: t("Closes the connection without a response. The operation is not carried out.", "不返回应答就断开连接，操作不会执行。"),
        },
        {
          name: "delay",
          title: t("Slow response", "应答延迟"),
          about: t("Carries out the operation and responds late.", "执行该操作，延迟返回应答。"),
          fields: [{ name: "delay_ms", title: t("Delay in milliseconds", "延迟（毫秒）"), type: "integer", value: 1000 }],
        },
        {
          name: "cut",
          title: t("Response cut off", "应答中断"),
          about: t("Carries out the operation and cuts the connection in the middle of the body.", "执行该操作，在返回应答报文主体的中途断开连接。"),
          fields: [{ name: "bytes", title: t("Bytes of the body before that", "断开前的报文主体字节数"), type: "integer", value: 10 }],
        },
        {
          name: "flood",
          title: t("Endless body", "超长报文主体"),
          about: t("Responds with a very long, unsigned body and no Content-Length.", "返回超长、未签名、没有 Content-Length 的报文主体。"),
          fields: [{ name: "bytes", title: t("Bytes", "字节数"), type: "integer", value: 100_000_000 }],
        },
      ],
    },
    {
      title: t("An error", "错误应答"),
      faults: [
        {
          name: "error",
          title: t("Error with a code", "返回错误码"),
          about: t("Responds with a signed error. The operation is not carried out.", "返回带签名的错误应答，操作不会执行。"),
          fields: [
            status(500),
            { name: "code", title: t("Code", "错误码"), value: "SYSTEM_ERROR" },
            { name: "message", title: t("Message", "错误描述"), value: "系统异常，请稍后重试" },
            { name: "retry_after_s", title: t("Retry-After in seconds", "Retry-After（秒）"), type: "integer", optional: true },
          ],
        },
        {
          name: "raw",
          title: t("Response of a proxy", "代理的应答"),
          about: t("Responds as a proxy on the way might: unsigned, with any body. The operation is not carried out.", "像中间代理那样返回任意的、未签名的应答，操作不会执行。"),
          fields: [
            status(502),
            { name: "content_type", title: "Content-Type", value: "text/html" },
            { name: "body", title: t("Body", "报文主体"), type: "long", value: "<html><body><h1>502 Bad Gateway</h1></body></html>" },
          ],
        },
      ],
    },
    {
      title: t("The signature", "签名"),
      faults: [
        {
          name: "bad_signature",
          title: t("Wrong signature", "签名错误"),
          about: t("Carries out the operation. The signature of the response does not match.", "执行该操作，应答的签名不匹配。"),
        },
        {
          name: "no_signature",
          title: t("No signature", "没有签名"),
          about: t("Carries out the operation. The response has no signature headers.", "执行该操作，应答头中没有签名。"),
        },
        {
          name: "probe",
          title: t("Signature probe", "签名探测"),
          about: t("Sends what WeChat Pay sends to test whether a client verifies signatures: WECHATPAY/SIGNTEST/…", "发送微信支付的签名探测流量，检查商户是否验签：WECHATPAY/SIGNTEST/…"),
        },
        {
          name: "unknown_serial",
          title: t("Unknown serial", "未知序列号"),
          about: t("Carries out the operation. The response names a key that the platform does not have.", "执行该操作，应答中的序列号不是平台的任何密钥。"),
        },
        {
          name: "timestamp",
          title: t("Old timestamp", "时间戳过期"),
          about: t("Carries out the operation. The response is signed at another time.", "执行该操作，应答以另一个时间签名。"),
          fields: [{ name: "offset_s", title: t("Seconds from the real time", "与真实时间相差（秒）"), type: "signed", value: -600 }],
        },
      ],
    },
  ];
}

// The receiver must refuse each; the true notification follows.
export function deliveryFaults() {
  return [
    { name: "bad_signature", title: t("Wrong signature", "签名错误"), about: t("The signature does not match the body.", "签名与报文主体不匹配。") },
    { name: "wrong_key", title: t("Signed by a stranger", "由他人签名"), about: t("Signed with a key that is not WeChat Pay's.", "以不属于微信支付的密钥签名。") },
    { name: "unknown_serial", title: t("Unknown serial", "未知序列号"), about: t("Names a key that the platform does not have.", "序列号不是平台的任何密钥。") },
    { name: "stale_timestamp", title: t("Old timestamp", "时间戳过期"), about: t("Signed ten minutes ago, as a replay would be.", "十分钟前的签名，如同重放攻击。") },
    { name: "wrong_apiv3_key", title: t("Wrong APIv3 key", "APIv3 密钥错误"), about: t("Signed correctly, but the resource is encrypted with another key.", "签名正确，但资源以另一个密钥加密。") },
    { name: "probe", title: t("Signature probe", "签名探测"), about: t("What WeChat Pay sends to test whether a receiver verifies: WECHATPAY/SIGNTEST/…", "微信支付的签名探测流量，检查接收端是否验签：WECHATPAY/SIGNTEST/…") },
  ];
}

// Returns the name of a fault as a person reads it.
export function responseFaultTitle(name) {
  const known = responseFaults().flatMap((group) => group.faults);
  return known.find((fault) => fault.name === name)?.title ?? name;
}

// The mark of a request or an attempt that a fault met.
export function faultBadge(title) {
  return badge("fault", { text: t(`Fault: ${title}`, `故障：${title}`), tone: "wait" });
}

export function deliveryFaultTitle(name) {
  return deliveryFaults().find((fault) => fault.name === name)?.title ?? name;
}
