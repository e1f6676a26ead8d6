import type { Context } from '../../core/context.ts';
import type { Resource, Service, StaffMember } from '../../core/database.ts';
import { AlreadyExists } from '../../core/errors.ts';
import { createResource } from '../resources/createResource.ts';
import { createService } from '../services/createService.ts';
import { createStaffMember } from '../staffMembers/createStaffMember.ts';
import type { ImportMapping } from './mapping.ts';
import type { Wanted } from './readRow.ts';

/** What rows speak of by name. */
export interface Named {
  services: Map<string, Service>;
  staffMembers: Map<string, StaffMember>;
  resources: Map<string, Resource>;
}

/** Sees to it that everything that these rows name exists, by the verbs that make it, and is in `named`. */
export async function ensureNamed(
  ctx: Context,
  mapping: ImportMapping,
  rows: readonly Wanted[],
  named: Named,
): Promise<void> {
  const { workspace, db } = ctx;
  const of = (pick: (row: Wanted) => string | null | undefined, known: ReadonlyMap<string, unknown>) => [
    ...new Set(rows.flatMap((row) => pick(row) ?? []).filter((name) => !known.has(name))),
  ];
  const { services, staffMembers, resources } = named;

  for (const name of of(({ booking }) => booking?.service, services)) {
    const find = () => db.service.findFirst({ where: { workspaceId: workspace.id, name } });
    services.set(name, await foundOrMade(find, () => createService(ctx, { name, ...mapping.newServices })));
  }
  for (const displayName of of(({ booking }) => booking?.staffMember, staffMembers)) {
    const where = { workspaceId: workspace.id, displayName };
    const find = () => db.staffMember.findFirst({ where, orderBy: { id: 'asc' } });
    staffMembers.set(displayName, await foundOrMade(find, () => createStaffMember(ctx, { displayName })));
  }
  for (const name of of(({ booking }) => booking?.resource, resources)) {
    const find = () => db.resource.findFirst({ where: { workspaceId: workspace.id, name } });
    resources.set(name, await foundOrMade(find, () => createResource(ctx, { name, kind: 'ROOM' })));
  }
}

/** What somebody else makes at the same moment is as good as what we make. */
async function foundOrMade<Row>(find: () => Promise<Row | null>, make: () => Promise<Row>): Promise<Row> {
  const found = await find();
  if (found) return found;
  try {
    return await make();
  } catch (error) {
    const theirs = error instanceof AlreadyExists ? await find() : null;
    if (!theirs) throw error;
    return theirs;
  }
}
