// The sandbox's own endpoints, below `/_sandbox/v1/`.

const BASE = new URL("../../../v1/", import.meta.url);
const TOKEN = "wxpay-sandbox-token";
// After a broken stream: longer and longer.
const BREAKS_MS = [500, 1000, 2000, 5000, 10000];

export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

// Encodes the variables of a path: path`orders/${number}/pay`.
export function path(parts, ...variables) {
  return parts.reduce((left, right, i) => left + encodeURIComponent(variables[i - 1]) + right);
}

export function get(at, query) {
  return call("GET", at, { query });
}

export function post(at, body = {}, query) {
  return call("POST", at, { body, query });
}

export function del(at, query) {
  return call("DELETE", at, { query });
}

let ask = null;
let asking = null;
// Wakes the stream of events that had no token.
let tokenGiven = () => {};

// Sets what asks for the control token: `f(wasRefused)` resolves to the token, or to null.
export function askForTokenBy(f) {
  ask = f;
}

// Reads the stream of events until the returned function is called. `onEvent(name, data)` receives each;
// `onConnection(isOpen)` tells when the stream opens and breaks, with null if it waits for the token.
export function events(onEvent, onConnection) {
  const ended = new AbortController();
  void follow(ended.signal, onEvent, onConnection);
  return () => ended.abort();
}

async function call(method, at, parts) {
  const response = await send(method, at, parts);
  const text = await response.text();
  return text ? JSON.parse(text, exact) : {};
}

// An integer that a float would round is kept as the text of its digits.
function exact(_name, value, context) {
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? (context?.source ?? value) : value;
}

// Sends, and asks for the token as long as it is refused.
async function send(method, at, { query, body, signal }) {
  const url = new URL(at, BASE);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, value);
  }
  for (;;) {
    const token = sessionStorage.getItem(TOKEN);
    const headers = {};
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const response = await fetch(url, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      signal,
    });
    if (response.ok) return response;
    if (response.status === 401 && (await hasNewToken(token))) continue;
    throw await refusal(response);
  }
}

// Whether a token was given that differs from the one that was refused. One dialog serves all calls.
async function hasNewToken(refused) {
  if (sessionStorage.getItem(TOKEN) !== refused) return true;
  asking ??= Promise.resolve(ask?.(refused !== null) ?? null).finally(() => (asking = null));
  const token = await asking;
  if (token) {
    sessionStorage.setItem(TOKEN, token);
    tokenGiven();
  }
  return Boolean(token);
}

async function refusal(response) {
  const answer = await response.json().catch(() => ({}));
  const message = answer.message ?? `HTTP ${response.status}`;
  return new ApiError(response.status, answer.code ?? "", message);
}

async function follow(signal, onEvent, onConnection) {
  let failures = 0;
  while (!signal.aborted) {
    try {
      const response = await send("GET", "events", { query: { brief: true }, signal });
      failures = 0;
      onConnection(true);
      await read(response.body, onEvent);
    } catch (error) {
      if (signal.aborted) return;
      // Asking for the token again and again would be a nuisance: it is asked for with the next call.
      if (error instanceof ApiError && error.status === 401) {
        onConnection(null);
        await new Promise((resolve) => (tokenGiven = resolve));
        continue;
      }
    }
    onConnection(false);
    const wait = BREAKS_MS[Math.min(failures, BREAKS_MS.length - 1)];
    failures += 1;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

// Reads server-sent events. `EventSource` could not send the token.
async function read(body, onEvent) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const messages = text.split("\n\n");
    text = messages.pop();
    for (const message of messages) {
      const field = (name) =>
        message
          .split("\n")
          .find((line) => line.startsWith(`${name}: `))
          ?.slice(name.length + 2);
      const data = field("data");
      if (data !== undefined) onEvent(field("event"), JSON.parse(data));
    }
  }
}
