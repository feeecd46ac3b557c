// One stream of events for the whole page.

import { events } from "./api.js";

// "request", "answered", "delivery" and "state" are the sandbox's. "connection" tells whether the stream is
// open. "reconnected" means that events were missed: what is shown must be read again.
const listeners = { request: [], answered: [], delivery: [], state: [], connection: [], reconnected: [] };
let stop = null;

// Calls `f` with the data of each event. The returned function ends that.
export function on(name, f) {
  listeners[name].push(f);
  return () => {
    listeners[name] = listeners[name].filter((known) => known !== f);
  };
}

// Calls `f` once for all events of these names that happen within `ms`. For lists that are read again.
export function onAny(names, f, ms = 150) {
  let timer = null;
  const later = () => {
    timer ??= setTimeout(() => {
      timer = null;
      f();
    }, ms);
  };
  const ends = names.map((name) => on(name, later));
  return () => {
    clearTimeout(timer);
    ends.forEach((end) => end());
  };
}

// Starts the stream. Called by the page once.
export function start() {
  let wasOpen = false;
  stop ??= events(tell, (isOpen) => {
    tell("connection", isOpen);
    if (isOpen && wasOpen) tell("reconnected");
    wasOpen ||= isOpen;
  });
}

function tell(name, data) {
  for (const f of listeners[name] ?? []) f(data);
}
