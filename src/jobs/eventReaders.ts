import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '../core/bus.ts';
import type { Context, Workspace } from '../core/context.ts';
import type { Event, Tx } from '../core/database.ts';
import { write } from '../core/write.ts';
import { type SystemServices, systemContext } from './systemContext.ts';

/**
 * Somebody who follows the log with a position of their own: segments, scores, deliveries. What `read` and `pass` write
 * commits together with the new position, so each event has its effect exactly once, whatever is killed.
 */
export interface EventReader {
  /** Names its position. Never rename it. */
  name: string;
  /**
   * Handles events of one workspace, in order; they are all of an import, or none is. Events that it records itself
   * are of an import too then. It may be called again for the same events after a failure: nothing of the first call is left.
   */
  read(ctx: Context, tx: Tx, events: readonly Event[]): Promise<void>;
  /**
   * Handles what came due by the passing of time alone, after `from` up to `until`, and says when the next thing does;
   * null when nothing will until something happens. It is asked again after each page of events.
   */
  pass?(ctx: Context, tx: Tx, from: Date, until: Date): Promise<Date | null>;
}

/** Events in one transaction. */
const pageSize = 500;
/** The backstop for hints that were lost, and how late what comes due may be noticed. */
const pollMs = 250;
/** Then an event that cannot be handled is noted and left behind. With the pauses in between it is more than a minute. */
const maxAttempts = 9;
const firstPauseMs = 250;
const transactionMs = 60_000;

interface Trouble {
  attempts: number;
  until: number;
}

/** Runs the readers until `stop`, which lets the pages under way finish. Any number of processes may. */
export function startEventReaders(
  services: SystemServices & { bus: Bus },
  readers: readonly EventReader[],
): { stop(): Promise<void> } {
  const { db, bus, clock, log } = services;
  const stopping = new AbortController();
  const running = readers.map(run);
  /** Where the log ended when every workspace was last looked at. */
  let looked: bigint | null = null;
  /** What hints told of. */
  let heard = 0n;

  const stopListening = bus.listen(({ workspaceId, position }) => {
    if (BigInt(position) > heard) heard = BigInt(position);
    for (const reader of running) reader.wake(workspaceId);
  });

  /** Finds workspaces with events that no hint told of, and those where something is due. */
  async function poll(): Promise<void> {
    const { lastPosition } = await db.eventSequencer.findUniqueOrThrow({ where: { id: 1 } });
    if (looked === null || (lastPosition > looked && lastPosition > heard)) {
      const names = readers.map(({ name }) => name);
      const behind = await db.$queryRaw<{ name: string; workspaceId: string }[]>`
        SELECT n.name, w.id AS "workspaceId" FROM workspace w CROSS JOIN unnest(${names}::text[]) n (name)
          LEFT JOIN event_reader r ON r.name = n.name AND r.workspace_id = w.id
          CROSS JOIN LATERAL (SELECT position FROM event e WHERE e.workspace_id = w.id ORDER BY position DESC LIMIT 1) last
        WHERE last.position > coalesce(r.position, 0)`;
      for (const { name, workspaceId } of behind)
        running.find((reader) => reader.name === name)?.wake(workspaceId);
    }
    looked = lastPosition;
    const due = await db.eventReader.findMany({
      where: { dueAt: { lte: clock.now() } },
      select: { name: true, workspaceId: true },
    });
    for (const { name, workspaceId } of due)
      running.find((reader) => reader.name === name)?.wake(workspaceId);
  }

  const polling = (async () => {
    while (!stopping.signal.aborted) {
      await poll().catch((error) => log.debug({ error }, 'event readers: the database is away'));
      await pause(pollMs);
    }
  })();

  function pause(ms: number): Promise<unknown> {
    return sleep(ms, null, { signal: stopping.signal }).catch(() => {});
  }

  /** One reader: a page at a time, workspaces in turn, so that a busy one holds nobody up. */
  function run(reader: EventReader) {
    const waiting = new Set<string>();
    const troubles = new Map<string, Trouble>();
    let wakeUp = () => {};
    stopping.signal.addEventListener('abort', () => wakeUp());

    const wake = (workspaceId: string) => {
      waiting.add(workspaceId);
      wakeUp();
    };
    const retry = (workspaceId: string, ms: number) =>
      void pause(ms).then(() => stopping.signal.aborted || wake(workspaceId));

    async function turn(workspaceId: string): Promise<void> {
      const trouble = troubles.get(workspaceId);
      if (trouble && trouble.until > performance.now()) return;
      try {
        const outcome = await step(workspaceId, trouble);
        if (outcome === 'more') waiting.add(workspaceId);
        if (outcome === 'taken') retry(workspaceId, pollMs); // Another process is at it, and may have looked too early.
        troubles.delete(workspaceId);
      } catch (error) {
        // A database that is away is nobody's fault: only what fails while it answers counts against the event.
        const answers = await db.$queryRaw`SELECT 1`.then(() => 1).catch(() => 0);
        const attempts = (trouble?.attempts ?? 0) + answers;
        const ms = firstPauseMs * 2 ** Math.min(attempts, 7);
        troubles.set(workspaceId, { attempts, until: performance.now() + ms });
        log.error({ error, reader: reader.name, workspaceId, attempts }, 'event reader: trying again');
        retry(workspaceId, ms + 1);
      }
    }

    /** Handles the next page, or what is due when there is none. A page that failed goes event by event. */
    async function step(workspaceId: string, trouble?: Trouble): Promise<'more' | 'done' | 'taken'> {
      const workspace = await db.workspace.findUniqueOrThrow({ where: { id: workspaceId } });
      const key = { name_workspaceId: { name: reader.name, workspaceId } };
      return write(
        systemContext(services, workspace),
        async (tx) => {
          await tx.$executeRaw`INSERT INTO event_reader (name, workspace_id) VALUES (${reader.name}, ${workspaceId}::uuid)
          ON CONFLICT DO NOTHING`;
          const [mine] = await tx.$queryRaw<
            { position: bigint; passedUntil: Date | null; dueAt: Date | null }[]
          >`
          SELECT position, passed_until AS "passedUntil", due_at AS "dueAt" FROM event_reader
          WHERE name = ${reader.name} AND workspace_id = ${workspaceId}::uuid FOR NO KEY UPDATE SKIP LOCKED`;
          if (!mine) return 'taken';
          // Before the look at the log: what is recorded from here on is of no earlier time.
          const now = clock.now();
          const events = await tx.event.findMany({
            where: { workspaceId, position: { gt: mine.position } },
            orderBy: { position: 'asc' },
            take: trouble ? 1 : pageSize,
          });
          const last = events.at(-1);
          if (!last) {
            if (!reader.pass || !mine.dueAt || mine.dueAt > now) return 'done';
            const ctx = contextOf(workspace, 'LIVE');
            const dueAt = await reader.pass(ctx, tx, mine.passedUntil ?? now, now);
            await tx.eventReader.update({ where: key, data: { passedUntil: now, dueAt } });
            return 'done';
          }
          if (trouble && trouble.attempts >= maxAttempts) {
            log.error(
              { reader: reader.name, workspaceId, position: last.position },
              'event reader: left behind',
            );
            await tx.eventReaderFailure.create({
              data: {
                name: reader.name,
                workspaceId,
                position: last.position,
                error: 'Could not be handled; the log of the process says why.',
                failedAt: now,
              },
            });
          } else {
            for (const run of runsOf(events))
              await reader.read(
                contextOf(workspace, run[0]?.origin === 'IMPORT' ? 'IMPORT' : 'LIVE'),
                tx,
                run,
              );
          }
          await tx.eventReader.update({
            where: key,
            data: {
              position: last.position,
              // Nothing was due by time so far: from the first event on, something may have come due.
              ...(reader.pass && { dueAt: now, ...(!mine.dueAt && { passedUntil: events[0]?.recordedAt }) }),
            },
          });
          return 'more'; // Though it may only be what is due by now.
        },
        transactionMs,
      );
    }

    const working = (async () => {
      while (!stopping.signal.aborted) {
        const [workspaceId] = waiting;
        if (workspaceId === undefined) {
          await new Promise<void>((resolve) => {
            wakeUp = resolve;
          });
          continue;
        }
        waiting.delete(workspaceId);
        await turn(workspaceId);
      }
    })();

    const contextOf = (workspace: Workspace, origin: 'IMPORT' | 'LIVE'): Context => ({
      ...systemContext(services, workspace),
      origin,
    });
    return { name: reader.name, wake, working };
  }

  return {
    async stop() {
      stopListening();
      stopping.abort();
      await Promise.all([polling, ...running.map(({ working }) => working)]);
    },
  };
}

/** Splits a page where imported events and others meet. */
function runsOf(events: readonly Event[]): Event[][] {
  const runs: Event[][] = [];
  for (const event of events) {
    const run = runs.at(-1);
    if (run && (run[0]?.origin === 'IMPORT') === (event.origin === 'IMPORT')) run.push(event);
    else runs.push([event]);
  }
  return runs;
}
