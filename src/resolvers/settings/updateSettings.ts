import { z } from 'zod';
import { changesOf } from '../../core/changes.ts';
import type { Context } from '../../core/context.ts';
import { InvalidInput } from '../../core/errors.ts';
import { parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { type Settings, settingsOf } from './settingsOf.ts';

/** A score of zero is always cold, so that nobody is warm by having done nothing. */
const threshold = z.int().min(1, 'Must be at least 1.').max(1_000_000, 'Must be at most 1000000.');

const UpdateSettingsInput = z.object({
  leadGrades: z
    .object({
      warmFrom: threshold.nullish(),
      hotFrom: threshold.nullish(),
      qualifiedFrom: threshold.nullish(),
    })
    .nullish(),
});

/** Changes the settings that are sent. Grades follow right after, for those whom it makes a difference for. */
export async function updateSettings(ctx: Context, input: unknown): Promise<Settings> {
  allow(ctx, 'scoring.write');
  const { leadGrades } = parse(UpdateSettingsInput, input);
  const workspaceId = ctx.workspace.id;

  return write(ctx, async (tx) => {
    await tx.$queryRaw`SELECT 1 FROM workspace WHERE id = ${workspaceId}::uuid FOR NO KEY UPDATE`;
    const { leadGrades: before } = await settingsOf(ctx, tx);
    const given = Object.entries(leadGrades ?? {}).filter(([, from]) => from != null);
    const after = { ...before, ...Object.fromEntries(given) };
    if (after.warmFrom >= after.hotFrom || after.hotFrom >= after.qualifiedFrom)
      throw new InvalidInput([
        {
          path: 'leadGrades',
          message: `Each must be higher than the one before; they would be ${after.warmFrom}, ${after.hotFrom} and ${after.qualifiedFrom}.`,
        },
      ]);
    const changes = changesOf(before, after);
    if (Object.keys(changes).length === 0) return { leadGrades: after };
    await tx.workspace.update({ where: { id: workspaceId }, data: { ...after, updatedAt: ctx.clock.now() } });
    await record(ctx, tx, 'settings.updated', {
      subjectId: workspaceId,
      data: { fields: Object.keys(changes) },
      changes,
    });
    return { leadGrades: after };
  });
}
