// What the scripts share: the sandbox's handle and keys, the customer's phone, and the merchant's own server.
'use strict';

const assert = require('assert');
const fs = require('fs');
const http = require('http');
const path = require('path');
const readline = require('readline');

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

// Calls a method of the sandbox's handle, which is in the test that started this program. One line of JSON
// goes there, and one comes back. When it returns, the notifications have arrived.
const handle = async (what, ...args) => {
  process.stdout.write(`${JSON.stringify({ what, args })}\n`);
  return JSON.parse((await lines.next()).value).result;
};

// Returns what the sandbox exported for a merchant, with the content of the files in place of their names.
const exported = (folder) => {
  const config = JSON.parse(fs.readFileSync(path.join(folder, 'config.json')));
  for (const name of ['private_key', 'certificate', 'platform_key']) {
    config[name] = config[name] && fs.readFileSync(path.join(folder, config[name]), 'utf8');
  }
  return config;
};

// Adds a merchant that is told at this URL what it receives and returns.
const added = async (mchid, url) => {
  await handle('add_merchant', mchid, url);
  return exported(path.join(process.argv[2], '..', mchid));
};

// Runs a flow with the merchant in the folder of the first argument.
const complete = async (flow) => {
  try {
    await flow(exported(process.argv[2]));
    await handle('finish');
    process.exit(0);
  } catch (error) {
    console.error(error);
    if (error.response) { console.error(error.response.data); }
    process.exit(1);
  }
};

// The customer's phone: opens a payment with the parameters of a front end, and pays it.
const phone = async (sandbox, parameters) => {
  const response = await fetch(`${sandbox.base_uri}_sandbox/v1/phone/pay`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(parameters),
  });
  await handle('settle');
  return { status: response.status, data: await response.json() };
};

// Returns the response with which a call is refused.
const refusal = async (call) => {
  const error = await call.then(() => assert.fail('not refused'), (e) => e);
  assert(error.response, String(error));
  return error.response;
};

// Checks that the phone refuses the parameters if the last character of any is another.
const eachIsChecked = async (sandbox, parameters) => {
  for (const [name, value] of Object.entries(parameters)) {
    const changed = { ...parameters, [name]: value.slice(0, -1) + (value.endsWith('1') ? '2' : '1') };
    const refused = await phone(sandbox, changed);
    assert.strictEqual(refused.status, 400, `${name} is not checked`);
  }
};

// Receives notifications, and acknowledges each with `acknowledgement`.
class Receiver {
  static async start(acknowledgement = '') {
    const receiver = new Receiver();
    receiver.arrived = [];
    const server = http.createServer((request, response) => {
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        receiver.arrived.push({ headers: request.headers, body });
        response.end(acknowledgement);
      });
    });
    await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
    receiver.url = `http://127.0.0.1:${server.address().port}/notify`;
    return receiver;
  }

  // Returns the one notification that has arrived.
  take() {
    assert.strictEqual(this.arrived.length, 1, `${this.arrived.length} notifications arrived`);
    return this.arrived.pop();
  }
}

module.exports = {
  added, complete, eachIsChecked, handle, phone, refusal, Receiver,
};
