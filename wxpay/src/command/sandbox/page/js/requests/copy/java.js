// Code for the Java SDK, wechatpay-java.

import { hex, pretty } from "../../base/json.js";
import { escaped } from "./literal.js";

const HOST = "https://api.mch.weixin.qq.com";

export function java({ body, target, method, headers, version }) {
  if (version === 2) return null;
  const isUpload = body.kind === "upload";
  const calls = [
    `.httpMethod(HttpMethod.${method})`,
    `.url(${string(HOST + target)})`,
    '.addHeader("Accept", "application/json")',
    ...headers.map(([name, value]) => `.addHeader(${string(name)}, ${string(value)})`),
    ...bodyCall(body),
  ];
  const uses = ["DefaultHttpClientBuilder", ...bodyClass(body.kind), "HttpClient", "HttpMethod", "HttpRequest"];
  const files = isUpload ? "import java.nio.file.Files;\nimport java.nio.file.Path;\n" : "";
  const throws = isUpload ? " throws Exception" : "";
  return `// Beside WeChatPay.java: wxpay sandbox config --for java
import com.google.gson.JsonElement;
${uses.map((name) => `import com.wechat.pay.java.core.http.${name};\n`).join("")}${files}
public class Call {
    public static void main(String[] args)${throws} {
        HttpClient client = new DefaultHttpClientBuilder().config(WeChatPay.CONFIG).build();
        HttpRequest request = new HttpRequest.Builder()
${calls.map((call) => `            ${call}\n`).join("")}            .build();
        System.out.println(client.execute(request, JsonElement.class).getServiceResponse());
    }
}
`;
}

function bodyClass(kind) {
  return { json: ["JsonRequestBody"], text: ["JsonRequestBody"], upload: ["FileRequestBody"] }[kind] ?? [];
}

function bodyCall(body) {
  switch (body.kind) {
    case "json": {
      const lines = pretty(body.node)
        .split("\n")
        .map((line) => `\n                ${string(line)}`);
      return [`.body(new JsonRequestBody.Builder().body(String.join("\\n",${lines.join(",")})).build())`];
    }
    case "text":
      return [`.body(new JsonRequestBody.Builder().body(${string(body.text)}).build())`];
    case "upload":
      return [
        `.body(new FileRequestBody.Builder()
                .meta(${string(body.text)})
                .fileName(${string(body.file)})
                .file(Files.readAllBytes(Path.of(${string(body.file)})))
                .build())`,
      ];
    default:
      return [];
  }
}

// Java reads \\u before anything else, a line break written so too. Octal escapes it reads within the string.
function string(text) {
  const control = (code) => (code < 256 ? `\\${code.toString(8).padStart(3, "0")}` : `\\u${hex(code, 4)}`);
  return `"${escaped(text, '"', control)}"`;
}
