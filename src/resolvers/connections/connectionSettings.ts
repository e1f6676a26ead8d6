import type { Context } from '../../core/context.ts';
import { InvalidInput, InvalidState } from '../../core/errors.ts';
import type { Account, AnyAdapter } from '../../integrations/adapter.ts';
import type { RemoteField } from '../../integrations/capabilities.ts';
import type { Connection } from '../../integrations/connection.ts';
import { OutsideFailure } from '../../integrations/failure.ts';
import type { FieldMapping } from '../../integrations/syncSettings.ts';
import { callThrough } from './openConnection.ts';
import { holdTurns } from './takeTurn.ts';

/** However slow the outside system is, whoever connects it has an answer by then. */
const checkMs = 10_000;
/** The time that rate limits are counted over. */
const budgetMs = 1_000;

export interface Checked {
  account: Account;
  /** Without secrets, ready to be stored. */
  plain: Record<string, unknown>;
  secrets: Record<string, string>;
}

/** Reads settings as the adapter wants them. Says what is wrong, and where. */
export function readSettings(adapter: AnyAdapter, given: unknown): Record<string, unknown> {
  const read = adapter.settings.safeParse(given);
  if (read.success) return read.data as Record<string, unknown>;
  throw new InvalidInput(
    read.error.issues.map(({ path, message }) => ({
      path: ['settings', ...path.map(String)].join('.'),
      message,
    })),
  );
}

/**
 * Asks the outside system whether the settings work, before anything is saved and outside any transaction: ten seconds
 * at most. Mapped fields must be there; their types are looked up.
 */
export async function checkSettings(
  ctx: Context,
  adapter: AnyAdapter,
  settings: Record<string, unknown>,
  account: string | null = null,
): Promise<Checked> {
  const signal = AbortSignal.timeout(checkMs);
  const spacingMs = adapter.spacingMs(settings);
  const call = callThrough(
    ctx,
    { signal },
    { integration: adapter.key, account, spacingMs, note: async () => {} },
  );
  const to: Connection = { settings, call, known: new Map() };
  try {
    const found = await adapter.check(to);
    // Which account it is was not known before: what was called counts in its budget all the same.
    if (!account && spacingMs > 0) await holdTurns(ctx, found.id, budgetMs);
    const mappings = (settings.fieldMappings ?? []) as FieldMapping[];
    const typed =
      mappings.length > 0 && adapter.can.contacts
        ? { ...settings, fieldMappings: withTypes(mappings, await adapter.can.contacts.fields(to)) }
        : settings;
    return { account: found, ...split(adapter, typed) };
  } catch (error) {
    if (!(error instanceof OutsideFailure)) throw error;
    if (error.kind === 'UNAVAILABLE' || error.kind === 'RATE_LIMITED')
      throw new InvalidState(`${error.message} Nothing was saved: try again.`);
    throw new InvalidInput([{ path: 'settings', message: error.message }]);
  }
}

function withTypes(mappings: FieldMapping[], fields: readonly RemoteField[]): FieldMapping[] {
  const unknown = mappings.flatMap(({ remote }, at) =>
    fields.some(({ id }) => id === remote)
      ? []
      : [{ path: `settings.fieldMappings.${at}.remote`, message: `There is no field ${remote} there.` }],
  );
  if (unknown.length > 0) throw new InvalidInput(unknown);
  return mappings.map((mapping) => ({
    ...mapping,
    type: (fields.find(({ id }) => id === mapping.remote) as RemoteField).type,
  }));
}

/** What is shown and what is sealed. */
export function split(adapter: AnyAdapter, settings: Record<string, unknown>): Omit<Checked, 'account'> {
  const entries = Object.entries(settings).filter(([, value]) => value !== undefined);
  const isSecret = ([name]: [string, unknown]) => adapter.secrets.includes(name);
  return {
    plain: Object.fromEntries(entries.filter((entry) => !isSecret(entry))),
    secrets: Object.fromEntries(entries.filter(isSecret)) as Record<string, string>,
  };
}
