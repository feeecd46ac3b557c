// What the page shows and copies for each language is what `wxpay sandbox config` prints, and the key files are
// those of the folder.

const assert = require('assert');
const fs = require('fs');
const path = require('path');
const { open } = require('../stage/browser.cjs');
const { run } = require('../stage/run.cjs');

run(async (given) => {
  const { page } = await open(given, { hash: '#/setup' });
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  const copied = () => page.evaluate(() => navigator.clipboard.readText());
  for (const [language, printed] of given.printed) {
    await page.locator(`#tab-${language}`).click();
    await page.getByRole('region', { name: await page.locator(`#tab-${language}`).innerText() }).waitFor();
    assert.strictEqual(await page.locator('#snippet').textContent(), printed);
    await page.locator('#snippet-copy').click();
    await page.getByText('Copied').last().waitFor();
    assert.strictEqual(await copied(), printed);
  }
  for (const name of ['apiclient_key.pem', 'apiclient_cert.pem', 'pub_key.pem', 'ca.pem']) {
    const [saved] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: `Save ${name}` }).click(),
    ]);
    assert.strictEqual(saved.suggestedFilename(), name);
    const expected = fs.readFileSync(path.join(given.keys, name), 'utf8');
    assert.strictEqual(fs.readFileSync(await saved.path(), 'utf8'), expected);
  }
});
