// Takes the pictures of README and guide. What they show is the same each time, but for keys and numbers that the
// sandbox makes.

const fs = require('fs');
const path = require('path');
const { fill } = require('../stage/content.cjs');
const { open } = require('../stage/browser.cjs');
const merchant = require('../stage/merchant.cjs');
const { run } = require('../stage/run.cjs');

// When the pictures say they were taken.
const NOON = Date.UTC(2026, 10, 30, 4, 0, 0);

run(async (given) => {
  given.ends(merchant.end);
  const shift = NOON - Date.now();
  const { wrong } = await fill(given);
  fs.mkdirSync(given.folder, { recursive: true });
  const take = async (name, hash, options, ready) => {
    for (const lang of ['en', 'zh']) {
      const on = await open(given, { ...options, lang, shift });
      await on.goTo(hash);
      await ready?.(on.page);
      await on.isShown();
      await on.page.screenshot({ path: path.join(given.folder, `${name}.${lang}.png`) });
      await on.page.context().close();
    }
  };
  const cashier = `#/cashier/orders/${given.config.mchid}/payment/tea-0002`;
  await take('cashier', cashier, { height: 720 });
  await take('signature', `#/requests/${wrong.id}`, { height: 1160 }, (page) => page.locator('#tab-signature').click());
  await take('timeline', '#/orders/tea-0001', { height: 860 });
});
