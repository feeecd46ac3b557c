// An order is paid by keyboard alone, and the focus can be seen on the way.

const assert = require('assert');
const { open } = require('../stage/browser.cjs');
const merchant = require('../stage/merchant.cjs');
const { run } = require('../stage/run.cjs');

// More than this many stops are too many for anyone.
const STOPS = 40;

run(async (given) => {
  given.ends(merchant.end);
  await merchant.order(given, 'tea-0001', { description: 'Oolong' });
  const on = await open(given);
  const { page } = on;
  await tabTo(page, /^Skip to the content/);
  await page.keyboard.press('Enter');
  await tabTo(page, /Oolong/);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Pay', exact: true }).waitFor();
  await tabTo(page, /^Pay$/);
  await page.keyboard.press('Enter');
  await page.getByText('Paid', { exact: true }).first().waitFor();
  assert.strictEqual((await merchant.query(given, 'tea-0001')).trade_state, 'SUCCESS');

  // Tabs are one stop, and the arrow keys move in them.
  await on.goTo('#/setup');
  await tabTo(page, /^Rust$/);
  await page.keyboard.press('ArrowRight');
  assert.strictEqual(await focused(page), 'PHP');
  await page.keyboard.press('End');
  assert.strictEqual(await focused(page), 'Java');

  // A dialog keeps the focus, and gives it back.
  await on.goTo('#/faults');
  await tabTo(page, /^Reset…$/);
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  assert.ok(await page.evaluate(() => document.querySelector('dialog').contains(document.activeElement)));
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.strictEqual(await focused(page), 'Reset…');
});

// Presses Tab until what is focused has this text.
async function tabTo(page, text) {
  const seen = [];
  for (let stop = 0; stop < STOPS; stop += 1) {
    await page.keyboard.press('Tab');
    const name = await focused(page);
    seen.push(name);
    // Between the last and the first stop, the browser has its own.
    if (await page.evaluate(() => document.activeElement === document.body)) continue;
    const isSeen = await page.evaluate(() => {
      const style = getComputedStyle(document.activeElement);
      return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
    });
    assert.ok(isSeen, `the focus on ${name} can be seen`);
    if (text.test(name)) return;
  }
  assert.fail(`no ${text} among ${seen.join(' | ')}`);
}

function focused(page) {
  return page.evaluate(() => {
    const { activeElement: one } = document;
    return one === document.body ? '' : (one.getAttribute('aria-label') ?? one.innerText ?? '').trim();
  });
}
