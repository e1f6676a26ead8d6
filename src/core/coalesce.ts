/**
 * Shares runs among callers: who calls while one is under way gets the one after it, together with all others who do,
 * since the one under way may have looked before the call. `idle` is called when nobody waits any more.
 */
export function coalesce<Result>(
  run: () => Promise<Result>,
  idle: () => void = () => {},
): () => Promise<Result> {
  let running: Promise<Result> | null = null;
  let next: Promise<Result> | null = null;

  function begin(): Promise<Result> {
    const begun = run().finally(() => {
      if (running === begun) running = null;
      if (!running && !next) idle();
    });
    running = begun;
    return begun;
  }

  return () => {
    if (!running) return begin();
    const after = () => {
      next = null;
      return begin();
    };
    next ??= running.then(after, after);
    return next;
  };
}
