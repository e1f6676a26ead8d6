import { createHash } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import { Prisma, PrismaClient } from '../generated/prisma/client.ts';

export type {
  ActorKind,
  ApiKey,
  Booking,
  BookingStatus,
  BulkOperation,
  BulkOperationKind,
  BulkOperationStatus,
  ClassSession,
  ConnectionHealth,
  ConnectionStatus,
  Customer,
  CustomerProfile,
  CustomerStatus,
  Delivery,
  DeliveryKind,
  DeliveryStatus,
  Event,
  EventOrigin,
  IntegrationAutomation,
  IntegrationCall,
  IntegrationConnection,
  IntegrationContact,
  IntegrationDrift,
  LeadGrade,
  LeadScoreEntry,
  LeadScoreRule,
  LifecycleStage,
  Payment,
  PaymentMethod,
  PaymentStatus,
  Resource,
  ResourceKind,
  Segment,
  SegmentKind,
  Service,
  StaffMember,
  Tag,
  TagRule,
  Team,
  Upload,
  User,
  Workspace,
} from '../generated/prisma/client.ts';
export { Prisma };
export type Database = PrismaClient;
/** What a verb writes with: the database inside one transaction. */
export type Tx = Prisma.TransactionClient;

/** How long PostgreSQL works on a statement. With the wait for a connection it is less than a request may take. */
export const statementTimeoutMs = 30_000;

/**
 * Settings of every connection. A killed client's locks go after two seconds. Plans may be kept: to plan the check of
 * every foreign key and each statement of a trigger anew takes several times as long as running them.
 */
const session: Record<string, string> = {
  timezone: 'UTC',
  plan_cache_mode: 'auto',
  client_connection_check_interval: '2s',
  lock_timeout: '5s',
  statement_timeout: `${statementTimeoutMs}ms`,
  idle_in_transaction_session_timeout: '60s',
};

/** How every pool of the process connects. */
export function connectionOf(url: string, own: Record<string, string> = {}) {
  return {
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    application_name: 'frontdesk',
    // Between the pool and a transaction nobody listens: without this, a connection that is cut off as soon as it is
    // made ends the process. Its statement fails all the same.
    onConnect: (client: { on(event: 'error', listener: () => void): unknown }) =>
      void client.on('error', () => {}),
    options: Object.entries({ ...session, ...own })
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
  };
}

/** Distinct statements that are kept prepared; beyond that they are sent unnamed. */
const maxPrepared = 1_000;

/**
 * Connects lazily to PostgreSQL 15 or newer.
 * @param onError is told of broken idle connections; the pool replaces them by itself.
 */
export function openDatabase(
  url: string,
  options: { poolSize?: number; onError?: (error: Error) => void } = {},
): Database {
  const onError = options.onError ?? (() => {});
  const adapter = new PrismaPg(
    { ...connectionOf(url), max: options.poolSize ?? 20 },
    { statementNameGenerator: nameStatements(), onPoolError: onError, onConnectionError: onError },
  );
  return new PrismaClient({ adapter, transactionOptions: { maxWait: 5_000, timeout: 15_000 } });
}

/**
 * Named statements are parsed once a connection and may keep their plan. Bounded, since pg keeps them for ever. Reads get
 * no name, so that they are planned for the actual values: a list for a viewer of fifty customers and one for half a
 * million need different plans.
 */
function nameStatements() {
  const names = new Map<string, string>();
  return ({ sql }: { sql: string }): string => {
    if (/^\s*SELECT/i.test(sql)) return '';
    const known = names.get(sql);
    if (known !== undefined) return known;
    if (names.size >= maxPrepared) return '';
    const name = createHash('sha1').update(sql).digest('base64url');
    names.set(sql, name);
    return name;
  };
}

/** That PostgreSQL ended a statement: it took too long, or somebody cancelled it. */
export const wasCancelled = (error: unknown): boolean =>
  (error as { code?: unknown } | null)?.code === '57014';

/** The SQLSTATE and constraint of a database error, wherever Prisma wrapped it; null for other errors. */
export function databaseError(
  error: unknown,
): { code: string; constraint: string | null; message: string } | null {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return null;
  const cause = (error.meta as { driverAdapterError?: { cause?: Record<string, unknown> } } | undefined)
    ?.driverAdapterError?.cause;
  const message = String(cause?.originalMessage ?? error.message);
  const code = typeof cause?.originalCode === 'string' ? cause.originalCode : error.code;
  return { code, constraint: /constraint "([^"]+)"/.exec(message)?.[1] ?? null, message };
}
