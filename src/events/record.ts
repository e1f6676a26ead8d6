import type { Context, Viewer } from '../core/context.ts';
import type { Prisma, Tx } from '../core/database.ts';
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

/** `record` for several events of one kind, in one statement. */
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

  await tx.eventOutbox.createMany({
    data: rows.map((row) => ({
      workspaceId: ctx.workspace.id,
      id: row.id,
      type: name,
      version: type.version,
      occurredAt: row.occurredAt ?? now,
      recordedAt: now,
      ...actorOf(ctx.viewer),
      origin: 'LIVE' as const,
      correlationId: ctx.requestId,
      customerId: row.customerId ?? null,
      subjectType: type.subject,
      subjectId: row.subjectId,
      changes: plain(row.changes) as Prisma.InputJsonValue | undefined,
      data: plain(type.data.parse(row.data)) as Prisma.InputJsonValue,
    })),
  });

  const personal = rows.filter((row) => row.personal && row.customerId);
  if (personal.length === 0) return;
  await tx.eventPersonal.createMany({
    data: personal.map((row) => ({
      workspaceId: ctx.workspace.id,
      eventId: row.id,
      customerId: row.customerId as string,
      values: plain(row.personal) as Prisma.InputJsonValue,
    })),
  });
}

function actorOf(viewer: Viewer) {
  if (viewer.kind === 'user') return { actorKind: 'USER' as const, actorId: viewer.id };
  if (viewer.kind === 'apiKey') return { actorKind: 'API_KEY' as const, actorId: viewer.id };
  if (viewer.kind === 'customer') return { actorKind: 'CUSTOMER' as const, actorId: viewer.id };
  return { actorKind: 'SYSTEM' as const, actorId: null };
}

/** Dates and big integers as JSON has them. */
function plain(value: unknown): unknown {
  if (value === undefined) return undefined;
  return JSON.parse(JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part)));
}
