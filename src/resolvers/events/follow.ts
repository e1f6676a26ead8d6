import type { Context } from '../../core/context.ts';
import type { Event } from '../../core/database.ts';
import { mayReceive } from '../../core/visible.ts';
import { decodeCursor, encodeCursor } from '../../events/cursor.ts';
import type { EventLog } from '../../events/log.ts';

export interface Delivery {
  /** Hand it back as `after` to go on from here. */
  cursor: string;
  event: Event;
}

/** Events that a subscription asks for: what `follow` answers, and what live delivery shares among subscribers. */
export interface Following extends AsyncIterableIterator<Delivery> {
  /** Behind which cursor it begins; from now on, when null. */
  after: string | null;
  /** Looks at nothing but the event and the arguments, so that one answer serves all who gave the same arguments. */
  wanted: (event: Event) => boolean;
}

export function isFollowing(source: object): source is Following {
  return 'wanted' in source && 'after' in source;
}

/**
 * The events after a cursor, or from now on, that the viewer may see and asks for: each once, in order, none
 * missing. Rights are looked at for every event, so a right that is withdrawn narrows a running stream.
 * Ends when the consumer returns, also while it waits. Begins when it is first asked: who shares it with
 * others (`src/server/live`) reads the log itself.
 */
export function follow(
  ctx: Context & { eventLog: EventLog },
  after: string | null | undefined,
  wanted: (event: Event) => boolean,
): Following {
  const ended = new AbortController();
  const deliveries = deliver(ctx, after, wanted, ended.signal);
  return {
    after: after || null,
    wanted,
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => deliveries.next(),
    async return() {
      ended.abort();
      return deliveries.return(undefined);
    },
    async throw(error) {
      ended.abort();
      return deliveries.throw(error);
    },
  };
}

async function* deliver(
  ctx: Context & { eventLog: EventLog },
  after: string | null | undefined,
  wanted: (event: Event) => boolean,
  signal: AbortSignal,
): AsyncGenerator<Delivery, undefined> {
  const reach = await ctx.eventLog.reach();
  const { epoch } = reach;
  const position = after ? decodeCursor(after, reach).position : await ctx.eventLog.end(ctx.workspace.id);
  for await (const event of ctx.eventLog.follow(ctx.workspace.id, position, signal)) {
    if (wanted(event) && (await mayReceive(ctx, event))) {
      yield { cursor: encodeCursor({ epoch, position: event.position }), event };
    }
  }
}
