import type { Logger } from 'pino';
import type { Bus } from '../core/bus.ts';
import type { Database } from '../core/database.ts';

/** Events moved in one call of the database function. */
const batch = 1_000;
/** The backstop for a writer that died between its commit and its call. */
const pollMs = 250;

export interface Sequencer {
  /** Gives every event committed before this call its position, and hints the readers. Never throws. */
  run(): Promise<void>;
  /** Sequences on a timer until `stop`. */
  start(): void;
  stop(): Promise<void>;
  /** Ran without an error the last time. */
  healthy(): boolean;
}

/**
 * Moves committed events from the outbox into the log (`sequence_events` in the migrations has the how and
 * why). Calls are coalesced: however many verbs commit while one is under way, one more serves them all.
 */
export function createSequencer(db: Database, bus: Bus, log: Logger): Sequencer {
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;
  let healthy = true;

  async function drain(): Promise<void> {
    try {
      for (;;) {
        const moved = await db.$queryRaw<{ workspace: string; last: bigint; moved: number }[]>`
          SELECT workspace, last, moved FROM sequence_events(${batch}::integer)`;
        for (const row of moved) bus.publish({ workspaceId: row.workspace, position: String(row.last) });
        if (moved.reduce((sum, row) => sum + row.moved, 0) < batch) break;
      }
      healthy = true;
    } catch (error) {
      if (healthy) log.error({ error }, 'sequencer: the log could not be advanced; trying again');
      healthy = false;
    }
  }

  function run(): Promise<void> {
    if (!running) {
      running = drain().finally(() => {
        running = null;
      });
      return running;
    }
    // The run under way may have looked before this caller's commit: share the one after it.
    next ??= running.then(() => {
      next = null;
      return run();
    });
    return next;
  }

  return {
    run,
    start() {
      timer ??= setInterval(() => void run(), pollMs);
    },
    async stop() {
      if (timer) clearInterval(timer);
      timer = null;
      await (next ?? running);
    },
    healthy: () => healthy,
  };
}
