import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Bus } from '../core/bus.ts';
import type { Reader } from '../core/reader.ts';
import { eventOf, type StoredEvent } from './storedEvent.ts';

/** Events moved in one call of the database function. */
const batch = 1_000;
/** The backstop for a writer that died between its commit and its call. */
const pollMs = 250;
const statement = {
  text: `SELECT json_agg(row_to_json(s)) FROM sequence_events(${batch}) s`,
  values: [],
  steady: true,
};

export interface Sequencer {
  /** Gives every event committed before this call its position, and hints the readers. Never throws. */
  run(): Promise<void>;
  /** Sequences on a timer until `stop`. */
  start(): void;
  stop(): Promise<void>;
  /** Ran without an error the last time. */
  healthy(): boolean;
}

/** What was moved of a workspace. */
interface Row {
  workspace: string;
  last: number;
  moved: number;
  /** Where the workspace ended before, and what came; null of a large batch. */
  previous: number | null;
  events: StoredEvent[] | null;
}

/**
 * Moves committed events from the outbox into the log (`sequence_events` in the migrations has the how and
 * why). Calls are coalesced: however many verbs commit while one is under way, one more serves them all.
 */
export function createSequencer(reader: Reader, bus: Bus, log: Logger): Sequencer {
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;
  let healthy = true;

  async function drain(): Promise<void> {
    try {
      for (;;) {
        const rows = JSON.parse((await reader.read(statement)) ?? '[]') as Row[];
        for (const { workspace, last, previous, events } of rows)
          bus.publish({
            workspaceId: workspace,
            position: String(last),
            ...(events && { moved: { after: BigInt(previous as number), events: events.map(eventOf) } }),
          });
        if (rows.reduce((sum, { moved }) => sum + moved, 0) < batch) break;
      }
      healthy = true;
    } catch (error) {
      if (healthy) log.error({ error }, 'sequencer: the log could not be advanced; trying again');
      healthy = false;
    }
  }

  function sequence(): Promise<void> {
    if (!running) {
      running = drain().finally(() => {
        running = null;
      });
      return running;
    }
    // The run under way may have looked before this caller's commit: share the one after it.
    next ??= running.then(() => {
      next = null;
      return sequence();
    });
    return next;
  }

  /** Whoever waits for the events asks the database for what they show first; then the verb goes on with its answer. */
  const run = () => sequence().then(() => nextTurn());

  return {
    run,
    start() {
      timer ??= setInterval(() => void sequence(), pollMs);
    },
    async stop() {
      if (timer) clearInterval(timer);
      timer = null;
      await (next ?? running);
    },
    healthy: () => healthy,
  };
}
