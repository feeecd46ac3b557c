// Chromium with the page, and all that it complains about.

const assert = require('assert');
const { chromium } = require('playwright-core');

// Opens the page in a browser of its own. The test fails at its end if the page reported an error, opened a
// dialog of the browser, violated its policy or asked another server for something.
exports.open = async (given, { width = 1280, height = 800, dark = false, lang = 'en', hash = '', allowed = [], isLocked = false, shift } = {}) => {
  const browser = await exports.launch(given);
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
    locale: lang === 'zh' ? 'zh-CN' : 'en-GB',
    timezoneId: 'Asia/Shanghai',
    reducedMotion: 'reduce',
    hasTouch: width < 600,
  });
  given.ends(() => context.close());
  // Only what hangs takes so long.
  context.setDefaultTimeout(90_000);
  const page = await context.newPage();
  if (shift !== undefined) await shiftTimes(page, given.base_uri, shift);
  const complaints = watch(page, given.base_uri, allowed);
  given.ends(() => assert.deepStrictEqual(complaints, [], 'the page has nothing to complain about'));
  const on = new Page(page, given.base_uri);
  await page.goto(given.base_uri + hash);
  // Behind the question for the token there is nothing yet.
  if (!isLocked) await on.isShown();
  return on;
};

// One browser for the test. As root, Chromium has no sandbox of its own.
exports.launch = async (given) => {
  given.browser ??= chromium.launch({ executablePath: given.chromium, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
  const browser = await given.browser;
  given.ends(() => browser.close());
  return browser;
};

function watch(page, base, allowed) {
  const complaints = [];
  const add = (text) => allowed.some((known) => known.test(text)) || complaints.push(text);
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) add(`${message.type()}: ${message.text()} ${message.location().url}`);
  });
  page.on('pageerror', (error) => add(`error: ${error.stack}`));
  page.on('dialog', (dialog) => {
    add(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(base) && !url.startsWith('data:') && !url.startsWith('blob:')) add(`asked for ${url}`);
  });
  return complaints;
}

// Moves the times in what the sandbox says by so many milliseconds, and those of the page's own clock.
async function shiftTimes(page, base, shift) {
  await page.clock.setFixedTime(Date.now() + shift);
  const seconds = Math.round(shift / 1000);
  await page.route(`${base}_sandbox/v1/**`, async (route) => {
    if (route.request().url().includes('/events')) return route.continue();
    const response = await route.fetch();
    const moved = (value, name) => {
      if (Array.isArray(value)) return value.map((one) => moved(one, name));
      if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, moved(one, key)]));
      if (name === 'at_ms') return value + seconds * 1000;
      // In seconds since 1970: what is smaller is no time.
      if (/^(at|now|.*_at)$/.test(name ?? '') && value > 1e9) return value + seconds;
      return value;
    };
    await route.fulfill({ response, json: moved(await response.json()) });
  });
}

class Page {
  constructor(page, base) {
    this.page = page;
    this.pending = new Set();
    // The stream of events never ends.
    page.on('request', (request) => request.url().startsWith(`${base}_sandbox/v1/events`) || this.pending.add(request));
    for (const end of ['requestfinished', 'requestfailed']) page.on(end, (request) => this.pending.delete(request));
  }

  // Opens the view of an address such as `#/requests`, and waits until it has what it shows.
  async goTo(hash) {
    await this.page.evaluate((to) => (location.hash = to), hash);
    await this.isShown();
  }

  // Waits until the view has a title, and what it asked for has arrived and is drawn.
  async isShown() {
    await this.page.locator('main h1').first().waitFor();
    for (let quiet = 0; quiet < 3; quiet += 1) {
      await this.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
      if (this.pending.size > 0) quiet = -1;
    }
  }

  text() {
    return this.page.locator('main').innerText();
  }
}
