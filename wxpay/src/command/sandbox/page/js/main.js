// Starts the page: navigation, the view of the address, language, colours and the control token.

import { askForTokenBy } from "./base/api.js";
import { h, redraw } from "./base/dom.js";
import * as live from "./base/live.js";
import { lang, setLang, t } from "./base/text.js";
import { button, dialog, errorLine, icon } from "./base/widgets.js";
import { VIEWS } from "./views.js";

const FIRST = "cashier";
const THEME = "wxpay-sandbox-theme";

const darkScheme = window.matchMedia("(prefers-color-scheme: dark)");

const main = h("main", { id: "main" });
const header = h("header", { id: "top", class: "top" });
const navigation = h("nav", { id: "navigation", class: "navigation" });
// The view on show: `{ name, view, close, update }`.
let shown = null;
let isConnected = null;

document.body.append(
  h("a", { class: "skip", href: "#main", on: { click: skip } }, h("span", { id: "skip-text" })),
  header,
  navigation,
  main,
  h("div", { id: "news", class: "visually-hidden", role: "status" }),
  h("div", { id: "toasts", class: "toasts", role: "status", "aria-live": "polite" }),
);
askForTokenBy(askForToken);
live.on("connection", (isOpen) => {
  isConnected = isOpen;
  drawHeader();
});
darkScheme.addEventListener("change", () => {
  if (!localStorage.getItem(THEME)) useTheme(darkScheme.matches ? "dark" : "light");
});
window.addEventListener("hashchange", () => void show(true));
window.addEventListener("language", () => {
  drawFrame();
  void show(false, true);
});
drawFrame();
live.start();
void show(false);

// Shows the view of the address. A view that is on show already may only change what it is about.
async function show(wasAsked, isNew = false) {
  const [name, ...args] = address();
  const entry = VIEWS[name];
  markCurrent(entry.under ?? name);
  if (!isNew && shown?.name === name && shown.update) {
    await shown.update(...args);
    return;
  }
  shown?.close?.();
  const root = h("div", { class: `view ${name}`, "aria-busy": "true" });
  const opening = { name };
  shown = opening;
  document.title = `${entry.title()} · ${t("WeChat Pay sandbox", "微信支付沙箱")}`;
  const loading = h("p", { class: "loading soft", role: "status" }, t("Loading…", "正在加载…"));
  main.replaceChildren(root, loading);
  try {
    const { default: view } = await entry.load();
    if (shown !== opening) return;
    const opened = await view.open(root, ...args);
    const closing = typeof opened === "function" ? { close: opened } : opened;
    // Another view was asked for while this one read its data.
    if (shown !== opening) return void closing?.close?.();
    Object.assign(opening, closing);
  } catch (error) {
    if (shown !== opening) return;
    root.replaceChildren(h("h1", { tabindex: "-1" }, entry.title()), errorLine(error));
  } finally {
    loading.remove();
  }
  root.removeAttribute("aria-busy");
  if (wasAsked) {
    window.scrollTo(0, 0);
    main.querySelector("h1")?.focus({ preventScroll: true });
  }
}

// The parts of the address: `#/orders/tea-0001` is `["orders", "tea-0001"]`.
function address() {
  const parts = location.hash.replace(/^#\/?/, "").split("/").map(decoded);
  return Object.hasOwn(VIEWS, parts[0]) ? parts : [FIRST];
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function drawFrame() {
  document.documentElement.lang = lang() === "zh" ? "zh-CN" : "en";
  document.getElementById("skip-text").textContent = t("Skip to the content", "跳到内容");
  navigation.setAttribute("aria-label", t("Views", "视图"));
  const entries = Object.entries(VIEWS).filter(([, entry]) => entry.icon);
  redraw(
    navigation,
    h(
      "ul",
      null,
      entries.map(([name, entry]) =>
        h("li", null, h("a", { id: `to-${name}`, href: `#/${name}` }, icon(entry.icon), h("span", null, entry.title()))),
      ),
    ),
  );
  drawHeader();
}

function markCurrent(name) {
  for (const link of navigation.querySelectorAll("a")) {
    const isCurrent = link.id === `to-${name}`;
    if (isCurrent) {
      link.setAttribute("aria-current", "page");
      // `scrollIntoView` would let the next Tab begin there, and not at the page's first link.
      navigation.scrollLeft = link.offsetLeft - (navigation.clientWidth - link.offsetWidth) / 2;
    } else {
      link.removeAttribute("aria-current");
    }
  }
}

function drawHeader() {
  const other = lang() === "zh" ? "English" : "中文";
  const isDark = theme() === "dark";
  redraw(
    header,
    h("a", { class: "brand", id: "brand", href: `#/${FIRST}` }, brand(), t("WeChat Pay sandbox", "微信支付沙箱")),
    h("p", { class: `connection ${isConnected === false ? "lost" : ""}`, role: "status" }, connection()),
    h(
      "div",
      { class: "switches" },
      button(other, () => setLang(lang() === "zh" ? "en" : "zh"), { kind: "quiet", id: "language" }),
      button("", () => setTheme(isDark ? "light" : "dark"), {
        kind: "quiet square",
        id: "theme",
        icon: isDark ? "sun" : "moon",
        label: isDark ? t("Light colours", "浅色") : t("Dark colours", "深色"),
      }),
    ),
  );
}

function brand() {
  return h("img", { src: "_sandbox/page/icon.svg", alt: "", width: "24", height: "24" });
}

function connection() {
  if (isConnected === null) return "";
  return isConnected ? t("Live", "实时") : t("Connection lost, trying again…", "连接已断开，正在重连…");
}

// `theme.js` has set it before the page was drawn.
function theme() {
  return document.documentElement.dataset.theme;
}

function setTheme(chosen) {
  localStorage.setItem(THEME, chosen);
  useTheme(chosen);
}

function useTheme(theme) {
  document.documentElement.dataset.theme = theme;
  drawHeader();
}

// The address has the view, so the link must not change it.
function skip(event) {
  event.preventDefault();
  main.querySelector("h1")?.focus();
}

function askForToken(wasRefused) {
  const field = h("input", {
    id: "token",
    name: "token",
    type: "password",
    autocomplete: "off",
    required: true,
    // What a header can have, and the sandbox accepts at its start.
    pattern: "[!-~]{16,}",
    title: t("At least 16 visible ASCII characters", "至少 16 个可见 ASCII 字符"),
  });
  return dialog(t("Control token", "控制令牌"), (close) =>
    h(
      "form",
      { method: "dialog", on: { submit: (event) => (event.preventDefault(), close(field.value.trim())) } },
      h(
        "p",
        null,
        t(
          "This sandbox was started with --token. The page keeps the token until the tab is closed.",
          "此沙箱以 --token 启动。页面保存令牌直至标签页关闭。",
        ),
      ),
      wasRefused && h("p", { class: "error-line", role: "alert" }, t("That was not the token.", "令牌不正确。")),
      h("label", { for: "token" }, t("Token", "令牌")),
      field,
      h(
        "div",
        { class: "actions" },
        button(t("Cancel", "取消"), () => close(null)),
        h("button", { type: "submit", class: "button primary" }, t("Continue", "继续")),
      ),
    ),
  );
}
