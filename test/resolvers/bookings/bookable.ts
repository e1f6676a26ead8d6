import type { Context } from '../../../src/core/context.ts';
import type { Customer, Resource, Service, StaffMember } from '../../../src/core/database.ts';
import { encodeId, newId } from '../../../src/core/ids.ts';
import { createCustomer } from '../../../src/resolvers/customers/createCustomer.ts';

/** What can be booked and by whom, straight into the tables: tests of bookings change details that verbs would refuse. */

export interface Made<Row> {
  row: Row;
  /** The public id. */
  id: string;
}

const now = new Date('2026-01-01');

export async function aService(ctx: Context, fields: Partial<Service> = {}): Promise<Made<Service>> {
  const data = {
    id: newId(),
    workspaceId: ctx.workspace.id,
    name: `Service ${newId()}`,
    durationMinutes: 60,
    priceMinor: 5_000n,
    currency: 'EUR',
    createdAt: now,
    updatedAt: now,
    ...fields,
  };
  return { row: await ctx.db.service.create({ data }), id: encodeId('Service', data.id) };
}

export async function aStaffMember(
  ctx: Context,
  fields: Partial<StaffMember> = {},
): Promise<Made<StaffMember>> {
  const data = {
    id: newId(),
    workspaceId: ctx.workspace.id,
    displayName: 'Grace',
    timeZone: 'Europe/Berlin',
    createdAt: now,
    updatedAt: now,
    ...fields,
  };
  return { row: await ctx.db.staffMember.create({ data }), id: encodeId('StaffMember', data.id) };
}

export async function aResource(ctx: Context, fields: Partial<Resource> = {}): Promise<Made<Resource>> {
  const data = {
    id: newId(),
    workspaceId: ctx.workspace.id,
    name: `Chair ${newId()}`,
    kind: 'CHAIR' as const,
    createdAt: now,
    updatedAt: now,
    ...fields,
  };
  return { row: await ctx.db.resource.create({ data }), id: encodeId('Resource', data.id) };
}

export async function aCustomer(ctx: Context, fields: object = {}): Promise<Made<Customer>> {
  const row = await createCustomer(ctx, { firstName: 'Ada', ...fields });
  return { row, id: encodeId('Customer', row.id) };
}
