// Runs another client, wechatpay-axios-plugin, against the sandbox's APIv2 over HTTPS. It reads the sandbox's
// address and keys as one line of JSON. For each action that only the sandbox's handle can do, it writes one
// line and waits for the line that confirms it.
'use strict';

const assert = require('assert');
const readline = require('readline');
const { Wechatpay } = require('wechatpay-axios-plugin');

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => JSON.parse((await lines.next()).value);
const ask = async (what, order) => {
  process.stdout.write(`${JSON.stringify({ what, order })}\n`);
  assert.strictEqual(await read(), 'done');
};
const refusal = async (call) => {
  const error = await call.then(() => assert.fail('not refused'), (e) => e);
  assert(error.response, String(error));
  return error.response;
};

(async () => {
  const sandbox = await read();
  const { mchid, appid } = sandbox;
  const config = () => ({
    mchid,
    serial: sandbox.serial,
    privateKey: sandbox.privateKey,
    certs: { [sandbox.platformKeyId]: sandbox.platformKey },
    secret: sandbox.secret,
    merchant: { cert: sandbox.certificate, key: sandbox.privateKey },
    baseURL: sandbox.baseUri,
    proxy: false,
  });
  const client = new Wechatpay(config());
  const secured = { security: true };
  const ids = { appid, mch_id: mchid };

  // The plugin checks the sign of every response, and throws if it is not valid.
  for (const signType of ['MD5', 'HMAC-SHA256']) {
    const order = `axios_v2_${signType.slice(0, 4)}`;
    const named = { ...ids, out_trade_no: order, sign_type: signType };
    const created = await client.v2.pay.unifiedorder.post({
      ...named,
      body: '一杯茶 & <more>',
      attach: 'a=1&b="2"',
      total_fee: 100,
      spbill_create_ip: '127.0.0.1',
      notify_url: 'https://example.com/notify',
      trade_type: 'NATIVE',
    });
    assert(created.data.code_url.startsWith('weixin://'));
    const unpaid = await client.v2.pay.orderquery.post(named);
    assert.strictEqual(unpaid.data.trade_state, 'NOTPAY');
    await ask('pay', order);
    const paid = await client.v2.pay.orderquery.post(named);
    assert.strictEqual(paid.data.trade_state, 'SUCCESS');
    assert.strictEqual(paid.data.attach, 'a=1&b="2"');

    const refund = {
      ...named, out_refund_no: `${order}_r1`, total_fee: 100, refund_fee: 40,
    };
    const plain = await refusal(client.v2.secapi.pay.refund.post(refund));
    assert.strictEqual(plain.status, 400);
    assert(String(plain.data).includes('400 No required SSL certificate was sent')
      || JSON.stringify(plain.data).includes('No required SSL certificate was sent'));
    const refunded = await client.v2.secapi.pay.refund.post(refund, secured);
    assert.strictEqual(refunded.data.refund_fee, '40');
    const repeated = await client.v2.secapi.pay.refund.post(refund, secured);
    assert.strictEqual(repeated.data.refund_id, refunded.data.refund_id);
    await client.v2.secapi.pay.refund.post(
      { ...refund, out_refund_no: `${order}_r2`, refund_fee: 60 },
      secured,
    );
    const tooMuch = await refusal(client.v2.secapi.pay.refund.post(
      { ...refund, out_refund_no: `${order}_r3`, refund_fee: 1 },
      secured,
    ));
    assert.strictEqual(tooMuch.status, 200);
    assert.strictEqual(tooMuch.data.result_code, 'FAIL');

    await ask('advance', '60');
    const listed = await client.v2.pay.refundquery.post(named);
    assert.strictEqual(listed.data.refund_count, '2');
    assert.deepStrictEqual(
      [listed.data.out_refund_no_0, listed.data.refund_fee_0, listed.data.refund_status_0],
      [`${order}_r1`, '40', 'SUCCESS'],
    );
    assert.strictEqual(listed.data.refund_fee_1, '60');
    const refundedOrder = await client.v2.pay.orderquery.post(named);
    assert.strictEqual(refundedOrder.data.trade_state, 'REFUND');

    // APIv3, of the same merchant, sees the same order, over the same listener.
    const seen = await client.v3.pay.transactions.outTradeNo._out_trade_no_.get({
      params: { mchid }, out_trade_no: order,
    });
    assert.strictEqual(seen.data.transaction_id, paid.data.transaction_id);
  }

  const scanned = { ...ids, out_trade_no: 'axios_scan' };
  await client.v2.pay.micropay.post({
    ...scanned,
    body: '茶',
    total_fee: 7,
    spbill_create_ip: '127.0.0.1',
    auth_code: '134567890123456789',
  });
  const reversed = await client.v2.secapi.pay.reverse.post(scanned, secured);
  assert.strictEqual(reversed.data.recall, 'N');
  const revoked = await client.v2.pay.orderquery.post(scanned);
  assert.strictEqual(revoked.data.trade_state, 'REVOKED');

  // Profit sharing is signed with HMAC-SHA256 alone.
  const hmac = { ...ids, sign_type: 'HMAC-SHA256' };
  await client.v2.pay.unifiedorder.post({
    ...hmac,
    out_trade_no: 'axios_share',
    body: '茶',
    total_fee: 1000,
    spbill_create_ip: '127.0.0.1',
    notify_url: 'https://example.com/notify',
    trade_type: 'NATIVE',
    profit_sharing: 'Y',
  });
  await ask('pay', 'axios_share');
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
  await ask('advance', '60');
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
  await ask('advance', '60');
  const gaveBack = (await client.v2.pay.profitsharingreturnquery.post({
    ...hmac, ...number, out_return_no: 'axios_share_1_r',
  })).data;
  assert.deepStrictEqual([gaveBack.result, gaveBack.return_amount], ['SUCCESS', '50']);

  const packet = {
    mch_id: mchid,
    wxappid: appid,
    mch_billno: 'axios_hb_1',
    send_name: '茶馆',
    re_openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o',
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
  await ask('open', 'axios_hb_1');
  const received = (await query('axios_hb_1')).data;
  assert.strictEqual(received.status, 'RECEIVED');
  assert.strictEqual(received.hblist.hbinfo.openid, packet.re_openid);
  assert.strictEqual(received.hblist.hbinfo.amount, '100');
  await packets.sendredpack.post({ ...packet, mch_billno: 'axios_hb_2' }, secured);
  await ask('advance', String(24 * 3600));
  const returned = (await query('axios_hb_2')).data;
  assert.deepStrictEqual([returned.status, returned.refund_amount], ['REFUND', '100']);

  const transfer = {
    mch_appid: appid,
    mchid,
    partner_trade_no: 'axios_tr_1',
    openid: packet.re_openid,
    check_name: 'FORCE_CHECK',
    re_user_name: '王小王',
    amount: 10099,
    desc: '理赔',
    spbill_create_ip: '127.0.0.1',
  };
  const transfers = packets.promotion.transfers;
  const made = await transfers.post(transfer, secured);
  assert(made.data.payment_no);
  assert.strictEqual((await transfers.post(transfer, secured)).data.payment_no, made.data.payment_no);
  const other = await refusal(transfers.post({ ...transfer, amount: 10098 }, secured));
  assert.strictEqual(other.data.err_code, 'FATAL_ERROR');
  const info = await packets.gettransferinfo.post({ ...ids, partner_trade_no: 'axios_tr_1' }, secured);
  assert.deepStrictEqual(
    [info.data.status, info.data.payment_amount, info.data.transfer_name],
    ['SUCCESS', '10099', '王小王'],
  );

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

  const wrongKey = new Wechatpay({ ...config(), secret: 'x'.repeat(32) });
  const refused = await refusal(wrongKey.v2.pay.orderquery.post({ ...ids, out_trade_no: 'x' }));
  assert.strictEqual(refused.data.return_msg, '签名错误，请检查后再试');

  await ask('finish', '');
  process.exit(0);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
