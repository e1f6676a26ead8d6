import { createStore, useStore } from '../api/store.ts';

const everyMs = 10_000;
const now = createStore(Date.now());
const tick = () => now.set(Date.now());
setInterval(tick, everyMs);
// A page that is not looked at has its timers slowed down.
document.addEventListener('visibilitychange', tick);

/** The time, to within ten seconds; one clock for the whole page. */
export const useNow = (): number => useStore(now);
