import type { Permission } from '../../src/core/permissions.ts';
import { freeSlot, fresh, importMapping, type Side, scoreRule } from './world.ts';

/**
 * Who may what: for every field of Query, Mutation and Subscription, for every type that `node(id)` finds, and for
 * every nested field with a permission of its own. Written by hand and on purpose not derived from the code:
 * whoever changes a right changes it here too.
 */

/** Callers with a role in our business. */
export type Role = 'admin' | 'manager' | 'marketing' | 'sales' | 'staff' | 'viewer' | 'customer';

const everyone: readonly Role[] = ['admin', 'manager', 'marketing', 'sales', 'staff', 'viewer', 'customer'];
const users: readonly Role[] = everyone.filter((role) => role !== 'customer');
const but = (...gone: Role[]) => users.filter((role) => !gone.includes(role));
const admin: readonly Role[] = ['admin'];
const managers: readonly Role[] = ['admin', 'manager'];
const sellers: readonly Role[] = ['admin', 'manager', 'sales', 'staff'];

export interface Right {
  /** What a key needs, and all that it needs; null when nobody needs anything. */
  scope: Permission | null;
  may: readonly Role[];
}

const insights: Right = { scope: 'insights.read', may: users };
const customers: Right = { scope: 'customers.read', may: everyone };
const bookings: Right = { scope: 'bookings.read', may: everyone };
const payments: Right = { scope: 'payments.read', may: [...but('marketing'), 'customer'] };
const services: Right = { scope: 'services.read', may: everyone };
const staff: Right = { scope: 'staff.read', may: everyone };
const tags: Right = { scope: 'tags.read', may: users };
const segments: Right = { scope: 'segments.read', may: users };
const rules: Right = { scope: 'scoring.read', may: users };
const marketers: readonly Role[] = ['admin', 'manager', 'marketing'];
const people: Right = { scope: 'users.read', may: users };
const apiKeys: Right = { scope: 'apiKeys.read', may: admin };
const imports: Right = { scope: 'imports.read', may: managers };
const integrations: Right = { scope: 'integrations.read', may: managers };
const activities: Right = { scope: 'activities.read', may: users };
const open: Right = { scope: null, may: everyone };

/** Fields of Query. Those without a scope answer everyone, by what `node` finds for them. */
export const queries: Record<string, Right> = {
  activities,
  activity: activities,
  apiKey: apiKeys,
  apiKeys,
  booking: bookings,
  bookings,
  bulkOperation: imports,
  bulkOperations: imports,
  conditionFields: segments,
  customer: customers,
  customers,
  daySummary: bookings,
  eventCursor: activities,
  integrationConnection: integrations,
  integrationConnections: integrations,
  leadScoreRule: rules,
  leadScoreRulePreview: { scope: 'scoring.write', may: marketers },
  leadScoreRules: rules,
  node: open,
  nodes: open,
  payment: payments,
  payments,
  resource: services,
  resources: services,
  segment: segments,
  segmentExplanation: segments,
  segmentPreview: { scope: 'segments.write', may: marketers },
  segments,
  service: services,
  services,
  settings: rules,
  staffMember: staff,
  staffMembers: staff,
  suggestedSegments: segments,
  tag: tags,
  tagRule: rules,
  tagRules: rules,
  tags,
  team: people,
  teams: people,
  user: people,
  users: people,
  viewer: open,
};

/** Types that `node(id)` finds; who may not see one reads null. */
export const nodes: Record<string, Right> = {
  Activity: activities,
  ApiKey: apiKeys,
  Booking: bookings,
  BulkOperation: imports,
  ClassSession: bookings,
  Customer: customers,
  Delivery: integrations,
  IntegrationCall: integrations,
  IntegrationConnection: integrations,
  IntegrationDrift: integrations,
  LeadScoreEntry: insights,
  LeadScoreRule: rules,
  Payment: payments,
  Resource: services,
  Segment: segments,
  Service: services,
  StaffMember: staff,
  Tag: tags,
  TagRule: rules,
  Team: people,
  User: people,
  Workspace: open,
};

/** Fields of objects that need more than the object does. */
export const nested: Record<string, Right> = {
  'Activity.customer': customers,
  'ApiKey.createdBy': people,
  'Booking.customer': customers,
  'Booking.payments': payments,
  'Booking.resource': services,
  'Booking.service': services,
  'Booking.session': bookings,
  'Booking.staffMember': staff,
  'ClassSession.bookings': bookings,
  'ClassSession.resource': services,
  'ClassSession.service': services,
  'ClassSession.staffMember': staff,
  'Customer.activities': activities,
  'Customer.bookings': bookings,
  'Customer.doNotContact': insights,
  'Customer.leadScore': insights,
  'Customer.lifecycleStage': insights,
  'Customer.marketingConsent': insights,
  'Customer.marketingConsentAt': insights,
  'Customer.marketingConsentSource': insights,
  'Customer.owner': people,
  'Customer.payments': payments,
  'Customer.profile': customers,
  'Customer.referralSource': insights,
  'Customer.segments': segments,
  'Customer.source': insights,
  'Customer.stats': insights,
  'Customer.status': insights,
  'Customer.tags': tags,
  'Customer.team': people,
  'Customer.vip': insights,
  'CustomerStats.totalSpent': { scope: 'payments.read', may: but('marketing') },
  'DaySummary.revenue': payments,
  'DaySummary.totalPayments': payments,
  'IntegrationConnection.calls': integrations,
  'IntegrationConnection.deliveries': integrations,
  'IntegrationConnection.drifts': integrations,
  'LeadScore.breakdown': insights,
  'LeadScore.lastActivityAt': activities,
  'LeadScoreEntry.rule': rules,
  'LeadScorePreviewChange.customer': customers,
  'Payment.booking': bookings,
  'Payment.customer': customers,
  'Segment.createdBy': people,
  'SegmentPreview.sample': customers,
  'StaffMember.bookings': bookings,
  'StaffMember.email': people,
  'StaffMember.user': people,
  'Tag.createdBy': people,
  'TagRule.tag': tags,
  'Team.members': people,
  'User.staffMember': staff,
  'User.teams': people,
  'Viewer.customer': customers,
  'Viewer.user': people,
};

/** Conditions of filters that would tell what a nested field with a permission hides. */
export const conditions: Record<string, Right> = {
  'customers.lifecycleStage': insights,
  'customers.ownerId': people,
  'customers.segmentId': segments,
  'customers.tagId': tags,
  'customers.teamId': people,
};

/** Fields of Subscription, with the field of what they yield that needs the same right. */
export const subscriptions: Record<string, Right & { yields: string | readonly string[] }> = {
  activityAdded: { ...activities, yields: 'ActivityAdded.activity' },
  bulkOperationProgress: { ...imports, yields: 'BulkOperationProgress.bulkOperation' },
  bookingChanged: { ...bookings, yields: 'BookingChanged.booking' },
  leadScoreChanged: { ...insights, yields: 'LeadScoreChanged.customer' },
  segmentMembershipChanged: {
    ...segments,
    yields: ['SegmentMembershipChanged.segment', 'SegmentMembershipChanged.customer'],
  },
};

export interface Change {
  scope: Permission;
  may: readonly Role[];
  /**
   * A whole input, with every field that holds an id. `like` names a customer of the business: what belongs to a
   * customer is made so that exactly those who reach that one reach it.
   */
  input(at: Side, like: string): Promise<Record<string, unknown>>;
  /** Rows that belong to a customer: a row scope limits who may. */
  ofCustomer?: true;
  /** Fields in which an id that names nothing is passed over in silence, as documented. */
  passesOver?: readonly string[];
  /** Where exactly the scope is not enough, why. */
  keyNeedsMore?: string;
  /** Where even an administrator of another business may not, why. */
  strangerMayNot?: string;
}

const key = () => ({ idempotencyKey: fresh('key') });
const amount = { amount: '5.00', currency: 'EUR' };

/** A fresh booking of such a customer, and whatever else the change needs. */
const ofBooking = (more: (at: Side) => Record<string, unknown> = () => ({})): Change => ({
  scope: 'bookings.write',
  may: sellers,
  ofCustomer: true,
  input: async (at, like) => ({ id: await at.make.booking(await at.make.customer(like)), ...more(at) }),
});

/** Asks for nothing that needs a right of its own. */
const criteria = { field: 'first_name', operator: 'is_set' };
let bounds = 100;
const ofScoring = (input: Change['input']): Change => ({ scope: 'scoring.write', may: marketers, input });
const ofSegments = (input: Change['input']): Change => ({ scope: 'segments.write', may: marketers, input });

export const mutations: Record<string, Change> = {
  addSegmentMembers: {
    ...ofSegments(async (at, like) => ({
      id: await at.make.segment(),
      customerIds: [await at.make.customer(like)],
    })),
    ofCustomer: true,
  },
  addTags: {
    scope: 'tags.assign',
    may: but('viewer'),
    ofCustomer: true,
    input: async (at, like) => ({ customerIds: [await at.make.customer(like)], tags: [at.things.Tag] }),
  },
  calculateSegment: ofSegments(async (at) => ({ id: await at.make.segment({ criteria }) })),
  adjustLeadScore: {
    scope: 'scoring.write',
    may: marketers,
    ofCustomer: true,
    input: async (at, like) => ({
      customerId: await at.make.customer(like),
      points: 5,
      reason: fresh('Reason'),
      ...key(),
    }),
  },
  cancelBulkOperation: {
    scope: 'imports.write',
    may: managers,
    input: async (at) => ({ id: await at.make.bulkOperation() }),
  },
  cancelBooking: ofBooking(() => ({ reason: 'Rain.' })),
  completeBooking: ofBooking(),
  confirmBooking: ofBooking(),
  connectIntegration: {
    scope: 'integrations.write',
    may: managers,
    input: async () => ({ integration: 'badgemaker', name: fresh('Badges'), settings: {}, ...key() }),
  },
  createApiKey: {
    scope: 'apiKeys.write',
    may: admin,
    input: async () => ({ name: fresh('Key'), role: 'ADMIN', permissions: ['API_KEYS_READ'], ...key() }),
  },
  createBooking: {
    scope: 'bookings.write',
    may: sellers,
    ofCustomer: true,
    input: async (at, like) => ({
      customerId: await at.make.customer(like),
      serviceId: at.things.Service,
      staffMemberId: at.things.StaffMember,
      resourceId: at.things.Resource,
      startsAt: freeSlot(),
      ...key(),
    }),
  },
  createCustomer: {
    scope: 'customers.write',
    may: but('viewer'),
    input: async (at) => ({
      firstName: fresh('New'),
      ownerId: at.things.User,
      teamId: at.things.Team,
      ...key(),
    }),
  },
  createLeadScoreRule: ofScoring(async () => ({ ...scoreRule(), eventType: 'EMAIL_OPENED', ...key() })),
  createResource: {
    scope: 'services.write',
    may: managers,
    input: async () => ({ name: fresh('Room'), kind: 'ROOM', ...key() }),
  },
  createSegment: ofSegments(async () => ({ name: fresh('Segment'), criteria, ...key() })),
  createService: {
    scope: 'services.write',
    may: managers,
    input: async () => ({ name: fresh('Service'), durationMinutes: 30, price: amount, ...key() }),
  },
  createStaffMember: {
    scope: 'staff.write',
    may: managers,
    input: async (at) => ({ displayName: fresh('Staff'), userId: await at.make.user(), ...key() }),
  },
  createTag: {
    scope: 'tags.write',
    may: ['admin', 'manager', 'marketing'],
    input: async () => ({ name: fresh('Tag'), ...key() }),
  },
  createTagRule: {
    scope: 'scoring.write',
    may: marketers,
    input: async (at) => ({ name: fresh('Rule'), tagId: at.things.Tag, criteria, ...key() }),
  },
  createTeam: {
    scope: 'users.write',
    may: admin,
    input: async (at) => ({ name: fresh('Team'), memberIds: [at.things.User], ...key() }),
  },
  createUser: {
    scope: 'users.write',
    may: admin,
    input: async () => ({
      email: `${fresh('user').replaceAll(' ', '-')}@example.com`,
      displayName: 'New',
      role: 'VIEWER',
      ...key(),
    }),
    keyNeedsMore: 'Nobody hands out rights that they do not hold, and every role holds more than this one.',
  },
  createWorkspace: {
    scope: 'workspaces.write',
    may: admin,
    input: async () => ({ name: fresh('Business'), ...key() }),
    strangerMayNot: 'Only the first business founds others.',
  },
  deleteCustomer: {
    scope: 'customers.delete',
    may: managers,
    ofCustomer: true,
    input: async (at, like) => ({ id: await at.make.customer(like) }),
  },
  deleteLeadScoreRule: ofScoring(async (at) => ({ id: await at.make.leadScoreRule() })),
  deleteSegment: ofSegments(async (at) => ({ id: await at.make.segment() })),
  deleteTag: {
    scope: 'tags.write',
    may: ['admin', 'manager', 'marketing'],
    input: async (at) => ({ id: await at.make.tag() }),
  },
  deleteTagRule: {
    scope: 'scoring.write',
    may: marketers,
    input: async (at) => ({ id: await at.make.tagRule() }),
  },
  duplicateSegment: ofSegments(async (at) => ({
    id: await at.make.segment(),
    name: fresh('Segment'),
    ...key(),
  })),
  disconnectIntegration: {
    scope: 'integrations.write',
    may: managers,
    input: async (at) => ({ id: await at.make.connection() }),
  },
  markBookingNoShow: ofBooking(),
  pauseIntegration: {
    scope: 'integrations.write',
    may: managers,
    input: async (at) => ({ id: await at.make.connection() }),
  },
  recordActivity: {
    scope: 'activities.write',
    may: sellers,
    ofCustomer: true,
    input: async (at, like) => ({
      customerId: await at.make.customer(like),
      type: 'FORM_SUBMITTED',
      about: fresh('Form'),
      ...key(),
    }),
  },
  recordPayment: {
    scope: 'payments.write',
    may: sellers,
    ofCustomer: true,
    input: async (at, like) => {
      const customerId = await at.make.customer(like);
      return { bookingId: await at.make.booking(customerId), customerId, amount, method: 'CASH', ...key() };
    },
  },
  refundPayment: {
    scope: 'payments.write',
    may: sellers,
    ofCustomer: true,
    input: async (at, like) => ({
      id: await at.make.payment(await at.make.customer(like)),
      amount,
      ...key(),
    }),
  },
  removeSegmentMembers: {
    ...ofSegments(async (at, like) => ({
      id: await at.make.segment(),
      customerIds: [await at.make.customer(like)],
    })),
    ofCustomer: true,
  },
  removeTags: {
    scope: 'tags.assign',
    may: but('viewer'),
    ofCustomer: true,
    input: async (at, like) => ({ customerIds: [await at.make.customer(like)], tags: [at.things.Tag] }),
  },
  repairIntegrationDrift: {
    scope: 'integrations.write',
    may: managers,
    input: async (at) => {
      const id = await at.make.connection();
      return { id, winner: 'FRONTDESK', driftIds: [await at.make.noted('IntegrationDrift', id)] };
    },
    passesOver: ['driftIds'],
  },
  rescheduleBooking: ofBooking((at) => ({
    staffMemberId: at.things.StaffMember,
    resourceId: at.things.Resource,
    startsAt: freeSlot(),
  })),
  resumeIntegration: {
    scope: 'integrations.write',
    may: managers,
    input: async (at) => ({ id: await at.make.connection(), retryParked: true }),
  },
  retryDelivery: {
    scope: 'integrations.write',
    may: managers,
    input: async (at) => ({ id: await at.make.delivery() }),
  },
  rescoreCustomers: ofScoring(async (at) => {
    await at.make.endRescore(); // One at a time.
    return key();
  }),
  revokeApiKey: { scope: 'apiKeys.write', may: admin, input: async (at) => ({ id: await at.make.apiKey() }) },
  startBackfill: {
    scope: 'integrations.write',
    may: managers,
    input: async (at) => ({ connectionId: await at.make.contactConnection(), ...key() }),
  },
  startDriftCheck: {
    scope: 'integrations.write',
    may: managers,
    input: async (at) => ({ connectionId: await at.make.contactConnection(), ...key() }),
  },
  startImport: {
    scope: 'imports.write',
    may: managers,
    input: async (at) => ({ uploadId: await at.make.upload(), mapping: importMapping, ...key() }),
  },
  updateBooking: ofBooking(() => ({ notes: fresh('Note') })),
  updateCustomer: {
    scope: 'customers.write',
    may: but('viewer'),
    ofCustomer: true,
    input: async (at, like) => ({
      id: await at.make.customer(like),
      lastName: fresh('Name'),
      ownerId: at.things.User,
      teamId: at.things.Team,
    }),
  },
  updateIntegration: {
    scope: 'integrations.write',
    may: managers,
    input: async (at) => ({ id: await at.make.connection(), name: fresh('Badges') }),
  },
  updateResource: {
    scope: 'services.write',
    may: managers,
    input: async (at) => ({ id: await at.make.resource(), name: fresh('Room') }),
  },
  updateLeadScoreRule: ofScoring(async (at) => ({
    id: await at.make.leadScoreRule(),
    name: fresh('Rule'),
  })),
  updateSettings: ofScoring(async () => ({ leadGrades: { qualifiedFrom: ++bounds } })),
  updateSegment: ofSegments(async (at) => ({ id: await at.make.segment(), name: fresh('Segment') })),
  updateService: {
    scope: 'services.write',
    may: managers,
    input: async (at) => ({ id: await at.make.service(), name: fresh('Service') }),
  },
  updateStaffMember: {
    scope: 'staff.write',
    may: managers,
    input: async (at) => ({
      id: await at.make.staffMember(),
      displayName: fresh('Staff'),
      userId: await at.make.user(),
    }),
  },
  updateTag: {
    scope: 'tags.write',
    may: ['admin', 'manager', 'marketing'],
    input: async (at) => ({ id: await at.make.tag(), name: fresh('Tag') }),
  },
  updateTagRule: {
    scope: 'scoring.write',
    may: marketers,
    input: async (at) => ({ id: await at.make.tagRule(), tagId: at.things.Tag, name: fresh('Rule') }),
  },
  updateTeam: {
    scope: 'users.write',
    may: admin,
    input: async (at) => {
      const [joins, leaves] = [await at.make.user(), await at.make.user()];
      return { id: await at.make.team(leaves), addMemberIds: [joins], removeMemberIds: [leaves] };
    },
    passesOver: ['removeMemberIds'],
  },
  updateUser: {
    scope: 'users.write',
    may: admin,
    input: async (at) => ({ id: await at.make.user(), displayName: fresh('User') }),
    keyNeedsMore: 'Who changes a user must hold all the rights of that user.',
  },
};
