// What a merchant does with wechatpay-axios-plugin, in any flow of APIv2.
'use strict';

const assert = require('assert');
const { Hash, Transformer } = require('wechatpay-axios-plugin');
const { configured } = require('./shop.cjs');

// Sends the request with the client certificate.
const secured = { security: true };

// Returns the configuration for HTTPS, with the merchant's certificate.
function configuredV2(merchant, changes = {}) {
  return configured(merchant, {
    merchant: { cert: merchant.certificate, key: merchant.private_key },
    baseURL: merchant.https_base_uri,
    ...changes,
  });
}

// Reads a notification and verifies its sign with the plugin's tools.
function open(shop, { body }, signType) {
  const opened = Transformer.toObject(body);
  assert.strictEqual(opened.return_code, 'SUCCESS');
  assert.strictEqual(opened.mch_id, shop.mchid);
  if (signType) {
    assert(Hash.equals(Hash.sign(signType, opened, shop.apiv2_key), opened.sign), body);
  }
  return opened;
}

function order(shop, number, more = {}) {
  return {
    ...shop.ids,
    out_trade_no: number,
    body: '一杯茶 & <more>',
    attach: 'a=1&b="2"',
    total_fee: 100,
    spbill_create_ip: '127.0.0.1',
    notify_url: shop.receiver.url,
    trade_type: 'NATIVE',
    ...more,
  };
}

async function query(shop, number, more = {}) {
  const queried = await shop.client.v2.pay.orderquery.post({ ...shop.ids, out_trade_no: number, ...more });
  return queried.data;
}

module.exports = {
  open, order, query, secured, configuredV2,
};
