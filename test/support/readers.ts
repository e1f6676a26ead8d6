import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { type Bus, openLocalBus } from '../../src/core/bus.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { Context } from '../../src/core/context.ts';
import type { Database } from '../../src/core/database.ts';
import { createSequencer } from '../../src/events/sequencer.ts';
import { type EventReader, startEventReaders } from '../../src/jobs/eventReaders.ts';
import { eventReaders } from '../../src/jobs/readers.ts';
import { readerOf } from './context.ts';

const log = pino({ level: 'silent' });

export interface RunningReaders {
  bus: Bus;
  /** For contexts: `createWorkspace(db, { with: { committed } })`. */
  committed: Context['committed'];
  /** Waits until every reader has handled everything of this workspace, what it recorded itself included. */
  settled(workspaceId: string): Promise<void>;
}

/** The readers of the log, running until the test ends, as a worker runs them. */
export function runReaders(
  db: Database,
  clock: Clock,
  readers: readonly EventReader[] = eventReaders,
): RunningReaders {
  const bus = openLocalBus();
  const sequencer = createSequencer(readerOf(db), bus, log);
  const { stop } = startEventReaders({ db, clock, log, bus, committed: sequencer.run }, readers);
  onTestFinished(stop);
  return {
    bus,
    committed: sequencer.run,
    async settled(workspaceId) {
      for (let quiet = 0; quiet < 2; ) {
        await sequencer.run();
        const [open] = await db.$queryRaw<object[]>`
          SELECT 1 FROM (SELECT coalesce(max(position), 0) AS last FROM event WHERE workspace_id = ${workspaceId}::uuid) l
          CROSS JOIN unnest(${readers.map(({ name }) => name)}::text[]) n (name)
          LEFT JOIN event_reader r ON r.name = n.name AND r.workspace_id = ${workspaceId}::uuid
          WHERE coalesce(r.position, 0) < l.last OR r.due_at <= ${clock.now()}
          UNION ALL SELECT 1 FROM event_outbox WHERE workspace_id = ${workspaceId}::uuid LIMIT 1`;
        quiet = open ? 0 : quiet + 1;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
}
