// The keys of the platform: its certificates, their rotation, and the change to the public key and back.
'use strict';

const assert = require('assert');
const { Wechatpay, Rsa, Aes: { AesGcm } } = require('wechatpay-axios-plugin');
const { handle, phone, refusal } = require('./common.cjs');
const {
  configured, open, order, query,
} = require('./shop.cjs');

// Downloads the platform certificates. They verify the response that brings them.
async function certificates(shop) {
  const config = configured(shop, { certs: { any: undefined } });
  const client = new Wechatpay(config);
  // The plugin has copied its keys: these are the ones that it verifies with.
  const { certs } = config;
  const decrypt = (response) => {
    (JSON.parse(response).data || []).forEach(({ serial_no: serial, encrypt_certificate: sealedOne }) => {
      const { nonce, associated_data: aad, ciphertext } = sealedOne;
      certs[serial] = AesGcm.decrypt(ciphertext, shop.apiv3_key, nonce, aad);
    });
    return response;
  };
  await client.v3.certificates.get({
    transformResponse: [decrypt, ...client.client.v3.defaults.transformResponse],
  });
  const { any: _, ...downloaded } = certs;
  return downloaded;
}

async function changeKeys(shop) {
  const none = await refusal(certificates(shop));
  assert.deepStrictEqual([none.status, none.data.code], [404, 'RESOURCE_NOT_EXISTS']);

  await handle('platform_mode', shop.mchid, 'certificate');
  const old = await certificates(shop);
  assert.strictEqual(Object.keys(old).length, 1);
  const withOld = { ...shop, client: new Wechatpay(configured(shop, { certs: old })) };
  const created = await withOld.client.v3.pay.transactions.native.post(order(shop, 'axios_certificate'));
  await phone(shop, created.data);
  const notified = open(shop, shop.receiver.take(), old);
  assert.strictEqual(notified.opened.out_trade_no, 'axios_certificate');
  // Sealed for the certificate, which the header names.
  const [[serial, pem]] = Object.entries(old);
  const echo = (client, id, key) => client.v3.security.echo.post({
    echo_message: '回声', encrypted_echo_message: Rsa.encrypt('秘密', Rsa.from(key, Rsa.KEY_TYPE_PUBLIC)),
  }, { headers: { 'Wechatpay-Serial': id } });
  assert.strictEqual((await echo(withOld.client, serial, pem)).data.echo_message, '回声');

  await handle('rotate_certificates', shop.mchid, 'both');
  const both = await certificates(shop);
  assert.strictEqual(Object.keys(both).length, 2);
  assert.strictEqual(both[serial], pem);
  await handle('rotate_certificates', shop.mchid, 'new');
  const renewed = await certificates(shop);
  assert.strictEqual(Object.keys(renewed).length, 1);
  assert(!(serial in renewed));
  const byNew = { ...shop, client: new Wechatpay(configured(shop, { certs: both })) };
  assert.strictEqual((await query(byNew, 'axios_certificate')).trade_state, 'SUCCESS');
  const outdated = query(withOld, 'axios_certificate').then(() => assert.fail('verified'), (error) => error.code);
  assert.strictEqual(await outdated, 'EV3_RES_HEADER_PLATFORM_SERIAL');

  // The change-over to the public key.
  await handle('platform_mode', shop.mchid, 'both');
  const known = { ...both, [shop.platform_key_id]: shop.platform_key };
  const changing = new Wechatpay(configured(shop, { certs: known }));
  const asked = { params: { mchid: shop.mchid }, out_trade_no: 'axios_certificate' };
  const { outTradeNo } = changing.v3.pay.transactions;
  const byCertificate = await outTradeNo._out_trade_no_.get(asked);
  assert.deepStrictEqual([byCertificate.headers['wechatpay-serial']], Object.keys(renewed));
  const byKey = await outTradeNo._out_trade_no_.get(
    { ...asked, headers: { 'Wechatpay-Serial': shop.platform_key_id } },
  );
  assert.strictEqual(byKey.headers['wechatpay-serial'], shop.platform_key_id);
  await handle('platform_mode', shop.mchid, 'public key');
  await echo(shop.client, shop.platform_key_id, shop.platform_key);
}

module.exports = { changeKeys };
