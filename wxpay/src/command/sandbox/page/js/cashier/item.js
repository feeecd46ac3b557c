// An order, a refund or a transfer: its address on the page, and how it is named.

import { date, t, time } from "../base/text.js";

// Returns the parts of an item's id for an address: `1900000109/payment/tea-0001`.
export function address(item) {
  return [item.mchid, item.kind, item.number].map(encodeURIComponent).join("/");
}

// Where the timeline of an order is. Its kind may be unknown.
export function timelineOf({ number, mchid, kind }) {
  const known = [number, mchid, kind].filter((part) => part !== undefined);
  return `#/orders/${known.map(encodeURIComponent).join("/")}`;
}

export function isOf(item, [mchid, kind, number]) {
  return item.mchid === mchid && item.kind === kind && item.number === number;
}

// The product by which an order is paid.
export function product(item) {
  if (item.kind === "service") return t("Pay-score", "支付分");
  const product = PRODUCTS[item.trade_type]?.() ?? item.trade_type ?? "";
  return item.kind === "combined" ? t(`Combined, ${product}`, `合单 ${product}`) : product;
}

// Times of the sandbox are in seconds by its own clock.
export function when(seconds) {
  return seconds === undefined ? undefined : date(seconds * 1000);
}

// The same for a list, where the time says enough for what is of today.
export function shortWhen(seconds) {
  const at = seconds * 1000;
  return new Date(at).toDateString() === new Date().toDateString() ? time(at) : date(at);
}

// Returns what an item is about: what its buyer reads, or else its number.
export function subject(item) {
  return item.description || item.reason || item.number;
}

const PRODUCTS = {
  JSAPI: () => t("JSAPI or mini program", "JSAPI/小程序支付"),
  NATIVE: () => t("Native", "Native支付"),
  APP: () => t("APP", "APP支付"),
  MWEB: () => t("H5", "H5支付"),
  MICROPAY: () => t("Code payment", "付款码支付"),
  FACEPAY: () => t("Face payment", "刷脸支付"),
  PAP: () => t("Deduction", "委托代扣"),
};
