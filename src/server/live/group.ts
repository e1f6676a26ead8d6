import { setTimeout as sleep } from 'node:timers/promises';
import { type ExecutionResult, executeSubscriptionEvent, type ValidatedSubscriptionArgs } from 'graphql';
import type { Viewer, Workspace } from '../../core/context.ts';
import type { Event } from '../../core/database.ts';
import { asksAccess, mayReceiveType, reaches } from '../../core/visible.ts';
import { cursorExpired, encodeCursor } from '../../events/cursor.ts';
import type { Delivery } from '../../resolvers/events/follow.ts';
import type { Operation } from '../documents.ts';
import { maskErrors } from '../executeOperation.ts';
import { graphqlContext } from '../graphqlContext.ts';
import { publicError } from '../publicError.ts';
import type { Services } from '../services.ts';
import type { EventAccess } from './eventAccess.ts';
import { newPayload, type Payload } from './payload.ts';
import type { Group, Seat } from './seat.ts';

/** Events executed at a time for a group; they leave together. */
const batch = 16;
/** The database was away: an event is tried again after this. */
const retryMs = 250;

export interface GroupOptions {
  services: Services;
  access: EventAccess;
  /** Payloads of the last moments by name: who catches up in a crowd finds them. */
  recent: {
    get(key: string): Promise<Payload> | undefined;
    set(key: string, payload: Promise<Payload>): void;
  };
  name: string;
  operation: Operation;
  args: ValidatedSubscriptionArgs;
  wanted: (event: Event) => boolean;
  /** Whose rights the events are executed with; those of all members. */
  viewer: Viewer;
  workspace: Workspace;
  epoch: string;
  /** Where the log ended a moment ago: it is live from here. */
  position: bigint;
  requestId: string;
  /** A seat whose subscription cannot go on. */
  failed(seat: Seat, result: ExecutionResult): void;
  /** Nobody is left in it. */
  over(): void;
}

/**
 * Subscribers who get the same answer to the same event. It reads the log once, executes each event once, and hands
 * one payload to all who may receive it. Who resumes reads the log alone, as fast as the client takes it, up to where
 * the group is, and joins in the same step: whatever position a seat has, the group hands it only what is behind.
 */
export function createGroup(options: GroupOptions): Group {
  const { services, access, workspace, wanted } = options;
  const { eventLog, metrics } = services;
  const live = new Set<Seat>();
  const catchingUp = new Set<Seat>();
  /** Of those who are live: who receives an event only where it is known who reaches its customer. A right that changes has a seat leave. */
  const asking = new Set<Seat>();
  const stopped = new AbortController();
  const rights = { viewer: options.viewer, workspace };
  /** Everything up to here was handed to those who are live. */
  let { position } = options;

  // The permissions of one are those of all; what else a seat may receive differs by what its viewer reaches.
  const isWanted = (event: Event) => mayReceiveType(rights, event) && wanted(event);
  const may = (seat: Seat, event: Event) => {
    if (event.position <= seat.position) return false;
    const { viewer } = seat.session.caller;
    return reaches(viewer, event, asksAccess(viewer) ? access.of(event) : undefined);
  };
  const mayAll = (seat: Seat, events: readonly Event[]) => {
    for (const event of events) if (!may(seat, event)) return false;
    return true;
  };
  const asks = (seat: Seat) => asksAccess(seat.session.caller.viewer);

  function payloadOf(event: Event): Promise<Payload> {
    const key = `${options.name} ${event.position}`;
    const known = options.recent.get(key);
    if (known) return known;
    const made = execute(event);
    options.recent.set(key, made);
    return made;
  }

  /** An event is never given up because the database is away. */
  async function execute(event: Event): Promise<Payload> {
    const cursor = encodeCursor({ epoch: options.epoch, position: event.position });
    const delivery: Delivery = { cursor, event };
    const caller = { ...rights, identity: null, expiresAt: null, lastUsedAt: null };
    for (;;) {
      // Of its own, since resolvers remember permissions and rows by context.
      const contextValue = graphqlContext(services, caller, options.requestId, stopped.signal);
      const args = { ...options.args, rootValue: delivery, contextValue };
      const planned = await services.reads?.deliver(args);
      if (planned != null) {
        metrics.live.executions.inc();
        return newPayload(event.position, cursor, planned);
      }
      const result = maskErrors(services, { contextValue }, await executeSubscriptionEvent(args));
      const away = result.errors?.some(({ extensions }) => extensions.code === 'UNAVAILABLE');
      if (!away || stopped.signal.aborted) {
        metrics.live.executions.inc();
        return newPayload(event.position, cursor, JSON.stringify(result));
      }
      await sleep(retryMs);
    }
  }

  /** Hands these events to everyone who is live. Who joins meanwhile is served too. */
  async function deliver(events: readonly Event[]): Promise<void> {
    const candidates = events.filter(isWanted);
    const payloads = new Map<Event, Payload>();
    for (;;) {
      if (candidates.length > 0 && asking.size > 0) await insisting(() => access.lookUp(candidates));
      const missing = candidates.filter(
        (event) => !payloads.has(event) && some(live, (seat) => may(seat, event)),
      );
      if (missing.length === 0) break;
      const made = await Promise.all(missing.map(payloadOf));
      for (const [n, event] of missing.entries()) payloads.set(event, made[n] as Payload);
    }
    if (stopped.signal.aborted) return;
    // From here on nothing waits: positions and frames change together.
    position = events.at(-1)?.position ?? position;
    const made = [...payloads.keys()];
    const all = [...payloads.values()];
    let count = 0;
    for (const seat of live) {
      const theirs = mayAll(seat, made) ? all : all.filter((_, at) => may(seat, made[at] as Event));
      // Who caught up may be further than the group.
      if (seat.position < position) seat.position = position;
      count += theirs.length;
      if (theirs.length > 0 && !seat.transport.write(seat, theirs)) leave(seat);
    }
    metrics.live.deliveries.inc(count);
    const now = services.clock.now().getTime();
    for (const event of made) metrics.live.lag.observe(Math.max(0, now - event.recordedAt.getTime()) / 1_000);
  }

  async function run(): Promise<void> {
    try {
      for await (const events of eventLog.followPages(workspace.id, position, stopped.signal))
        for (const some of inBatches(events)) await deliver(some);
    } catch (error) {
      fail([...live, ...catchingUp], error);
    }
  }

  /** The log was restored or trimmed, or a bug: nobody is left waiting. */
  function fail(seats: readonly Seat[], error: unknown): void {
    const { requestId } = options;
    const shown = publicError(error, { requestId, log: services.log });
    for (const seat of seats) {
      if (shown.extensions.code === 'CURSOR_EXPIRED') metrics.live.gaps.inc();
      leave(seat);
      options.failed(seat, { errors: [shown] });
    }
  }

  async function catchUp(seat: Seat): Promise<void> {
    while (catchingUp.has(seat) && seat.position < position) {
      const since = seat.position;
      const page = (await insisting(() => eventLog.page(workspace.id, since))) ?? [];
      const reach = await insisting(eventLog.reach);
      if (reach && since < reach.trimmedTo)
        throw cursorExpired(reach, 'The log no longer reaches back to where this subscription was.');
      for (const events of inBatches(page)) {
        const candidates = events.filter(isWanted);
        if (candidates.length > 0 && asks(seat)) await insisting(() => access.lookUp(candidates));
        const theirs = await Promise.all(candidates.filter((event) => may(seat, event)).map(payloadOf));
        if (!catchingUp.has(seat)) return;
        seat.position = (events.at(-1) as Event).position;
        metrics.live.deliveries.inc(theirs.length);
        if (theirs.length === 0) continue;
        if (!seat.transport.write(seat, theirs) || !(await seat.transport.taken(seat))) return leave(seat);
      }
      if (page.length === 0) seat.position = position; // Nothing is left between here and the group.
    }
    if (!catchingUp.delete(seat)) return;
    live.add(seat);
    if (asks(seat)) asking.add(seat);
  }

  /** Until the database answers; undefined when nobody waits any more. */
  async function insisting<Result>(ask: () => Promise<Result>): Promise<Result | undefined> {
    while (!stopped.signal.aborted) {
      try {
        return await ask();
      } catch (error) {
        services.log.debug({ error }, 'live: the database did not answer; trying again');
        await sleep(retryMs);
      }
    }
    return undefined;
  }

  function leave(seat: Seat): void {
    asking.delete(seat);
    const wasIn = live.delete(seat) || catchingUp.delete(seat);
    if (!wasIn || live.size + catchingUp.size > 0) return;
    stopped.abort();
    options.over();
  }

  void run();
  return {
    operation: options.operation,
    join(seat) {
      catchingUp.add(seat);
      catchUp(seat).catch((error: unknown) => fail([seat], error));
    },
    leave,
    *seats() {
      yield* live;
      yield* catchingUp;
    },
  };
}

function some<Item>(items: Iterable<Item>, test: (item: Item) => boolean): boolean {
  for (const item of items) if (test(item)) return true;
  return false;
}

function* inBatches(events: readonly Event[]): Generator<Event[]> {
  for (let start = 0; start < events.length; start += batch) yield events.slice(start, start + batch);
}
