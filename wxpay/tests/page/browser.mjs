// Chromium, and what each view must be.

import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";

import { chromium } from "playwright-core";

const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// A wide screen and a phone, light and dark, Chinese and English.
export const SCREENS = [
  { name: "wide-light-zh", width: 1280, height: 860, colorScheme: "light", locale: "zh-CN" },
  { name: "wide-dark-en", width: 1280, height: 860, colorScheme: "dark", locale: "en-GB" },
  { name: "phone-light-en", width: 360, height: 740, colorScheme: "light", locale: "en-GB" },
  { name: "phone-dark-zh", width: 360, height: 740, colorScheme: "dark", locale: "zh-CN" },
];

export function launch() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

// Opens a tab. An error in it, or something that the policy refused, fails the check.
export async function open(browser, screen = SCREENS[0]) {
  const { width, height, colorScheme, locale } = screen;
  const isPhone = width < 500;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme,
    locale,
    isMobile: isPhone,
    hasTouch: isPhone,
    reducedMotion: "reduce",
  });
  const tab = await context.newPage();
  tab.setDefaultTimeout(10_000);
  const problems = [];
  tab.on("pageerror", (error) => problems.push(error.stack));
  tab.on("dialog", (dialog) => (problems.push(`a dialog: ${dialog.message()}`), dialog.dismiss()));
  tab.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  return { tab, problems };
}

// Goes to a view as a visitor does, and waits until it shows something.
export async function visit(tab, page, hash) {
  await tab.goto("about:blank");
  await tab.goto(page + hash);
  await tab.locator("main .view:not([aria-busy]) h1").waitFor();
}

// Checks a view with axe, that nothing is wider than the screen, and that a finger finds each target.
export async function check(tab, name) {
  const found = await tab.evaluate(`${axe}; axe.run()`);
  const serious = found.violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  const shown = serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" | ")}`);
  assert.deepEqual(shown, [], `axe in ${name}`);
  const width = await tab.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(width <= 0, `${name} is ${width} px too wide`);
  const small = await tab.evaluate(() =>
    [...document.querySelectorAll("a, button, input, select, textarea, summary")]
      .map((target) => [target, target.getBoundingClientRect()])
      .filter(([target, box]) => box.width > 1 && (box.height < 24 || box.width < 24) && !target.closest("p, td, dd, .visually-hidden"))
      .map(([target]) => target.outerHTML.slice(0, 120)),
  );
  assert.deepEqual(small, [], `targets in ${name}`);
}
