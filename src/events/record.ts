import type { Context, Viewer } from '../core/context.ts';
import type { Tx } from '../core/database.ts';
import { newId } from '../core/ids.ts';
import { catalogue, type DataOf, type EventName, type EventType } from './catalogue.ts';

/** `{ field: [before, after] }` */
export type Changes = Record<string, [unknown, unknown]>;

export interface Happening<Name extends EventName> {
  /** uuid of the object that the event is about. */
  subjectId: string;
  /** uuid of the customer on whose timeline it stands. */
  customerId?: string | null;
  data: DataOf<Name>;
  /** What changed, where no value is personal. */
  changes?: Changes;
  /** Personal values, kept beside the event and deleted by erasure. */
  personal?: { changes?: Changes; data?: Record<string, unknown> };
  /** When it happened; now, unless history is being told. */
  occurredAt?: Date;
}

/**
 * Writes an event into the outbox, in the verb's own transaction. Call it after the row that it describes
 * has been written or locked, so that the events of one customer keep the order of their causes.
 */
export async function record<Name extends EventName>(
  ctx: Context,
  tx: Tx,
  name: Name,
  happening: Happening<Name>,
): Promise<void> {
  await recordAll(ctx, tx, name, [happening]);
}

/** `record` for any number of events of one kind, in one statement. */
export async function recordAll<Name extends EventName>(
  ctx: Context,
  tx: Tx,
  name: Name,
  happenings: readonly Happening<Name>[],
): Promise<void> {
  if (happenings.length === 0) return;
  const type = catalogue[name] as EventType<unknown>;
  const now = ctx.clock.now();
  const rows = happenings.map((happening) => ({ ...happening, id: newId() }));

  const { actorKind, actorId } = actorOf(ctx.viewer);
  const written = rows.map((row) => ({
    id: row.id,
    at: row.occurredAt ?? now,
    customer: row.customerId ?? null,
    subject: row.subjectId,
    changes: row.changes ?? null,
    data: type.data.parse(row.data),
  }));
  const personal = rows
    .filter((row) => row.personal && row.customerId)
    .map((row) => ({ id: row.id, customer: row.customerId, values: row.personal }));
  await tx.$executeRaw`
    WITH beside AS (
      INSERT INTO event_personal (workspace_id, event_id, customer_id, "values")
        SELECT ${ctx.workspace.id}::uuid, id, customer, "values"
        FROM json_to_recordset(${json(personal)}::json) AS r (id uuid, customer uuid, "values" jsonb)
    )
    INSERT INTO event_outbox (workspace_id, id, type, version, occurred_at, recorded_at, actor_kind, actor_id, origin,
        connection_id, correlation_id, customer_id, subject_type, subject_id, changes, data)
      SELECT ${ctx.workspace.id}::uuid, id, ${name}, ${type.version}::smallint, at, ${now}, ${actorKind}::actor_kind,
        ${actorId}::uuid, ${ctx.origin ?? 'LIVE'}::event_origin,
        ${ctx.connectionId ?? null}::uuid, ${ctx.requestId}, customer, ${type.subject}, subject, changes, data
      FROM json_to_recordset(${json(written)}::json)
        AS r (id uuid, at timestamptz, customer uuid, subject uuid, changes jsonb, data jsonb)`;
}

/** Who an event is said to be caused by. */
export function actorOf(viewer: Viewer) {
  if (viewer.kind === 'user') return { actorKind: 'USER' as const, actorId: viewer.id };
  if (viewer.kind === 'apiKey') return { actorKind: 'API_KEY' as const, actorId: viewer.id };
  if (viewer.kind === 'customer') return { actorKind: 'CUSTOMER' as const, actorId: viewer.id };
  return { actorKind: 'SYSTEM' as const, actorId: null };
}

/** Dates and big integers as JSON has them. */
function json(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part));
}
