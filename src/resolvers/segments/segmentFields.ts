import { z } from 'zod';
import type { Criteria } from '../../conditions/condition.ts';
import { leavesOf } from '../../conditions/condition.ts';
import type { Context } from '../../core/context.ts';
import type { Segment, Tx } from '../../core/database.ts';
import { AlreadyExists, InvalidInput, InvalidState } from '../../core/errors.ts';
import { uuidOf } from '../../core/ids.ts';
import { clearable, text } from '../../core/parse.ts';

/** A business has so many segments at most: each event is looked at for all of them. */
export const maxSegments = 500;

export const segmentFields = {
  name: text(100).transform((name) => name.replace(/\s+/g, ' ')),
  description: clearable(text(500)),
  criteria: z.unknown().optional(),
};

export const segmentConstraints = {
  segment_workspace_id_name_key: () => new AlreadyExists('name', 'Another segment has this name.'),
};

/** The segments that a condition asks for, as uuids. */
export function segmentsIn(criteria: Criteria): string[] {
  return [...leavesOf(criteria)].flatMap(([leaf]) =>
    leaf.field === 'segments'
      ? [leaf.value ?? []].flat().map((id) => uuidOf('Segment', String(id)) as string)
      : [],
  );
}

/** Refuses criteria by which a segment would depend on itself, however far round. */
export async function refuseCycle(ctx: Context, tx: Tx, id: string, criteria: Criteria): Promise<void> {
  if (segmentsIn(criteria).length === 0) return;
  // Two who close a circle at the same moment would each see only their own half.
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`segments ${ctx.workspace.id}`}, 0))`;
  const all = await tx.segment.findMany({
    where: { workspaceId: ctx.workspace.id, criteria: { not: 'DbNull' } as never },
    select: { id: true, name: true, criteria: true },
  });
  const byId = new Map(all.map((one) => [one.id, one]));
  const seen = new Set<string>();
  const open = segmentsIn(criteria).map((next) => ({ next, by: [] as string[] }));
  for (let step = open.pop(); step; step = open.pop()) {
    if (step.next === id) {
      const way = step.by.length > 0 ? ` by way of ${step.by.join(', ')}` : '';
      throw new InvalidInput([{ path: 'criteria', message: `The segment would depend on itself${way}.` }]);
    }
    const segment = byId.get(step.next);
    if (!segment || seen.has(step.next)) continue;
    seen.add(step.next);
    for (const next of segmentsIn(segment.criteria as unknown as Criteria))
      open.push({ next, by: [...step.by, segment.name] });
  }
}

/** Refuses to add or remove by hand what criteria decide. */
export function refuseUnlessStatic(segment: Segment): void {
  if (segment.kind !== 'STATIC')
    throw new InvalidState('Only the members of a STATIC segment are chosen by hand; criteria decide here.');
}
