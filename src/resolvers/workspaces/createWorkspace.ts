import { isSupportedCountry } from 'libphonenumber-js/max';
import { z } from 'zod';
import type { Context, Workspace } from '../../core/context.ts';
import { newApiKey } from '../../core/crypto.ts';
import type { Tx } from '../../core/database.ts';
import { Refused } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { exponentOf } from '../../core/money.ts';
import { idempotencyKey, parse, text, timeZone } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { writeOnce } from '../../core/write.ts';
import { addDefaultRules } from '../leadScoreRules/addDefaultRules.ts';
import { addAdminKey } from './addAdminKey.ts';

const code = z.string().trim().toUpperCase();
const or = <Schema extends z.ZodType>(schema: Schema, usual: z.output<Schema>) =>
  schema.nullish().transform((value): z.output<Schema> => value ?? usual);

const CreateWorkspaceInput = z.object({
  name: text(200),
  timeZone: or(timeZone, 'UTC'),
  currency: or(
    code.refine((given) => exponentOf(given) !== null, 'Must be an ISO 4217 currency code, such as EUR.'),
    'EUR',
  ),
  country: or(
    code.refine(
      (given): boolean => isSupportedCountry(given),
      'Must be an ISO 3166-1 alpha-2 country code, such as DE.',
    ),
    'DE',
  ),
});

/**
 * Founds a further business and its first administrator key, which is answered this once and never again. Only for
 * those who administer the first one: they run the gateway.
 */
export async function createWorkspace(ctx: Context, input: unknown): Promise<FoundedWorkspace> {
  allow(ctx, 'workspaces.write');
  const parsed = parse(CreateWorkspaceInput.extend({ idempotencyKey }), input);
  const { idempotencyKey: _, ...fields } = parsed;
  const first = await ctx.db.workspace.findFirst({ orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] });
  if (ctx.viewer.kind !== 'system' && first?.id !== ctx.workspace.id)
    throw new Refused('FORBIDDEN', 'Only administrators of the first workspace found further ones.');

  const create = async (tx: Tx) => {
    const secret = newApiKey();
    return { ...(await foundWorkspace(ctx, tx, fields, secret)), secret };
  };
  return writeOnce<FoundedWorkspace>(
    ctx,
    { name: 'createWorkspace', input: parsed },
    create,
    async (tx, id) => ({
      ...(await tx.workspace.findUniqueOrThrow({ where: { id } })),
      secret: null,
    }),
  );
}

export type FoundedWorkspace = Workspace & { secret: string | null };

/** The rows of a new workspace, in the caller's transaction. */
export async function foundWorkspace(
  ctx: Context,
  tx: Tx,
  input: z.output<typeof CreateWorkspaceInput> & { demo?: 'LOADING' | null },
  key: string,
): Promise<Workspace> {
  const workspace = await tx.workspace.create({
    data: { id: newId(), ...input, createdAt: ctx.clock.now() },
  });
  await addAdminKey({ ...ctx, workspace }, tx, { key, name: 'First administrator' });
  await addDefaultRules({ ...ctx, workspace }, tx);
  return workspace;
}
