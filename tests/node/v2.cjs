// Runs another client, wechatpay-axios-plugin, through a complete flow of APIv2 over HTTPS, with the
// merchant's client certificate where one is required. The customer's phone, the merchant's own server and
// the front end are here, too.
'use strict';

const assert = require('assert');
const {
  Wechatpay, Rsa, Hash, Formatter, Transformer, Aes: { AesEcb },
} = require('wechatpay-axios-plugin');
const {
  complete, eachIsChecked, handle, phone, refusal, Receiver,
} = require('./common.cjs');
const { configured } = require('./shop.cjs');

const OPENID = 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o';
// Sends the request with the client certificate.
const secured = { security: true };

complete(async (sandbox) => {
  const receiver = await Receiver.start(Transformer.toXml({ return_code: 'SUCCESS', return_msg: 'OK' }));
  const shop = {
    ...sandbox,
    receiver,
    client: new Wechatpay(secureOf(sandbox)),
    ids: { appid: sandbox.appid, mch_id: sandbox.mchid },
  };
  for (const signType of ['MD5', 'HMAC-SHA256']) {
    await payAndRefund(shop, signType);
  }
  await scan(shop);
  await share(shop);
  await sendRedPackets(shop);
  await transfer(shop);
  await transferToBank(shop);
  await readBills(shop);
  await refuse(shop);
  assert.strictEqual(receiver.arrived.length, 0);
});

// Returns the configuration for HTTPS, with the merchant's certificate.
function secureOf(merchant, changes = {}) {
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

async function share(shop) {
  const { client, ids } = shop;
  // Profit sharing is signed with HMAC-SHA256 alone.
  const hmac = { ...ids, sign_type: 'HMAC-SHA256' };
  const created = await client.v2.pay.unifiedorder.post(order(shop, 'axios_share', {
    sign_type: 'HMAC-SHA256', total_fee: 1000, profit_sharing: 'Y',
  }));
  await phone(shop, { code_url: created.data.code_url });
  open(shop, shop.receiver.take(), 'HMAC-SHA256');
  const shared = (await client.v2.pay.orderquery.post({ ...hmac, out_trade_no: 'axios_share' })).data;
  const payment = { transaction_id: shared.transaction_id };
  const receiver = { type: 'MERCHANT_ID', account: '1900000109' };
  const sharing = {
    ...hmac,
    ...payment,
    out_order_no: 'axios_share_1',
    receivers: JSON.stringify([{ ...receiver, amount: 200, description: '分给"伙伴" & 友' }]),
  };
  const unknown = await refusal(client.v2.secapi.pay.multiprofitsharing.post(sharing, secured));
  assert.strictEqual(unknown.data.err_code, 'PARAM_ERROR');
  const added = await client.v2.pay.profitsharingaddreceiver.post({
    ...hmac, receiver: JSON.stringify({ ...receiver, name: '示例商户', relation_type: 'PARTNER' }),
  });
  assert.deepStrictEqual(JSON.parse(added.data.receiver), receiver);
  const ordered = await client.v2.secapi.pay.multiprofitsharing.post(sharing, secured);
  assert.strictEqual(ordered.data.status, 'PROCESSING');
  const number = { out_order_no: 'axios_share_1' };
  const { appid: _, ...bare } = hmac;
  const unsplit = async () => (
    await client.v2.pay.profitsharingorderamountquery.post({ ...bare, ...payment })
  ).data.unsplit_amount;
  assert.strictEqual(await unsplit(), '800');
  await handle('advance', 60);
  const divided = (await client.v2.pay.profitsharingquery.post({ ...bare, ...payment, ...number })).data;
  assert.strictEqual(divided.status, 'FINISHED');
  assert.strictEqual(JSON.parse(divided.receivers)[0].result, 'SUCCESS');
  const inV3 = await client.v3.profitsharing.orders._out_order_no_.get({ params: payment, ...number });
  assert.strictEqual(inV3.data.order_id, divided.order_id);
  const md5 = await refusal(client.v2.pay.profitsharingquery.post({
    ...bare, ...payment, ...number, sign_type: 'MD5',
  }));
  assert.strictEqual(md5.data.return_code, 'FAIL');
  const back = {
    ...hmac,
    ...number,
    out_return_no: 'axios_share_1_r',
    return_account_type: 'MERCHANT_ID',
    return_account: receiver.account,
    return_amount: 50,
    description: '退',
  };
  await client.v2.secapi.pay.profitsharingreturn.post(back, secured);
  await client.v2.secapi.pay.profitsharingfinish.post({
    ...hmac, ...payment, out_order_no: 'axios_share_2', description: '完结',
  }, secured);
  assert.strictEqual(await unsplit(), '0');
  await handle('advance', 60);
  const gaveBack = (await client.v2.pay.profitsharingreturnquery.post({
    ...hmac, ...number, out_return_no: 'axios_share_1_r',
  })).data;
  assert.deepStrictEqual([gaveBack.result, gaveBack.return_amount], ['SUCCESS', '50']);
}

async function sendRedPackets(shop) {
  const { client, ids } = shop;
  const packet = {
    mch_id: shop.mchid,
    wxappid: shop.appid,
    mch_billno: 'axios_hb_1',
    send_name: '茶馆',
    re_openid: OPENID,
    total_amount: 100,
    total_num: 1,
    wishing: '恭喜',
    client_ip: '127.0.0.1',
    act_name: '开业',
    remark: '快来抢',
  };
  const packets = client.v2.mmpaymkttransfers;
  const query = (billno) => packets.gethbinfo.post({ ...ids, mch_billno: billno, bill_type: 'MCHT' }, secured);
  const sent = await packets.sendredpack.post(packet, secured);
  assert.strictEqual(sent.data.total_amount, '100');
  assert.strictEqual((await query('axios_hb_1')).data.status, 'SENT');
  await handle('user_opens_red_packet', 'axios_hb_1');
  const received = (await query('axios_hb_1')).data;
  assert.strictEqual(received.status, 'RECEIVED');
  assert.strictEqual(received.hblist.hbinfo.openid, packet.re_openid);
  assert.strictEqual(received.hblist.hbinfo.amount, '100');
  await packets.sendredpack.post({ ...packet, mch_billno: 'axios_hb_2' }, secured);
  await handle('advance', 24 * 3600);
  const returned = (await query('axios_hb_2')).data;
  assert.deepStrictEqual([returned.status, returned.refund_amount], ['REFUND', '100']);
}

async function transfer(shop) {
  const { client, ids } = shop;
  const asked = {
    mch_appid: shop.appid,
    mchid: shop.mchid,
    partner_trade_no: 'axios_tr_1',
    openid: OPENID,
    check_name: 'FORCE_CHECK',
    re_user_name: '王小王',
    amount: 10099,
    desc: '理赔',
    spbill_create_ip: '127.0.0.1',
  };
  const packets = client.v2.mmpaymkttransfers;
  const transfers = packets.promotion.transfers;
  const made = await transfers.post(asked, secured);
  assert(made.data.payment_no);
  assert.strictEqual((await transfers.post(asked, secured)).data.payment_no, made.data.payment_no);
  const other = await refusal(transfers.post({ ...asked, amount: 10098 }, secured));
  assert.strictEqual(other.data.err_code, 'FATAL_ERROR');
  const info = await packets.gettransferinfo.post({ ...ids, partner_trade_no: 'axios_tr_1' }, secured);
  assert.deepStrictEqual(
    [info.data.status, info.data.payment_amount, info.data.transfer_name],
    ['SUCCESS', '10099', '王小王'],
  );
}

// The card and the name are encrypted with a key that the merchant asks for.
async function transferToBank(shop) {
  const { risk, mmpaysptrans } = shop.client.v2;
  const { mchid: mch_id } = shop;
  const { data: { pub_key: pem } } = await risk.getpublickey.post({ mch_id, sign_type: 'MD5' }, secured);
  assert(pem.startsWith('-----BEGIN RSA PUBLIC KEY-----'));
  const key = Rsa.from(pem, Rsa.KEY_TYPE_PUBLIC);
  const number = { mch_id, partner_trade_no: 'axios_bank_1' };
  const asked = (amount, card = '6222021234567890123') => mmpaysptrans.pay_bank.post({
    ...number,
    enc_bank_no: Rsa.encrypt(card, key),
    enc_true_name: Rsa.encrypt('王小王', key),
    bank_code: '1001',
    amount,
    desc: '理赔',
  }, secured);
  const made = (await asked(500)).data;
  // Encrypted anew, which is another text for the same card.
  assert.strictEqual((await asked(500)).data.payment_no, made.payment_no);
  await refusal(asked(501));
  await refusal(asked(500, '6222021234567890124'));
  const queried = (await mmpaysptrans.query_bank.post(number, secured)).data;
  assert.deepStrictEqual([queried.payment_no, queried.amount], [made.payment_no, '500']);
}

async function readBills(shop) {
  const { client, ids } = shop;
  // Two days ahead of the orders above, by the sandbox's clock.
  const today = (await client.v2.pay.orderquery.post({ ...ids, out_trade_no: 'axios_v2_MD5' })).data.time_end.slice(0, 8);
  const asText = { responseType: 'text', transformResponse: [(data) => data] };
  const bill = await client.v2.pay.downloadbill.post({ ...ids, bill_date: today, bill_type: 'ALL' }, asText);
  assert(bill.data.includes('`axios_v2_MD5,'), bill.data);
  assert(bill.data.includes('`axios_v2_MD5_r2,`0.60,'), bill.data);
  const flow = await client.v2.pay.downloadfundflow.post(
    { ...ids, bill_date: today, account_type: 'Basic', sign_type: 'HMAC-SHA256' },
    { ...secured, ...asText },
  );
  assert(flow.data.includes('`支出,`0.40,'), flow.data);
  // What was paid with a code and taken back moved the account twice.
  assert.strictEqual(flow.data.split('`axios_scan\r\n').length, 3);
  assert(bill.data.includes(',`MICROPAY,`REVOKED,'), bill.data);
}

async function refuse(shop) {
  const wrongKey = new Wechatpay(secureOf(shop, { secret: 'x'.repeat(32) }));
  const refused = await refusal(wrongKey.v2.pay.orderquery.post({ ...shop.ids, out_trade_no: 'x' }));
  assert.strictEqual(refused.data.return_msg, '签名错误，请检查后再试');
}
