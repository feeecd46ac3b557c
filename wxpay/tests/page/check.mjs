// Checks the page of `wxpay sandbox` in Chromium: `WXPAY=PATH node --test check.mjs`. SHOTS=DIR keeps pictures.

import assert from "node:assert/strict";
import path from "node:path";
import { after, before, test } from "node:test";

import { SCREENS, check, launch, open, visit } from "./browser.mjs";
import { start } from "./sandbox.mjs";

const MARKUP = `<img src=x onerror="alert(1)"><script>alert(2)</script>{{3}}`;
const shots = process.env.SHOTS;

let sandbox;
let browser;

before(async () => {
  [sandbox, browser] = await Promise.all([start(process.env.WXPAY), launch()]);
});

after(async () => {
  await browser?.close();
  sandbox?.stop();
});

test("an order is paid by a click, and its notification arrives", async () => {
  const { tab, problems } = await open(browser);
  await visit(tab, sandbox.page, "#/cashier");
  await sandbox.merchant.native("click-0001", "一杯龙井", 2800);
  // Nobody has loaded the page again: the order came by the stream of events.
  await tab.locator("#orders a", { hasText: "一杯龙井" }).click();
  const detail = tab.locator(".detail");
  await detail.locator(".qr").waitFor();
  await shoot(tab, "cashier");
  await detail.getByRole("button", { name: "支付", exact: true }).click();
  const { headers, body } = await sandbox.receiver.next();
  assert.equal(body.event_type, "TRANSACTION.SUCCESS");
  assert.ok(headers["wechatpay-signature"]);
  await detail.locator(".badge", { hasText: "成功" }).waitFor();
  const found = await sandbox.merchant.query("click-0001");
  assert.equal(found.body.trade_state, "SUCCESS");
  assert.deepEqual(problems, []);
});

test("a customer pays on the phone", async () => {
  const { tab, problems } = await open(browser);
  await sandbox.merchant.native("phone-0001", "一盒普洱", 12800);
  await visit(tab, sandbox.page, "#/phone/scan");
  await tab.locator(".codes a", { hasText: "一盒普洱" }).click();
  await tab.getByRole("button", { name: "立即支付" }).click();
  await tab.locator(".sheet.done").waitFor();
  await sandbox.receiver.next();
  await tab.locator(".feed a", { hasText: "TRANSACTION.SUCCESS" }).first().waitFor();
  await shoot(tab, "phone");
  assert.deepEqual(problems, []);
});

test("all of the cashier works by keyboard", async () => {
  const { tab, problems } = await open(browser);
  await sandbox.merchant.native("keys-0001", "键盘");
  await visit(tab, sandbox.page, "#/cashier");
  await tabTo(tab, "支付");
  await tab.keyboard.press("Enter");
  await sandbox.receiver.next();
  await tab.locator(".detail .badge", { hasText: "成功" }).waitFor();
  // The button is gone. The focus is where reading goes on, and not at the begin of the page.
  assert.equal(await tab.evaluate(() => document.activeElement.textContent), "键盘");
  assert.deepEqual(problems, []);
});

test("markup in fields is shown as text", async () => {
  const { tab, problems } = await open(browser);
  await sandbox.merchant.native("markup-0001", MARKUP);
  for (const view of ["cashier", "phone", "phone/scan", "orders/markup-0001", "requests"]) {
    await visit(tab, sandbox.page, `#/${view}`);
    const made = await tab.locator("main script, main img").count();
    assert.equal(made, 0, `elements of the markup in ${view}`);
  }
  await visit(tab, sandbox.page, "#/cashier");
  await tab.locator("#orders a", { hasText: MARKUP }).waitFor();
  assert.deepEqual(problems, []);
});

test("a sandbox with a token asks for it, and goes on when it has it", async () => {
  const token = "a-token-that-nobody-guesses";
  const own = await start(process.env.WXPAY, token);
  const { tab } = await open(browser);
  await own.merchant.native("token-0001", "令牌");
  await tab.goto(own.page);
  const field = tab.getByLabel("令牌");
  await field.fill("not-the-token-of-this-one");
  await field.press("Enter");
  await tab.getByText("令牌不正确。").waitFor();
  await field.fill(token);
  await field.press("Enter");
  await tab.locator("#orders a", { hasText: "令牌" }).waitFor();
  await tab.getByText("实时").waitFor();
  own.stop();
  // Then nobody answers.
  await tab.locator(".connection.lost").waitFor();
  await tab.getByRole("button", { name: "支付", exact: true }).click();
  await tab.locator(".toast.bad", { hasText: "沙箱没有应答" }).waitFor();
});

for (const screen of SCREENS) {
  test(`each view is accessible and fits: ${screen.name}`, async () => {
    const { tab, problems } = await open(browser, screen);
    for (const view of await views(tab)) {
      await visit(tab, sandbox.page, `#/${view}`);
      await check(tab, `${view}, ${screen.name}`);
      await shoot(tab, `${view.replaceAll("/", "-")}-${screen.name}`);
    }
    assert.deepEqual(problems, []);
  });
}

// The views of the navigation, and those behind them.
async function views(tab) {
  await visit(tab, sandbox.page, "");
  const links = await tab.locator("#navigation a").all();
  const named = await Promise.all(links.map((link) => link.getAttribute("href")));
  const { mchid } = sandbox.merchant.config;
  return [
    ...named.map((link) => link.slice(2)),
    "cashier/refunds",
    "cashier/transfers",
    `cashier/orders/${mchid}/payment/markup-0001`,
    "phone/scan",
    "phone/code",
    `phone/item/${mchid}/payment/markup-0001`,
  ];
}

// Presses Tab until the button of this name has the focus.
async function tabTo(tab, name) {
  for (let i = 0; i < 60; i += 1) {
    await tab.keyboard.press("Tab");
    if ((await tab.evaluate(() => document.activeElement.textContent)) === name) return;
  }
  assert.fail(`no ${name} within 60 steps`);
}

async function shoot(tab, name) {
  if (shots) await tab.screenshot({ path: path.join(shots, `${name}.png`) });
}
