// The customer's phone: a scanned code is paid; a front end's parameters are checked, paid once, and refused if
// their signature is wrong; a payment that fails on the phone can be tried again.

const assert = require('assert');
const crypto = require('crypto');
const { open } = require('../stage/browser.cjs');
const merchant = require('../stage/merchant.cjs');
const receiver = require('../stage/receiver.cjs');
const { run } = require('../stage/run.cjs');

run(async (given) => {
  given.ends(merchant.end);
  const shop = await receiver.start(given);
  const on = await open(given, { width: 360, allowed: [/status of 400/] });
  const { page } = on;
  await merchant.order(given, 'tea-0001', { description: 'Oolong', notify_url: shop.url });
  await on.goTo('#/phone/scan');
  await page.getByRole('link', { name: /Oolong/ }).click();
  await page.getByRole('button', { name: 'The balance is too low' }).click();
  await page.getByText('The payment failed on the phone').waitFor();
  assert.strictEqual((await merchant.query(given, 'tea-0001')).trade_state, 'NOTPAY');
  await page.getByRole('button', { name: 'Pay now' }).click();
  await page.getByRole('heading', { name: 'Result' }).waitFor();
  assert.strictEqual((await shop.next()).resource.out_trade_no, 'tea-0001');
  // What the program sees is beside the phone.
  await page.getByRole('link', { name: 'TRANSACTION.SUCCESS' }).waitFor();

  const opened = async (parameters) => {
    await page.getByLabel('Or open what your front end has').fill(JSON.stringify(parameters));
    await page.getByRole('button', { name: 'Open and pay' }).click();
  };
  const parameters = await frontEnd(given, 'tea-0002');
  await on.goTo('#/phone/scan');
  await opened({ ...parameters, timeStamp: String(Number(parameters.timeStamp) + 1) });
  await page.getByText('支付验证签名失败').waitFor();
  assert.strictEqual((await merchant.query(given, 'tea-0002')).trade_state, 'NOTPAY');
  await opened(parameters);
  await page.getByText('Paid: tea-0002').waitFor();
  assert.strictEqual((await merchant.query(given, 'tea-0002')).trade_state, 'SUCCESS');
  await opened(parameters);
  await page.getByText('该订单已支付').waitFor();

  // The code that a cashier scans.
  await on.goTo('#/phone/code');
  await page.getByRole('button', { name: 'Show a code' }).click();
  await page.getByText(/^\d{4}( \d{4}){3} \d{2}$/).waitFor();
});

// Orders by JSAPI, and returns what a merchant's front end passes to WeChat.
async function frontEnd(given, number) {
  const { appid, mchid } = given.config;
  const order = {
    appid,
    mchid,
    description: 'Green tea',
    out_trade_no: number,
    notify_url: 'http://127.0.0.1:9/notify',
    amount: { total: 100 },
    payer: { openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o' },
  };
  const { json } = await merchant.send(given, 'POST', '/v3/pay/transactions/jsapi', { body: JSON.stringify(order) });
  const signed = {
    appId: appid,
    timeStamp: String(Math.floor(Date.now() / 1000)),
    nonceStr: crypto.randomBytes(16).toString('hex'),
    package: `prepay_id=${json.prepay_id}`,
  };
  const message = `${Object.values(signed).join('\n')}\n`;
  const paySign = crypto.createSign('RSA-SHA256').update(message).sign(given.privateKey, 'base64');
  return { ...signed, signType: 'RSA', paySign };
}
