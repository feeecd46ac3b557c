// A sandbox with its page, a merchant that signs with Node.js alone, and a receiver of notifications.

import { spawn } from "node:child_process";
import crypto from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import readline from "node:readline";

// Starts `wxpay sandbox` on a free port. `wxpay` is the path of the program.
export async function start(wxpay, token) {
  const keys = fs.mkdtempSync(path.join(os.tmpdir(), "wxpay-page-"));
  const args = ["--json", "sandbox", "--port", "0", "--merchant", "1900000109", "--keys", keys];
  if (token) args.push("--token", token);
  const child = spawn(wxpay, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await new Promise((resolve, reject) => {
    readline.createInterface(child.stdout).once("line", (text) => resolve([text]));
    child.once("exit", (code) => reject(new Error(`wxpay sandbox ended with ${code}`)));
  });
  const { page } = JSON.parse(line);
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const config = await (await fetch(new URL("_sandbox/v1/config", page), { headers })).json();
  const receiver = await receive();
  return {
    page,
    merchant: new Merchant(page, config.merchants[0], receiver.url),
    receiver,
    stop() {
      child.removeAllListeners("exit");
      child.kill();
      receiver.close();
      fs.rmSync(keys, { recursive: true });
    },
  };
}

class Merchant {
  agent = new http.Agent({ keepAlive: true, maxSockets: 8 });

  constructor(page, config, notifyUrl) {
    Object.assign(this, { page, config, notifyUrl });
    this.key = crypto.createPrivateKey(config.private_key);
  }

  // Orders a payment by Native. Returns the response.
  native(number, description, total = 100) {
    const { appid, mchid } = this.config;
    const order = {
      appid,
      mchid,
      description,
      out_trade_no: number,
      notify_url: this.notifyUrl,
      amount: { total },
    };
    return this.send("POST", "/v3/pay/transactions/native", JSON.stringify(order));
  }

  query(number) {
    return this.send("GET", `/v3/pay/transactions/out-trade-no/${number}?mchid=${this.config.mchid}`, "");
  }

  // Sends a request. `signed` is the body that the signature covers.
  send(method, target, body, signed = body) {
    const { mchid, serial } = this.config;
    const timestamp = Math.floor(Date.now() / 1000);
    const nonce = crypto.randomBytes(16).toString("hex");
    const message = `${method}\n${target}\n${timestamp}\n${nonce}\n${signed}\n`;
    const signature = crypto.sign("sha256", Buffer.from(message), this.key).toString("base64");
    const headers = {
      accept: "application/json",
      "user-agent": "page-check",
      authorization:
        `WECHATPAY2-SHA256-RSA2048 mchid="${mchid}",nonce_str="${nonce}",signature="${signature}",` +
        `timestamp="${timestamp}",serial_no="${serial}"`,
    };
    if (body) headers["content-type"] = "application/json";
    return new Promise((resolve, reject) => {
      const options = { method, headers, agent: this.agent };
      const request = http.request(new URL(target, this.page), options, (response) => {
        let text = "";
        response.on("data", (part) => (text += part));
        response.on("end", () => resolve({ status: response.statusCode, body: JSON.parse(text || "{}") }));
      });
      request.on("error", reject);
      request.end(body);
    });
  }
}

// Acknowledges each notification. `next()` resolves with the headers and the body of one.
async function receive() {
  const arrived = [];
  const waiting = [];
  const server = http.createServer((request, response) => {
    let body = "";
    request.on("data", (part) => (body += part));
    request.on("end", () => {
      response.writeHead(204).end();
      const sent = { headers: request.headers, body: JSON.parse(body) };
      const resolve = waiting.shift();
      if (resolve) resolve(sent);
      else arrived.push(sent);
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/notify`,
    next: () => (arrived.length > 0 ? Promise.resolve(arrived.shift()) : new Promise((resolve) => waiting.push(resolve))),
    close: () => server.close(),
  };
}
