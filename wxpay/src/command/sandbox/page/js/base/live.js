// One stream of events for the whole page.

import { events } from "./api.js";

// "request", "answered", "delivery" and "state" are the sandbox's. "connection" tells whether the stream is
// open. "reconnected" means that events were missed: what is shown must be read again.
const listeners = { request: [], answered: [], delivery: [], state: [], connection: [], reconnected: [] };
let stop = null;
let wasOpen = false;

// Calls `f` with the data of each event. The returned function ends that.
export function on(name, f) {
  listeners[name].push(f);
  return () => {
    listeners[name] = listeners[name].filter((known) => known !== f);
  };
}

// Calls `f` once for all events of these names that happen within `ms`, and never while it still runs. For
// lists that are read again: one that takes long is read more rarely.
export function onAny(names, f, ms = 150) {
  let isBusy = false;
  let isStale = false;
  let hasEnded = false;
  const later = async () => {
    isStale = true;
    if (isBusy) return;
    isBusy = true;
    while (isStale && !hasEnded) {
      await pause(ms);
      isStale = false;
      const began = performance.now();
      if (!hasEnded) await f();
      await pause(performance.now() - began);
    }
    isBusy = false;
  };
  const ends = names.map((name) => on(name, later));
  return () => {
    hasEnded = true;
    ends.forEach((end) => end());
  };
}

// Starts the stream. Called by the page once.
export function start() {
  follow();
  document.addEventListener("visibilitychange", follow);
}

// A browser has six connections to a host, for all of its tabs. One that nobody sees needs none.
function follow() {
  if (document.hidden) {
    stop?.();
    stop = null;
    return;
  }
  stop ??= events(tell, (isOpen) => {
    tell("connection", isOpen);
    if (isOpen && wasOpen) tell("reconnected");
    wasOpen ||= isOpen;
  });
}

function tell(name, data) {
  for (const f of listeners[name] ?? []) f(data);
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
