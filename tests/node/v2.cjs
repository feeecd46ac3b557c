// Runs another client, wechatpay-axios-plugin, through a complete flow of APIv2 over HTTPS, with the
// merchant's client certificate where one is required. The customer's phone, the merchant's own server and
// the front end are here, too.
'use strict';

const assert = require('assert');
const { gunzipSync } = require('zlib');
const {
  Wechatpay, Hash, Formatter, Transformer, Aes: { AesEcb },
} = require('wechatpay-axios-plugin');
const {
  complete, eachIsChecked, handle, phone, refusal, Receiver,
} = require('./common.cjs');
const {
  sendRedPackets, share, transfer, transferToBank,
} = require('./payouts_v2.cjs');
const {
  configuredV2, open, order, query, secured,
} = require('./shop_v2.cjs');

const OPENID = 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o';

complete(async (sandbox) => {
  const receiver = await Receiver.start(Transformer.toXml({ return_code: 'SUCCESS', return_msg: 'OK' }));
  const shop = {
    ...sandbox,
    receiver,
    client: new Wechatpay(configuredV2(sandbox)),
    ids: { appid: sandbox.appid, mch_id: sandbox.mchid },
  };
  for (const signType of ['MD5', 'HMAC-SHA256']) {
    await payAndRefund(shop, signType);
  }
  await payInApp(shop);
  await scan(shop);
  await share(shop);
  await transferToBank(shop);
  // A day later.
  await sendRedPackets(shop);
  await transfer(shop);
  await readBills(shop);
  await refuse(shop);
  assert.strictEqual(receiver.arrived.length, 0);
});

// What an app passes on.
async function payInApp(shop) {
  const created = await shop.client.v2.pay.unifiedorder.post(order(shop, 'axios_v2_app', { trade_type: 'APP' }));
  const parameters = {
    appid: shop.appid,
    partnerid: shop.mchid,
    prepayid: created.data.prepay_id,
    package: 'Sign=WXPay',
    timestamp: `${Formatter.timestamp()}`,
    noncestr: Formatter.nonce(),
  };
  parameters.sign = Hash.sign(Hash.ALGO_MD5, parameters, shop.apiv2_key);
  await eachIsChecked(shop, parameters);
  assert.strictEqual((await phone(shop, parameters)).status, 200);
  assert.strictEqual(open(shop, shop.receiver.take(), 'MD5').trade_type, 'APP');
}

// The plugin checks the sign of every response, and throws if it is not valid.
async function payAndRefund(shop, signType) {
  const { pay, secapi } = shop.client.v2;
  const sign_type = signType;
  const number = `axios_v2_${signType.slice(0, 4)}`;
  const created = await pay.unifiedorder.post(order(shop, number, {
    trade_type: 'JSAPI', openid: OPENID, sign_type,
  }));
  assert.strictEqual((await query(shop, number, { sign_type })).trade_state, 'NOTPAY');

  // What a page passes on.
  const parameters = {
    appId: shop.appid,
    timeStamp: `${Formatter.timestamp()}`,
    nonceStr: Formatter.nonce(),
    package: `prepay_id=${created.data.prepay_id}`,
    signType,
  };
  parameters.paySign = Hash.sign(signType, parameters, shop.apiv2_key);
  await eachIsChecked(shop, parameters);
  assert.strictEqual((await phone(shop, parameters)).status, 200);

  const notified = open(shop, shop.receiver.take(), signType);
  const paid = await query(shop, number, { sign_type });
  assert.strictEqual(paid.trade_state, 'SUCCESS');
  assert.strictEqual(paid.attach, 'a=1&b="2"');
  for (const name of ['appid', 'attach', 'cash_fee', 'openid', 'out_trade_no', 'time_end', 'total_fee', 'trade_type', 'transaction_id']) {
    assert.strictEqual(notified[name], paid[name], name);
  }
  // APIv3, of the same merchant, sees the same order, over the same listener.
  const seen = await shop.client.v3.pay.transactions.outTradeNo._out_trade_no_.get({
    params: { mchid: shop.mchid }, out_trade_no: number,
  });
  assert.strictEqual(seen.data.transaction_id, paid.transaction_id);
  const paidIsOpen = pay.closeorder.post({ ...shop.ids, out_trade_no: number, sign_type });
  assert.strictEqual((await refusal(paidIsOpen)).data.err_code, 'ORDERPAID');
  await pay.unifiedorder.post(order(shop, `${number}_c`, { sign_type }));
  await pay.closeorder.post({ ...shop.ids, out_trade_no: `${number}_c`, sign_type });
  assert.strictEqual((await query(shop, `${number}_c`, { sign_type })).trade_state, 'CLOSED');

  const refund = {
    ...shop.ids,
    out_trade_no: number,
    out_refund_no: `${number}_r1`,
    total_fee: 100,
    refund_fee: 40,
    notify_url: shop.receiver.url,
    sign_type,
  };
  const plain = await refusal(secapi.pay.refund.post(refund));
  assert.strictEqual(plain.status, 400);
  assert(JSON.stringify(plain.data).includes('No required SSL certificate was sent'));
  const refunded = await secapi.pay.refund.post(refund, secured);
  assert.strictEqual(refunded.data.refund_fee, '40');
  const repeated = await secapi.pay.refund.post(refund, secured);
  assert.strictEqual(repeated.data.refund_id, refunded.data.refund_id);
  const second = { ...refund, out_refund_no: `${number}_r2`, refund_fee: 60, notify_url: undefined };
  await secapi.pay.refund.post(second, secured);
  const third = { ...refund, out_refund_no: `${number}_r3`, refund_fee: 1 };
  const tooMuch = await refusal(secapi.pay.refund.post(third, secured));
  assert.strictEqual(tooMuch.status, 200);
  assert.strictEqual(tooMuch.data.result_code, 'FAIL');

  await handle('advance', 60);
  // Its sealed part takes the place of a sign.
  const { req_info: sealed } = open(shop, shop.receiver.take());
  const info = Transformer.toObject(AesEcb.decrypt(sealed, Hash.md5(shop.apiv2_key)));
  assert.deepStrictEqual(
    [info.refund_id, info.refund_fee, info.refund_status, info.out_trade_no],
    [refunded.data.refund_id, '40', 'SUCCESS', number],
  );
  const listed = await pay.refundquery.post({ ...shop.ids, out_trade_no: number, sign_type });
  assert.strictEqual(listed.data.refund_count, '2');
  assert.deepStrictEqual(
    [listed.data.out_refund_no_0, listed.data.refund_fee_0, listed.data.refund_status_0],
    [`${number}_r1`, '40', 'SUCCESS'],
  );
  assert.strictEqual(listed.data.refund_fee_1, '60');
  assert.strictEqual((await query(shop, number, { sign_type })).trade_state, 'REFUND');
}

// A code payment: the cashier scans what the customer's phone shows.
async function scan(shop) {
  const { pay, secapi } = shop.client.v2;
  const scanned = { ...shop.ids, out_trade_no: 'axios_scan' };
  const asked = {
    ...scanned, body: '茶', total_fee: 7, spbill_create_ip: '127.0.0.1', auth_code: await handle('auth_code'),
  };
  await pay.micropay.post(asked);
  const reversed = await secapi.pay.reverse.post(scanned, secured);
  assert.strictEqual(reversed.data.recall, 'N');
  assert.strictEqual((await query(shop, 'axios_scan')).trade_state, 'REVOKED');

  // From 1,000 yuan on, the customer enters a password.
  for (const [number, end] of [['axios_password', 'SUCCESS'], ['axios_forgotten', 'REVOKED']]) {
    const waiting = await refusal(pay.micropay.post({
      ...asked, out_trade_no: number, total_fee: 100000, auth_code: await handle('auth_code'),
    }));
    assert.strictEqual(waiting.data.err_code, 'USERPAYING');
    assert.strictEqual((await query(shop, number)).trade_state, 'USERPAYING');
    if (end === 'SUCCESS') {
      await handle('user_enters_password', number);
    } else {
      await secapi.pay.reverse.post({ ...shop.ids, out_trade_no: number }, secured);
    }
    assert.strictEqual((await query(shop, number)).trade_state, end);
  }
}

async function readBills(shop) {
  const { client, ids } = shop;
  // Two days ahead of the orders above, by the sandbox's clock.
  const day = (await query(shop, 'axios_v2_MD5')).time_end.slice(0, 8);
  const asBytes = { responseType: 'arraybuffer', transformResponse: [(data) => data] };
  const asked = { ...ids, bill_date: day, bill_type: 'ALL' };
  const plain = (await client.v2.pay.downloadbill.post(asked, asBytes)).data;
  const zipped = (await client.v2.pay.downloadbill.post({ ...asked, tar_type: 'GZIP' }, asBytes)).data;
  assert.deepStrictEqual(gunzipSync(zipped), plain);
  const { rows, summary } = Formatter.castCsvBill(plain);
  const shown = rows.map((row) => [row['商户订单号'], row['商户退款单号'], row['交易状态'], row['应结订单金额'], row['退款金额']].join(' '));
  for (const row of [
    'axios_v2_MD5 0 SUCCESS 1.00 0.00',
    'axios_v2_MD5 axios_v2_MD5_r1 REFUND 0.00 0.40',
    'axios_v2_MD5 axios_v2_MD5_r2 REFUND 0.00 0.60',
    'axios_password 0 SUCCESS 1000.00 0.00',
  ]) {
    assert(shown.includes(row), `${row}: ${shown.join(', ')}`);
  }
  assert(rows.some((row) => row['交易类型'] === 'MICROPAY' && row['交易状态'] === 'REVOKED'));
  assert.strictEqual(summary['总交易单数'], String(rows.length));
  const flow = await client.v2.pay.downloadfundflow.post(
    { ...ids, bill_date: day, account_type: 'Basic', sign_type: 'HMAC-SHA256' },
    { ...secured, responseType: 'text', transformResponse: [(data) => data] },
  );
  assert(flow.data.includes('`支出,`0.40,'), flow.data);
  // What went to a bank card, and its fee.
  assert(flow.data.includes('`支出,`5.00,'), flow.data);
  assert(flow.data.includes('`支出,`1.00,'), flow.data);
  // What was paid with a code and taken back moved the account twice.
  assert.strictEqual(flow.data.split('`axios_scan\r\n').length, 3);
}

async function refuse(shop) {
  const wrongKey = new Wechatpay(configuredV2(shop, { secret: 'x'.repeat(32) }));
  const refused = await refusal(wrongKey.v2.pay.orderquery.post({ ...shop.ids, out_trade_no: 'x' }));
  assert.strictEqual(refused.data.return_msg, '签名错误，请检查后再试');
}
