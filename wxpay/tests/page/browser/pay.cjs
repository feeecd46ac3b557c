// An order is paid by clicks, and its notification arrives at a receiver that verifies it.

const assert = require('assert');
const { open } = require('../stage/browser.cjs');
const merchant = require('../stage/merchant.cjs');
const receiver = require('../stage/receiver.cjs');
const { run } = require('../stage/run.cjs');

run(async (given) => {
  given.ends(merchant.end);
  const shop = await receiver.start(given);
  const { page } = await open(given);
  // The page is open before there is an order: it appears by itself.
  const { code_url } = await merchant.order(given, 'tea-0001', { description: 'Oolong', notify_url: shop.url, amount: { total: 2800 } });
  await page.getByRole('link', { name: /Oolong/ }).click();
  await page.getByRole('img', { name: 'QR code of the order' }).waitFor();
  await page.getByText(code_url, { exact: true }).waitFor();
  await page.getByText('¥28.00').first().waitFor();
  await page.getByRole('button', { name: 'Pay', exact: true }).click();

  const { event_type, resource } = await shop.next();
  assert.strictEqual(event_type, 'TRANSACTION.SUCCESS');
  assert.deepStrictEqual([resource.out_trade_no, resource.trade_state, resource.amount.total], ['tea-0001', 'SUCCESS', 2800]);
  assert.strictEqual((await merchant.query(given, 'tea-0001')).trade_state, 'SUCCESS');

  // The page tells of it: in its order, in the timeline and in the notification.
  await page.locator('#to-timeline').click();
  await page.getByText('The customer pays ¥28.00').waitFor();
  await page.getByRole('link', { name: 'Delivery, attempt 1' }).click();
  await page.getByText('TRANSACTION.SUCCESS').first().waitFor();
  await page.locator('main').getByText('Acknowledged').first().waitFor();
  await page.locator('main').getByText('204').first().waitFor();

  // Money: the day has it.
  await page.locator('#to-money').click();
  await page.getByRole('region', { name: 'Money by day' }).getByText('¥28.00').first().waitFor();
});
