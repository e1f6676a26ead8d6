import type { Writable } from 'node:stream';

/** Collects what is written to streams until the end of this turn of the event loop: one write for each, however much it is. */
export type Cork = (stream: Writable) => void;

export function createCork(): Cork {
  const corked = new Set<Writable>();

  function release(): void {
    for (const stream of corked) stream.uncork();
    corked.clear();
  }

  return (stream) => {
    if (corked.has(stream)) return;
    if (corked.size === 0) setImmediate(release);
    corked.add(stream);
    stream.cork();
  };
}
