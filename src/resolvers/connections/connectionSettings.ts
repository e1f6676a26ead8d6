import type { Context } from '../../core/context.ts';
import { InvalidInput, InvalidState } from '../../core/errors.ts';
import type { Account, AnyAdapter } from '../../integrations/adapter.ts';
import type { Named, Page, RemoteField } from '../../integrations/capabilities.ts';
import type { Connection } from '../../integrations/connection.ts';
import { OutsideFailure } from '../../integrations/failure.ts';
import type { FieldMapping, SyncSettings } from '../../integrations/syncSettings.ts';
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
  const issues = read.error.issues.flatMap((issue) => {
    const at = (...more: string[]) => ['settings', ...issue.path.map(String), ...more].join('.');
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ path: at(key), message: 'There is no such setting.' }));
    const missing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
    return [{ path: at(), message: missing ? 'Is needed.' : issue.message }];
  });
  throw new InvalidInput(issues);
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
  const through = { integration: adapter.key, account, spacingMs, note: async () => {} };
  const call = callThrough(ctx, { signal }, through);
  const to: Connection = { settings, call, known: new Map() };
  try {
    const found = await adapter.check(to);
    // Which account it is was not known before: what was called counts in its budget all the same.
    if (!account && spacingMs > 0) await holdTurns(ctx, found.id, budgetMs);
    through.account = found.id;
    await mustBeThere(adapter, to);
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

/** Lists and automations that settings name must be there, as fields must. */
async function mustBeThere({ can }: AnyAdapter, to: Connection): Promise<void> {
  const { defaultListId, automations = [] } = to.settings as Partial<SyncSettings>;
  const started = automations.flatMap(({ automationId, via }, at) =>
    via === 'AUTOMATION' && automationId
      ? [{ id: automationId, path: `automations.${at}.automationId` }]
      : [],
  );
  const missing = [
    ...(await missingOf(
      can.lists?.all,
      to,
      defaultListId ? [{ id: defaultListId, path: 'defaultListId' }] : [],
    )),
    ...(await missingOf(can.automations?.all, to, started)),
  ];
  if (missing.length > 0)
    throw new InvalidInput(
      missing.map(({ id, path }) => ({ path: `settings.${path}`, message: `There is no ${id} there.` })),
    );
}

interface Wanted {
  id: string;
  path: string;
}

/** Those that none of the pages has. */
async function missingOf(
  all: ((to: Connection, after: string | null) => Promise<Page<Named>>) | undefined,
  to: Connection,
  wanted: readonly Wanted[],
): Promise<Wanted[]> {
  let missing = [...wanted];
  for (let after: string | null = null; all && missing.length > 0; ) {
    const page: Page<Named> = await all(to, after);
    missing = missing.filter(({ id }) => !page.items.some((one) => one.id === id));
    after = page.next;
    if (!after) break;
  }
  return missing;
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
