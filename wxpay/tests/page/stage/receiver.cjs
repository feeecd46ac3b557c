// The merchant's receiver of notifications: verifies and opens them with node's crypto alone.

const crypto = require('crypto');
const http = require('http');

// Starts a receiver. `next()` resolves to the next notification, opened; a `respond` function may say what is
// responded instead of 204: `{ status, body }`.
exports.start = async (given, respond = () => ({ status: 204 })) => {
  const opened = [];
  const waiting = [];
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const notification = open(given, request.headers, Buffer.concat(chunks).toString('utf8'));
    const { status, body } = notification ? respond(notification) : { status: 401 };
    response.writeHead(status, body ? { 'content-type': 'text/html' } : {}).end(body);
    if (!notification) return;
    const next = waiting.shift();
    if (next) next(notification);
    else opened.push(notification);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  given.ends(() => new Promise((done) => {
    server.close(done);
    server.closeAllConnections();
  }));
  return {
    url: `http://127.0.0.1:${server.address().port}/notify`,
    next: () => opened.length > 0 ? Promise.resolve(opened.shift()) : new Promise((resolve) => waiting.push(resolve)),
  };
};

// Returns the notification with its resource decrypted, or null if its signature is not WeChat Pay's.
function open({ config, platformKey }, headers, body) {
  const message = `${headers['wechatpay-timestamp']}\n${headers['wechatpay-nonce']}\n${body}\n`;
  const verifier = crypto.createVerify('RSA-SHA256').update(message);
  if (headers['wechatpay-serial'] !== config.platform_key_id) return null;
  if (!verifier.verify(platformKey, headers['wechatpay-signature'] ?? '', 'base64')) return null;
  const notification = JSON.parse(body);
  const { ciphertext, nonce, associated_data } = notification.resource;
  const sealed = Buffer.from(ciphertext, 'base64');
  const decipher = crypto.createDecipheriv('aes-256-gcm', config.apiv3_key, nonce);
  decipher.setAuthTag(sealed.subarray(-16));
  decipher.setAAD(Buffer.from(associated_data ?? ''));
  const text = decipher.update(sealed.subarray(0, -16), undefined, 'utf8') + decipher.final('utf8');
  return { event_type: notification.event_type, resource: JSON.parse(text) };
}
