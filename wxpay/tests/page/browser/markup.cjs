// What clients and receivers sent is shown as text, whatever it looks like. The scripts in it would open a dialog,
// add an element or violate the page's policy; each fails the test.

const assert = require('assert');
const { open } = require('../stage/browser.cjs');
const merchant = require('../stage/merchant.cjs');
const receiver = require('../stage/receiver.cjs');
const { run } = require('../stage/run.cjs');

const IMAGE = '<img id=bad src=x onerror=alert(1)>';
const SCRIPT = '"\'></title></script><script id=bad>alert(2)</script>';
// Changes the order of what follows, and hides.
const UNSEEN = 'tea\u202egnp.exe\u200b';
const LONG = '9007199254740993';
const LINK = 'javascript:alert(3)//<b id=bad>';

run(async (given) => {
  given.ends(merchant.end);
  const shop = await receiver.start(given, () => ({ status: 500, body: `${IMAGE}${SCRIPT}` }));
  const tea = { description: `tea ${IMAGE}`, attach: SCRIPT, notify_url: shop.url, goods_tag: 'bad' };
  await merchant.order(given, 'tea-0001', tea);
  await merchant.control(given, 'POST', 'orders/tea-0001/pay');
  await shop.next();
  await merchant.order(given, 'tea-0002', { ...tea, notify_url: 'http://127.0.0.1:9/' });
  await merchant.refund(given, 'tea-0001', 'refund-0001', 10, 100);
  await merchant.order(given, 'tea-0003', { description: UNSEEN });
  // Headers, paths and bodies that no order can have.
  const strange = [
    ['GET', `/v3/${encodeURIComponent(IMAGE)}?x=${encodeURIComponent(SCRIPT)}`, {}],
    ['GET', `/v3/certificates?a='"><svg/onload=alert(4)>`, { headers: { 'user-agent': IMAGE, 'x-tea': SCRIPT } }],
    ['POST', '/v3/pay/transactions/native', { body: `${IMAGE}${SCRIPT}` }],
    ['POST', '/v3/pay/transactions/native', { body: JSON.stringify({ [IMAGE]: SCRIPT, description: LINK }) }],
    ['POST', '/v3/pay/transactions/native', { body: `{"description":"${UNSEEN}","amount":{"total":${LONG}}}` }],
    ['POST', '/pay/unifiedorder', { body: `<xml><body><![CDATA[${IMAGE}${SCRIPT}]]></body></xml>`, headers: { 'content-type': 'text/xml' } }],
  ];
  for (const [method, target, options] of strange) await merchant.send(given, method, target, options);
  await merchant.control(given, 'POST', 'faults', { fault: 'error', path: IMAGE, code: IMAGE, message: SCRIPT });
  await merchant.control(given, 'POST', 'faults', { fault: 'raw', path: SCRIPT, body: IMAGE });

  const { data: requests } = await merchant.control(given, 'GET', 'requests');
  const { data: deliveries } = await merchant.control(given, 'GET', 'notifications');
  const views = [
    '#/cashier', '#/phone', '#/requests', '#/notifications', '#/orders/tea-0001', '#/orders/tea-0002', '#/orders/tea-0003', '#/money', '#/faults', '#/setup',
    ...requests.map(({ id }) => `#/requests/${id}`),
    ...deliveries.map(({ id }) => `#/notifications/${encodeURIComponent(id)}`),
    // What an address says is from outside, too.
    `#/orders/${encodeURIComponent(IMAGE)}`, `#/requests/${encodeURIComponent(IMAGE)}`, `#/notifications/${encodeURIComponent(IMAGE)}`, `#/${IMAGE}`,
  ];
  const on = await open(given, { allowed: [/status of 40[04]/] });
  const seen = new Map();
  for (const view of views) {
    await on.goTo(view);
    // What a view hides at first is there, too.
    for (const tab of await on.page.getByRole('tab').all()) {
      await tab.click();
      await on.isShown();
      await isClean(on.page, view);
    }
    await on.page.locator('main details').evaluateAll((all) => all.forEach((one) => (one.open = true)));
    await isClean(on.page, view);
    seen.set(view, await on.page.locator('main').textContent());
  }
  const shows = (view, text) => assert.ok(seen.get(view).includes(text), `${view} shows ${text}: ${seen.get(view)}`);
  for (const view of ['#/cashier', '#/orders/tea-0001', `#/requests/${requests[0].id}`]) shows(view, IMAGE);
  shows('#/faults', IMAGE);
  for (const view of ['#/cashier', '#/phone', '#/orders/tea-0003']) shows(view, 'tea⟨202e⟩gnp.exe⟨200b⟩');
  const { id } = requests.findLast(({ body }) => body?.includes(LONG));
  await on.goTo(`#/requests/${id}`);
  await on.page.getByRole('tab', { name: 'Documents' }).click();
  const values = await on.page.locator('.field-value').allTextContents();
  assert.ok(values.includes(LONG), values.join());
});

async function isClean(page, view) {
  const bad = await page.evaluate(() => [...document.querySelectorAll('#bad, [onerror], [onload], [href^="javascript"], main script, main iframe')].map((one) => one.outerHTML));
  assert.deepStrictEqual(bad, [], view);
  assert.doesNotMatch(await page.locator('main').textContent(), /[\u200b\u202e]/, view);
}
