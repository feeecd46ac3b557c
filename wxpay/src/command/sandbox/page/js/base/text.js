// The page's two languages, and how dates and money are written.

const LANGUAGE = "wxpay-sandbox-language";

let language = localStorage.getItem(LANGUAGE) ?? (navigator.language.startsWith("zh") ? "zh" : "en");

// Returns the text of the page's language.
export function t(english, chinese) {
  return language === "zh" ? chinese : english;
}

// Returns "en" or "zh".
export function lang() {
  return language;
}

// Sets the language and keeps it. The window hears a "language" event.
export function setLang(chosen) {
  language = chosen;
  localStorage.setItem(LANGUAGE, chosen);
  window.dispatchEvent(new Event("language"));
}

// Writes an amount in fen: ¥1.00. Exact for amounts beyond what a float has, too.
export function money(fen, currency = "CNY") {
  if (fen === undefined || fen === null) return "–";
  const digits = String(Math.abs(fen)).padStart(3, "0");
  const yuan = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ",");
  const sign = currency === "CNY" ? "¥" : `${currency} `;
  return `${fen < 0 ? "−" : ""}${sign}${yuan}.${digits.slice(-2)}`;
}

// Writes a number with its noun in English: "1 request", "1,200 requests".
export function counted(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

// Writes a day and a time. Takes milliseconds since 1970 or the API's text.
export function date(at) {
  return write(at, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

// Writes a time of day.
export function time(at) {
  return write(at, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

// Writes a time of day with milliseconds.
export function preciseTime(at) {
  return write(at, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });
}

// Writes how long something took or will take.
export function duration(ms) {
  if (ms < 1000) return t(`${ms} ms`, `${ms} 毫秒`);
  const s = Math.round(ms / 1000);
  if (s < 120) return t(`${s} s`, `${s} 秒`);
  if (s < 7200) return t(`${Math.round(s / 60)} min`, `${Math.round(s / 60)} 分钟`);
  if (s < 172800) return t(`${Math.round(s / 3600)} h`, `${Math.round(s / 3600)} 小时`);
  return t(`${Math.round(s / 86400)} days`, `${Math.round(s / 86400)} 天`);
}

function write(at, parts) {
  const date = new Date(at);
  // What is not a time is shown as it came.
  if (at === undefined || at === null || Number.isNaN(date.getTime())) return String(at ?? "–");
  return formatter(parts).format(date);
}

// A formatter takes as long to make as a hundred dates to write, and a list has many dates.
const formatters = new Map();

function formatter(parts) {
  const name = language + JSON.stringify(parts);
  if (!formatters.has(name)) {
    const locale = language === "zh" ? "zh-CN" : "en-GB";
    formatters.set(name, new Intl.DateTimeFormat(locale, { ...parts, hour12: false }));
  }
  return formatters.get(name);
}
