import { pino } from 'pino';
import { onTestFinished, vi } from 'vitest';
import { openLocalBus } from '../../../src/core/bus.ts';
import type { Context } from '../../../src/core/context.ts';
import type { Database } from '../../../src/core/database.ts';
import { encodeId, uuidOf } from '../../../src/core/ids.ts';
import { createSequencer } from '../../../src/events/sequencer.ts';
import { startBulkOperations } from '../../../src/jobs/bulkOperations.ts';
import { startEventReaders } from '../../../src/jobs/eventReaders.ts';
import { createBooking } from '../../../src/resolvers/bookings/createBooking.ts';
import { createCustomer } from '../../../src/resolvers/customers/createCustomer.ts';
import { keepScores } from '../../../src/resolvers/leadScores/keepScores.ts';
import { recordActivity } from '../../../src/resolvers/leadScores/recordActivity.ts';
import { rescoreCustomers } from '../../../src/resolvers/leadScores/rescoreCustomers.ts';
import { recordPayment } from '../../../src/resolvers/payments/recordPayment.ts';
import { createService } from '../../../src/resolvers/services/createService.ts';
import { createWorkspace, readerOf } from '../../support/context.ts';

const soon = { timeout: 30_000, interval: 10 };
const log = pino({ level: 'silent' });

/** A business whose events are scored by real readers, as many as wanted. */
export async function scoredShop(db: Database, readers = 1) {
  const shop = await createWorkspace(db);
  const { workspace, clock } = shop;
  const bus = openLocalBus();
  const sequencer = createSequencer(readerOf(db), bus, log);
  const services = { db, clock, log, bus, committed: sequencer.run };
  const admin: Context = { ...(await shop.asUser('ADMIN')), committed: sequencer.run };
  const stops: (() => Promise<void>)[] = [];
  const start = () => stops.push(startEventReaders(services, [{ name: 'leadScores', ...keepScores }]).stop);
  const stop = async () => {
    await Promise.all(stops.splice(0).map((end) => end()));
  };
  for (let n = 0; n < readers; n++) start();
  onTestFinished(stop); // Readers look after every business of the database, with the clock of this one.

  /** Everything that happened is scored, and everything that is due is done. */
  async function settled(): Promise<void> {
    await sequencer.run();
    await vi.waitFor(async () => {
      const last = await db.event.findFirst({
        where: { workspaceId: workspace.id },
        orderBy: { position: 'desc' },
      });
      const reader = await db.eventReader.findUnique({
        where: { name_workspaceId: { name: 'leadScores', workspaceId: workspace.id } },
      });
      const due = await db.leadScoreState.count({
        where: { workspaceId: workspace.id, dueAt: { lte: clock.now() } },
      });
      if (!reader || !last || reader.position < last.position || due > 0) throw new Error('not yet');
      if (reader.dueAt && reader.dueAt <= clock.now()) throw new Error('not passed yet');
    }, soon);
  }

  let slots = 0;
  const shopApi = {
    ...shop,
    admin,
    services,
    start,
    stop,
    settled,
    async customer(): Promise<string> {
      const { id } = await createCustomer(admin, { firstName: 'Ada' });
      return encodeId('Customer', id);
    },
    async service(price: string): Promise<string> {
      const { id } = await createService(admin, {
        name: `At ${price} (${++slots})`,
        durationMinutes: 30,
        price: { amount: price, currency: 'EUR' },
      });
      return encodeId('Service', id);
    },
    async book(customerId: string, serviceId: string): Promise<string> {
      const startsAt = new Date(clock.now().getTime() + ++slots * 3_600_000);
      const { id } = await createBooking(admin, { customerId, serviceId, startsAt });
      return encodeId('Booking', id);
    },
    async pay(customerId: string, amount: string, currency = 'EUR'): Promise<string> {
      const { id } = await recordPayment(admin, { customerId, amount: { amount, currency }, method: 'CASH' });
      return encodeId('Payment', id);
    },
    act: (customerId: string, type: string, about = 'Something', occurredAt?: Date) =>
      recordActivity(admin, { customerId, type, about, occurredAt }),
    /** Score and grade as they are stored. */
    async score(customerId: string): Promise<[number, string]> {
      await settled();
      const row = await db.customer.findUniqueOrThrow({
        where: { id: uuidOf('Customer', customerId) as string },
      });
      return [row.leadScore, row.leadGrade];
    },
    /** The ledger without what differs each time, oldest first. */
    async ledger(): Promise<string[]> {
      const entries = await db.leadScoreEntry.findMany({ where: { workspaceId: workspace.id } });
      return entries
        .map((entry) =>
          JSON.stringify([
            entry.occurredAt,
            entry.customerId,
            entry.ruleId,
            entry.eventId,
            entry.points,
            entry.reason,
            String(entry.amountMinor),
            entry.expiresAt,
            entry.decaysAt,
          ]),
        )
        .sort();
    },
    /** Works all scores out again, to the end. */
    async rescore(): Promise<void> {
      await rescoreCustomers(admin, {});
      const workers = startBulkOperations(services);
      await vi.waitFor(async () => {
        const open = await db.bulkOperation.count({
          where: { workspaceId: workspace.id, status: { in: ['QUEUED', 'RUNNING'] } },
        });
        if (open > 0) throw new Error('not yet');
      }, soon);
      await workers.stop();
    },
    changes: async () => (await shop.events('lead_score.changed')).map(({ data }) => data),
    /** The id of a rule that every business begins with. */
    async ruleOf(key: string): Promise<string> {
      const rule = await db.leadScoreRule.findFirstOrThrow({ where: { workspaceId: workspace.id, key } });
      return encodeId('LeadScoreRule', rule.id);
    },
  };
  return shopApi;
}

export type ScoredShop = Awaited<ReturnType<typeof scoredShop>>;
