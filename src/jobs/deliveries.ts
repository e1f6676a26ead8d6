import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '../core/bus.ts';
import type { Workspace } from '../core/context.ts';
import type { Delivery, IntegrationConnection } from '../core/database.ts';
import { newId } from '../core/ids.ts';
import { openConnection, outsideOf } from '../resolvers/connections/openConnection.ts';
import { claimDeliveries, dueConnections, leaseSeconds, renewClaims } from '../resolvers/deliveries/claim.ts';
import { deliver } from '../resolvers/deliveries/deliver.ts';
import { settleDone, settleFailed } from '../resolvers/deliveries/settle.ts';
import { type SystemServices, systemContext } from './systemContext.ts';

/** The rows say what there is to do; this is how soon a new one is seen at the latest. */
const pollMs = 200;
/** After the database was away. */
const troubleMs = 2_000;
/** Deliveries of one connection under way in this process: enough to keep a rate budget busy while some wait for answers. */
const perConnection = 12;
const fewest = 4;
/**
 * A call that hangs is given up early the first time, since trying again costs little and a place that is held up costs
 * others their time; a system that is slow throughout is given longer and longer. What would arrive twice has all the time.
 */
const firstTimeoutMs = 2_500;
const longestTimeoutMs = 10_000;
const timeoutOf = ({ kind, attempts }: Delivery) =>
  kind === 'EVENT' ? longestTimeoutMs : Math.min(firstTimeoutMs * 2 ** (attempts - 1), longestTimeoutMs);

/**
 * Works on deliveries until `stop`, which lets those under way finish. Any number of processes may: rows are claimed, and
 * those of a process that was killed are taken up when its claim ends.
 */
export function startDeliveries(services: SystemServices & { bus: Bus }): { stop(): Promise<void> } {
  const { log, bus, db, clock } = services;
  const { metrics } = outsideOf(services);
  const worker = newId();
  const stopping = new AbortController();
  const underWay = new Map<string, Set<Promise<void>>>();
  /** What is claimed by this worker. */
  const mine = new Set<string>();
  const renewal = setInterval(
    () => mine.size > 0 && void renewClaims({ db }, [...mine], worker).catch(() => {}),
    (leaseSeconds * 1_000) / 3,
  );
  let wakeUp = () => {};

  /** From the change, or from the time that was set for its effect. */
  const lagOf = ({ lane, askedAt, notBefore }: Delivery) =>
    lane === 0 ? (clock.now().getTime() - Math.max(askedAt.getTime(), notBefore.getTime())) / 1_000 : null;

  async function one(delivery: Delivery, row: IntegrationConnection, workspace: Workspace): Promise<void> {
    try {
      const ctx = {
        ...systemContext(services, workspace),
        origin: 'SYNC' as const,
        connectionId: row.id,
      };
      try {
        const open = openConnection(ctx, row, {
          deliveryId: delivery.id,
          timeoutMs: timeoutOf(delivery),
          lane: delivery.lane === 0 ? 'live' : 'backfill',
        });
        const delivered = await deliver(ctx, open, delivery);
        await settleDone(ctx, delivery, delivered, open.answered());
        if (delivered.dropped) metrics.ended(row.integration, delivery.kind, 'dropped', null);
        else metrics.ended(row.integration, delivery.kind, 'done', lagOf(delivery));
      } catch (error) {
        const { parked, kind } = await settleFailed(ctx, delivery, error);
        if (parked) metrics.ended(row.integration, delivery.kind, 'parked', null);
        else metrics.retried(row.integration, kind);
      }
    } catch (error) {
      // Its claim ends by itself, and it is done then.
      log.error({ error, deliveryId: delivery.id }, 'deliveries: the database is away');
    }
  }

  /** Claims what is due, as much as there is room for. */
  async function round(): Promise<void> {
    for (const { connectionId, probing } of await dueConnections({ db }, clock.now())) {
      const running = underWay.get(connectionId) ?? new Set();
      underWay.set(connectionId, running);
      const room = (probing ? 1 : perConnection) - running.size;
      // A few at a time: to look for one after each that ends is most of the work.
      if (room < Math.min(fewest, running.size + 1) || stopping.signal.aborted) continue;
      const claimed = await claimDeliveries({ db }, connectionId, worker, room, clock.now());
      if (claimed.length === 0) continue;
      const { workspace, ...row } = await db.integrationConnection.findUniqueOrThrow({
        where: { id: connectionId },
        include: { workspace: true },
      });
      for (const delivery of claimed) {
        mine.add(delivery.id);
        const work = one(delivery, row, workspace).finally(() => {
          mine.delete(delivery.id);
          running.delete(work);
          wakeUp();
        });
        running.add(work);
      }
    }
  }

  const stopListening = bus.listen(() => wakeUp());
  const working = (async () => {
    while (!stopping.signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        wakeUp = resolve;
      });
      try {
        await round();
      } catch (error) {
        log.error({ error }, 'deliveries: could not go on; trying again');
        await pause(troubleMs);
      }
      await Promise.race([woken, pause(pollMs)]);
    }
    await Promise.all([...underWay.values()].flatMap((running) => [...running]));
  })();

  function pause(ms: number): Promise<unknown> {
    return sleep(ms, null, { signal: stopping.signal }).catch(() => {});
  }

  return {
    async stop() {
      stopListening();
      stopping.abort();
      await working;
      clearInterval(renewal);
    },
  };
}
