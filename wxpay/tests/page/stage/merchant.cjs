// A merchant: signs requests as WeChat Pay documents it, with node's crypto alone.

const assert = require('assert');
const crypto = require('crypto');
const http = require('http');

const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });

// Sends a request and returns `{ status, text, json }`. `signed` is the body that the signature is made of,
// if it is not the one that is sent; `headers` are added to the request.
exports.send = (given, method, target, { body = '', signed = body, headers = {}, isSigned = true } = {}) => {
  const authorization = isSigned ? { authorization: authorize(given, method, target, signed) } : {};
  const all = { accept: 'application/json', 'content-type': 'application/json', 'user-agent': 'tea-shop/1.0', ...authorization, ...headers };
  return new Promise((resolve, reject) => {
    const request = http.request(new URL(target, given.base_uri), { method, headers: all, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (more) => (text += more));
      response.on('end', () => resolve({ status: response.statusCode, text, get json() { return JSON.parse(text); } }));
    });
    request.on('error', reject);
    request.end(body);
  });
};

exports.end = () => agent.destroy();

function authorize({ config, privateKey }, method, target, body) {
  const timestamp = Math.floor(Date.now() / 1000);
  const nonce = crypto.randomBytes(16).toString('hex');
  const message = [method, target, timestamp, nonce, body, ''].join('\n');
  const signature = crypto.createSign('RSA-SHA256').update(message).sign(privateKey, 'base64');
  const values = { mchid: config.mchid, nonce_str: nonce, timestamp, serial_no: config.serial, signature };
  const list = Object.entries(values).map(([name, value]) => `${name}="${value}"`).join(',');
  return `WECHATPAY2-SHA256-RSA2048 ${list}`;
}

// Creates a Native order. `more` replaces its fields.
exports.order = async (given, number, more = {}) => {
  const body = JSON.stringify({
    appid: given.config.appid,
    mchid: given.config.mchid,
    description: 'A cup of tea',
    out_trade_no: number,
    notify_url: 'http://127.0.0.1:9/notify',
    amount: { total: 100 },
    ...more,
  });
  const created = await exports.send(given, 'POST', '/v3/pay/transactions/native', { body });
  assert.strictEqual(created.status, 200, created.text);
  return created.json;
};

exports.query = async (given, number) => {
  const target = `/v3/pay/transactions/out-trade-no/${number}?mchid=${given.config.mchid}`;
  return (await exports.send(given, 'GET', target)).json;
};

// Refunds a part of an order. `more` is added to the fields.
exports.refund = async (given, number, refund, fen, total, more = {}) => {
  const amount = { refund: fen, total, currency: 'CNY' };
  const body = JSON.stringify({ out_trade_no: number, out_refund_no: refund, amount, ...more });
  const created = await exports.send(given, 'POST', '/v3/refund/domestic/refunds', { body });
  assert.strictEqual(created.status, 200, created.text);
};

// Calls the sandbox's own endpoints.
exports.control = async (given, method, path, body) => {
  const headers = { 'content-type': 'application/json', ...(given.token ? { authorization: `Bearer ${given.token}` } : {}) };
  const response = await fetch(`${given.base_uri}_sandbox/v1/${path}`, { method, headers, body: body && JSON.stringify(body) });
  const answer = await response.json();
  assert.ok(response.ok, `${method} ${path}: ${JSON.stringify(answer)}`);
  return answer;
};
