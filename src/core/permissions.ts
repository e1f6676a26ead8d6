import { Refused } from './errors.ts';

/** Every permission and what it lets its holder do. The one table that roles, scopes and documents are made of. */
export const permissions = {
  'customers.read': 'See customers.',
  'customers.write': 'Create and change customers.',
  'customers.delete': 'Delete customers, and with them their personal data.',
  'insights.read':
    'See what the business thinks of a customer: stage, VIP flag, owner, statistics, lead score.',
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
  'imports.read': 'See imports and what became of them.',
  'imports.write': 'Import files, which adds customers, services, bookings and payments.',
  'workspaces.write': 'Found further workspaces; of use in the first workspace only.',
} as const;

export type Permission = keyof typeof permissions;
export const allPermissions = Object.keys(permissions) as Permission[];

export type RowScope = 'ALL' | 'TEAM' | 'ASSIGNED' | 'OWN';
export type Role = 'ADMIN' | 'MANAGER' | 'MARKETING' | 'SALES' | 'STAFF' | 'VIEWER';
/** A role, or `CUSTOMER` for a customer who signs in: what they see is their own. */
export type Preset = Role | 'CUSTOMER';

const reads = allPermissions.filter((name) => name.endsWith('.read'));
const except = (all: readonly Permission[], ...gone: Permission[]) =>
  all.filter((name) => !gone.includes(name));

/** Seen by those who run the business. */
const managing: Permission[] = ['apiKeys.read', 'imports.read'];

/** What each role may do, and which rows it reaches unless the user has a row scope of their own. */
export const presets: Record<Preset, { permissions: readonly Permission[]; rowScope: RowScope }> = {
  ADMIN: { permissions: allPermissions, rowScope: 'ALL' },
  MANAGER: {
    permissions: except(allPermissions, 'users.write', 'apiKeys.read', 'apiKeys.write', 'workspaces.write'),
    rowScope: 'ALL',
  },
  MARKETING: {
    permissions: [
      ...except(reads, 'payments.read', ...managing),
      'customers.write',
      'tags.write',
      'tags.assign',
    ],
    rowScope: 'ALL',
  },
  SALES: {
    permissions: [
      ...except(reads, ...managing),
      'customers.write',
      'bookings.write',
      'payments.write',
      'tags.assign',
    ],
    rowScope: 'TEAM',
  },
  STAFF: {
    permissions: [
      ...except(reads, ...managing),
      'customers.write',
      'bookings.write',
      'payments.write',
      'tags.assign',
    ],
    rowScope: 'ASSIGNED',
  },
  VIEWER: { permissions: except(reads, ...managing), rowScope: 'ALL' },
  CUSTOMER: {
    permissions: ['customers.read', 'bookings.read', 'payments.read', 'services.read', 'staff.read'],
    rowScope: 'OWN',
  },
};

/** What must be held to see rows of a model at all. */
export const readPermission = {
  ApiKey: 'apiKeys.read',
  Booking: 'bookings.read',
  BulkOperation: 'imports.read',
  ClassSession: 'bookings.read',
  Customer: 'customers.read',
  CustomerTag: 'tags.read',
  Event: 'activities.read',
  Payment: 'payments.read',
  Resource: 'services.read',
  Service: 'services.read',
  StaffMember: 'staff.read',
  Tag: 'tags.read',
  Team: 'users.read',
  Upload: 'imports.read',
  User: 'users.read',
} as const satisfies Record<string, Permission>;

/** What must be held to see events about a noun, the part of their name before the dot. */
export const eventPermission: Readonly<Record<string, Permission>> = {
  customer: 'customers.read',
  tag: 'tags.read',
  booking: 'bookings.read',
  payment: 'payments.read',
  service: 'services.read',
  resource: 'services.read',
  staff_member: 'staff.read',
  user: 'users.read',
  team: 'users.read',
  api_key: 'apiKeys.read',
  bulk_operation: 'imports.read',
};

/** Whoever may change a thing is answered with it, and so may see it. */
function withImplied(scopes: readonly string[]): Set<string> {
  const implied = new Set(scopes);
  for (const scope of scopes) implied.add(`${scope.split('.')[0]}.read`);
  if (implied.has('tags.assign')) implied.add('customers.read');
  return implied;
}

/** The permissions of a preset, narrowed by scopes: no scopes means all of the preset's. */
export function permissionsOf(preset: Preset, scopes: readonly string[] = []): ReadonlySet<Permission> {
  const own = presets[preset].permissions;
  if (scopes.length === 0) return new Set(own);
  const wanted = withImplied(scopes);
  return new Set(own.filter((name) => wanted.has(name)));
}

interface Asking {
  viewer: { kind: string; permissions: ReadonlySet<Permission> };
}

/** The refusal of a caller who lacks the permission. */
export function refusal(ctx: Asking, permission: Permission): Refused {
  if (ctx.viewer.kind === 'anonymous')
    return new Refused('UNAUTHENTICATED', 'Sign in first: send an API key or a token.');
  return new Refused('FORBIDDEN', `You need the permission ${permission}.`, { permission });
}

/** The first line of every verb: refuses a caller who lacks the permission. */
export function allow(ctx: Asking, permission: Permission): void {
  if (!ctx.viewer.permissions.has(permission)) throw refusal(ctx, permission);
}
