import { nowhere, type Viewer, type Workspace } from '../core/context.ts';
import { type Database, Prisma } from '../core/database.ts';
import { Refused } from '../core/errors.ts';
import { permissionsOf, presets, type Role, type RowScope } from '../core/permissions.ts';

/** What a credential proves, once its form and signature are right: the rest is a question to the database. */
export type Identity =
  | { kind: 'apiKey'; hash: string }
  | { kind: 'token'; workspaceId: string; subject: string; expiresAt: Date };

/** Somebody who calls, as they are now. */
export interface Caller {
  viewer: Viewer;
  workspace: Workspace;
  /** Null for those who sent no credential. */
  identity: Identity | null;
  /** When the credential ends by itself. */
  expiresAt: Date | null;
  /** Of an API key, as far as known. */
  lastUsedAt: Date | null;
}

interface WorkspaceColumns {
  workspace_id: string;
  name: string;
  time_zone: string;
  currency: string;
  country: string;
}

interface PrincipalColumns {
  /** The user, and their staff member. */
  own: string[];
  teams: string[];
}

interface KeyRow extends WorkspaceColumns, PrincipalColumns {
  n: number;
  id: string;
  role: Role;
  scopes: string[];
  expires_at: Date | null;
  revoked_at: Date | null;
  last_used_at: Date | null;
}

interface SubjectRow extends WorkspaceColumns, PrincipalColumns {
  n: number;
  kind: 'user' | 'customer';
  id: string;
  role: Role | null;
  row_scope: RowScope | null;
  barred: boolean;
}

const workspaceColumns = Prisma.sql`w.id AS workspace_id, w.name, w.time_zone, w.currency, w.country`;

/** Under which ids `customer_access` knows the user `u`; empty arrays when there is none. */
const principalColumns = Prisma.sql`
  array_remove(u.id || ARRAY(SELECT s.id FROM staff_member s WHERE s.workspace_id = u.workspace_id AND s.user_id = u.id), NULL) AS own,
  ARRAY(SELECT t.team_id FROM team_member t WHERE t.workspace_id = u.workspace_id AND t.user_id = u.id) AS teams`;

function reach(rowScope: RowScope, { own, teams }: PrincipalColumns) {
  return { rowScope, principals: rowScope === 'TEAM' ? [...own, ...teams] : own };
}

/**
 * Who these identities are now: the caller, or the refusal for one that no longer holds. Two statements
 * however many they are, so that thousands of open streams can be checked again every other second.
 */
export async function findCallers(
  db: Database,
  identities: readonly Identity[],
  now: Date,
): Promise<(Caller | Refused)[]> {
  const [keys, subjects] = await Promise.all([findKeys(db, identities), findSubjects(db, identities)]);
  return identities.map((identity, n) => {
    if (identity.kind === 'token' && identity.expiresAt <= now) return expired('token');
    return identity.kind === 'apiKey'
      ? callerOfKey(identity, keys.get(n), now)
      : callerOfSubject(identity, subjects.get(n));
  });
}

/** A credential whose time is over; streams that run under it are closed with another code than for other reasons. */
export function expired(what: 'token' | 'API key'): Refused {
  return new Refused('UNAUTHENTICATED', `This ${what} has expired.`, { reason: 'EXPIRED' });
}

async function findKeys(db: Database, identities: readonly Identity[]): Promise<Map<number, KeyRow>> {
  const hashes = identities.map((one) => (one.kind === 'apiKey' ? one.hash : ''));
  if (!hashes.some(Boolean)) return new Map();
  const rows = await db.$queryRaw<KeyRow[]>`
    SELECT asked.n::integer - 1 AS n, k.id, k.role::text, k.scopes, k.expires_at, k.revoked_at, k.last_used_at,
      ${principalColumns}, ${workspaceColumns}
    FROM unnest(${hashes}::text[]) WITH ORDINALITY AS asked (hash, n)
    JOIN api_key k ON k.hash = asked.hash
    JOIN workspace w ON w.id = k.workspace_id
    LEFT JOIN "user" u ON u.workspace_id = k.workspace_id AND u.id = k.created_by_id`;
  return new Map(rows.map((row) => [row.n, row]));
}

function callerOfKey(identity: Identity, row: KeyRow | undefined, now: Date): Caller | Refused {
  if (!row || row.revoked_at)
    return new Refused('UNAUTHENTICATED', 'This API key is unknown or was revoked.');
  if (row.expires_at && row.expires_at <= now) return expired('API key');
  return {
    viewer: {
      kind: 'apiKey',
      id: row.id,
      role: row.role,
      permissions: permissionsOf(row.role, row.scopes),
      ...reach(presets[row.role].rowScope, row), // Where the role reaches some customers only: those of its maker.
    },
    workspace: workspaceOf(row),
    identity,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
  };
}

async function findSubjects(db: Database, identities: readonly Identity[]): Promise<Map<number, SubjectRow>> {
  if (!identities.some((one) => one.kind === 'token')) return new Map();
  const workspaces = identities.map((one) => (one.kind === 'token' ? one.workspaceId : nowhere.id));
  const subjects = identities.map((one) => (one.kind === 'token' ? one.subject : ''));
  const rows = await db.$queryRaw<SubjectRow[]>`
    WITH asked AS MATERIALIZED (
      SELECT workspace_id, subject, n::integer - 1 AS n
      FROM unnest(${workspaces}::uuid[], ${subjects}::text[]) WITH ORDINALITY AS asked (workspace_id, subject, n)
    )
    SELECT asked.n, 'customer' AS kind, c.id, NULL AS role, NULL AS row_scope,
      c.deleted_at IS NOT NULL OR c.status = 'BLOCKED' AS barred, ARRAY[]::uuid[] AS own, ARRAY[]::uuid[] AS teams, ${workspaceColumns}
    FROM asked JOIN customer c ON c.workspace_id = asked.workspace_id AND c.external_id = asked.subject
    JOIN workspace w ON w.id = c.workspace_id
    UNION ALL
    SELECT asked.n, 'user', u.id, u.role::text, u.row_scope::text, u.disabled_at IS NOT NULL,
      ${principalColumns},
      ${workspaceColumns}
    FROM asked JOIN "user" u ON u.workspace_id = asked.workspace_id AND u.external_id = asked.subject
    JOIN workspace w ON w.id = u.workspace_id`;
  // Users come last and so win over a customer with the same external id.
  return new Map(rows.sort((a, b) => (a.kind < b.kind ? -1 : 1)).map((row) => [row.n, row]));
}

function callerOfSubject(
  identity: Identity & { kind: 'token' },
  row: SubjectRow | undefined,
): Caller | Refused {
  if (!row || row.barred)
    return new Refused('UNAUTHENTICATED', 'Nobody who may sign in has this subject in this workspace.');
  const preset = presets[row.role ?? 'CUSTOMER'];
  const rights = {
    permissions: permissionsOf(row.role ?? 'CUSTOMER'),
    ...reach(row.row_scope ?? preset.rowScope, row),
  };
  return {
    viewer: row.role
      ? { kind: 'user', id: row.id, role: row.role, ...rights }
      : { kind: 'customer', id: row.id, ...rights },
    workspace: workspaceOf(row),
    identity,
    expiresAt: identity.expiresAt,
    lastUsedAt: null,
  };
}

function workspaceOf(row: WorkspaceColumns): Workspace {
  return {
    id: row.workspace_id,
    name: row.name,
    timeZone: row.time_zone,
    currency: row.currency,
    country: row.country,
  };
}
