// Runs another client, wechatpay-axios-plugin, through a pay-score service order, and against refusals.
'use strict';

const assert = require('assert');
const { Wechatpay, Rsa, Formatter } = require('wechatpay-axios-plugin');
const { complete, handle, refusal } = require('./common.cjs');
const { configured } = require('./shop.cjs');

complete(async (sandbox) => {
  const {
    mchid, appid, platform_key_id: platformKeyId, platform_key: platformKey,
  } = sandbox;
  const client = new Wechatpay(configured(sandbox));

  // The plugin verifies every response and throws if one is not valid.
  const order = 'axios_0001';
  const serviceId = '500001';
  const ids = { appid, service_id: serviceId };
  const orders = client.v3.payscore.serviceorder;
  const creation = {
    ...ids,
    out_order_no: order,
    service_introduction: '某某酒店',
    time_range: { start_time: 'OnAccept' },
    risk_fund: { name: 'ESTIMATE_ORDER_COST', amount: 10000 },
    notify_url: 'https://example.com/notify',
  };
  const created = await orders.post(creation);
  assert.strictEqual(created.data.state, 'CREATED');
  assert(created.data.package && created.data.order_id);
  assert.deepStrictEqual((await orders.post(creation)).data, created.data);
  const named = { out_order_no: order };
  const early = await refusal(
    orders._out_order_no_.sync.post(
      { ...ids, type: 'Order_Paid', detail: { paid_time: '20091225091210' } },
      named,
    ),
  );
  assert.deepStrictEqual([early.status, early.data.code], [400, 'INVALID_ORDER_STATE']);

  await handle('user_confirms', order);
  const queried = await orders.get({ params: { ...named, ...ids } });
  assert.strictEqual(queried.data.state_description, 'USER_CONFIRM');
  const completed = await orders._out_order_no_.complete.post({
    ...ids,
    post_payments: [{ name: '就餐费用', amount: 4000 }],
    post_discounts: [{ name: '满20减1元', description: '不与其他优惠叠加', amount: 100 }],
    total_amount: 3900,
  }, named);
  assert.strictEqual(completed.data.collection.state, 'USER_PAYING');
  const modified = await orders._out_order_no_.modify.post({
    ...ids,
    post_payments: [{ name: '就餐费用', amount: 3000 }],
    total_amount: 3000,
    reason: '用户投诉',
  }, named);
  assert.strictEqual(modified.data.collection.paying_amount, 3000);
  const synced = await orders._out_order_no_.sync.post(
    { ...ids, type: 'Order_Paid', detail: { paid_time: '20091225091210' } },
    named,
  );
  assert.strictEqual(synced.data.state, 'DONE');
  assert.strictEqual(synced.data.collection.details[0].paid_type, 'MCH');
  const late = await refusal(orders._out_order_no_.cancel.post({ ...ids, reason: 'r' }, named));
  assert.deepStrictEqual([late.status, late.data.code], [400, 'ORDER_DONE']);

  // The plugin verifies only 2xx. This verifies the signature of an error, with the plugin's tools.
  const signed = Formatter.response(
    late.headers['wechatpay-timestamp'],
    late.headers['wechatpay-nonce'],
    JSON.stringify(late.data),
  );
  assert(Rsa.verify(signed, late.headers['wechatpay-signature'], Rsa.from(platformKey, 'public')));

  const transactions = client.v3.pay.transactions;
  const prepay = {
    appid,
    mchid,
    description: 'Image形象店-深圳腾大-QQ公仔',
    out_trade_no: 'axios_native_0001',
    notify_url: 'https://example.com/notify',
    amount: { total: 100, currency: 'CNY' },
  };
  const prepaid = await transactions.native.post(prepay);
  assert(prepaid.data.code_url.startsWith('weixin://'));
  const trade = { out_trade_no: prepay.out_trade_no };
  const byNumber = { params: { mchid }, ...trade };
  const unpaid = await transactions.outTradeNo._out_trade_no_.get(byNumber);
  assert.strictEqual(unpaid.data.trade_state, 'NOTPAY');
  await handle('user_pays', prepay.out_trade_no);
  const paid = await transactions.outTradeNo._out_trade_no_.get(byNumber);
  assert.strictEqual(paid.data.trade_state, 'SUCCESS');
  const byId = await transactions.id._transaction_id_.get({
    params: { mchid },
    transaction_id: paid.data.transaction_id,
  });
  assert.deepStrictEqual(byId.data, paid.data);
  const toClose = { ...prepay, out_trade_no: 'axios_native_0002' };
  await transactions.native.post(toClose);
  const closed = await transactions.outTradeNo._out_trade_no_.close.post(
    { mchid },
    { out_trade_no: toClose.out_trade_no },
  );
  assert.strictEqual(closed.status, 204);
  const again = await refusal(transactions.native.post(toClose));
  assert.deepStrictEqual([again.status, again.data.code], [400, 'ORDER_CLOSED']);

  // The self-test: encrypted for the platform on the way there, for the merchant on the way back.
  const echoed = await client.v3.security.echo.post({
    echo_message: '回声',
    encrypted_echo_message: Rsa.encrypt('秘密', Rsa.from(platformKey, 'public')),
  }, { headers: { 'Wechatpay-Serial': platformKeyId } });
  assert.strictEqual(echoed.data.echo_message, '回声');
  const opened = Rsa.decrypt(
    echoed.data.encrypted_echo_message,
    Rsa.from(sandbox.private_key, 'private'),
  );
  assert.strictEqual(opened, '秘密');

  // A key that is not the merchant's, and a response that does not verify.
  const { privateKey } = require('crypto').generateKeyPairSync('rsa', { modulusLength: 2048 });
  const wrongKey = new Wechatpay(configured(sandbox, {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  }));
  const refused = await refusal(wrongKey.v3.pay.transactions.native.post(prepay));
  assert.strictEqual(refused.status, 401);
  const { detail } = refused.data;
  assert.strictEqual(refused.data.code, 'SIGN_ERROR');
  assert.strictEqual(detail.sign_information.url, '/v3/pay/transactions/native');
  assert.strictEqual(detail.detail.issue, 'sign not match');
  await handle('damage_response');
  const mismatch = await transactions.outTradeNo._out_trade_no_.get(byNumber).then(
    () => assert.fail('a bad signature was accepted'),
    (error) => error,
  );
  assert.strictEqual(mismatch.code, 'EV3_RES_HEADER_SIGNATURE_DIGEST');
});
