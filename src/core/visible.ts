import type { Context } from './context.ts';
import type { Event, Prisma } from './database.ts';
import { eventPermission } from './permissions.ts';

interface Where {
  ApiKey: Prisma.ApiKeyWhereInput;
  Booking: Prisma.BookingWhereInput;
  BulkOperation: Prisma.BulkOperationWhereInput;
  ClassSession: Prisma.ClassSessionWhereInput;
  Customer: Prisma.CustomerWhereInput;
  CustomerTag: Prisma.CustomerTagWhereInput;
  Event: Prisma.EventWhereInput;
  Payment: Prisma.PaymentWhereInput;
  Resource: Prisma.ResourceWhereInput;
  Service: Prisma.ServiceWhereInput;
  StaffMember: Prisma.StaffMemberWhereInput;
  Tag: Prisma.TagWhereInput;
  Team: Prisma.TeamWhereInput;
  Upload: Prisma.UploadWhereInput;
  User: Prisma.UserWhereInput;
}

export type VisibleModel = keyof Where;

/** Models whose rows belong to a customer: who may see the customer may see them. */
const ofCustomer: ReadonlySet<VisibleModel> = new Set(['Booking', 'Payment', 'CustomerTag']);

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

/** Nouns whose events the viewer may not see. */
function hiddenNouns(viewer: Context['viewer']): string[] {
  return Object.entries(eventPermission).flatMap(([noun, permission]) =>
    viewer.permissions.has(permission) ? [] : noun,
  );
}

/** `visible` for one event that is already in memory: live delivery asks this for every frame, so it queries only where it must. */
export async function mayReceive(
  ctx: Pick<Context, 'db' | 'viewer' | 'workspace'>,
  event: Event,
): Promise<boolean> {
  const permission = eventPermission[event.type.split('.')[0] as string];
  if (event.workspaceId !== ctx.workspace.id || !permission || !ctx.viewer.permissions.has(permission))
    return false;
  if (ctx.viewer.rowScope === 'ALL') return true;
  if (!event.customerId) return false;
  if (ctx.viewer.rowScope === 'OWN')
    return ctx.viewer.kind === 'customer' && ctx.viewer.id === event.customerId;
  // Deleted customers too: what is left of them stays on the timelines that show it.
  const customer = await ctx.db.customer.findFirst({
    where: {
      AND: [{ workspaceId: ctx.workspace.id, id: event.customerId }, reachableCustomers(ctx.viewer) ?? {}],
    },
    select: { id: true },
  });
  return customer !== null;
}
