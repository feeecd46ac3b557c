// A payment with older versions of wechatpay-axios-plugin, in the way that all of them know.
'use strict';

const assert = require('assert');
const {
  Wechatpay, Rsa, Formatter, Aes, Hash, Transformer,
} = require('wechatpay-axios-plugin');
const {
  complete, eachIsChecked, handle, phone, refusal, Receiver,
} = require('./common.cjs');
const { configured } = require('./shop.cjs');

complete(async (sandbox) => {
  const receiver = await Receiver.start(Transformer.toXml({ return_code: 'SUCCESS' }));
  const { mchid, appid } = sandbox;
  const client = new Wechatpay(configured(sandbox, {
    merchant: { cert: sandbox.certificate, key: sandbox.private_key },
    baseURL: sandbox.https_base_uri.replace(/\/$/, ''),
  }));

  const { transactions } = client.v3.pay;
  const created = await transactions.jsapi.post({
    appid,
    mchid,
    description: '一杯茶',
    out_trade_no: 'Older0001',
    notify_url: receiver.url,
    amount: { total: 100, currency: 'CNY' },
    payer: { openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o' },
  });
  const parameters = {
    appId: appid,
    timeStamp: `${Formatter.timestamp()}`,
    nonceStr: Formatter.nonce(),
    package: `prepay_id=${created.data.prepay_id}`,
    signType: 'RSA',
  };
  const { appId, timeStamp, nonceStr } = parameters;
  const signed = Formatter.joinedByLineFeed(appId, timeStamp, nonceStr, parameters.package);
  parameters.paySign = Rsa.sign(signed, sandbox.private_key);
  await eachIsChecked(sandbox, parameters);
  assert.strictEqual((await phone(sandbox, parameters)).status, 200);

  const { headers, body } = receiver.take();
  assert(Rsa.verify(
    Formatter.response(headers['wechatpay-timestamp'], headers['wechatpay-nonce'], body),
    headers['wechatpay-signature'],
    sandbox.platform_key,
  ));
  const { ciphertext, nonce, associated_data: aad } = JSON.parse(body).resource;
  const opened = JSON.parse(Aes.AesGcm.decrypt(nonce, sandbox.apiv3_key, ciphertext, aad));
  const queried = await transactions.outTradeNo.$out_trade_no$.get({
    params: { mchid }, out_trade_no: 'Older0001',
  });
  assert.strictEqual(queried.data.transaction_id, opened.transaction_id);
  const closed = transactions.outTradeNo.$out_trade_no$.close.post({ mchid }, { out_trade_no: 'Older0001' });
  assert.strictEqual((await refusal(closed)).data.code, 'ORDERPAID');
  const other = await transactions.native.post({
    appid, mchid, description: '茶', out_trade_no: 'Older0002', notify_url: receiver.url, amount: { total: 100 },
  });
  assert(other.data.code_url);
  const done = await transactions.outTradeNo.$out_trade_no$.close.post({ mchid }, { out_trade_no: 'Older0002' });
  assert.strictEqual(done.status, 204);

  // APIv2: the order of APIv3 is refunded with the client certificate.
  const ids = { appid, mch_id: mchid };
  const signing = (fields) => ({ ...ids, nonce_str: Formatter.nonce(), ...fields });
  for (const signType of ['MD5', 'HMAC-SHA256']) {
    const refunded = await client.v2.secapi.pay.refund.post(signing({
      out_trade_no: 'Older0001',
      out_refund_no: `Older-${signType}`,
      total_fee: 100,
      refund_fee: 30,
      notify_url: receiver.url,
      sign_type: signType,
    }));
    assert.strictEqual(refunded.data.return_code, 'SUCCESS');
    assert.strictEqual(refunded.data.result_code, 'SUCCESS', JSON.stringify(refunded.data));
    assert.strictEqual(refunded.data.sign.length, signType === 'MD5' ? 32 : 64);
    await handle('advance', 60);
    const { req_info: sealed } = Transformer.toObject(receiver.take().body);
    const info = Transformer.toObject(Aes.AesEcb.decrypt(sealed, Hash.md5(sandbox.apiv2_key)));
    assert.deepStrictEqual([info.refund_id, info.refund_status], [refunded.data.refund_id, 'SUCCESS']);
  }
});
