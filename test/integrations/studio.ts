import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll } from 'vitest';
import { openLocalBus } from '../../src/core/bus.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Context, Outside } from '../../src/core/context.ts';
import type { Database } from '../../src/core/database.ts';
import { encodeId } from '../../src/core/ids.ts';
import { createSyncMetrics } from '../../src/core/syncMetrics.ts';
import { createVault } from '../../src/core/vault.ts';
import { createSequencer } from '../../src/events/sequencer.ts';
import { startDeliveries } from '../../src/jobs/deliveries.ts';
import { startEventReaders } from '../../src/jobs/eventReaders.ts';
import { eventReaders } from '../../src/jobs/readers.ts';
import { connectIntegration } from '../../src/resolvers/connections/connectIntegration.ts';
import type { ActiveCampaign } from '../peers/activecampaign/activeCampaign.ts';
import {
  type ActiveCampaignOptions,
  startActiveCampaign,
} from '../peers/activecampaign/startActiveCampaign.ts';
import { createWorkspace, readerOf } from '../support/context.ts';
import { eventually } from '../support/gateway.ts';

const log = pino({ level: process.env.LOG_LEVEL ?? 'silent' });

export const registry = new Registry();

export const outside: Outside = {
  vault: createVault('a secret for tests that has forty characters'),
  allowPrivatePeers: true,
  publicUrl: 'http://127.0.0.1:1',
  metrics: createSyncMetrics([registry]),
};

/** A business with workers of its own: what it does goes to the systems that it is connected to. */
export async function openStudio(db: Database, more: Partial<Outside> = {}) {
  const bus = openLocalBus();
  const sequencer = createSequencer(readerOf(db), bus, log);
  const committed = sequencer.run;
  const shop = await createWorkspace(db, {
    with: { committed, clock: systemClock, outside: { ...outside, ...more }, log },
  });
  const admin = await shop.asUser('ADMIN');
  const services = { db, bus, clock: systemClock, log, outside: { ...outside, ...more }, committed };
  let stops: (() => Promise<void>)[] = [];
  const start = () => {
    const readers = startEventReaders(services, eventReaders);
    const workers = startDeliveries(services);
    stops.push(readers.stop, workers.stop);
  };
  const stop = async () => {
    const all = stops;
    stops = [];
    await Promise.all(all.map((one) => one()));
  };
  afterAll(stop);
  start();
  return { ...shop, admin, services, start, stop };
}
export type Studio = Awaited<ReturnType<typeof openStudio>>;

/** An ActiveCampaign of the test's own, gone at the end of the file. */
export async function openPeer(options: ActiveCampaignOptions = {}): Promise<ActiveCampaign> {
  const peer = await startActiveCampaign({
    rate: 1_000,
    apiKey: randomBytes(12).toString('hex'),
    ...options,
  });
  afterAll(() => peer.stop());
  return peer;
}

/** Settings that lead to a peer; without a limit of its own, as most tests are about something else. */
export const settingsOf = (peer: ActiveCampaign, more: Record<string, unknown> = {}) => ({
  apiUrl: peer.url,
  apiKey: peer.apiKey,
  trackingUrl: peer.trackingUrl,
  trackingAccountId: peer.actid,
  trackingKey: peer.eventKey,
  spacingMs: 0,
  enableWebhooks: false,
  ...more,
});

export async function connect(admin: Context, peer: ActiveCampaign, more: Record<string, unknown> = {}) {
  const { connection } = await connectIntegration(admin, {
    integration: 'activecampaign',
    settings: settingsOf(peer, more),
  });
  return { connection, id: encodeId('IntegrationConnection', connection.id) };
}

/** Waits until the readers have read all events, and nothing that is due waits any more. */
export async function settled(db: Database, workspaceId: string, timeoutMs = 15_000): Promise<void> {
  await eventually(
    'everything is delivered',
    async () => {
      const [row] = await db.$queryRaw<{ open: bigint }[]>`
        SELECT (SELECT count(*) FROM event_outbox WHERE workspace_id = ${workspaceId}::uuid)
          + (SELECT count(*) FROM event e WHERE e.workspace_id = ${workspaceId}::uuid AND position > coalesce(
              (SELECT position FROM event_reader WHERE name = 'deliveries' AND workspace_id = e.workspace_id), 0))
          + (SELECT count(*) FROM delivery WHERE workspace_id = ${workspaceId}::uuid AND status = 'WAITING'
              AND not_before <= now()) AS open`;
      return row?.open === 0n;
    },
    timeoutMs,
  );
}
