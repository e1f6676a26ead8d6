import { type Context, nowhere } from './context.ts';
import { type Event, Prisma } from './database.ts';
import { eventPermission, type Permission, type RowScope } from './permissions.ts';
import type { Reader } from './reader.ts';

interface Where {
  ApiKey: Prisma.ApiKeyWhereInput;
  Booking: Prisma.BookingWhereInput;
  BulkOperation: Prisma.BulkOperationWhereInput;
  ClassSession: Prisma.ClassSessionWhereInput;
  Customer: Prisma.CustomerWhereInput;
  CustomerProfile: Prisma.CustomerProfileWhereInput;
  CustomerTag: Prisma.CustomerTagWhereInput;
  Event: Prisma.EventWhereInput;
  LeadScoreEntry: Prisma.LeadScoreEntryWhereInput;
  LeadScoreRule: Prisma.LeadScoreRuleWhereInput;
  Delivery: Prisma.DeliveryWhereInput;
  IntegrationCall: Prisma.IntegrationCallWhereInput;
  IntegrationConnection: Prisma.IntegrationConnectionWhereInput;
  IntegrationDrift: Prisma.IntegrationDriftWhereInput;
  Payment: Prisma.PaymentWhereInput;
  Resource: Prisma.ResourceWhereInput;
  Segment: Prisma.SegmentWhereInput;
  SegmentMember: Prisma.SegmentMemberWhereInput;
  Service: Prisma.ServiceWhereInput;
  StaffMember: Prisma.StaffMemberWhereInput;
  Tag: Prisma.TagWhereInput;
  TagRule: Prisma.TagRuleWhereInput;
  Team: Prisma.TeamWhereInput;
  Upload: Prisma.UploadWhereInput;
  User: Prisma.UserWhereInput;
}

export type VisibleModel = keyof Where;

/** Models whose rows belong to a customer: who may see the customer may see them. */
const ofCustomer: ReadonlySet<VisibleModel> = new Set([
  'Booking',
  'Payment',
  'CustomerTag',
  'SegmentMember',
  'LeadScoreEntry',
  'CustomerProfile',
]);

/**
 * The predicate that limits rows of a model to what the viewer may see. The only one: queries, `node`,
 * nested fields, REST, exports and live delivery all go through it. Whether the viewer may see the model
 * at all is a permission and not decided here.
 */
export function visible<Model extends VisibleModel>(
  ctx: Pick<Context, 'viewer' | 'workspace'>,
  model: Model,
): Where[Model] {
  const workspaceId = ctx.workspace.id;
  const reach = reachableCustomers(ctx.viewer);
  if (model === 'Customer') return { workspaceId, deletedAt: null, ...reach } as Where[Model];
  if (model === 'Event') {
    const hidden = hiddenNouns(ctx.viewer).map((noun) => ({ type: { startsWith: `${noun}.` } }));
    return {
      workspaceId,
      ...(reach && { customer: reach }),
      ...(hidden.length > 0 && { NOT: hidden }),
    } as Where[Model];
  }
  if (ofCustomer.has(model) && reach) return { workspaceId, customer: reach } as Where[Model];
  return { workspaceId } as Where[Model];
}

/** Null when the viewer reaches every customer. */
function reachableCustomers(viewer: Context['viewer']): Prisma.CustomerWhereInput | null {
  if (viewer.rowScope === 'ALL') return null;
  if (viewer.rowScope === 'OWN') return viewer.kind === 'customer' ? { id: viewer.id } : { id: { in: [] } };
  return { access: { some: { principalId: { in: [...viewer.principals] } } } };
}

/** The same in SQL, for statements that Prisma cannot say: of a table with a customer_id, under its alias. */
export function reachSql({ viewer }: Pick<Context, 'viewer'>, alias: 'b' | 'p'): Prisma.Sql {
  const customer = Prisma.raw(`${alias}.customer_id`);
  if (viewer.rowScope === 'ALL') return Prisma.sql`TRUE`;
  if (viewer.rowScope === 'OWN')
    return viewer.kind === 'customer' ? Prisma.sql`${customer} = ${viewer.id}::uuid` : Prisma.sql`FALSE`;
  return Prisma.sql`EXISTS (
    SELECT 1 FROM customer_access a WHERE a.workspace_id = ${Prisma.raw(`${alias}.workspace_id`)}
      AND a.customer_id = ${customer} AND a.principal_id = ANY(${[...viewer.principals]}::uuid[]))`;
}

/** Nouns whose events the viewer may not see. */
function hiddenNouns(viewer: Context['viewer']): string[] {
  return Object.entries(eventPermission).flatMap(([noun, permission]) =>
    viewer.permissions.has(permission) ? [] : noun,
  );
}

/** Whether two viewers with the same permissions may see different rows of the model. */
export function dependsOnScope(model: VisibleModel): boolean {
  const permissions = new Set<Permission>();
  const seen = (rowScope: RowScope) =>
    JSON.stringify(
      visible(
        { workspace: nowhere, viewer: { kind: 'system', permissions, rowScope, principals: [] } },
        model,
      ),
    );
  return seen('ALL') !== seen('ASSIGNED') || seen('ALL') !== seen('OWN');
}

/** Who reaches a customer: the principals that `customer_access` has for them. */
export type Access = ReadonlySet<string>;

/** Whether `reaches` wants to be told who reaches the customer. */
export function asksAccess({ rowScope }: Context['viewer']): boolean {
  return rowScope === 'TEAM' || rowScope === 'ASSIGNED';
}

/** Who reaches these customers, in one query. Deleted ones too: what is left of them stays on the timelines that show it. */
export async function accessOf(
  reader: Reader,
  workspaceId: string,
  customerIds: readonly string[],
): Promise<Map<string, Access>> {
  const text = `
    SELECT json_object_agg(customer_id, principals) FROM (
      SELECT customer_id, json_agg(principal_id) AS principals FROM customer_access
      WHERE workspace_id = $1::uuid AND customer_id = ANY ($2::uuid[]) GROUP BY 1) a`;
  const answer = await reader.read({ text, values: [workspaceId, customerIds], steady: true });
  const found = JSON.parse(answer ?? '{}') as Record<string, string[]>;
  return new Map(customerIds.map((id) => [id, new Set(found[id])]));
}

/** The part of `mayReceive` that is the same for all with these permissions. */
export function mayReceiveType(ctx: Pick<Context, 'viewer' | 'workspace'>, event: Event): boolean {
  const permission = eventPermission[event.type.split('.')[0] as string];
  return event.workspaceId === ctx.workspace.id && !!permission && ctx.viewer.permissions.has(permission);
}

/** The rest of it, in memory: what differs by row scope, for who knows already who reaches the event's customer. */
export function reaches(viewer: Context['viewer'], event: Event, access: Access | undefined): boolean {
  if (viewer.rowScope === 'ALL') return true;
  if (!event.customerId) return false;
  if (viewer.rowScope === 'OWN') return viewer.kind === 'customer' && viewer.id === event.customerId;
  return access !== undefined && viewer.principals.some((principal) => access.has(principal));
}

/** `visible` for one event that is already in memory: live delivery asks this for every frame, so it queries only where it must. */
export async function mayReceive(
  ctx: Pick<Context, 'db' | 'viewer' | 'workspace'>,
  event: Event,
): Promise<boolean> {
  if (!mayReceiveType(ctx, event)) return false;
  const { customerId, workspaceId } = event;
  if (!customerId || !asksAccess(ctx.viewer)) return reaches(ctx.viewer, event, undefined);
  const where = { workspaceId, customerId };
  const access = await ctx.db.customerAccess.findMany({ where, select: { principalId: true } });
  return reaches(ctx.viewer, event, new Set(access.map(({ principalId }) => principalId)));
}
