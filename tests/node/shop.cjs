// What a merchant does with wechatpay-axios-plugin, in any flow of APIv3.
'use strict';

const assert = require('assert');
const { Rsa, Formatter, Aes: { AesGcm } } = require('wechatpay-axios-plugin');

// Returns the configuration of wechatpay-axios-plugin for a merchant.
function configured(merchant, changes = {}) {
  return {
    mchid: merchant.mchid,
    serial: merchant.serial,
    privateKey: merchant.private_key,
    certs: { [merchant.platform_key_id]: merchant.platform_key },
    secret: merchant.apiv2_key,
    baseURL: merchant.base_uri,
    proxy: false,
    ...changes,
  };
}

// Verifies and decrypts a notification with the plugin's tools.
function open(shop, { headers, body }, certs = { [shop.platform_key_id]: shop.platform_key }) {
  assert.strictEqual(headers['wechatpay-signature-type'], 'WECHATPAY2-SHA256-RSA2048');
  const key = certs[headers['wechatpay-serial']];
  assert(key, `the notification is signed with ${headers['wechatpay-serial']}`);
  const signed = Formatter.response(headers['wechatpay-timestamp'], headers['wechatpay-nonce'], body);
  assert(Rsa.verify(signed, headers['wechatpay-signature'], Rsa.from(key, Rsa.KEY_TYPE_PUBLIC)));
  assert(Math.abs(Formatter.timestamp() - headers['wechatpay-timestamp']) < 300);
  const { resource, ...event } = JSON.parse(body);
  assert.strictEqual(event.resource_type, 'encrypt-resource');
  const { ciphertext, nonce, associated_data: aad } = resource;
  const opened = JSON.parse(AesGcm.decrypt(ciphertext, shop.apiv3_key, nonce, aad));
  return { type: event.event_type, original: resource.original_type, opened };
}

// Encrypts a name or a number of a person for the platform.
function sealed(shop, text) {
  return Rsa.encrypt(text, Rsa.from(shop.platform_key, Rsa.KEY_TYPE_PUBLIC));
}

// Decrypts what the platform encrypted for the merchant.
function unsealed(shop, text) {
  return Rsa.decrypt(text, Rsa.from(shop.private_key, Rsa.KEY_TYPE_PRIVATE));
}

function order(shop, number, more = {}) {
  return {
    appid: shop.appid,
    mchid: shop.mchid,
    description: 'Image形象店-深圳腾大-QQ公仔',
    out_trade_no: number,
    notify_url: shop.receiver.url,
    amount: { total: 100, currency: 'CNY' },
    ...more,
  };
}

async function query(shop, number) {
  const queried = await shop.client.v3.pay.transactions.outTradeNo._out_trade_no_.get({
    params: { mchid: shop.mchid }, out_trade_no: number,
  });
  return queried.data;
}

module.exports = {
  configured, open, order, query, sealed, unsealed,
};
