// Runs another client, wechatpay-axios-plugin, through a complete flow of APIv3: from the first payment to
// the bill of the day. The customer's phone, the merchant's own server and the front end are here, too.
'use strict';

const assert = require('assert');
const { gunzipSync } = require('zlib');
const {
  Wechatpay, Rsa, Formatter, Hash, Multipart,
} = require('wechatpay-axios-plugin');
const {
  complete, eachIsChecked, handle, phone, refusal, Receiver,
} = require('./common.cjs');
const { changeKeys } = require('./keys.cjs');
const { share, transfer } = require('./payouts.cjs');
const {
  configured, open, order, query,
} = require('./shop.cjs');

const OPENID = 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o';

complete(async (sandbox) => {
  const receiver = await Receiver.start();
  const shop = { ...sandbox, receiver, client: new Wechatpay(configured(sandbox)) };
  await pay(shop);
  await refund(shop);
  await transfer(shop);
  await share(shop);
  await upload(shop);
  await changeKeys(shop);
  await readBills(shop);
  assert.strictEqual(receiver.arrived.length, 0);
});

// What a mini program or a page passes on.
function pageParameters(shop, prepayId) {
  const parameters = {
    appId: shop.appid,
    timeStamp: `${Formatter.timestamp()}`,
    nonceStr: Formatter.nonce(),
    package: `prepay_id=${prepayId}`,
    signType: 'RSA',
  };
  parameters.paySign = Rsa.sign(Formatter.joinedByLineFeed(
    parameters.appId, parameters.timeStamp, parameters.nonceStr, parameters.package,
  ), Rsa.from(shop.private_key, Rsa.KEY_TYPE_PRIVATE));
  return parameters;
}

function appParameters(shop, prepayId) {
  const parameters = {
    appid: shop.appid,
    timestamp: `${Formatter.timestamp()}`,
    noncestr: Formatter.nonce(),
    prepayid: prepayId,
    package: 'Sign=WXPay',
    partnerid: shop.mchid,
  };
  parameters.sign = Rsa.sign(Formatter.joinedByLineFeed(
    parameters.appid, parameters.timestamp, parameters.noncestr, parameters.prepayid,
  ), Rsa.from(shop.private_key, Rsa.KEY_TYPE_PRIVATE));
  return parameters;
}

async function pay(shop) {
  const { transactions } = shop.client.v3.pay;
  const payer = { openid: OPENID };
  const scene = { payer_client_ip: '127.0.0.1', h5_info: { type: 'Wap' } };
  const opened = {
    native: (prepaid) => ({ code_url: prepaid.code_url }),
    h5: (prepaid) => ({ h5_url: prepaid.h5_url }),
    jsapi: (prepaid) => pageParameters(shop, prepaid.prepay_id),
    app: (prepaid) => appParameters(shop, prepaid.prepay_id),
  };
  const more = { jsapi: { payer }, h5: { scene_info: scene } };
  for (const [product, parametersOf] of Object.entries(opened)) {
    const number = `axios_${product}`;
    const created = await transactions[product].post(order(shop, number, more[product]));
    const unpaid = await query(shop, number);
    assert.strictEqual(unpaid.trade_state, 'NOTPAY');

    const parameters = parametersOf(created.data);
    await eachIsChecked(shop, parameters);
    assert.strictEqual((await query(shop, number)).trade_state, 'NOTPAY');
    const paid = await phone(shop, parameters);
    assert.deepStrictEqual([paid.status, paid.data.out_trade_no], [200, number]);

    const notified = open(shop, shop.receiver.take());
    assert.deepStrictEqual([notified.type, notified.original], ['TRANSACTION.SUCCESS', 'transaction']);
    const queried = await query(shop, number);
    assert.strictEqual(queried.trade_state, 'SUCCESS');
    assert.deepStrictEqual({ ...queried, ...notified.opened }, queried);
    const byId = await transactions.id._transaction_id_.get({
      params: { mchid: shop.mchid }, transaction_id: queried.transaction_id,
    });
    assert.deepStrictEqual(byId.data, queried);
  }
  // A paid order is not paid or closed.
  const again = await phone(shop, { code_url: 'weixin://wxpay/bizpayurl?pr=unknown' });
  assert.strictEqual(again.status, 400);
  const close = (number) => transactions.outTradeNo._out_trade_no_.close.post(
    { mchid: shop.mchid }, { out_trade_no: number },
  );
  assert.strictEqual((await refusal(close('axios_native'))).data.code, 'ORDERPAID');

  const toClose = order(shop, 'axios_closed');
  const { data } = await transactions.native.post(toClose);
  assert.strictEqual((await close('axios_closed')).status, 204);
  assert.strictEqual((await query(shop, 'axios_closed')).trade_state, 'CLOSED');
  assert.strictEqual((await phone(shop, data)).status, 400);
}

async function refund(shop) {
  const refunds = shop.client.v3.refund.domestic.refunds;
  const asked = (number, fen) => ({
    out_trade_no: 'axios_jsapi',
    out_refund_no: number,
    reason: '商品已售完',
    notify_url: shop.receiver.url,
    amount: { refund: fen, total: 100, currency: 'CNY' },
  });
  const first = (await refunds.post(asked('axios_r1', 30))).data;
  assert.deepStrictEqual([first.status, first.amount.refund], ['PROCESSING', 30]);
  assert.deepStrictEqual((await refunds.post(asked('axios_r1', 30))).data, first);
  assert.strictEqual((await refusal(refunds.post(asked('axios_r1', 31)))).status, 400);
  assert.strictEqual((await refusal(refunds.post(asked('axios_r2', 71)))).status, 400);

  await handle('advance', 60);
  const notified = open(shop, shop.receiver.take());
  assert.deepStrictEqual([notified.type, notified.original], ['REFUND.SUCCESS', 'refund']);
  assert.deepStrictEqual(
    [notified.opened.refund_id, notified.opened.refund_status, notified.opened.amount.refund],
    [first.refund_id, 'SUCCESS', 30],
  );
  const queried = (await refunds._out_refund_no_.get({ out_refund_no: 'axios_r1' })).data;
  assert.deepStrictEqual(
    [queried.status, queried.success_time, queried.user_received_account],
    ['SUCCESS', notified.opened.success_time, notified.opened.user_received_account],
  );
  assert.strictEqual((await query(shop, 'axios_jsapi')).trade_state, 'REFUND');
}

async function upload(shop) {
  const image = Buffer.from('not really an image');
  const meta = { filename: '微信.png', sha256: Hash.sha256(image) };
  const send = (uploads, signed) => {
    const form = new Multipart().append('meta', JSON.stringify(meta), 'meta.json').append('file', image, meta.filename);
    return uploads.post(form.getBuffer(), { meta: signed, headers: form.getHeaders() });
  };
  const { media_id: mediaId } = (await send(shop.client.v3.merchantService.images.upload, meta)).data;
  const downloaded = await shop.client.v3.merchantService.images._media_id_.get({
    media_id: mediaId, responseType: 'arraybuffer',
  });
  assert.deepStrictEqual(downloaded.data, image);
  const unsigned = await refusal(send(shop.client.v3.merchant.media.upload, { ...meta, filename: 'b.png' }));
  assert.deepStrictEqual([unsigned.status, unsigned.data.code], [401, 'SIGN_ERROR']);
}

async function readBills(shop) {
  const { bill, billdownload } = shop.client.v3;
  const day = (await query(shop, 'axios_native')).success_time.slice(0, 10);
  const asked = { bill_date: day, bill_type: 'ALL' };
  const early = await refusal(bill.tradebill.get({ params: asked }));
  assert.strictEqual(early.status, 400);
  await handle('advance', 24 * 3600);
  const read = async (kind, params) => {
    const { download_url: url, hash_value: hash } = (await bill[kind].get({ params })).data;
    const { pathname, search } = new URL(url);
    assert.strictEqual(pathname, '/v3/billdownload/file');
    const file = await billdownload.file.get({
      params: Object.fromEntries(new URLSearchParams(search)), responseType: 'arraybuffer',
    });
    const bytes = params.tar_type ? gunzipSync(file.data) : file.data;
    assert.strictEqual(Hash.sha1(bytes), hash);
    return Formatter.castCsvBill(bytes);
  };
  const trades = await read('tradebill', asked);
  assert.deepStrictEqual(trades, await read('tradebill', { ...asked, tar_type: 'GZIP' }));
  const shown = trades.rows.map((row) => [row['商户订单号'], row['交易状态'], row['应结订单金额'], row['退款金额']]);
  assert.deepStrictEqual(shown.sort(), [
    ['axios_app', 'SUCCESS', '1.00', '0.00'],
    ['axios_certificate', 'SUCCESS', '1.00', '0.00'],
    ['axios_h5', 'SUCCESS', '1.00', '0.00'],
    ['axios_jsapi', 'REFUND', '0.00', '0.30'],
    ['axios_jsapi', 'SUCCESS', '1.00', '0.00'],
    ['axios_native', 'SUCCESS', '1.00', '0.00'],
    ['axios_share', 'SUCCESS', '10.00', '0.00'],
  ]);
  assert.strictEqual(trades.summary['总交易单数'], '7');
  const flows = await read('fundflowbill', { bill_date: day });
  assert(flows.rows.some((row) => row['收支金额(元)'] === '2000.00'), JSON.stringify(flows.rows));
}
