// The call of `start.rs` with the modules of Node.js alone.
'use strict';
const { createSign, createVerify, randomBytes } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { get } = require('node:http');

const env = (name) => process.env[`WXPAY_${name}`];
const path = '/v3/merchant/fund/balance/OPERATION';
const timestamp = Math.floor(Date.now() / 1000);
const nonce = randomBytes(16).toString('hex');
const signature = createSign('RSA-SHA256')
  .update(`GET\n${path}\n${timestamp}\n${nonce}\n\n`)
  .sign(readFileSync(env('PRIVATE_KEY')), 'base64');
const authorization = `WECHATPAY2-SHA256-RSA2048 mchid="${env('MCHID')}",nonce_str="${nonce}",`
  + `timestamp="${timestamp}",serial_no="${env('SERIAL')}",signature="${signature}"`;

get(new URL(path, env('BASE_URI')), {
  headers: {
    authorization,
    accept: 'application/json',
    'user-agent': 'node',
    'wechatpay-serial': env('PUB_KEY_ID'),
    connection: 'close',
  },
}, (response) => {
  let body = '';
  response.setEncoding('utf8');
  response.on('data', (chunk) => { body += chunk; });
  response.on('end', () => {
    const header = (name) => response.headers[`wechatpay-${name}`];
    const verified = createVerify('RSA-SHA256')
      .update(`${header('timestamp')}\n${header('nonce')}\n${body}\n`)
      .verify(readFileSync(env('PUB_KEY')), header('signature'), 'base64');
    if (!verified) throw new Error('a wrong signature');
    console.log(body);
  });
});
