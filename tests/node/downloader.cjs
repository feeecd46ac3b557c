// Downloads the platform certificates with the program of wechatpay-axios-plugin, and calls with them.
'use strict';

const assert = require('assert');
const fs = require('fs');
const path = require('path');
const { execFileSync } = require('child_process');
const { Wechatpay } = require('wechatpay-axios-plugin');
const { complete, handle } = require('./common.cjs');
const { configured } = require('./shop.cjs');

const inPackage = (file) => path.join(process.env.NODE_PATH, 'wechatpay-axios-plugin', file);

complete(async (sandbox) => {
  await handle('platform_mode', sandbox.mchid, 'certificate');
  // In the working folder, which is the test's own.
  const key = 'apiclient_key.pem';
  fs.writeFileSync(key, sandbox.private_key);
  execFileSync(process.execPath, [
    inPackage('bin/cli.js'), 'crt', '-u', sandbox.base_uri, '-m', sandbox.mchid, '-s', sandbox.serial,
    '-f', key, '-k', sandbox.apiv3_key, '-o', '.',
  ], { stdio: ['ignore', 'ignore', 'inherit'] });
  const downloaded = fs.readdirSync('.').filter((name) => name.startsWith('wechatpay_'));
  assert.strictEqual(downloaded.length, 1, 'the program has written one certificate');
  const [, serial] = downloaded[0].match(/^wechatpay_(.+)\.pem$/);
  const certificate = fs.readFileSync(downloaded[0]);
  const { v3 } = new Wechatpay(configured(sandbox, { certs: { [serial]: certificate } }));
  const created = await v3.pay.transactions.native.post({
    appid: sandbox.appid,
    mchid: sandbox.mchid,
    description: '一杯茶',
    out_trade_no: 'axios_downloaded',
    notify_url: 'http://127.0.0.1:9/notify',
    amount: { total: 100, currency: 'CNY' },
  });
  assert(created.data.code_url);
  assert.strictEqual(created.headers['wechatpay-serial'], serial);
});
