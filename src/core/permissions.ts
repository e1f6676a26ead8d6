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
  'segments.read': 'See segments, who is in them and why.',
  'segments.write': 'Create, change and delete segments, and choose the members of static ones.',
  'scoring.read': 'See the rules of the lead score and of tags.',
  'scoring.write': 'Create and change the rules of the lead score and of tags, and adjust scores.',
  'activities.write': 'Tell what customers did outside: opened an e-mail, visited a page, sent in a form.',
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
  'integrations.read': 'See connections to outside systems, what they did and what went wrong.',
  'integrations.write': 'Connect outside systems, set them up, repeat and repair what they do.',
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
const managing: Permission[] = ['apiKeys.read', 'imports.read', 'integrations.read'];

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
      'segments.write',
      'scoring.write',
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
      'activities.write',
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
      'activities.write',
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
  CustomerProfile: 'customers.read',
  CustomerTag: 'tags.read',
  Event: 'activities.read',
  Delivery: 'integrations.read',
  IntegrationCall: 'integrations.read',
  IntegrationConnection: 'integrations.read',
  IntegrationDrift: 'integrations.read',
  Payment: 'payments.read',
  LeadScoreEntry: 'insights.read',
  LeadScoreRule: 'scoring.read',
  Resource: 'services.read',
  Segment: 'segments.read',
  SegmentMember: 'segments.read',
  TagRule: 'scoring.read',
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
  email: 'activities.read',
  page: 'activities.read',
  document: 'activities.read',
  form: 'activities.read',
  referral: 'activities.read',
  segment: 'segments.read',
  tag_rule: 'scoring.read',
  lead_score_rule: 'scoring.read',
  lead_score: 'insights.read',
  integration: 'integrations.read',
  settings: 'scoring.read',
};

/** Whoever may change a thing is answered with it, and so may see it. */
function withImplied(scopes: readonly string[]): Set<string> {
  const implied = new Set(scopes);
  for (const scope of scopes) implied.add(`${scope.split('.')[0]}.read`);
  if (implied.has('tags.assign') || implied.has('segments.write')) implied.add('customers.read');
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
