import type { Names } from '../../conditions/sentence.ts';
import type { Context } from '../../core/context.ts';
import type { Tx } from '../../core/database.ts';
import { decodeId } from '../../core/ids.ts';

/** What people call the things with these public ids, as far as they are there. */
export async function namesOf(
  ctx: Pick<Context, 'workspace'>,
  tx: Tx,
  ids: readonly string[],
): Promise<Names> {
  const byType = Map.groupBy(
    ids.flatMap((id) => {
      const decoded = decodeId(id);
      return decoded ? [{ id, ...decoded }] : [];
    }),
    ({ type }) => type,
  );
  const names = new Map<string, string>();
  for (const [type, wanted] of byType) {
    const where = { workspaceId: ctx.workspace.id, id: { in: wanted.map(({ uuid }) => uuid) } };
    const rows = await namedRows(tx, type, where);
    const byId = new Map(rows.map((row) => [row.id, row.name ?? row.displayName ?? '']));
    for (const { id, uuid } of wanted) {
      const name = byId.get(uuid);
      if (name !== undefined) names.set(id, name);
    }
  }
  return names;
}

type Named = { id: string; name?: string; displayName?: string };
type Where = { workspaceId: string; id: { in: string[] } };

async function namedRows(tx: Tx, type: string, where: Where): Promise<Named[]> {
  const name = { id: true, name: true };
  const displayName = { id: true, displayName: true };
  if (type === 'Tag') return tx.tag.findMany({ where, select: name });
  if (type === 'Segment') return tx.segment.findMany({ where, select: name });
  if (type === 'Service') return tx.service.findMany({ where, select: name });
  if (type === 'Team') return tx.team.findMany({ where, select: name });
  if (type === 'StaffMember') return tx.staffMember.findMany({ where, select: displayName });
  if (type === 'User') return tx.user.findMany({ where, select: displayName });
  return [];
}
