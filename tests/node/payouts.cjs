// Money out, through APIv3: a transfer that the user confirms, and profit sharing.
'use strict';

const assert = require('assert');
const {
  added, handle, phone, refusal, Receiver,
} = require('./common.cjs');
const {
  open, order, sealed, unsealed,
} = require('./shop.cjs');

const OPENID = 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o';

async function transfer(shop) {
  const bills = shop.client.v3.fundApp.mchTransfer.transferBills;
  const config = { headers: { 'Wechatpay-Serial': shop.platform_key_id } };
  const asked = {
    appid: shop.appid,
    out_bill_no: 'axiosTransfer1',
    transfer_scene_id: '1000',
    openid: OPENID,
    user_name: sealed(shop, '王小王'),
    transfer_amount: 200000,
    transfer_remark: '新会员开通有礼',
    notify_url: shop.receiver.url,
    transfer_scene_report_infos: [
      { info_type: '活动名称', info_content: '新会员有礼' },
      { info_type: '奖励说明', info_content: '注册会员抽奖一等奖' },
    ],
  };
  const created = (await bills.post(asked, config)).data;
  assert.strictEqual(created.state, 'WAIT_USER_CONFIRM');
  assert(created.package_info);
  // Encrypted anew, which is another text for the same name.
  const repeated = await bills.post({ ...asked, user_name: sealed(shop, '王小王') }, config);
  assert.deepStrictEqual(repeated.data, created);
  const nameless = await refusal(bills.post({ ...asked, out_bill_no: 'axiosTransfer2', user_name: undefined }, config));
  assert.strictEqual(nameless.status, 400);

  await handle('user_confirms_transfer', 'axiosTransfer1');
  await handle('advance', 60);
  const notified = open(shop, shop.receiver.take());
  assert.deepStrictEqual([notified.type, notified.original], ['MCHTRANSFER.BILL.FINISHED', 'mch_payment']);
  assert.deepStrictEqual(
    [notified.opened.state, notified.opened.transfer_bill_no, notified.opened.transfer_amount],
    ['SUCCESS', created.transfer_bill_no, 200000],
  );
  const queried = (await bills.outBillNo._out_bill_no_.get({ out_bill_no: 'axiosTransfer1' })).data;
  assert.strictEqual(queried.state, 'SUCCESS');
  assert.strictEqual(unsealed(shop, queried.user_name), '王小王');
  const late = bills.outBillNo._out_bill_no_.cancel.post({}, { out_bill_no: 'axiosTransfer1' });
  assert.strictEqual((await refusal(late)).status, 400);
}

async function share(shop) {
  const { profitsharing, pay: { transactions } } = shop.client.v3;
  const partnerServer = await Receiver.start();
  const partner = await added('1900000109', partnerServer.url);
  const config = { headers: { 'Wechatpay-Serial': shop.platform_key_id } };
  const created = await transactions.native.post(order(shop, 'axios_share', {
    amount: { total: 1000, currency: 'CNY' }, settle_info: { profit_sharing: true },
  }));
  await phone(shop, created.data);
  const payment = { transaction_id: open(shop, shop.receiver.take()).opened.transaction_id };

  const account = { type: 'MERCHANT_ID', account: partner.mchid };
  const asked = () => ({
    ...payment,
    appid: shop.appid,
    out_order_no: 'axios_share_1',
    receivers: [{
      ...account, name: sealed(shop, '示例商户'), amount: 200, description: '分给合作伙伴',
    }],
    unfreeze_unsplit: false,
  });
  const stranger = await refusal(profitsharing.orders.post(asked(), config));
  assert.strictEqual(stranger.status, 400);
  const relation = (await profitsharing.receivers.add.post({
    ...account, appid: shop.appid, name: sealed(shop, '示例商户'), relation_type: 'PARTNER',
  }, config)).data;
  assert.strictEqual(unsealed(shop, relation.name), '示例商户');
  const shared = (await profitsharing.orders.post(asked(), config)).data;
  assert.strictEqual(shared.state, 'PROCESSING');
  assert.deepStrictEqual((await profitsharing.orders.post(asked(), config)).data, shared);
  await handle('advance', 60);
  const divided = (await profitsharing.orders._out_order_no_.get({
    params: payment, out_order_no: 'axios_share_1',
  })).data;
  assert.deepStrictEqual([divided.state, divided.receivers[0].result], ['FINISHED', 'SUCCESS']);
  // The receiver is told, with its own keys.
  const told = open(partner, partnerServer.take());
  assert.deepStrictEqual([told.type, told.original], ['TRANSACTION.SUCCESS', 'profitsharing']);
  assert.deepStrictEqual(
    [told.opened.order_id, told.opened.receiver.amount],
    [divided.order_id, 200],
  );

  const unsplit = async () => (
    await profitsharing.transactions._transaction_id_.amounts.get(payment)
  ).data.unsplit_amount;
  assert.strictEqual(await unsplit(), 800);
  const back = (await profitsharing.returnOrders.post({
    out_order_no: 'axios_share_1',
    out_return_no: 'axios_share_1_r',
    return_mchid: partner.mchid,
    amount: 50,
    description: '用户退款',
  })).data;
  assert.strictEqual(back.result, 'PROCESSING');
  await profitsharing.orders.unfreeze.post({
    ...payment, out_order_no: 'axios_share_2', description: '解冻全部剩余资金',
  });
  await handle('advance', 60);
  assert.strictEqual(await unsplit(), 0);
  const returned = (await profitsharing.returnOrders._out_return_no_.get({
    params: { out_order_no: 'axios_share_1' }, out_return_no: 'axios_share_1_r',
  })).data;
  assert.deepStrictEqual([returned.result, returned.amount], ['SUCCESS', 50]);
  const toldAgain = open(partner, partnerServer.take());
  assert.strictEqual(toldAgain.original, 'profitsharing');
  assert.strictEqual(toldAgain.opened.receiver.amount, 50);
}

module.exports = { transfer, share };
