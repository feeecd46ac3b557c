// Faults are set, seen when they fire, and cleared; the clock is moved and the sandbox reset, which asks first.

const assert = require('assert');
const { open } = require('../stage/browser.cjs');
const merchant = require('../stage/merchant.cjs');
const receiver = require('../stage/receiver.cjs');
const { run } = require('../stage/run.cjs');

run(async (given) => {
  given.ends(merchant.end);
  const { page } = await open(given, { hash: '#/faults' });
  const main = page.locator('main');
  const waiting = async () => (await merchant.control(given, 'GET', 'faults')).data;

  // An error with its own fields, for one path.
  await page.locator('#fault-kind').selectOption('error');
  await page.locator('#fault-own-status').fill('503');
  await page.locator('#fault-own-code').fill('TEA_IS_OUT');
  await page.getByText('Only for some requests').click();
  await page.locator('#fault-path').fill('v3/pay/transactions/native');
  await page.locator('#response-fault-add').click();
  await main.getByText('code TEA_IS_OUT').waitFor();
  const [added] = await waiting();
  assert.deepStrictEqual([added.fault, added.status, added.code, added.path, added.times], ['error', 503, 'TEA_IS_OUT', 'v3/pay/transactions/native', 1]);

  // What fires appears at once, and no longer waits.
  const body = '{}';
  const refused = await merchant.send(given, 'POST', '/v3/pay/transactions/native', { body });
  assert.deepStrictEqual([refused.status, refused.json.code], [503, 'TEA_IS_OUT']);
  const fired = page.getByRole('region', { name: 'Faults that fired' });
  await fired.getByText('POST /v3/pay/transactions/native').waitFor();
  assert.match(await fired.innerText(), /Error with a code\s+503/);
  await main.getByText('code TEA_IS_OUT').waitFor({ state: 'detached' });

  // Each kind can be added as it is, and all of them cleared.
  const kinds = (id) => page.locator(`${id} option`).evaluateAll((options) => options.map((option) => option.value));
  await page.locator('#fault-path').fill('');
  const all = await kinds('#fault-kind');
  for (const [i, kind] of all.entries()) {
    await page.locator('#fault-kind').selectOption(kind);
    await page.locator('#response-fault-add').click();
    await main.getByText(`Waiting (${i + 1})`).waitFor();
  }
  assert.deepStrictEqual((await waiting()).map(({ fault }) => fault), all);
  assert.strictEqual(all.length, 12);
  await page.locator('#faults-clear').click();
  await page.locator('#faults-clear').waitFor({ state: 'detached' });
  assert.deepStrictEqual(await waiting(), []);

  const wrong = await kinds('#delivery-fault-kind');
  for (const [i, kind] of wrong.entries()) {
    await page.locator('#delivery-fault-kind').selectOption(kind);
    await page.locator('#delivery-fault-add').click();
    // While a button works, it ignores clicks.
    await main.getByText(`Waiting (${i + 1})`).waitFor();
  }
  assert.strictEqual(wrong.length, 6);
  await page.locator('#delivery-faults-clear').click();
  await page.locator('#delivery-faults-clear').waitFor({ state: 'detached' });

  // The receiver refuses what a stranger signed, and gets the true notification next.
  const shop = await receiver.start(given);
  await page.locator('#delivery-fault-kind').selectOption('wrong_key');
  await page.locator('#delivery-fault-add').click();
  await main.getByText('Waiting (1)').waitFor();
  await merchant.control(given, 'POST', 'notifications', { event_type: 'TRANSACTION.SUCCESS', url: shop.url });
  assert.strictEqual((await shop.next()).event_type, 'TRANSACTION.SUCCESS');
  await fired.getByRole('row', { name: /TRANSACTION\.SUCCESS Signed by a stranger 401/ }).waitFor();
  await page.locator('#delivery-faults-clear').waitFor({ state: 'detached' });

  await page.locator('#clock-86400').click();
  await main.getByText('24 h ahead of the real time.').waitFor();
  assert.ok((await merchant.control(given, 'GET', 'clock')).ahead_s >= 86_400);

  await merchant.order(given, 'tea-0001');
  const orders = async () => (await merchant.control(given, 'GET', 'orders')).data.length;
  await page.locator('#reset').click();
  await page.locator('#reset-cancel').click();
  assert.strictEqual(await orders(), 1);
  await page.locator('#reset').click();
  await page.locator('#reset-sure').click();
  await main.getByText('The real time.', { exact: true }).waitFor();
  assert.strictEqual(await orders(), 0);
});
