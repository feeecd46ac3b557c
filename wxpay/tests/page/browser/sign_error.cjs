// A request whose body is not what was signed: the page says so, shows both messages, and where they differ.

const assert = require('assert');
const { open } = require('../stage/browser.cjs');
const { wrongSignature } = require('../stage/content.cjs');
const merchant = require('../stage/merchant.cjs');
const { run } = require('../stage/run.cjs');

run(async (given) => {
  given.ends(merchant.end);
  const { page } = await open(given, { hash: '#/requests' });
  const { refused, body } = await wrongSignature(given);
  assert.deepStrictEqual([refused.status, refused.json.code], [401, 'SIGN_ERROR']);
  const main = page.locator('main');
  await main.getByText('SIGN_ERROR').first().waitFor();
  await main.getByRole('link', { name: /transactions\/native/ }).first().click();
  await main.getByText('The client signed something else:').first().waitFor();
  const panel = main.getByRole('tabpanel');
  const built = panel.getByRole('region', { name: 'The sandbox built' });
  if (!(await built.isVisible())) await main.getByRole('tab', { name: /Signature/ }).click();
  await built.waitFor();

  // What was built ends with the body that was sent; what was signed with the same fields, compact.
  const plain = async (name) => (await panel.getByRole('region', { name, exact: true }).textContent()).replace(/LF|SP|\s/g, '');
  const [sent, signed] = [await plain('The sandbox built'), await plain('The client signed')];
  assert.ok(sent.includes(body.replace(/\s/g, '')), sent);
  assert.ok(signed.includes(body.replace(/\s/g, '')), signed);
  // In the message, the body is the fifth line: it begins alike, and differs after its first brace.
  const text = await main.innerText();
  const [, at, here, there] = text.match(/differ first at byte (\d+): (.+) here, (.+) there/);
  const head = /^POST\n\/v3\/pay\/transactions\/native\n\d{10}\n\w{32}\n/;
  const { data } = await merchant.control(given, 'GET', 'requests?limit=1');
  const { signature } = await merchant.control(given, 'GET', `requests/${data[0].id}`);
  const [{ length }] = signature.message.match(head);
  assert.deepStrictEqual([Number(at), here, there], [length + 1, '0x0a LF', '0x22 “"”']);
  assert.strictEqual(signature.message.slice(length), `${body}\n`);
});
