import type { Context } from '../core/context.ts';
import type { Event, IntegrationConnection, Tx } from '../core/database.ts';
import { uuidOf } from '../core/ids.ts';
import { adapterOf } from '../integrations/adapters.ts';
import { knownSlots, type SyncSettings, syncSettingsOf } from '../integrations/syncSettings.ts';
import { askForSegment, keptSegments } from '../resolvers/deliveries/askForSegment.ts';
import { type Asked, contactKey, enqueue } from '../resolvers/deliveries/enqueue.ts';
import type { EventReader } from './eventReaders.ts';

/** Events after which a customer may look different there. */
const touching =
  /^(customer\.(created|updated|profile_updated)|tag\.(added|removed)|booking\.|payment\.|lead_score\.|segment\.(joined|left))/;

/**
 * Turns events into deliveries: a customer who changed is sent, automations start, events are tracked. What is history
 * starts nothing; what came from a connection does not go back there.
 */
export const deliveryReader: EventReader = {
  name: 'deliveries',
  async read(ctx, tx, events) {
    if (events[0]?.origin === 'IMPORT') return;
    const connections = await connectionsOf(ctx, tx);
    if (connections.length === 0) return;
    const asked = events.flatMap((event) => connections.flatMap((connection) => askedBy(event, connection)));
    await enqueue(ctx, tx, asked);
    for (const event of events)
      for (const connection of connections) await followSegments(ctx, tx, event, connection);
  },
};

/** A segment that was worked out from scratch or deleted, or settings that say anew what segments are there. */
async function followSegments(ctx: Context, tx: Tx, event: Event, { row, sync }: Reading): Promise<void> {
  if (!sync.enableContactSync || sync.syncDirection === 'FROM') return;
  const { fields = [] } = event.data as { fields?: string[] };
  const all =
    event.type === 'integration.updated' &&
    event.subjectId === row.id &&
    fields.some((name) => name === 'segmentTags' || name === 'segmentLists');
  const changed = event.type === 'segment.calculated' || event.type === 'segment.deleted';
  for (const kept of keptSegments(sync))
    if (all || (changed && uuidOf('Segment', kept.segmentId) === event.subjectId))
      await askForSegment(ctx, tx, row.id, kept);
}

interface Reading {
  row: IntegrationConnection;
  sync: SyncSettings;
  can: { automations: boolean; tracking: boolean };
}

async function connectionsOf(ctx: Context, tx: Tx): Promise<Reading[]> {
  const rows = await tx.integrationConnection.findMany({
    where: { workspaceId: ctx.workspace.id, status: { not: 'DISCONNECTED' } },
  });
  return rows.flatMap((row) => {
    const adapter = adapterOf(row.integration);
    if (!adapter?.can.contacts) return [];
    const can = { automations: Boolean(adapter.can.automations), tracking: Boolean(adapter.can.tracking) };
    return [{ row, sync: syncSettingsOf(row.settings), can }];
  });
}

function askedBy(event: Event, { row, sync, can }: Reading): Asked[] {
  const { customerId, type, position, recordedAt } = event;
  // What happened before somebody connected it is for a backfill.
  if (!customerId || recordedAt < row.createdAt) return [];
  // What came from there does not go back.
  if (event.origin === 'SYNC' && event.connectionId === row.id) return [];
  const about = { connectionId: row.id, customerId, position, askedAt: recordedAt };
  const asked: Asked[] = [];
  if (touching.test(type) && sync.enableContactSync && sync.syncDirection !== 'FROM')
    asked.push({
      ...about,
      kind: 'CONTACT',
      key: contactKey(customerId),
      notBefore: nextTime(sync, recordedAt),
    });

  const data = event.data as { bookingId?: string; endsAt?: string; tagName?: string; segmentId?: string };
  const bookingId = data.bookingId ? uuidOf('Booking', data.bookingId) : null;
  const payload = { on: type, ...(bookingId && { bookingId }) };
  if (sync.enableAutomation)
    for (const one of sync.automations) {
      const known = knownSlots[one.slot];
      if (!one.active || (one.on ?? known?.on) !== type) continue;
      if (one.tag && one.tag.toLowerCase() !== data.tagName?.toLowerCase()) continue;
      if (one.segmentId && one.segmentId !== data.segmentId) continue;
      const hours = one.delayHours || known?.delayHours || 0;
      const from = hours > 0 && data.endsAt ? new Date(data.endsAt) : recordedAt;
      const when = new Date(Math.max(from.getTime() + hours * 3_600_000, recordedAt.getTime()));
      const by = one.via === 'AUTOMATION' ? can.automations : can.tracking;
      if (!by) continue;
      asked.push({
        ...about,
        kind: one.via,
        key: `${one.slot} ${event.id}`,
        payload: {
          ...payload,
          slot: one.slot,
          ...(one.via === 'EVENT' && { name: one.event ?? known?.event }),
        },
        notBefore: when,
      });
    }
  const name = sync.enableEventTracking && can.tracking ? sync.events[type] : undefined;
  if (name) asked.push({ ...about, kind: 'EVENT', key: `event ${event.id}`, payload: { ...payload, name } });
  return asked;
}

/** The moment for a change by the frequency: at once, or when the hour or the day is full. */
function nextTime({ syncFrequency }: SyncSettings, at: Date): Date {
  if (syncFrequency === 'REALTIME') return at;
  const ms = syncFrequency === 'HOURLY' ? 3_600_000 : 86_400_000;
  return new Date((Math.floor(at.getTime() / ms) + 1) * ms);
}
