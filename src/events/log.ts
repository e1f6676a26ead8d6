import type { Bus } from '../core/bus.ts';
import type { Database, Event } from '../core/database.ts';

/** Events read in one page. */
const pageSize = 200;
/** Newest events of a workspace kept in memory, so that live readers share one query. */
const recentSize = 1_000;
/** Look at the log this often even when no hint came: hints may be lost, the log is not. */
const pollMs = 250;

export interface EventLog {
  /** Changes when the database was restored to an earlier time. */
  epoch(): Promise<string>;
  /** Where the log of this workspace ends now. */
  end(workspaceId: string): Promise<bigint>;
  /**
   * Every event of the workspace after this position, in order, each once; then waits for more until the
   * signal aborts. Reads only as fast as it is asked, so a slow reader costs no memory.
   */
  follow(workspaceId: string, after: bigint, signal: AbortSignal): AsyncGenerator<Event, void>;
  close(): void;
}

/** One workspace that somebody follows: its newest events, and those who wait for the next. */
interface Tail {
  followers: number;
  /** Positions in `recent` are gapless from `from` (exclusive). */
  from: bigint;
  recent: Event[];
  waiting: Set<() => void>;
  reading: Promise<void> | null;
  again: boolean;
  timer: NodeJS.Timeout;
}

/**
 * Reads the log by position. The followers of a workspace share a tail: one query a hint, however many
 * they are. A follower further behind than the tail reaches reads its pages from the database.
 */
export function openEventLog(db: Database, bus: Bus): EventLog {
  const tails = new Map<string, Tail>();
  let epoch: Promise<string> | null = null;

  const page = (workspaceId: string, after: bigint, take: number) =>
    db.event.findMany({ where: { workspaceId, position: { gt: after } }, orderBy: { position: 'asc' }, take });

  async function end(workspaceId: string): Promise<bigint> {
    const last = await db.event.findFirst({ where: { workspaceId }, orderBy: { position: 'desc' }, select: { position: true } });
    return last?.position ?? 0n;
  }

  const lastOf = (tail: Tail) => tail.recent.at(-1)?.position ?? tail.from;

  /** Reads what is new into the tail and wakes those who wait. */
  function refresh(workspaceId: string, tail: Tail): void {
    if (tail.reading) {
      tail.again = true;
      return;
    }
    tail.reading = (async () => {
      do {
        tail.again = false;
        const events = await page(workspaceId, lastOf(tail), pageSize);
        if (events.length === 0) continue;
        tail.recent.push(...events);
        const surplus = tail.recent.length - recentSize;
        if (surplus > 0) tail.from = (tail.recent.splice(0, surplus).at(-1) as Event).position;
        if (events.length === pageSize) tail.again = true;
        for (const wake of tail.waiting) wake();
        tail.waiting.clear();
      } while (tail.again && tails.get(workspaceId) === tail);
    })()
      .catch(() => {}) // The database is away: the next poll tries again, and the followers wait.
      .finally(() => {
        tail.reading = null;
      });
  }

  async function enter(workspaceId: string): Promise<Tail> {
    const known = tails.get(workspaceId);
    if (known) {
      known.followers++;
      return known;
    }
    const from = await end(workspaceId);
    const raced = tails.get(workspaceId);
    if (raced) {
      raced.followers++;
      return raced;
    }
    const tail: Tail = {
      followers: 1,
      from,
      recent: [],
      waiting: new Set(),
      reading: null,
      again: false,
      timer: setInterval(() => refresh(workspaceId, tail), pollMs),
    };
    tails.set(workspaceId, tail);
    return tail;
  }

  function leave(workspaceId: string, tail: Tail): void {
    tail.followers--;
    if (tail.followers > 0) return;
    clearInterval(tail.timer);
    tails.delete(workspaceId);
  }

  const stopListening = bus.listen((hint) => {
    const tail = tails.get(hint.workspaceId);
    if (tail && BigInt(hint.position) > lastOf(tail)) refresh(hint.workspaceId, tail);
  });

  return {
    epoch() {
      epoch ??= db.eventSequencer.findUniqueOrThrow({ where: { id: 1 } }).then((row) => row.epoch);
      epoch.catch(() => {
        epoch = null;
      });
      return epoch;
    },
    end,
    async *follow(workspaceId, after, signal) {
      const tail = await enter(workspaceId);
      try {
        let position = after;
        while (!signal.aborted) {
          const last = lastOf(tail);
          if (position >= last) {
            await nextWake(tail, signal);
            continue;
          }
          const behind = position < tail.from;
          const start = behind ? 0 : firstAfter(tail.recent, position);
          const events = behind
            ? await page(workspaceId, position, pageSize)
            : tail.recent.slice(start, start + pageSize);
          if (events.length === 0) position = tail.from; // Nothing between here and the tail.
          for (const event of events) {
            if (signal.aborted) return;
            yield event;
            position = event.position;
          }
        }
      } finally {
        leave(workspaceId, tail);
      }
    },
    close() {
      stopListening();
      for (const tail of tails.values()) clearInterval(tail.timer);
      tails.clear();
    },
  };
}

/** Index of the first event after this position; the list is sorted. */
function firstAfter(events: readonly Event[], position: bigint): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((events[middle] as Event).position <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Until the tail has something new or the signal aborts. */
function nextWake(tail: Tail, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      tail.waiting.delete(done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    tail.waiting.add(done);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
