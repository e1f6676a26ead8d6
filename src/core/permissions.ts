import type { Context } from './context.ts';
import { Refused } from './errors.ts';

/** Every permission and what it lets its holder do. The one table that roles, scopes and documents are made of. */
export const permissions = {
  'customers.read': 'See customers.',
  'customers.write': 'Create and change customers.',
  'customers.delete': 'Delete customers, and with them their personal data.',
  'insights.read': 'See what the business thinks of a customer: stage, VIP flag, owner, statistics, lead score.',
  'activities.read': 'See activity timelines.',
  'tags.read': 'See tags.',
  'tags.write': 'Create, change and delete tags.',
  'tags.assign': 'Put tags on customers and take them off.',
  'bookings.read': 'See bookings and class sessions.',
  'bookings.write': 'Make bookings and change them.',
  'payments.read': 'See payments.',
  'payments.write': 'Record and refund payments.',
  'services.read': 'See services and resources.',
  'services.write': 'Create and change services and resources.',
  'staff.read': 'See who can be booked.',
  'staff.write': 'Create and change staff members.',
  'users.read': 'See users and teams, and the contact details of staff.',
  'users.write': 'Create and change users and teams, their roles and row scopes.',
  'apiKeys.read': 'See API keys (never the key itself).',
  'apiKeys.write': 'Create and revoke API keys.',
} as const;

export type Permission = keyof typeof permissions;
export const allPermissions = Object.keys(permissions) as Permission[];

export type RowScope = 'ALL' | 'TEAM' | 'ASSIGNED' | 'OWN';
export type Role = 'ADMIN' | 'MANAGER' | 'MARKETING' | 'SALES' | 'STAFF' | 'VIEWER';
/** A role, or `CUSTOMER` for a customer who signs in: what they see is their own. */
export type Preset = Role | 'CUSTOMER';

const reads = allPermissions.filter((name) => name.endsWith('.read'));
const except = (all: readonly Permission[], ...gone: Permission[]) => all.filter((name) => !gone.includes(name));

/** What each role may do, and which rows it reaches unless the user has a row scope of their own. */
export const presets: Record<Preset, { permissions: readonly Permission[]; rowScope: RowScope }> = {
  ADMIN: { permissions: allPermissions, rowScope: 'ALL' },
  MANAGER: { permissions: except(allPermissions, 'users.write', 'apiKeys.read', 'apiKeys.write'), rowScope: 'ALL' },
  MARKETING: {
    permissions: [...except(reads, 'payments.read', 'apiKeys.read'), 'customers.write', 'tags.write', 'tags.assign'],
    rowScope: 'ALL',
  },
  SALES: {
    permissions: [...except(reads, 'apiKeys.read'), 'customers.write', 'bookings.write', 'payments.write', 'tags.assign'],
    rowScope: 'TEAM',
  },
  STAFF: {
    permissions: [...except(reads, 'apiKeys.read', 'users.read'), 'customers.write', 'bookings.write', 'payments.write', 'tags.assign'],
    rowScope: 'ASSIGNED',
  },
  VIEWER: { permissions: except(reads, 'apiKeys.read'), rowScope: 'ALL' },
  CUSTOMER: {
    permissions: ['customers.read', 'bookings.read', 'payments.read', 'services.read', 'staff.read'],
    rowScope: 'OWN',
  },
};

/** The permissions of a preset, narrowed by scopes: no scopes means all of the preset's. */
export function permissionsOf(preset: Preset, scopes: readonly string[] = []): ReadonlySet<Permission> {
  const own = presets[preset].permissions;
  return new Set(scopes.length ? own.filter((name) => scopes.includes(name)) : own);
}

/** The first line of every verb: refuses a caller who lacks the permission. */
export function allow(ctx: Pick<Context, 'viewer'>, permission: Permission): void {
  if (ctx.viewer.permissions.has(permission)) return;
  if (ctx.viewer.kind === 'anonymous') throw new Refused('UNAUTHENTICATED', 'Sign in first: send an API key or a token.');
  throw new Refused('FORBIDDEN', `You need the permission ${permission}.`, { permission });
}
