// What waits for a decision is decided by clicks: refunds, a transfer, a service order of pay-score, an order that
// expires. What cannot be done any more is not offered, and the count of what waits follows.

const assert = require('assert');
const { open } = require('../stage/browser.cjs');
const merchant = require('../stage/merchant.cjs');
const { run } = require('../stage/run.cjs');

run(async (given) => {
  given.ends(merchant.end);
  await merchant.order(given, 'tea-0001', { amount: { total: 2800 } });
  await merchant.control(given, 'POST', 'orders/tea-0001/pay');
  await serviceOrder(given, 'score-0001');
  const on = await open(given, { hash: '#/cashier' });
  const { page } = on;
  const state = async (list, number) => (await merchant.control(given, 'GET', `${list}?text=${number}`)).data[0].state;

  // The service order is the only one that waits, so it is on show.
  await page.getByRole('button', { name: 'Confirm', exact: true }).click();
  await page.getByText('In service').waitFor();
  assert.strictEqual(await state('service-orders', 'score-0001'), 'DOING/USER_CONFIRM');

  // Each is made just before: after a minute, WeChat Pay decides by itself.
  const listed = (number) => page.getByRole('listitem').filter({ hasText: number });
  await on.goTo('#/cashier/refunds');
  await merchant.refund(given, 'tea-0001', 'refund-0001', 800, 2800);
  await page.getByRole('link', { name: 'Refunds (1 waiting)' }).waitFor();
  await listed('refund-0001').getByRole('button', { name: 'Succeed' }).click();
  await page.getByText('No refund awaits its result').waitFor();
  assert.strictEqual(await state('refunds', 'refund-0001'), 'SUCCESS');
  await merchant.refund(given, 'tea-0001', 'refund-0002', 500, 2800);
  await listed('refund-0002').getByRole('button', { name: 'Fail: abnormal' }).click();
  await page.getByText('No refund awaits its result').waitFor();
  assert.strictEqual(await state('refunds', 'refund-0002'), 'ABNORMAL');
  await page.getByRole('button', { name: 'All', exact: true }).click();
  await listed('refund-0001').getByText('Succeeded').waitFor();

  await on.goTo('#/cashier/transfers');
  await transfer(given, 'bill0001');
  await listed('bill0001').getByRole('button', { name: 'Decline or fail' }).click();
  await listed('bill0001').getByText('PAYEE_ACCOUNT_ABNORMAL').waitFor();
  assert.strictEqual(await state('transfers', 'bill0001'), 'FAIL');

  // An order expires: it can be paid no more.
  await merchant.order(given, 'tea-0002', { description: 'Oolong' });
  await on.goTo(`#/cashier/orders/${given.config.mchid}/payment/tea-0002`);
  await page.getByRole('button', { name: 'Expire', exact: true }).click();
  await page.locator('.detail').getByText('Expired').waitFor();
  await page.getByRole('button', { name: 'Pay', exact: true }).waitFor({ state: 'detached' });
});

async function transfer(given, number) {
  const body = JSON.stringify({
    appid: given.config.appid,
    out_bill_no: number,
    transfer_scene_id: '1000',
    openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o',
    transfer_amount: 2000,
    transfer_remark: 'A prize',
    transfer_scene_report_infos: [
      { info_type: '活动名称', info_content: '新会员有礼' },
      { info_type: '奖励说明', info_content: '注册会员抽奖一等奖' },
    ],
  });
  const created = await merchant.send(given, 'POST', '/v3/fund-app/mch-transfer/transfer-bills', { body });
  assert.strictEqual(created.status, 200, created.text);
}

async function serviceOrder(given, number) {
  const body = JSON.stringify({
    appid: given.config.appid,
    out_order_no: number,
    service_id: '500001',
    service_introduction: 'An umbrella',
    post_payments: [{ name: 'Rent', amount: 500 }],
    time_range: { start_time: 'OnAccept' },
    risk_fund: { name: 'DEPOSIT', amount: 9900 },
    notify_url: 'http://127.0.0.1:9/notify',
    need_user_confirm: true,
  });
  const created = await merchant.send(given, 'POST', '/v3/payscore/serviceorder', { body });
  assert.strictEqual(created.status, 200, created.text);
}
