import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '../core/bus.ts';
import type { Context, Workspace } from '../core/context.ts';
import type { Event, Tx } from '../core/database.ts';
import type { Metrics } from '../core/metrics.ts';
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
   * Handles what came due by the passing of time alone, after `from` up to `until`, and says when the next thing does:
   * by `until` if it did not come to the end, null when nothing will until something happens. It is asked again behind
   * events.
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

/** What went wrong lately in a workspace. */
interface Trouble {
  /** Failures in a row, for the pause. */
  failures: number;
  /** Of them, those of the first waiting event while it was tried alone. */
  attempts: number;
  /** When to try again, by `performance.now()`. */
  until: number;
  /** How many events are to be handled one by one, so that a bad one is found; none when what is due failed. */
  alone: number;
}

/** Runs the readers until `stop`, which lets the pages under way finish. Any number of processes may. */
export function startEventReaders(
  services: SystemServices & { bus: Bus; metrics?: Pick<Metrics, 'readers'> },
  readers: readonly EventReader[],
): { stop(): Promise<void> } {
  const { db, bus, clock, log } = services;
  const counts = services.metrics?.readers;
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
    /** Workspaces where it has a position. */
    const placed = new Set<string>();
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
      if (trouble?.alone && trouble.until > performance.now()) return;
      const step: Step = { events: [], passing: false };
      try {
        const outcome = await take(workspaceId, step, trouble);
        if (outcome === 'taken') {
          retry(workspaceId, pollMs); // Another process is at it, and may have looked too early.
          return;
        }
        counts?.events.inc({ reader: reader.name }, step.events.length);
        const alone = outcome === 'more' ? (trouble?.alone ?? 0) - 1 : 0;
        if (alone > 0) troubles.set(workspaceId, { failures: 0, attempts: 0, until: 0, alone });
        else if (trouble?.alone || step.passing) troubles.delete(workspaceId);
        if (outcome === 'more' || trouble?.alone) waiting.add(workspaceId);
      } catch (error) {
        // A database that is away is nobody's fault: only what fails while it answers counts against an event.
        const answers = await db.$queryRaw`SELECT 1`.then(() => 1).catch(() => 0);
        const { length } = step.events;
        const failures = (trouble?.failures ?? 0) + answers;
        const single = length === 1 && !step.passing;
        const attempts = (trouble?.alone ? trouble.attempts : 0) + (single ? answers : 0);
        const alone = step.passing ? 0 : trouble?.alone || length;
        const ms = firstPauseMs * 2 ** Math.min(failures, 7);
        troubles.set(workspaceId, { failures, attempts, until: performance.now() + ms, alone });
        counts?.failures.inc({ reader: reader.name });
        log.error({ error, reader: reader.name, workspaceId, failures }, 'event reader: trying again');
        retry(workspaceId, ms + 1);
      }
    }

    /**
     * Handles the next page, or a single event while there is trouble with one, and what is due when no more wait.
     * @param step told how far it came
     */
    async function take(
      workspaceId: string,
      step: Step,
      trouble?: Trouble,
    ): Promise<'more' | 'done' | 'taken'> {
      const workspace = await db.workspace.findUniqueOrThrow({ where: { id: workspaceId } });
      const key = { name_workspaceId: { name: reader.name, workspaceId } };
      if (!placed.has(workspaceId))
        await db.$executeRaw`INSERT INTO event_reader (name, workspace_id) VALUES (${reader.name}, ${workspaceId}::uuid)
          ON CONFLICT DO NOTHING`;
      placed.add(workspaceId);
      return write(
        systemContext(services, workspace),
        async (tx) => {
          Object.assign(step, { events: [], passing: false }); // A deadlock has it tried again.
          const [mine] = await tx.$queryRaw<
            { position: bigint; passedUntil: Date | null; dueAt: Date | null }[]
          >`
          SELECT position, passed_until AS "passedUntil", due_at AS "dueAt" FROM event_reader
          WHERE name = ${reader.name} AND workspace_id = ${workspaceId}::uuid FOR NO KEY UPDATE SKIP LOCKED`;
          if (!mine) return 'taken';
          // Before the look at the log: what is recorded from here on is of no earlier time.
          const now = clock.now();
          const limit = trouble?.alone ? 1 : pageSize;
          const events = await tx.event.findMany({
            where: { workspaceId, position: { gt: mine.position } },
            orderBy: { position: 'asc' },
            take: limit,
          });
          step.events = events;
          const [first] = events;
          if (first && trouble?.alone && trouble.attempts >= maxAttempts)
            await leaveBehind(workspaceId, tx, first, now);
          else
            for (const run of runsOf(events))
              await reader.read(
                contextOf(workspace, run[0]?.origin === 'IMPORT' ? 'IMPORT' : 'LIVE'),
                tx,
                run,
              );

          let { passedUntil, dueAt } = mine;
          if (reader.pass && first) {
            // Nothing was due by time so far: from the first event on, something may have come due.
            if (!dueAt) passedUntil = first.recordedAt;
            dueAt = now;
          }
          const more = events.length === limit;
          const mayPass = !trouble || (!trouble.alone && trouble.until <= performance.now());
          if (reader.pass && dueAt && dueAt <= now && !more && mayPass) {
            step.passing = true;
            dueAt = await reader.pass(contextOf(workspace, 'LIVE'), tx, passedUntil ?? now, now);
            passedUntil = now;
          }
          if (first || step.passing)
            await tx.eventReader.update({
              where: key,
              data: { position: events.at(-1)?.position ?? mine.position, passedUntil, dueAt },
            });
          return more || (step.passing && dueAt && dueAt <= now) ? 'more' : 'done';
        },
        transactionMs,
      );
    }

    async function leaveBehind(workspaceId: string, tx: Tx, { position }: Event, at: Date): Promise<void> {
      counts?.skipped.inc({ reader: reader.name });
      log.error({ reader: reader.name, workspaceId, position }, 'event reader: left behind');
      const error = 'Could not be handled; the log of the process says why.';
      const failure = { name: reader.name, workspaceId, position, error, failedAt: at };
      await tx.eventReaderFailure.create({ data: failure });
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

/** How far one try came. */
interface Step {
  /** Those that it was about. */
  events: readonly Event[];
  /** Whether it was at what is due. */
  passing: boolean;
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
