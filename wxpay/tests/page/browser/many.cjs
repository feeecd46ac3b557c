// Ten thousand requests in the log: the list, its search and a single request work, the list does not hold all of
// them in the document, and a new request appears. The times are printed; they decide nothing.

const assert = require('assert');
const { open } = require('../stage/browser.cjs');
const merchant = require('../stage/merchant.cjs');
const { run } = require('../stage/run.cjs');

const COUNT = 10_000;
const AT_ONCE = 8;
const MARKED = 'tea-needle';

run(async (given) => {
  given.ends(merchant.end);
  let next = 0;
  const send = async () => {
    while (next < COUNT) {
      next += 1;
      const number = next === COUNT / 2 ? MARKED : `tea-${String(next).padStart(5, '0')}`;
      // Without a signature it is refused, and in the log all the same.
      const target = `/v3/pay/transactions/out-trade-no/${number}?mchid=${given.config.mchid}`;
      await merchant.send(given, 'GET', target, { isSigned: false });
    }
  };
  const sending = Date.now();
  await Promise.all(Array.from({ length: AT_ONCE }, send));
  console.log(`${COUNT} requests sent in ${Date.now() - sending} ms`);

  const on = await open(given);
  const { page } = on;
  await timed('the latest are shown', async () => {
    await page.evaluate(() => (location.hash = '#/requests'));
    await page.locator('main a[href^="#/requests/"]').first().waitFor();
  });
  await timed('all are there', () => on.isShown());
  const nodes = () => page.evaluate(() => document.querySelectorAll('main *').length);
  const shown = await nodes();
  console.log(`elements in the view: ${shown}`);
  assert.ok(shown < 12_000, `${shown}`);
  const heap = await page.evaluate(() => performance.memory?.usedJSHeapSize);
  console.log(`heap: ${Math.round(heap / 1024)} KiB`);
  await timed('the search finds one', async () => {
    await page.getByRole('searchbox').fill(MARKED);
    await page.locator('main').getByText(MARKED).first().waitFor();
    await on.isShown();
  });
  await timed('the search is cleared', async () => {
    await page.getByRole('searchbox').fill('');
    await page.locator('main').getByText('tea-10000').first().waitFor();
  });
  await timed('a new request appears', async () => {
    await merchant.send(given, 'GET', '/v3/certificates', { isSigned: false });
    await page.locator('main').getByText('/v3/certificates').first().waitFor();
  });
  const { data } = await merchant.control(given, 'GET', `requests?text=${MARKED}&brief=true`);
  await timed('a request is opened', async () => {
    await on.goTo(`#/requests/${data[0].id}`);
    await page.locator('main').getByText(MARKED).first().waitFor();
  });
  const body = `{"a":[${'1,'.repeat(1 << 20)}1]}`;
  await merchant.send(given, 'POST', '/v3/pay/transactions/native', { body });
  const { data: [long] } = await merchant.control(given, 'GET', 'requests?limit=1&brief=true');
  await timed('a request of two megabytes is opened', async () => {
    await on.goTo(`#/requests/${long.id}`);
    await page.getByRole('tab', { name: 'Exchange' }).click();
    // As it was sent, without the line breaks of what is read.
    await page.locator('main pre', { hasText: '{"a":[1,1,1' }).first().waitFor();
  });
  await timed('back to the list', () => on.goTo('#/requests'));
  await timed('nothing is left after a reset', async () => {
    await merchant.control(given, 'POST', 'reset', {});
    await page.locator('main').getByText('No requests yet').waitFor();
  });
});

async function timed(what, f) {
  const begin = Date.now();
  await f();
  console.log(`${what}: ${Date.now() - begin} ms`);
}
