// Who reaches the page and its data: those with the right Host, and with the token for all but the files. What
// changes something is never done by GET.

const assert = require('assert');
const http = require('http');
const { open } = require('../stage/browser.cjs');
const { run } = require('../stage/run.cjs');

run(async (given) => {
  const own = new URL(given.base_uri).host;
  const files = ['/', '/_sandbox/page/js/main.js'];
  for (const file of files) {
    const served = await get(given, file, { host: own });
    assert.strictEqual(served.status, 200, file);
    assert.match(served.headers['content-security-policy'], /default-src 'none'; script-src 'self';/);
    const head = await get(given, file, { host: own }, 'HEAD');
    assert.deepStrictEqual([head.status, head.text], [200, '']);
    for (const method of ['POST', 'PUT', 'DELETE']) {
      assert.ok((await get(given, file, { host: own }, method)).status >= 400, `${method} ${file}`);
    }
  }
  for (const host of ['evil.example', `evil.example:${new URL(given.base_uri).port}`, 'localhost.evil.example']) {
    for (const file of [...files, '/_sandbox/v1/config']) {
      const refused = await get(given, file, { host, authorization: `Bearer ${given.token}` });
      assert.ok(refused.status >= 400 && refused.status < 500, `${host} ${file}: ${refused.status}`);
      assert.doesNotMatch(refused.text, /<html|import|apiv3_key/i);
    }
  }
  for (const authorization of ['', 'Bearer wrong-token-of-some-length']) {
    assert.strictEqual((await get(given, '/_sandbox/v1/config', { host: own, authorization })).status, 401);
  }
  await changesNothingByGet(given, own);

  // The browser reports each refusal, as it must.
  const { page } = await open(given, { hash: '#/setup', allowed: [/status of 401/], isLocked: true });
  await page.getByRole('textbox', { name: 'Token' }).fill('wrong-token-of-some-length');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByText('That was not the token.').waitFor();
  await page.getByRole('textbox', { name: 'Token' }).fill(given.token);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByText(given.config.apiv3_key).first().waitFor();
  // It ends with the tab, and is in no address.
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, document.cookie, location.href]));
  assert.ok(!kept.includes(given.token), kept);
});

async function changesNothingByGet(given, host) {
  const authorization = `Bearer ${given.token}`;
  const document = JSON.parse((await get(given, '/_sandbox/v1/openapi.json', { host, authorization })).text);
  const changing = Object.entries(document.paths).filter(([, methods]) => !methods.get);
  assert.ok(changing.length > 30, `${changing.length}`);
  for (const [path] of changing) {
    const target = `/_sandbox/v1${path.replace(/[{}]/g, '')}`;
    // A GET of another endpoint may fit such a path, and finds nothing there.
    const { status } = await get(given, target, { host, authorization });
    assert.ok([404, 405].includes(status), `GET ${path}: ${status}`);
  }
}

function get(given, target, headers, method = 'GET') {
  return new Promise((resolve, reject) => {
    const request = http.request(new URL(given.base_uri), { method, path: target, headers }, (response) => {
      let text = '';
      response.on('data', (more) => (text += more));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
    });
    request.on('error', reject);
    request.end();
  });
}
