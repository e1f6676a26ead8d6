import { isSupportedCountry } from 'libphonenumber-js/max';
import { z } from 'zod';
import type { Context, Workspace } from '../../core/context.ts';
import { newApiKey } from '../../core/crypto.ts';
import type { Tx } from '../../core/database.ts';
import { Refused } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { exponentOf } from '../../core/money.ts';
import { parse, text, timeZone } from '../../core/parse.ts';
import { write } from '../../core/write.ts';
import { addAdminKey } from './addAdminKey.ts';

export const CreateWorkspaceInput = z.object({
  name: text(200),
  timeZone: timeZone.default('UTC'),
  currency: z
    .string()
    .trim()
    .toUpperCase()
    .refine((code) => exponentOf(code) !== null, 'Must be an ISO 4217 currency code, such as EUR.')
    .default('EUR'),
  country: z
    .string()
    .trim()
    .toUpperCase()
    .refine(
      (code): boolean => isSupportedCountry(code),
      'Must be an ISO 3166-1 alpha-2 country code, such as DE.',
    )
    .default('DE'),
});
export type CreateWorkspaceInput = z.input<typeof CreateWorkspaceInput>;

/** A system verb: founds a business and its first administrator key, which is answered this once and never again. */
export async function createWorkspace(
  ctx: Context,
  input: CreateWorkspaceInput,
): Promise<{ workspace: Workspace; key: string }> {
  if (ctx.viewer.kind !== 'system')
    throw new Refused('FORBIDDEN', 'Only Frontdesk itself creates workspaces.');
  const parsed = parse(CreateWorkspaceInput, input);
  const key = newApiKey();
  const workspace = await write(ctx, (tx) => foundWorkspace(ctx, tx, parsed, key));
  return { workspace, key };
}

/** The rows of a new workspace, in the caller's transaction. */
export async function foundWorkspace(
  ctx: Context,
  tx: Tx,
  input: z.output<typeof CreateWorkspaceInput>,
  key: string,
): Promise<Workspace> {
  const workspace = await tx.workspace.create({
    data: { id: newId(), ...input, createdAt: ctx.clock.now() },
  });
  await addAdminKey({ ...ctx, workspace }, tx, { key, name: 'First administrator' });
  return workspace;
}
