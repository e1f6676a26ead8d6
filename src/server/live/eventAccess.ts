import type { Event } from '../../core/database.ts';
import type { Reader } from '../../core/reader.ts';
import { type Access, accessOf } from '../../core/visible.ts';

/** How long it is believed who reaches a customer. Far below the five seconds in which a withdrawn right must take effect. */
const ttlMs = 500;

/** Who reaches the customer of an event: one look-up for a batch of events, however many viewers and groups there are. */
export interface EventAccess {
  /** Sees to it that `of` knows these events. */
  lookUp(events: readonly Event[]): Promise<void>;
  /** Undefined when it was not looked up of late: nobody receives the event then. */
  of(event: Event): Access | undefined;
}

interface Known {
  until: number;
  access: Promise<Access>;
  settled: Access | undefined;
}

export function createEventAccess(reader: Reader): EventAccess {
  // By event, since the readers of a workspace are handed the same objects by the log.
  const known = new WeakMap<Event, Known>();

  return {
    async lookUp(events) {
      const now = performance.now();
      const asked = events.filter((event) => event.customerId && !((known.get(event)?.until ?? 0) > now));
      const byWorkspace = Map.groupBy(asked, ({ workspaceId }) => workspaceId);
      for (const [workspaceId, of] of byWorkspace) {
        const ids = [...new Set(of.map(({ customerId }) => customerId as string))];
        const found = accessOf(reader, workspaceId, ids);
        for (const event of of) {
          const access = found.then((all) => all.get(event.customerId as string) as Access);
          // Until the new answer is there the old one stands, for those who are about to deliver the event.
          const entry: Known = { until: now + ttlMs, access, settled: known.get(event)?.settled };
          known.set(event, entry);
          access.then(
            (settled) => {
              entry.settled = settled;
            },
            () => {
              entry.until = 0;
            },
          );
        }
      }
      await Promise.all(events.map((event) => known.get(event)?.access));
    },
    of: (event) => known.get(event)?.settled,
  };
}
