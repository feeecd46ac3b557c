// Money out, through APIv2: profit sharing, red packets, transfers to a user and to a bank card.
'use strict';

const assert = require('assert');
const { Rsa, Hash } = require('wechatpay-axios-plugin');
const { handle, phone, refusal } = require('./common.cjs');
const { open, order, secured } = require('./shop_v2.cjs');

const OPENID = 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o';

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
  // In the clear, or encrypted with another key.
  for (const card of ['6222021234567890123', Rsa.encrypt('6222021234567890123', Rsa.from(shop.certificate, 'public'))]) {
    const sent = mmpaysptrans.pay_bank.post({
      mch_id, partner_trade_no: 'axios_bank_2', enc_bank_no: card, enc_true_name: Rsa.encrypt('王小王', key), bank_code: '1001', amount: 500,
    }, secured);
    assert.strictEqual((await refusal(sent)).data.return_msg, 'enc_bank_no参数格式错误');
  }
  const queried = (await mmpaysptrans.query_bank.post(number, secured)).data;
  assert.deepStrictEqual(
    [queried.payment_no, queried.amount, queried.status, queried.bank_no_md5, queried.true_name_md5],
    [made.payment_no, '500', 'SUCCESS', Hash.md5('6222021234567890123'), Hash.md5('王小王')],
  );
  const unknown = await refusal(mmpaysptrans.query_bank.post({ mch_id, partner_trade_no: 'axios_bank_2' }, secured));
  assert.strictEqual(unknown.data.err_code, 'NOT_FOUND');
}

module.exports = {
  sendRedPackets, share, transfer, transferToBank,
};
