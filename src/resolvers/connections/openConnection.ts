import { isIP } from 'node:net';
import type { z } from 'zod';
import type { Context, Outside } from '../../core/context.ts';
import type { IntegrationConnection } from '../../core/database.ts';
import { Refused } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import type { AnyAdapter } from '../../integrations/adapter.ts';
import { adapterOf } from '../../integrations/adapters.ts';
import type { Connection } from '../../integrations/connection.ts';
import { OutsideFailure } from '../../integrations/failure.ts';
import { type OutsideRequest, readAnswer, send } from '../../integrations/http.ts';
import { type SyncSettings, syncSettingsOf } from '../../integrations/syncSettings.ts';
import { holdTurns, type Lane, takeTurn } from './takeTurn.ts';

/** What calls are made with. */
export type Calling = Pick<Context, 'db' | 'clock' | 'log' | 'outside'>;

export interface OpenConnection {
  row: IntegrationConnection;
  adapter: AnyAdapter;
  /** Settings as every system has them. */
  sync: SyncSettings;
  /** To be handed to the adapter. */
  to: Connection;
  /** Whether a call has gone well since it was opened: there may have been nothing to call for. */
  answered(): boolean;
}

/** What of a connection is stored sealed, beside the settings that are secret. */
export interface Sealed {
  secrets: Record<string, string>;
  /** In the path of its inbound webhooks. */
  webhookKey: string;
  /** The hook that was made there. */
  hookId: string | null;
}

/** The services that reaching outside takes; a process without them cannot. */
export function outsideOf({ outside }: Pick<Context, 'outside'>): Outside {
  if (!outside) throw new Refused('UNAVAILABLE', 'This process does not reach outside systems.');
  return outside;
}

export function unseal(
  ctx: Pick<Context, 'outside'>,
  row: Pick<IntegrationConnection, 'id' | 'secrets'>,
): Sealed {
  return JSON.parse(outsideOf(ctx).vault.open(row.secrets, row.id)) as Sealed;
}

export function seal(ctx: Pick<Context, 'outside'>, id: string, sealed: Sealed): string {
  return outsideOf(ctx).vault.seal(JSON.stringify(sealed), id);
}

export interface CallOptions {
  lane?: Lane;
  /** The delivery that the calls are for. */
  deliveryId?: string;
  /** For each call; 10 seconds when left out. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** What was looked up at an account, by connection and its settings: forgotten when they change. */
const known = new Map<string, Map<string, string>>();

/** Makes a stored connection ready to be called through. */
export function openConnection(
  ctx: Calling,
  row: IntegrationConnection,
  options: CallOptions = {},
): OpenConnection {
  const adapter = adapterOf(row.integration);
  if (!adapter) throw new Error(`There is no adapter ${row.integration}.`);
  const settings = { ...(row.settings as object), ...unseal(ctx, row).secrets };
  const parsed = adapter.settings.parse(settings);
  let answered = false;
  const call = callThrough(ctx, options, {
    integration: adapter.key,
    spacingMs: adapter.spacingMs(parsed),
    account: row.account,
    note: (call) => {
      answered ||= call.result === 'OK';
      return ctx.db.integrationCall.create({
        data: {
          ...call,
          id: newId(),
          workspaceId: row.workspaceId,
          connectionId: row.id,
          deliveryId: options.deliveryId ?? null,
          createdAt: ctx.clock.now(),
        },
      });
    },
  });
  const memory = `${row.id} ${row.updatedAt.getTime()}`;
  if (!known.has(memory)) {
    for (const old of known.keys()) if (old.startsWith(`${row.id} `)) known.delete(old);
    known.set(memory, new Map());
  }
  return {
    row,
    adapter,
    sync: syncSettingsOf(row.settings),
    to: { settings: parsed, call, known: known.get(memory) as Map<string, string> },
    answered: () => answered,
  };
}

/** One call, as the log keeps it. */
interface Noted {
  method: string;
  path: string;
  result: string;
  status: number | null;
  message: string | null;
  durationMs: number;
  waitedMs: number;
}

interface Through {
  integration: string;
  spacingMs: number;
  /** Null before it is known: the check of a new connection, which is one or two calls. */
  account: string | null;
  note(call: Noted): Promise<unknown>;
}

/** The way out: waits for its turn, sends, reads, and notes what came of it, without what was said. */
export function callThrough(ctx: Calling, options: CallOptions, through: Through): Connection['call'] {
  const { allowPrivatePeers, metrics } = outsideOf(ctx);
  return async <Schema extends z.ZodType>(
    request: OutsideRequest,
    schema: Schema,
  ): Promise<z.output<Schema>> => {
    const { integration, account, spacingMs } = through;
    const lane = options.lane ?? 'live';
    const waitedMs = account ? await takeTurn(ctx, account, spacingMs, lane, options.signal) : 0;
    if (lane === 'live') metrics.waited(integration, waitedMs / 1_000);
    const began = performance.now();
    const note = (result: string, status: number | null, message: string | null) => {
      const durationMs = Math.round(performance.now() - began);
      metrics.called(integration, result, durationMs / 1_000);
      return through
        .note({
          method: request.method,
          path: URL.parse(request.url)?.pathname ?? '',
          result,
          status,
          message: message && masked(message),
          durationMs,
          waitedMs,
        })
        .catch((error: unknown) => ctx.log.warn({ error }, 'integrations: a call could not be noted'));
    };
    try {
      const answer = await send(request, {
        allowPrivatePeers,
        ...(options.timeoutMs && { timeoutMs: options.timeoutMs }),
        ...(options.signal && { signal: options.signal }),
      });
      const read = readAnswer(answer, schema);
      await note('OK', answer.status, null);
      return read;
    } catch (error) {
      if (error instanceof OutsideFailure) {
        await note(error.kind, error.status, error.message);
        // Too much of one thing, such as imports, is said otherwise, and holds up nothing else.
        if (account && error.status === 429)
          await holdTurns(ctx, account, Math.max(error.retryAfterMs ?? 1_000, spacingMs));
      }
      throw error;
    }
  };
}

/** What other systems say about an input may repeat it. */
export function masked(text: string): string {
  return text
    .replace(/[^\s"'<>@:;,()]+@[\p{L}\d.-]+/gu, '***@***')
    .replace(/\+?\d[\d\s().-]{6,}\d/g, (digits) => (isIP(digits) ? digits : '***'))
    .slice(0, 500);
}
