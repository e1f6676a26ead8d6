import type { Context } from './context.ts';
import { Prisma, type Tx } from './database.ts';
import { NotFound } from './errors.ts';
import { encodeId, type IdType } from './ids.ts';
import { type VisibleModel, visible } from './visible.ts';

/** Models that verbs look up by id; all but `Event`, whose rows only the log reads. */
type Loadable = Exclude<VisibleModel, 'Event' | 'CustomerTag' | 'SegmentMember'> & IdType;
type Delegate = Uncapitalize<Loadable>;
type Row<Model extends Loadable> = NonNullable<Awaited<ReturnType<Tx[Uncapitalize<Model>]['findFirst']>>>;

/** The row of this uuid if the viewer may see it; a NotFound failure otherwise. */
export async function visibleOrThrow<Model extends Loadable>(
  ctx: Context,
  tx: Tx,
  model: Model,
  id: string,
): Promise<Row<Model>> {
  const delegate = tx[`${model[0]?.toLowerCase()}${model.slice(1)}` as Delegate] as unknown as {
    findFirst(query: unknown): Promise<Row<Model> | null>;
  };
  const row = await delegate.findFirst({ where: { AND: [{ id }, visible(ctx, model)] } });
  if (!row) throw new NotFound(encodeId(model, id));
  return row;
}

const tables = {
  ApiKey: 'api_key',
  Booking: 'booking',
  BulkOperation: 'bulk_operation',
  ClassSession: 'class_session',
  Customer: 'customer',
  LeadScoreEntry: 'lead_score_entry',
  LeadScoreRule: 'lead_score_rule',
  Delivery: 'delivery',
  IntegrationCall: 'integration_call',
  IntegrationConnection: 'integration_connection',
  IntegrationDrift: 'integration_drift',
  Payment: 'payment',
  Resource: 'resource',
  Segment: 'segment',
  Service: 'service',
  StaffMember: 'staff_member',
  Tag: 'tag',
  TagRule: 'tag_rule',
  Team: 'team',
  Upload: 'upload',
  User: 'user',
} as const satisfies Record<Loadable, string>;

/**
 * `visibleOrThrow`, holding the row until the transaction ends: what is read is what will be changed.
 * NO KEY UPDATE, never UPDATE: the sequencer must be able to refer to a customer meanwhile.
 */
export async function lockedOrThrow<Model extends Loadable>(
  ctx: Context,
  tx: Tx,
  model: Model,
  id: string,
): Promise<Row<Model>> {
  await tx.$queryRaw`SELECT 1 FROM ${Prisma.raw(`"${tables[model]}"`)}
    WHERE workspace_id = ${ctx.workspace.id}::uuid AND id = ${id}::uuid FOR NO KEY UPDATE`;
  return visibleOrThrow(ctx, tx, model, id);
}
