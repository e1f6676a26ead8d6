import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus, Moved } from '../core/bus.ts';
import { coalesce } from '../core/coalesce.ts';
import type { Database, Event } from '../core/database.ts';
import type { Reader } from '../core/reader.ts';
import { cursorExpired, type Reach } from './cursor.ts';
import { eventOf, type StoredEvent } from './storedEvent.ts';

/** Events read in one page. */
const pageSize = 200;
const page = `SELECT json_agg(row_to_json(e)) FROM (
  SELECT * FROM event WHERE workspace_id = $1::uuid AND position > $2::bigint ORDER BY position LIMIT ${pageSize}) e`;
/** Events of a workspace kept in memory at most, so that live readers share one query though some are slower. */
const recentSize = 1_000;
/** Look at the log this often even when no hint came: hints may be lost, the log is not. */
const pollMs = 250;

export interface EventLog {
  /** How far the log reaches now. Callers at the same time share the query. */
  reach(): Promise<Reach>;
  /** Where the log of this workspace ends now. Callers at the same time share the query. */
  end(workspaceId: string): Promise<bigint>;
  /** A page of what is behind this position; empty at the end. From memory, where somebody follows. */
  page(workspaceId: string, after: bigint): Promise<Event[]>;
  /**
   * Every event of the workspace after this position, in order, each once; then waits for more. Ends at once when the
   * signal aborts or the consumer returns, also while it waits. Reads only as fast as it is asked, so a slow reader
   * costs no memory. While the database is away it waits. Throws `CURSOR_EXPIRED` when the database is restored
   * to an earlier time meanwhile.
   */
  follow(workspaceId: string, after: bigint, signal: AbortSignal): AsyncGenerator<Event, void>;
  /** The same, as many at a time as there are. */
  followPages(workspaceId: string, after: bigint, signal: AbortSignal): AsyncGenerator<Event[], void>;
  /** Calls with new events of workspaces that are followed, as they are read. Returns what ends it. */
  onRead(listener: (events: readonly Event[]) => void): () => void;
  /** Ends all that follow. */
  close(): void;
}

/** One workspace that somebody follows: its newest events that not all have read, and those who wait for the next. */
interface Tail {
  workspaceId: string;
  followers: number;
  /** The log has nothing between this position and `recent`. Null until the end of the log has been looked up. */
  from: bigint | null;
  recent: Event[];
  waiting: Set<() => void>;
  /** The log may have more than `recent`. */
  stale: boolean;
  reading: boolean;
  /** Counts how often the log was found restored: what was read before is of another log. */
  generation: number;
}

/**
 * Reads the log by position. The followers of a workspace share a tail: one query a hint, however many
 * they are. A follower further behind than the tail reaches reads its pages from the database.
 */
export function openEventLog(db: Database, reader: Reader, bus: Bus): EventLog {
  const tails = new Map<string, Tail>();
  /** What ends each of those who follow. */
  const stops = new Set<() => void>();
  const listeners = new Set<(events: readonly Event[]) => void>();
  /** Where each workspace ends, asked once for all who ask at the same time. */
  const ends = new Map<string, () => Promise<bigint>>();
  /** The log as polls know it; another epoch, or an end further down, is a log that was restored. */
  let known: { epoch: string; last: bigint } | null = null;
  let timer: NodeJS.Timeout | null = null;
  let polling = false;
  /** Polls have seen the log up to here. */
  let polled: bigint | null = null;
  let closed = false;

  async function stored(workspaceId: string, after: bigint): Promise<Event[]> {
    const rows = await reader.read({ text: page, values: [workspaceId, after], steady: true });
    return (JSON.parse(rows ?? '[]') as StoredEvent[]).map(eventOf);
  }

  const reach = coalesce(async (): Promise<Reach> => {
    const { epoch, trimmedTo, lastPosition } = await db.eventSequencer.findUniqueOrThrow({
      where: { id: 1 },
    });
    return { epoch, trimmedTo, last: lastPosition };
  });

  function end(workspaceId: string): Promise<bigint> {
    const ask =
      ends.get(workspaceId) ??
      coalesce(
        () => lookUpEnd(workspaceId),
        () => ends.delete(workspaceId),
      );
    ends.set(workspaceId, ask);
    return ask();
  }

  async function lookUpEnd(workspaceId: string): Promise<bigint> {
    const last = await db.event.findFirst({
      where: { workspaceId },
      orderBy: { position: 'desc' },
      select: { position: true },
    });
    return last?.position ?? 0n;
  }

  /** Reads what is new into the tail and wakes those who wait. */
  async function refresh(tail: Tail): Promise<void> {
    tail.stale = true;
    if (tail.reading) return;
    tail.reading = true;
    try {
      while (tail.stale && tail.followers > 0) {
        tail.stale = false;
        const { generation } = tail;
        const from = tail.from ?? (await lookUpEnd(tail.workspaceId));
        const events = await stored(tail.workspaceId, tail.recent.at(-1)?.position ?? from);
        if (generation !== tail.generation) {
          tail.stale = true;
          continue;
        }
        tail.from ??= from;
        tail.stale ||= events.length === pageSize;
        extend(tail, events);
      }
    } catch {
      tail.stale = true; // The database is away: the next poll tries again, and the followers wait.
    } finally {
      tail.reading = false;
    }
  }

  /** Adds what comes behind the end of a tail, and wakes those who wait. */
  function extend(tail: Tail, events: readonly Event[]): void {
    if (tail.waiting.size === tail.followers) forget(tail, tail.recent.length); // all have read it
    tail.recent.push(...events);
    forget(tail, tail.recent.length - recentSize);
    for (const wake of tail.waiting) wake();
    if (events.length > 0) for (const listener of listeners) listener(events);
  }

  /** The backstop for lost hints: one look at the log for all tails, and a second one when it has grown. */
  async function poll(): Promise<void> {
    if (polling) return;
    polling = true;
    try {
      for (const tail of tails.values()) if (tail.stale) void refresh(tail);
      const { epoch, lastPosition } = await db.eventSequencer.findUniqueOrThrow({ where: { id: 1 } });
      if (known && (epoch !== known.epoch || lastPosition < known.last)) restored();
      known = { epoch, last: lastPosition };
      if (lastPosition === polled) return;
      if (polled === null) {
        for (const tail of tails.values()) void refresh(tail);
      } else {
        // An array, since an IN list would be another statement for each number of workspaces.
        const grown = await db.$queryRaw<{ workspaceId: string; last: bigint }[]>`
          SELECT workspace_id AS "workspaceId", max(position) AS last FROM event
          WHERE workspace_id = ANY (${[...tails.keys()]}::uuid[]) AND position > ${polled} GROUP BY 1`;
        for (const { workspaceId, last } of grown) hear(workspaceId, last);
      }
      polled = lastPosition;
    } catch {
      // The database is away: the next poll tries again.
    } finally {
      polling = false;
    }
  }

  /** The database was restored to an earlier time: what was read is of another log, and who follows it is told. */
  function restored(): void {
    polled = null;
    for (const tail of tails.values()) {
      tail.generation++;
      tail.from = null;
      tail.recent = [];
      for (const wake of tail.waiting) wake();
    }
  }

  /** Somebody said that the log of this workspace has events up to this position. Who was handed them need not look. */
  function hear(workspaceId: string, position: bigint, moved?: Moved): void {
    const tail = tails.get(workspaceId);
    if (!tail) return;
    const last = lastOf(tail);
    if (last !== null && position <= last) return;
    if (!moved || last === null || moved.after > last || tail.reading) return void refresh(tail);
    extend(
      tail,
      moved.events.filter((event) => event.position > last),
    );
  }

  function enter(workspaceId: string): Tail {
    let tail = tails.get(workspaceId);
    if (!tail) {
      tail = {
        workspaceId,
        followers: 0,
        from: null,
        recent: [],
        waiting: new Set(),
        stale: true,
        reading: false,
        generation: 0,
      };
      tails.set(workspaceId, tail);
      timer ??= setInterval(() => void poll(), pollMs);
    }
    if (tail.followers++ === 0) void refresh(tail);
    return tail;
  }

  function leave(tail: Tail): void {
    if (--tail.followers > 0) return;
    tails.delete(tail.workspaceId);
    if (tails.size > 0 || !timer) return;
    clearInterval(timer);
    timer = null;
    polled = null;
  }

  async function* read(
    workspaceId: string,
    after: bigint,
    signal: AbortSignal,
  ): AsyncGenerator<Event[], void> {
    if (signal.aborted) return;
    const tail = enter(workspaceId);
    const { generation } = tail;
    try {
      let position = after;
      while (!signal.aborted) {
        if (tail.generation !== generation)
          throw cursorExpired(await reach(), 'The log was restored to an earlier time.');
        const { from } = tail;
        if (from === null || position >= (lastOf(tail) ?? from)) {
          await nextWake(tail, signal);
          continue;
        }
        const events =
          position < from ? await lagging(workspaceId, position, signal) : newer(tail.recent, position);
        if (signal.aborted) return;
        if (events.length > 0) yield events;
        position = events.at(-1)?.position ?? from; // Nothing is left between here and the tail.
      }
    } finally {
      leave(tail);
    }
  }

  async function* each(
    pages: AsyncGenerator<Event[], void>,
    signal: AbortSignal,
  ): AsyncGenerator<Event, void> {
    for await (const events of pages) {
      for (const event of events) {
        if (signal.aborted) return;
        yield event;
      }
    }
  }

  /** Ends at once when the signal aborts or the consumer returns: by itself a generator that waits takes note only at its next event. */
  function ending<Value>(
    signal: AbortSignal,
    start: (ended: AbortSignal) => AsyncGenerator<Value, void>,
  ): AsyncGenerator<Value, void> {
    const ended = new AbortController();
    const stop = () => {
      stops.delete(stop);
      ended.abort();
    };
    stops.add(stop);
    signal.addEventListener('abort', stop, { signal: ended.signal });
    if (signal.aborted || closed) stop();

    const values = start(ended.signal);
    const [giveBack, fail] = [values.return.bind(values), values.throw.bind(values)];
    values.return = (value) => {
      stop();
      return giveBack(value);
    };
    values.throw = (error) => {
      stop();
      return fail(error);
    };
    return values;
  }

  /** A page from the database, once it answers. */
  async function lagging(workspaceId: string, after: bigint, signal: AbortSignal): Promise<Event[]> {
    while (!signal.aborted) {
      try {
        return (await unlessAborted(stored(workspaceId, after), signal)) ?? [];
      } catch {
        await sleep(pollMs, undefined, { signal }).catch(() => {});
      }
    }
    return [];
  }

  const stopListening = bus.listen(({ workspaceId, position, moved }) =>
    hear(workspaceId, BigInt(position), moved),
  );

  return {
    reach,
    end,
    async page(workspaceId, after) {
      const tail = tails.get(workspaceId);
      if (tail?.from == null || after < tail.from) return stored(workspaceId, after);
      const events = newer(tail.recent, after);
      return events.length > 0 ? events : stored(workspaceId, after);
    },
    follow: (workspaceId, after, signal) =>
      ending(signal, (ended) => each(read(workspaceId, after, ended), ended)),
    followPages: (workspaceId, after, signal) => ending(signal, (ended) => read(workspaceId, after, ended)),
    onRead(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      closed = true;
      stopListening();
      for (const stop of stops) stop();
    },
  };
}

/** Takes the oldest events out of memory. */
function forget(tail: Tail, count: number): void {
  if (count > 0) tail.from = tail.recent.splice(0, count).at(-1)?.position ?? tail.from;
}

function lastOf(tail: Tail): bigint | null {
  return tail.recent.at(-1)?.position ?? tail.from;
}

/** A page of those after this position; the list is sorted. */
function newer(events: readonly Event[], position: bigint): Event[] {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((events[middle] as Event).position <= position) low = middle + 1;
    else high = middle;
  }
  return events.slice(low, low + pageSize);
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

/** What the promise gives, or null as soon as the signal aborts. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const stop = () => resolve(null);
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
