import type { Writable } from 'node:stream';

/** How long streams are written to before others get their turn: a crowd of clients must not hold up what comes next. */
const turnMs = 2;

/**
 * Collects what is written to streams until the end of this turn of the event loop: one write for each, however much it
 * is. Where there are many of them, the last ones have to wait some turns, and collect on.
 */
export type Cork = (stream: Writable) => void;

export function createCork(): Cork {
  const corked = new Set<Writable>();

  function release(): void {
    const until = performance.now() + turnMs;
    for (const stream of corked) {
      corked.delete(stream);
      stream.uncork();
      if (performance.now() > until) break;
    }
    if (corked.size > 0) setImmediate(release);
  }

  return (stream) => {
    if (corked.has(stream)) return;
    if (corked.size === 0) setImmediate(release);
    corked.add(stream);
    stream.cork();
  };
}
