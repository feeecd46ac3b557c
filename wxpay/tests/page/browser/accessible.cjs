// axe finds nothing serious or critical in any view, in each language, light and dark, wide and narrow; nothing
// is wider than the screen; headings are in order; what can be pressed is large enough.

const assert = require('assert');
const axe = require('axe-core');
const { fill } = require('../stage/content.cjs');
const { open } = require('../stage/browser.cjs');
const merchant = require('../stage/merchant.cjs');
const { run } = require('../stage/run.cjs');

const MODES = [1280, 360].flatMap((width) =>
  [false, true].flatMap((dark) => ['en', 'zh'].map((lang) => ({ width, dark, lang }))),
);

run(async (given) => {
  given.ends(merchant.end);
  const { views } = await fill(given);
  const findings = [];
  let checked = 0;
  for (const mode of MODES) {
    const on = await open(given, mode);
    const linked = await on.page.locator('#navigation a').evaluateAll((links) => links.map((link) => link.getAttribute('href')));
    assert.deepStrictEqual(linked.filter((link) => !views.includes(link)), [], 'all views are checked');
    // Not as a script of the page: its policy forbids it.
    await on.page.evaluate(axe.source);
    for (const view of views) {
      await on.goTo(view);
      findings.push(...(await check(on.page)).map((finding) => ({ view, ...mode, ...finding })));
      checked += 1;
    }
    await on.goTo('#/faults');
    await on.page.locator('#reset').click();
    findings.push(...(await check(on.page)).map((finding) => ({ view: 'dialog', ...mode, ...finding })));
    await on.page.context().close();
  }
  console.log(`axe ${axe.version}: ${checked} views`);
  assert.deepStrictEqual(findings, []);
});

async function check(page) {
  const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ['violations'] }));
  const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
  const found = serious.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => ({ id, html: html.slice(0, 200), failureSummary })));
  return [...found, ...(await page.evaluate(measure))];
}

// Runs in the page.
function measure() {
  const found = [];
  const over = document.documentElement.scrollWidth - window.innerWidth;
  if (over > 0) found.push({ id: 'wider than the screen', by: over });
  const titles = [...document.querySelectorAll('main h1, main h2, main h3, main h4')];
  titles.reduce((level, title) => {
    const own = Number(title.tagName[1]);
    if (own > level + 1) found.push({ id: 'heading out of order', html: title.outerHTML.slice(0, 200) });
    return own;
  }, 0);
  if (titles.filter((title) => title.tagName === 'H1').length !== 1) found.push({ id: 'not one h1' });
  const isTouch = window.matchMedia('(pointer: coarse)').matches;
  for (const control of document.querySelectorAll('button, select, summary, input, nav a, a.button')) {
    const { width, height } = control.getBoundingClientRect();
    const least = isTouch && control.matches('button, select, nav a') ? 44 : 24;
    if (height > 0 && (height < least || width < 24)) {
      found.push({ id: `smaller than ${least}`, html: control.outerHTML.slice(0, 200), width, height });
    }
  }
  return found;
}
