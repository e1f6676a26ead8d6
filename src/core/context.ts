import type { Logger } from 'pino';
import type { Clock } from './clock.ts';
import type { Database, EventOrigin } from './database.ts';
import type { Permission, Role, RowScope } from './permissions.ts';
import type { SyncMetrics } from './syncMetrics.ts';
import type { Vault } from './vault.ts';

/** What a verb or read needs of the business it works for. */
export interface Workspace {
  id: string;
  name: string;
  /** IANA zone. */
  timeZone: string;
  /** ISO 4217. */
  currency: string;
  /** ISO 3166-1 alpha-2. */
  country: string;
}

interface Rights {
  permissions: ReadonlySet<Permission>;
  rowScope: RowScope;
  /** Ids under which `customer_access` knows this viewer: user, staff member, teams. */
  principals: readonly string[];
}

/** Who asks. Everyone has rights; an anonymous viewer has none. */
export type Viewer = Rights &
  (
    | { kind: 'anonymous' }
    | { kind: 'user'; id: string; role: Role }
    | { kind: 'apiKey'; id: string; role: Role }
    | { kind: 'customer'; id: string }
    | { kind: 'system' }
  );

/** How this process reaches outside systems, and they it. */
export interface Outside {
  vault: Vault;
  /** Whether calls may go to loopback and private addresses. */
  allowPrivatePeers: boolean;
  /** Where others find us, for the addresses of webhooks. */
  publicUrl: string;
  /** What calls and deliveries are counted in. */
  metrics: SyncMetrics;
}

/** What every verb and read is handed. Plain data and a few services; made once a request. */
export interface Context {
  db: Database;
  clock: Clock;
  log: Logger;
  viewer: Viewer;
  /** For an anonymous viewer a workspace without rows. */
  workspace: Workspace;
  /** Ties together log lines and events of one request; answered as `x-request-id`. */
  requestId: string;
  /** How the events that are recorded came about; LIVE when left out. */
  origin?: EventOrigin;
  /** The connection through which a SYNC event came in. */
  connectionId?: string;
  /** What reaching outside systems takes; verbs about connections need it. */
  outside?: Outside;
  /** Called after a commit: gives the new events their place and wakes their readers. Never throws. */
  committed(): Promise<void>;
}

export const anonymous: Viewer = {
  kind: 'anonymous',
  permissions: new Set(),
  rowScope: 'OWN',
  principals: [],
};

/** The workspace of those who are not signed in: no row belongs to it. */
export const nowhere: Workspace = {
  id: '00000000-0000-0000-0000-000000000000',
  name: '',
  timeZone: 'UTC',
  currency: 'EUR',
  country: 'DE',
};
